//! Writing to one output: what every format offers, and how a writer is made.

use std::io::Write;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use weir_domain::Fault;

use crate::output::{Metered, Output};
use crate::{
    Compression, FormatConfig, LineEnding, arrow_ipc, avro, csv, fault, fixed_width, framed, json,
    parquet, protobuf, raw,
};

/// Writes batches of one schema. After a fault the output is worth nothing.
pub trait Writer: Send {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), Fault>;

    /// Writes what is still owed: buffers, closing brackets, footers. Without it the output is
    /// incomplete. Syncing the file is the caller's part.
    fn finish(self: Box<Self>) -> Result<(), Fault>;

    /// Bytes written so far, compressed as they are in the output. What a compressor or a row
    /// group still holds back is estimated or left out.
    fn bytes_written(&self) -> u64;

    /// Bytes of memory that records take which wait for more of their kind, as in a row group.
    /// Fixed buffers are left out.
    fn bytes_buffered(&self) -> usize {
        0
    }

    /// Writes such records out before their time: it costs size and speed of the output. Does
    /// nothing where none wait.
    fn flush(&mut self) -> Result<(), Fault> {
        Ok(())
    }
}

/// Makes a writer, if the format can hold the schema's columns.
pub fn create(
    config: &FormatConfig,
    schema: SchemaRef,
    out: Box<dyn Write + Send>,
    compression: Compression,
) -> Result<Box<dyn Writer>, Fault> {
    config.declared_schema().map_err(|it| fault::format_invalid(&it))?;
    match config {
        FormatConfig::Csv(it) => csv::create(it, schema, Output::new(out, compression)?),
        FormatConfig::Json(it) => json::create(it.layout, &schema, Output::new(out, compression)?),
        FormatConfig::Parquet(it) => {
            parquet::check_compression(compression)?;
            parquet::create(it, schema, Metered::new(out))
        }
        FormatConfig::FixedWidth(it) => {
            let encode = fixed_width::encode(it, &schema)?;
            let output = Output::new(out, compression)?;
            Ok(framed::create(it.framing, it.line_ending, encode, output))
        }
        FormatConfig::Raw(it) => {
            let (encode, output) = (raw::encode(it, &schema)?, Output::new(out, compression)?);
            Ok(framed::create(it.framing, LineEnding::Lf, encode, output))
        }
        FormatConfig::Arrow(it) => arrow_ipc::create(it, &schema, Output::new(out, compression)?),
        FormatConfig::Avro(it) => avro::create(it, &schema, Output::new(out, compression)?),
        FormatConfig::Protobuf(it) => {
            let encode = protobuf::encode(it, &schema)?;
            let output = Output::new(out, compression)?;
            Ok(framed::create(it.framing, LineEnding::Lf, encode, output))
        }
    }
}
