//! Writing Arrow IPC: a message for each batch.

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use arrow::ipc::CompressionType;
use arrow::ipc::writer::{FileWriter, IpcWriteOptions, StreamWriter};
use weir_domain::Fault;

use super::config::{ArrowCompression, ArrowConfig, ArrowLayout};
use crate::output::{Meter, Output};
use crate::{Writer, fault};

pub(crate) fn create(
    config: &ArrowConfig,
    schema: &SchemaRef,
    output: Output,
) -> Result<Box<dyn Writer>, Fault> {
    let compression = match config.compression {
        ArrowCompression::None => None,
        ArrowCompression::Lz4 => Some(CompressionType::LZ4_FRAME),
        ArrowCompression::Zstd => Some(CompressionType::ZSTD),
    };
    let meter = output.meter();
    let options = IpcWriteOptions::default().try_with_compression(compression);
    let messages = options.and_then(|options| {
        Ok(match config.layout {
            ArrowLayout::File => {
                Messages::File(FileWriter::try_new_with_options(output, schema, options)?)
            }
            ArrowLayout::Stream => {
                Messages::Stream(StreamWriter::try_new_with_options(output, schema, options)?)
            }
        })
    });
    let messages = messages.map_err(|it| {
        let cause = format!("a column can't be written as Arrow IPC: {it}");
        fault::schema_unwritable(cause, "map it to another type")
    })?;
    Ok(Box::new(ArrowWriter { messages, meter }))
}

struct ArrowWriter {
    messages: Messages,
    meter: Meter,
}

enum Messages {
    File(FileWriter<Output>),
    Stream(StreamWriter<Output>),
}

impl Messages {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), ArrowError> {
        match self {
            Self::File(it) => it.write(batch),
            Self::Stream(it) => it.write(batch),
        }
    }

    /// Ends the messages and gives the output back.
    fn end(self) -> Result<Output, ArrowError> {
        match self {
            Self::File(it) => it.into_inner(),
            Self::Stream(it) => it.into_inner(),
        }
    }
}

impl Writer for ArrowWriter {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), Fault> {
        self.messages.write(batch).map_err(|it| self.meter.fault(&it.to_string()))
    }

    fn finish(self: Box<Self>) -> Result<(), Fault> {
        let Self { messages, meter } = *self;
        let output = messages.end().map_err(|it| meter.fault(&it.to_string()))?;
        output.finish()
    }

    fn bytes_written(&self) -> u64 {
        self.meter.bytes()
    }
}
