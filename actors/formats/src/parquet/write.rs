//! Writing Parquet. A row group is held in memory until it is full, so it is bounded by rows and
//! by bytes: memory stays the same however long the file grows. Who writes many files at once ends
//! row groups early.

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression as PageCompression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use weir_domain::Fault;

use crate::output::{Meter, Metered};
use crate::{ParquetCompression, ParquetConfig, Writer, fault};

const ROW_GROUP_BYTES: usize = 64 * 1024 * 1024;

pub(crate) fn create(
    config: &ParquetConfig,
    schema: SchemaRef,
    output: Metered,
) -> Result<Box<dyn Writer>, Fault> {
    let compression = match config.compression {
        ParquetCompression::None => PageCompression::UNCOMPRESSED,
        ParquetCompression::Snappy => PageCompression::SNAPPY,
        ParquetCompression::Zstd => PageCompression::ZSTD(ZstdLevel::default()),
    };
    let properties = WriterProperties::builder()
        .set_compression(compression)
        .set_max_row_group_row_count(Some(config.row_group_rows))
        .set_max_row_group_bytes(Some(ROW_GROUP_BYTES))
        .build();
    let meter = output.meter();
    let writer = ArrowWriter::try_new(output, schema, Some(properties));
    let writer = writer.map_err(|it| {
        let cause = format!("a column can't be written as Parquet: {it}");
        fault::schema_unwritable(cause, "map it to another type")
    })?;
    Ok(Box::new(ParquetWriter { writer, meter }))
}

struct ParquetWriter {
    writer: ArrowWriter<Metered>,
    meter: Meter,
}

impl Writer for ParquetWriter {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), Fault> {
        let written = self.writer.write(batch);
        written.map_err(|it| self.meter.fault(&it.to_string()))
    }

    fn finish(self: Box<Self>) -> Result<(), Fault> {
        let Self { writer, meter } = *self;
        let closed = writer.close();
        closed.map(|_| ()).map_err(|it| meter.fault(&it.to_string()))
    }

    fn bytes_written(&self) -> u64 {
        (self.writer.bytes_written() + self.writer.in_progress_size()) as u64
    }

    fn bytes_buffered(&self) -> usize {
        self.writer.memory_size()
    }

    fn flush(&mut self) -> Result<(), Fault> {
        let flushed = self.writer.flush();
        flushed.map_err(|it| self.meter.fault(&it.to_string()))
    }
}
