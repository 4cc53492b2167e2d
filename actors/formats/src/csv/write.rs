//! Writing CSV records: the header once, quotes where they are needed.

use arrow::array::RecordBatch;
use arrow::csv::WriterBuilder;
use arrow::csv::writer::{Terminator, Writer as ArrowCsvWriter};
use arrow::datatypes::SchemaRef;
use weir_domain::Fault;

use crate::output::{Meter, Output};
use crate::{CsvConfig, LineEnding, Writer, fault};
use weir_records::type_name;

pub(crate) fn create(
    config: &CsvConfig,
    schema: SchemaRef,
    output: Output,
) -> Result<Box<dyn Writer>, Fault> {
    if let Some(field) = schema.fields().iter().find(|it| it.data_type().is_nested()) {
        let kind = type_name(field.data_type());
        let cause = format!("CSV can't hold the column \"{}\" of type {kind}", field.name());
        return Err(fault::schema_unwritable(cause, "map it to plain columns, or write JSON"));
    }
    if config.escape.is_some() {
        // The writer would escape quotes, but not the escape itself: such a file reads back wrong.
        let cause = "CSV is written with doubled quotes, not with an escape";
        return Err(fault::combination(cause, "remove `escape` from the format that is written"));
    }
    let meter = output.meter();
    let writer = Some(builder(config).build(output));
    Ok(Box::new(CsvWriter { schema, writer, meter, is_begun: false }))
}

fn builder(config: &CsvConfig) -> WriterBuilder {
    let terminator = match config.line_ending {
        LineEnding::Lf => Terminator::Any(b'\n'),
        LineEnding::CrLf => Terminator::CRLF,
    };
    WriterBuilder::new()
        .with_header(config.header)
        .with_delimiter(config.delimiter.0)
        .with_quote(config.quote.0)
        .with_null(config.null_text.texts().first().cloned().unwrap_or_default())
        .with_line_terminator(terminator)
}

struct CsvWriter {
    schema: SchemaRef,
    /// Absent after a fault: what it buffers is worth nothing then.
    writer: Option<ArrowCsvWriter<Output>>,
    meter: Meter,
    is_begun: bool,
}

impl Writer for CsvWriter {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), Fault> {
        let Some(writer) = &mut self.writer else {
            return Err(self.meter.fault("an earlier write failed"));
        };
        self.is_begun = true;
        let written = writer.write(batch);
        written.map_err(|it| {
            self.writer = None;
            self.meter.fault(&it.to_string())
        })
    }

    fn finish(mut self: Box<Self>) -> Result<(), Fault> {
        if !self.is_begun {
            // The header comes with the first batch, even with an empty one.
            let empty = RecordBatch::new_empty(self.schema.clone());
            self.write(&empty)?;
        }
        match self.writer {
            Some(writer) => writer.into_inner().finish(),
            None => Err(self.meter.fault("an earlier write failed")),
        }
    }

    fn bytes_written(&self) -> u64 {
        self.meter.bytes()
    }
}
