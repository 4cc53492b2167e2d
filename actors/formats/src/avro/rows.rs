//! Records of one written schema become columns.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef};
use arrow_avro::reader::{Decoder, ReaderBuilder};
use arrow_avro::schema::{AvroSchema, Fingerprint, FingerprintAlgorithm, SchemaStore};

use super::{schema, shape::Shape};
use crate::guard::unwound;
use crate::isolate::Refusal;

/// What the decoder wants to see before each record: it serves one schema, which has this number.
const NUMBER: u32 = 1;
const PREFIX: [u8; 5] = [0, 0, 0, 0, NUMBER as u8];

/// Decodes records that were written with one schema.
pub(super) struct Rows {
    written: String,
    /// Of the reader, where it is another.
    wanted: Option<String>,
    pub(super) shape: Shape,
    pub(super) schema: SchemaRef,
    /// After a refusal it is worth nothing.
    decoder: Option<Decoder>,
}

/// The columns that records of an Avro schema become.
pub(super) fn arrow_schema(text: &str) -> Result<SchemaRef, String> {
    Rows::new(text.to_owned(), None).map(|it| it.schema)
}

/// The same with what arrow-avro notes about the schema: what its encoder takes.
pub(super) fn noted_schema(text: &str) -> Result<SchemaRef, String> {
    Shape::of_record(&schema::parse(text.as_bytes())?)?;
    decoder(text, None).map(|it| it.schema())
}

impl Rows {
    pub(super) fn new(written: String, wanted: Option<String>) -> Result<Self, String> {
        for text in std::iter::once(&written).chain(&wanted) {
            Shape::of_record(&schema::parse(text.as_bytes())?)?;
        }
        let shape = Shape::of_record(&schema::parse(written.as_bytes())?)?;
        let decoder = decoder(&written, wanted.as_deref())?;
        let schema = plain_schema(&decoder.schema())?;
        Ok(Self { written, wanted, shape, schema, decoder: Some(decoder) })
    }

    /// Decodes records of the shape, each from its beginning to its end.
    pub(super) fn decode(&mut self, records: &[&[u8]]) -> Result<RecordBatch, Refusal> {
        if records.is_empty() {
            return Ok(RecordBatch::new_empty(self.schema.clone()));
        }
        let mut decoder = match self.decoder.take() {
            Some(decoder) => decoder,
            None => decoder(&self.written, self.wanted.as_deref()).map_err(Refusal::Within)?,
        };
        let decoded = unwound(|| {
            for (at, record) in records.iter().enumerate() {
                decode_one(&mut decoder, record).map_err(|it| Refusal::At(at, it))?;
            }
            let flushed = decoder.flush().map_err(|it| Refusal::Within(it.to_string()))?;
            flushed.ok_or_else(|| Refusal::Within("the decoder gave no records".into()))
        });
        let batch = decoded.unwrap_or_else(|it| Err(Refusal::Within(it.to_owned())))?;
        self.decoder = Some(decoder);
        plain(&batch, &self.schema).map_err(Refusal::Within)
    }
}

fn decode_one(decoder: &mut Decoder, record: &[u8]) -> Result<(), String> {
    decoder.decode(&PREFIX).map_err(|it| it.to_string())?;
    // A record of no bytes is decoded all the same, and nothing of this is taken.
    let bytes = if record.is_empty() { &[0] } else { record };
    let left = decoder.capacity();
    let taken = decoder.decode(bytes).map_err(|it| it.to_string())?;
    match taken == record.len() && decoder.capacity() + 1 == left {
        true => Ok(()),
        false => Err(format!("only {taken} of its {} bytes are a record", record.len())),
    }
}

fn decoder(written: &str, wanted: Option<&str>) -> Result<Decoder, String> {
    let mut store = SchemaStore::new_with_type(FingerprintAlgorithm::Id);
    let number = Fingerprint::load_fingerprint_id(NUMBER.to_be());
    store.set(number, AvroSchema::new(written.to_owned())).map_err(|it| it.to_string())?;
    let builder = ReaderBuilder::new().with_writer_schema_store(store).with_batch_size(usize::MAX);
    let builder = match wanted {
        Some(wanted) => builder.with_reader_schema(AvroSchema::new(wanted.to_owned())),
        None => builder,
    };
    let built = unwound(|| builder.build_decoder());
    built.map_err(str::to_owned)?.map_err(|it| it.to_string())
}

/// The schema without notes, and with layouts that other formats have too.
fn plain_schema(schema: &Schema) -> Result<SchemaRef, String> {
    let fields = schema.fields().iter().map(plain_field);
    Ok(Arc::new(Schema::new(fields.collect::<Result<Vec<_>, _>>()?)))
}

fn plain_field(field: &FieldRef) -> Result<FieldRef, String> {
    let data_type = match field.data_type() {
        // An enum.
        DataType::Dictionary(_, text) => text.as_ref().clone(),
        DataType::List(item) => DataType::List(plain_field(item)?),
        DataType::Map(entries, sorted) => DataType::Map(plain_field(entries)?, *sorted),
        DataType::Struct(members) => {
            DataType::Struct(members.iter().map(plain_field).collect::<Result<_, _>>()?)
        }
        DataType::Union(..) => {
            return Err(format!(
                "\"{}\" may be of several types, and a column has one: give a `schema` that \
                 leaves it out or has it as one of them",
                field.name()
            ));
        }
        other => other.clone(),
    };
    Ok(Arc::new(Field::new(field.name(), data_type, field.is_nullable())))
}

fn plain(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch, String> {
    let columns = batch.columns().iter().zip(schema.fields());
    let columns = columns.map(|(column, field)| match column.data_type() == field.data_type() {
        true => Ok(column.clone()),
        false => cast(column, field.data_type()),
    });
    let columns = columns.collect::<Result<Vec<_>, _>>().map_err(|it| it.to_string())?;
    RecordBatch::try_new(schema.clone(), columns).map_err(|it| it.to_string())
}
