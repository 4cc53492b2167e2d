//! Records become Avro.

use std::collections::HashMap;

use arrow::array::RecordBatch;
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow_avro::schema::{AvroSchema, SCHEMA_METADATA_KEY};
use arrow_avro::writer::format::AvroBinaryFormat;
use arrow_avro::writer::{Encoder, WriterBuilder};
use weir_domain::Fault;
use weir_records::type_name;

use super::config::AvroConfig;
use super::{registry, rows, schema};
use crate::fault;
use crate::framed::{Encode, Unwritable};
use crate::guard::unwound;

/// Encodes records by the configured schema, or by the one that fits them.
pub(super) struct Records {
    /// The Avro schema.
    pub(super) text: String,
    /// What the encoder takes.
    schema: SchemaRef,
    /// Where its columns stand in a batch.
    columns: Vec<usize>,
}

impl Records {
    pub(super) fn new(config: &AvroConfig, given: &SchemaRef) -> Result<Self, Fault> {
        check_names(given.fields().iter().map(|it| it.as_ref()))?;
        let text = match &config.schema {
            Some(wanted) => schema::text(wanted),
            None => fitting(given)?,
        };
        let unwritable = |it: String| {
            let cause = format!("the records can't be written as Avro: {it}");
            fault::schema_unwritable(cause, "map what can't be written to another type")
        };
        let noted = rows::noted_schema(&text).map_err(unwritable)?;
        let mut columns = Vec::with_capacity(noted.fields().len());
        for field in noted.fields() {
            let found = given.index_of(field.name());
            columns.push(found.map_err(|_| missing(field.name()))?);
        }
        let notes = HashMap::from([(SCHEMA_METADATA_KEY.to_owned(), text.clone())]);
        let schema = SchemaRef::new(Schema::new_with_metadata(noted.fields().clone(), notes));
        let records = Self { text, schema, columns };
        records.encoder().map_err(unwritable)?;
        Ok(records)
    }

    fn encoder(&self) -> Result<Encoder, String> {
        let builder = WriterBuilder::new(self.schema.as_ref().clone());
        let built = unwound(|| builder.build_encoder::<AvroBinaryFormat>());
        built.map_err(str::to_owned)?.map_err(|it| it.to_string())
    }

    /// Appends the records of a batch, each behind `prefix`.
    pub(super) fn put(
        &self,
        batch: &RecordBatch,
        prefix: &[u8],
        out: &mut Vec<u8>,
        ends: &mut Vec<usize>,
    ) -> Result<(), Unwritable> {
        let rows = match self.encoded(batch) {
            Ok(rows) => rows,
            Err(cause) => return Err(self.culprit(batch, cause)),
        };
        for row in rows.iter() {
            out.extend_from_slice(prefix);
            out.extend_from_slice(&row);
            ends.push(out.len());
        }
        Ok(())
    }

    fn encoded(&self, batch: &RecordBatch) -> Result<arrow_avro::writer::EncodedRows, String> {
        let options = CastOptions { safe: false, ..CastOptions::default() };
        let columns = self.columns.iter().zip(self.schema.fields()).map(|(at, field)| {
            let column = cast_with_options(batch.column(*at), field.data_type(), &options);
            column.map_err(|it| format!("column '{}': {it}", field.name()))
        });
        let columns = columns.collect::<Result<Vec<_>, _>>()?;
        let batch = RecordBatch::try_new(self.schema.clone(), columns);
        let batch = batch.map_err(|it| it.to_string())?;
        let mut encoder = self.encoder()?;
        let encoded = unwound(|| encoder.encode(&batch)).map_err(str::to_owned)?;
        encoded.map_err(|it| it.to_string())?;
        Ok(encoder.flush())
    }

    /// Which record it was.
    fn culprit(&self, batch: &RecordBatch, cause: String) -> Unwritable {
        let alone = |row: usize| Some((row, self.encoded(&batch.slice(row, 1)).err()?));
        match (0..batch.num_rows()).find_map(alone) {
            Some((row, cause)) => Unwritable::row(row, cause),
            None => Unwritable::batch(cause),
        }
    }
}

fn missing(name: &str) -> Fault {
    let cause = format!("the Avro schema has a field \"{name}\", and the records have none");
    fault::schema_unwritable(cause, "map a value to that name, or leave it out of the schema")
}

fn fitting(given: &SchemaRef) -> Result<String, Fault> {
    // Notes that other formats left could be taken for Avro's.
    let fields = given.fields().iter().map(|it| it.as_ref().clone().with_metadata(HashMap::new()));
    let plain = Schema::new(fields.collect::<Vec<_>>());
    let fitting = unwound(|| AvroSchema::try_from(&plain));
    let fitting = fitting.map_err(str::to_owned).and_then(|it| it.map_err(|it| it.to_string()));
    let fitting = fitting.map_err(|it| {
        let cause = format!("the records can't be written as Avro: {it}");
        fault::schema_unwritable(cause, "map what can't be written to another type")
    })?;
    Ok(fitting.json_string)
}

/// Avro's names are stricter than ours, and another name would be another column.
fn check_names<'a>(fields: impl Iterator<Item = &'a Field>) -> Result<(), Fault> {
    for field in fields {
        let name = field.name();
        let starts = name.starts_with(|it: char| it.is_ascii_alphabetic() || it == '_');
        if !starts || !name.chars().all(|it| it.is_ascii_alphanumeric() || it == '_') {
            let kind = type_name(field.data_type());
            let cause = format!("Avro can't hold the name \"{name}\" of a column of type {kind}");
            let fix = "map it to a name of ASCII letters, digits and _";
            return Err(fault::schema_unwritable(cause, fix));
        }
        check_within(field.data_type())?;
    }
    Ok(())
}

fn check_within(data_type: &DataType) -> Result<(), Fault> {
    match data_type {
        DataType::Struct(members) => check_names(members.iter().map(|it| it.as_ref())),
        DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _) => {
            check_within(item.data_type())
        }
        DataType::Map(entries, _) => match entries.data_type() {
            DataType::Struct(pair) => check_within(pair[1].data_type()),
            _ => Ok(()),
        },
        _ => Ok(()),
    }
}

/// What encodes records as messages.
pub(crate) fn encode(config: &AvroConfig, schema: &SchemaRef) -> Result<Box<dyn Encode>, Fault> {
    let records = Records::new(config, schema)?;
    let prefix = match &config.registry {
        Some(registry) => registry::prefix(registry, &records.text)?,
        None => Vec::new(),
    };
    Ok(Box::new(Messages { records, prefix }))
}

struct Messages {
    records: Records,
    prefix: Vec<u8>,
}

impl Encode for Messages {
    fn encode(
        &mut self,
        batch: &RecordBatch,
        out: &mut Vec<u8>,
        ends: &mut Vec<usize>,
    ) -> Result<(), Unwritable> {
        self.records.put(batch, &self.prefix, out, ends)
    }
}
