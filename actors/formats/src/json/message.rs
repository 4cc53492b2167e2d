//! JSON objects as messages, one each. The schema is declared: there is no first message to infer it
//! from that the next one must be like.

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::json::writer::EncoderOptions;
use weir_domain::Fault;

use super::read::Decoding;
use super::rows::Rows;
use super::straight::Straight;
use crate::fault;
use crate::framed::{Decode, Encode, Unwritable};
use crate::isolate::Refusal;

pub(crate) fn decode(
    declared: Option<SchemaRef>,
    scalars_as_text: bool,
    max_record_bytes: usize,
) -> Result<Box<dyn Decode>, Fault> {
    let Some(schema) = declared else {
        let fix = "declare the fields in the format's `schema`";
        return Err(fault::combination("messages of JSON have no schema of their own", fix));
    };
    let decoding = Decoding::new(schema, scalars_as_text, max_record_bytes);
    let straight = decoding.straight();
    Ok(Box::new(JsonDecode { decoding, straight }))
}

struct JsonDecode {
    decoding: Decoding,
    straight: Option<Straight>,
}

impl JsonDecode {
    /// The records, if all of them are as nearly all are.
    fn straight(&mut self, records: &[&[u8]]) -> Option<RecordBatch> {
        let straight = self.straight.as_mut().filter(|_| !records.is_empty())?;
        let is_tried = straight.begins();
        let mut takes = |it: &&[u8]| straight.take(it.trim_ascii());
        if !is_tried || !records.iter().all(&mut takes) {
            return None;
        }
        straight.finish(records.iter().copied())
    }
}

impl Decode for JsonDecode {
    fn schema(&self) -> SchemaRef {
        self.decoding.schema()
    }

    fn decode(&mut self, records: &[&[u8]]) -> Result<RecordBatch, Refusal> {
        if let Some(batch) = self.straight(records) {
            return Ok(batch);
        }
        self.decoding.decode(records.iter().map(|it| it.trim_ascii()).enumerate())
    }
}

pub(crate) fn encode(schema: &SchemaRef) -> Result<Box<dyn Encode>, Fault> {
    let mut encode = JsonEncode(EncoderOptions::default());
    let probe = RecordBatch::new_empty(schema.clone());
    encode.encode(&probe, &mut Vec::new(), &mut Vec::new()).map_err(|it| {
        fault::schema_unwritable(
            format!("a column can't be written as JSON: {}", it.cause),
            "map it",
        )
    })?;
    Ok(Box::new(encode))
}

struct JsonEncode(EncoderOptions);

impl Encode for JsonEncode {
    fn encode(
        &mut self,
        batch: &RecordBatch,
        out: &mut Vec<u8>,
        ends: &mut Vec<usize>,
    ) -> Result<(), Unwritable> {
        let rows = Rows::of(batch, &self.0);
        let mut rows = rows.map_err(|it| Unwritable::batch(it.to_string()))?;
        for row in 0..batch.num_rows() {
            rows.write(row, out);
            ends.push(out.len());
        }
        Ok(())
    }
}
