//! The format of a sample, found by looking at it: how records are written, which fields they have, of
//! what types, and why a type is less exact than one may have hoped.
//!
//! Readers infer schemas themselves where none is declared. Here the same schema is made explicit, so
//! that it can be written into a project, and what it was concluded from is said. What is found is tried:
//! the sample is read with it once more.

use arrow::array::{Array as _, AsArray as _, RecordBatch};
use arrow::datatypes::{DataType, Field, Fields, Schema};
use bytes::Bytes;
use weir_domain::Fault;
use weir_records::type_name;

use crate::compression::Source;
use crate::field::{FieldConfig, ItemConfig};
use crate::{
    ArrowConfig, AvroConfig, Compression, Content, CsvConfig, FormatConfig, JsonConfig, JsonLayout,
    ParquetConfig, ReadOptions, open,
};

mod dialect;
mod doubt;
mod tally;

use tally::Tally;

/// Bad records that are shown.
const BAD_MAX: usize = 5;
/// Decompressed.
const BYTES_MAX: usize = 64 << 20;
const BLOCK_BYTES: usize = 1 << 20;

/// What was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Inferred {
    /// With its schema, where the format declares one.
    pub format: FormatConfig,
    pub fields: Vec<InferredField>,
    /// Records that were looked at.
    pub records: u64,
    /// Of them, those that the format does not read, and why the first of them.
    pub bad: u64,
    pub reasons: Vec<String>,
}

/// A field, and what is to be known of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InferredField {
    /// Members of structures as `address.city`.
    pub path: String,
    pub type_name: String,
    /// It has no value in some records.
    pub is_optional: bool,
    pub notes: Vec<String>,
}

/// Looks at no more than so many records of a sample. `format`: how it is written, where that is known.
/// Fields that are never missing become required, if `required` says so.
pub fn infer(
    sample: Bytes,
    format: Option<FormatConfig>,
    records_max: usize,
    required: bool,
) -> Result<Inferred, Fault> {
    let text = decompressed(&sample)?;
    let format = match format {
        Some(format) => format,
        None if doubt::is_markup(&text) => return Err(doubt::markup()),
        None => guessed(&text),
    };
    let format = bounded(format, records_max);
    let reader = open(&format, Content::from(sample.clone()), compression(&format), &options())?;
    let schema = reader.schema();
    let tally = match &format {
        FormatConfig::Json(it) => Tally::of_json(&text, it.layout, records_max),
        FormatConfig::Csv(it) => of_csv(it, &sample, &schema, records_max)?,
        _ => of_batches(&format, &sample, records_max)?,
    };
    let format = declaring(format, &schema, &tally, required);
    let mut fields = Vec::new();
    for field in schema.fields() {
        described(field, "", &tally, &mut fields);
    }
    let (records, bad, reasons) = tried(&format, sample, records_max)?;
    if records == bad {
        return Err(doubt::unread(&format, &text, records, &reasons));
    }
    Ok(Inferred { format, fields, records, bad, reasons })
}

/// The same of records that have types already: how JSON declares them, or `format`, if that has read them.
pub fn described_as(
    batches: &[RecordBatch],
    schema: &Schema,
    format: Option<FormatConfig>,
    required: bool,
) -> Inferred {
    let mut tally = Tally::default();
    batches.iter().for_each(|it| count(it, it.num_rows(), &mut tally));
    let format = format.unwrap_or_else(|| {
        declaring(FormatConfig::Json(JsonConfig::default()), schema, &tally, required)
    });
    let mut fields = Vec::new();
    for field in schema.fields() {
        described(field, "", &tally, &mut fields);
    }
    Inferred { format, fields, records: tally.records, bad: 0, reasons: Vec::new() }
}

fn count(records: &RecordBatch, rows: usize, tally: &mut Tally) {
    tally.records += rows as u64;
    for (field, column) in records.schema().fields().iter().zip(records.columns()) {
        let nulls = column.slice(0, rows).null_count() as u64;
        tally.typed(field.name(), rows as u64 - nulls);
    }
}

fn options() -> ReadOptions {
    ReadOptions::default()
}

/// Parquet and its like say themselves how they are compressed.
fn compression(format: &FormatConfig) -> Compression {
    match format {
        FormatConfig::Parquet(_) => Compression::None,
        _ => Compression::Auto,
    }
}

/// The sample without its compression; of a bomb the beginning.
fn decompressed(sample: &Bytes) -> Result<Vec<u8>, Fault> {
    let mut source = Source::open(Content::from(sample.clone()), Compression::Auto)?;
    let mut text = Vec::new();
    loop {
        let from = text.len();
        text.resize(from + BLOCK_BYTES, 0);
        let read = source.read_full(&mut text[from..])?;
        text.truncate(from + read);
        if read < BLOCK_BYTES || text.len() >= BYTES_MAX {
            return Ok(text);
        }
    }
}

/// How a sample is written, by its beginning.
fn guessed(text: &[u8]) -> FormatConfig {
    for (magic, format) in [
        (&b"PAR1"[..], FormatConfig::Parquet(ParquetConfig::default())),
        (b"Obj\x01", FormatConfig::Avro(AvroConfig::default())),
        (b"ARROW1", FormatConfig::Arrow(ArrowConfig::default())),
    ] {
        if text.starts_with(magic) {
            return format;
        }
    }
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text).trim_ascii_start();
    let layout = match text.first() {
        Some(b'{') => Some(JsonLayout::Lines),
        Some(b'[') => Some(JsonLayout::Array),
        _ => None,
    };
    match layout {
        Some(layout) => FormatConfig::Json(JsonConfig { layout, ..JsonConfig::default() }),
        None => FormatConfig::Csv(dialect::guessed(text)),
    }
}

/// All records that are looked at decide on the types.
fn bounded(format: FormatConfig, records_max: usize) -> FormatConfig {
    match format {
        FormatConfig::Csv(it) => FormatConfig::Csv(CsvConfig { infer_rows: records_max, ..it }),
        FormatConfig::Json(it) => FormatConfig::Json(JsonConfig { infer_rows: records_max, ..it }),
        other => other,
    }
}

/// The format with the schema written out.
fn declaring(format: FormatConfig, schema: &Schema, tally: &Tally, required: bool) -> FormatConfig {
    let fields = schema.fields().iter();
    let mut fields = fields.map(|it| declared(it, "", tally, required)).peekable();
    let is_empty = fields.peek().is_none();
    let fields: Vec<_> = fields.collect();
    let fields = (!is_empty).then_some(fields);
    match format {
        FormatConfig::Csv(it) => {
            let infer_rows = CsvConfig::default().infer_rows;
            FormatConfig::Csv(CsvConfig { schema: fields, infer_rows, ..it })
        }
        FormatConfig::Json(it) => {
            let infer_rows = JsonConfig::default().infer_rows;
            let scalars_as_text =
                it.scalars_as_text || has_scalar_texts(schema.fields(), "", tally);
            FormatConfig::Json(JsonConfig { schema: fields, infer_rows, scalars_as_text, ..it })
        }
        other => other,
    }
}

/// Whether scalars that are no texts have to be read as texts.
fn has_scalar_texts(fields: &Fields, base: &str, tally: &Tally) -> bool {
    fields.iter().any(|field| {
        let (mut data_type, mut path) = (field.data_type(), below(base, field.name()));
        while let DataType::List(item) = data_type {
            (data_type, path) = (item.data_type(), format!("{path}[]"));
        }
        match data_type {
            DataType::Utf8 => tally.has_scalars(&path),
            DataType::Struct(members) => has_scalar_texts(members, &path, tally),
            _ => false,
        }
    })
}

fn declared(field: &Field, base: &str, tally: &Tally, required: bool) -> FieldConfig {
    let path = below(base, field.name());
    let nullable = !required || tally.is_optional(&path);
    let ItemConfig { type_name, fields, items, .. } =
        typed(field.data_type(), &path, tally, required);
    FieldConfig { name: field.name().clone(), type_name, nullable, fields, items }
}

fn typed(data_type: &DataType, path: &str, tally: &Tally, required: bool) -> ItemConfig {
    let plain = |type_name: String| ItemConfig {
        type_name,
        nullable: true,
        fields: Vec::new(),
        items: None,
    };
    match data_type {
        DataType::Struct(members) => {
            let fields = members.iter().map(|it| declared(it, path, tally, required)).collect();
            ItemConfig { fields, ..plain("struct".to_owned()) }
        }
        DataType::List(item) => {
            let items =
                Some(Box::new(typed(item.data_type(), &format!("{path}[]"), tally, required)));
            ItemConfig { items, ..plain("list".to_owned()) }
        }
        other => plain(type_name(other)),
    }
}

fn described(field: &Field, base: &str, tally: &Tally, out: &mut Vec<InferredField>) {
    let path = below(base, field.name());
    out.push(InferredField {
        type_name: type_name(field.data_type()),
        is_optional: tally.is_optional(&path),
        notes: tally.notes(&path, field.data_type()),
        path: path.clone(),
    });
    let (mut inner, mut path) = (field.data_type(), path);
    while let DataType::List(item) = inner {
        (inner, path) = (item.data_type(), format!("{path}[]"));
    }
    if let DataType::Struct(members) = inner {
        members.iter().for_each(|it| described(it, &path, tally, out));
    }
}

fn below(base: &str, name: &str) -> String {
    if base.is_empty() { name.to_owned() } else { format!("{base}.{name}") }
}

/// The cells of a CSV sample as texts: what stands in each column.
fn of_csv(
    config: &CsvConfig,
    sample: &Bytes,
    schema: &Schema,
    records_max: usize,
) -> Result<Tally, Fault> {
    let text = |it: &std::sync::Arc<Field>| FieldConfig {
        name: it.name().clone(),
        type_name: "string".to_owned(),
        nullable: true,
        fields: Vec::new(),
        items: None,
    };
    let fields: Vec<_> = schema.fields().iter().map(text).collect();
    let mut tally = Tally::default();
    if fields.is_empty() {
        return Ok(tally);
    }
    let texts = FormatConfig::Csv(CsvConfig { schema: Some(fields), ..config.clone() });
    let mut reader = open(&texts, Content::from(sample.clone()), Compression::Auto, &options())?;
    let mut left = records_max;
    while let Some(chunk) = reader.read()?.filter(|_| left > 0) {
        let rows = chunk.records.num_rows().min(left);
        left -= rows;
        tally.records += rows as u64;
        for (field, column) in schema.fields().iter().zip(chunk.records.columns()) {
            let Some(cells) = column.as_string_opt::<i32>() else { continue };
            for row in 0..rows {
                let cell = (!cells.is_null(row)).then(|| cells.value(row));
                tally.cell(field.name(), cell, config.delimiter.0);
            }
        }
    }
    Ok(tally)
}

/// Of a format that has types of its own: which values are missing.
fn of_batches(format: &FormatConfig, sample: &Bytes, records_max: usize) -> Result<Tally, Fault> {
    let content = Content::from(sample.clone());
    let mut reader = open(format, content, compression(format), &options())?;
    let (mut tally, mut left) = (Tally::default(), records_max);
    while let Some(chunk) = reader.read()?.filter(|_| left > 0) {
        let rows = chunk.records.num_rows().min(left);
        left -= rows;
        count(&chunk.records, rows, &mut tally);
    }
    Ok(tally)
}

/// How many records the format reads, how many it does not, and why.
fn tried(
    format: &FormatConfig,
    sample: Bytes,
    records_max: usize,
) -> Result<(u64, u64, Vec<String>), Fault> {
    let mut reader = open(format, Content::from(sample), compression(format), &options())?;
    let (mut records, mut bad, mut reasons) = (0, 0, Vec::new());
    while let Some(chunk) = reader.read()? {
        records += (chunk.records.num_rows() + chunk.bad.len()) as u64;
        bad += chunk.bad.len() as u64;
        for it in chunk.bad.iter().take(BAD_MAX.saturating_sub(reasons.len())) {
            reasons.push(format!("record {}: {}", it.position, it.reason));
        }
        if records >= records_max as u64 {
            break;
        }
    }
    Ok((records, bad, reasons))
}
