//! One output that is being written: the format's writer on top, what it is staged in below.

use std::io::Write;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use weir_domain::Fault;
use weir_formats::{Compression, FormatConfig};

/// What an output is staged in while it is written.
pub(crate) trait Staged: Send {
    /// Whole and durable, and not published.
    type Sealed: Send;

    /// The fault in plain words where what is below is to blame, and the format's where it is not.
    fn explain(&self, fault: Fault) -> Fault;

    /// Makes durable what was written. With how many bytes that is.
    fn seal(self) -> Result<(Self::Sealed, u64), Fault>;
}

pub(super) struct Output<S> {
    staged: S,
    writer: Box<dyn weir_formats::Writer>,
    records: u64,
    pub(super) name: String,
}

impl<S: Staged> Output<S> {
    pub(super) fn new(
        name: String,
        (staged, bytes): (S, Box<dyn Write + Send>),
        (format, compression): (&FormatConfig, Compression),
        schema: SchemaRef,
    ) -> Result<Self, Fault> {
        let writer = weir_formats::create(format, schema, bytes, compression)
            .map_err(|fault| staged.explain(fault))?;
        Ok(Self { staged, writer, records: 0, name })
    }

    pub(super) fn write(&mut self, records: &RecordBatch) -> Result<(), Fault> {
        self.writer.write(records).map_err(|fault| self.staged.explain(fault))?;
        self.records += records.num_rows() as u64;
        Ok(())
    }

    /// Bytes of memory that the records not yet written out take.
    pub(super) fn buffered(&self) -> usize {
        self.writer.bytes_buffered()
    }

    /// Writes them out before their time.
    pub(super) fn flush(&mut self) -> Result<(), Fault> {
        self.writer.flush().map_err(|fault| self.staged.explain(fault))
    }

    pub(super) fn records(&self) -> u64 {
        self.records
    }

    pub(super) fn bytes(&self) -> u64 {
        self.writer.bytes_written()
    }

    pub(super) fn seal(self) -> Result<(S::Sealed, u64), Fault> {
        let Self { staged, writer, .. } = self;
        writer.finish().map_err(|fault| staged.explain(fault))?;
        staged.seal()
    }
}
