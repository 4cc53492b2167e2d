//! Why a sample is not read: what it probably is, and what to do about it.

use weir_domain::Fault;

use crate::{FormatConfig, fault};

/// Whether it begins as XML and HTML do.
pub(super) fn is_markup(text: &[u8]) -> bool {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text).trim_ascii_start();
    text.first() == Some(&b'<')
}

pub(super) fn markup() -> Fault {
    let hint = "convert it to JSON or CSV; if it is none of them, give its `type`";
    fault::sample_unread("it looks like XML or HTML, which no format reads", hint)
}

/// No record of it was read.
pub(super) fn unread(
    format: &FormatConfig,
    text: &[u8],
    records: u64,
    reasons: &[String],
) -> Fault {
    if records == 0 {
        let hint = "give some records, or say what the format is";
        return fault::sample_unread("there is no record in the sample", hint);
    }
    let first = reasons.first().map(String::as_str).unwrap_or_default();
    let what = match records {
        1 => format!("its only record is bad: {first}"),
        _ => format!("all of its {records} records are bad: {first}"),
    };
    fault::sample_unread(&what, &hint(format, text))
}

fn hint(format: &FormatConfig, text: &[u8]) -> String {
    match format {
        FormatConfig::Csv(_) | FormatConfig::Json(_) if std::str::from_utf8(text).is_err() => {
            "CSV and JSON are read as UTF-8: convert it, as with `iconv -f ISO-8859-1 -t UTF-8`".to_owned()
        }
        FormatConfig::Csv(it) => {
            let shown = |it: u8| match it {
                b'\t' => "a tab".to_owned(),
                it => format!("`{}`", char::from(it)),
            };
            let read = format!(
                "it was read as CSV with the delimiter {} and the quote {}",
                shown(it.delimiter.0),
                shown(it.quote.0)
            );
            let header = match it.header {
                true => "; the first line must name the columns: remove titles above it",
                false => "",
            };
            format!("{read}{header}; give `delimiter`, `quote`, `escape`, `comment` or `header` if they differ")
        }
        FormatConfig::Json(_) => {
            "JSON must be whole objects, one a line or in one array: look whether the sample was cut off"
                .to_owned()
        }
        _ => "say what the format is, with its settings".to_owned(),
    }
}
