//! The characters of a CSV file, as the tokenizer, the decoder and the inference take them: all
//! three must see the same records.

use arrow::csv::reader::Format;
use regex::Regex;
use weir_domain::Fault;

use crate::{CsvConfig, fault};

pub(crate) struct Dialect {
    tokenizer: csv_core::ReaderBuilder,
    format: Format,
    pub(crate) quote: u8,
    pub(crate) comment: Option<u8>,
    pub(crate) allows_missing_columns: bool,
}

impl Dialect {
    pub(crate) fn new(config: &CsvConfig) -> Result<Self, Fault> {
        Ok(Self {
            tokenizer: tokenizer(config),
            format: format(config)?,
            quote: config.quote.0,
            comment: config.comment.map(|it| it.0),
            allows_missing_columns: config.allow_missing_columns,
        })
    }

    /// A new tokenizer, which is not cheap to make. It must not be cloned: a clone has lost where
    /// its states end (csv-core 0.1.13), and takes every character for a record.
    pub(crate) fn tokenizer(&self) -> csv_core::Reader {
        self.tokenizer.build()
    }

    /// What the decoder needs, without a header.
    pub(crate) fn format(&self) -> Format {
        self.format.clone()
    }
}

fn tokenizer(config: &CsvConfig) -> csv_core::ReaderBuilder {
    let mut builder = csv_core::ReaderBuilder::new();
    builder
        .delimiter(config.delimiter.0)
        .quote(config.quote.0)
        .escape(config.escape.map(|it| it.0))
        .comment(config.comment.map(|it| it.0));
    builder
}

fn format(config: &CsvConfig) -> Result<Format, Fault> {
    let mut format = Format::default()
        .with_header(false)
        .with_delimiter(config.delimiter.0)
        .with_quote(config.quote.0)
        .with_truncated_rows(config.allow_missing_columns);
    if let Some(escape) = config.escape {
        format = format.with_escape(escape.0);
    }
    if let Some(comment) = config.comment {
        format = format.with_comment(comment.0);
    }
    // Without a pattern the decoder compares with the empty text, which is much faster.
    if config.null_text.texts() != [""] {
        format = format.with_null_regex(null_pattern(config.null_text.texts())?);
    }
    Ok(format)
}

fn null_pattern(texts: &[String]) -> Result<Regex, Fault> {
    let texts: Vec<_> = texts.iter().map(|it| regex::escape(it)).collect();
    let pattern = Regex::new(&format!(r"\A(?:{})\z", texts.join("|")));
    pattern.map_err(|it| {
        fault::combination(&format!("`nullText` can't be used: {it}"), "use fewer, shorter texts")
    })
}
