//! Writing JSON records, one a line or as one array. A null value is left out of its object.

use std::io::Write as _;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use arrow::json::writer::EncoderOptions;
use weir_domain::Fault;

use super::rows::Rows;
use crate::output::Output;
use crate::{JsonLayout, Writer, fault};

/// How much is encoded before it is handed on: enough to pass every buffer below.
const ENCODED_BYTES: usize = 256 * 1024;

pub(crate) fn create(
    layout: JsonLayout,
    schema: &SchemaRef,
    output: Output,
) -> Result<Box<dyn Writer>, Fault> {
    let options = EncoderOptions::default();
    let writer = JsonWriter { layout, options, output, encoded: Vec::new(), is_begun: false };
    let probe = RecordBatch::new_empty(schema.clone());
    writer.check(&probe).map_err(|it| {
        fault::schema_unwritable(format!("a column can't be written as JSON: {it}"), "map it")
    })?;
    Ok(Box::new(writer))
}

struct JsonWriter {
    layout: JsonLayout,
    options: EncoderOptions,
    output: Output,
    encoded: Vec<u8>,
    is_begun: bool,
}

impl Writer for JsonWriter {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), Fault> {
        let written = self.encode(batch);
        written.map_err(|it| self.output.fault(&it.to_string()))
    }

    fn finish(mut self: Box<Self>) -> Result<(), Fault> {
        if self.layout == JsonLayout::Array {
            self.encoded.extend_from_slice(if self.is_begun { b"\n]\n" } else { b"[]\n" });
        }
        let Self { mut output, encoded, .. } = *self;
        let written = output.write_all(&encoded);
        written.map_err(|it| output.fault(&it.to_string()))?;
        output.finish()
    }

    fn bytes_written(&self) -> u64 {
        self.output.meter().bytes() + self.encoded.len() as u64
    }
}

impl JsonWriter {
    fn check(&self, batch: &RecordBatch) -> Result<(), ArrowError> {
        Rows::of(batch, &self.options).map(|_| ())
    }

    fn encode(&mut self, batch: &RecordBatch) -> Result<(), ArrowError> {
        let mut rows = Rows::of(batch, &self.options)?;
        for row in 0..batch.num_rows() {
            if self.layout == JsonLayout::Array {
                self.encoded.extend_from_slice(if self.is_begun { b",\n" } else { b"[\n" });
            }
            self.is_begun = true;
            rows.write(row, &mut self.encoded);
            if self.layout == JsonLayout::Lines {
                self.encoded.push(b'\n');
            }
            if self.encoded.len() >= ENCODED_BYTES {
                self.output.write_all(&self.encoded)?;
                self.encoded.clear();
            }
        }
        Ok(())
    }
}
