//! Reading Parquet. Its records can't be bad one by one: what is damaged damages the file.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use bytes::Bytes;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use parquet::errors::ParquetError;
use parquet::file::metadata::ParquetMetaData;
use parquet::file::reader::{ChunkReader, Length};
use weir_domain::Fault;

use crate::guard::guarded;
use crate::{Chunk, Content, ReadOptions, Reader, fault};

pub(crate) fn open(file: Content, options: &ReadOptions) -> Result<Box<dyn Reader>, Fault> {
    let taken = Arc::new(AtomicU64::new(0));
    let file = Tallied { file, taken: taken.clone() };
    let records = guarded(fault::parquet_damaged, || {
        let builder = ParquetRecordBatchReaderBuilder::try_new(file)?;
        let rows = rows_within(builder.metadata(), options);
        builder.with_batch_size(rows).build()
    });
    let records = records?.map_err(|it| damage(&it, taken.load(Ordering::Relaxed)))?;
    let schema = arrow::array::RecordBatchReader::schema(&records);
    Ok(Box::new(ParquetReader { records, schema, taken, next: 1 }))
}

/// How many records fill a chunk, going by the sizes that the file states.
fn rows_within(metadata: &ParquetMetaData, options: &ReadOptions) -> usize {
    let groups = metadata.row_groups().iter();
    let bytes: i64 = groups.map(|it| it.total_byte_size().max(0)).fold(0, i64::saturating_add);
    let rows = metadata.file_metadata().num_rows().max(1);
    let record_bytes = usize::try_from(bytes / rows).unwrap_or(1).max(1);
    (options.batch_bytes / record_bytes).clamp(1, options.batch_rows)
}

struct ParquetReader {
    records: ParquetRecordBatchReader,
    schema: SchemaRef,
    taken: Arc<AtomicU64>,
    /// Position of the next record.
    next: u64,
}

impl Reader for ParquetReader {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn read(&mut self) -> Result<Option<Chunk>, Fault> {
        let batch = match guarded(fault::parquet_damaged, || self.records.next())? {
            None => return Ok(None),
            Some(Ok(batch)) => batch,
            Some(Err(error)) => return Err(self.fault(&error)),
        };
        let first = self.next;
        self.next += batch.num_rows() as u64;
        Ok(Some(Chunk::good(batch, first)))
    }

    fn bytes_read(&self) -> u64 {
        self.taken.load(Ordering::Relaxed)
    }
}

impl ParquetReader {
    fn fault(&self, error: &ArrowError) -> Fault {
        let record = self.next;
        match error {
            ArrowError::IoError(_, cause) => fault::read_failed(cause, self.bytes_read()),
            other => fault::parquet_damaged(&format!("after record {}: {other}", record - 1)),
        }
    }
}

fn damage(error: &ParquetError, at: u64) -> Fault {
    if let ParquetError::External(cause) = error
        && let Some(cause) = cause.downcast_ref::<io::Error>()
        && cause.kind() != io::ErrorKind::UnexpectedEof
    {
        return fault::read_failed(cause, at);
    }
    fault::parquet_damaged(&error.to_string())
}

/// A file of which is known how much was taken.
struct Tallied {
    file: Content,
    taken: Arc<AtomicU64>,
}

impl Length for Tallied {
    fn len(&self) -> u64 {
        self.file.length()
    }
}

impl ChunkReader for Tallied {
    type T = Box<dyn Read>;

    fn get_read(&self, start: u64) -> parquet::errors::Result<Self::T> {
        self.file.read_from(start)
    }

    fn get_bytes(&self, start: u64, length: usize) -> parquet::errors::Result<Bytes> {
        let end = start.checked_add(length as u64);
        if end.is_none_or(|it| it > self.len()) {
            let text = format!("{length} bytes are said to stand at {start}, behind the end");
            return Err(ParquetError::EOF(text));
        }
        let bytes = self.file.bytes_at(start, length)?;
        self.taken.fetch_add(length as u64, Ordering::Relaxed);
        Ok(bytes)
    }
}
