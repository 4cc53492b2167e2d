//! One staged output file: the format's writer on top, the disk below, and no error lost between.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use weir_domain::Fault;
use weir_formats::{Compression, FormatConfig};

use super::staging::StagedFile;
use super::{codes, disk};

/// A file that is being written.
pub(super) struct Output {
    staged: StagedFile,
    writer: Box<dyn weir_formats::Writer>,
    disk_error: DiskError,
    records: u64,
}

impl Output {
    pub(super) fn new(
        staged: StagedFile,
        format: &FormatConfig,
        compression: Compression,
        schema: SchemaRef,
    ) -> Result<Self, Fault> {
        let disk_error = DiskError::default();
        let file = staged.handle().map_err(|error| write_fault(staged.path(), &error))?;
        let watched = Watched { file, error: disk_error.clone() };
        let writer = weir_formats::create(format, schema, Box::new(watched), compression)
            .map_err(|fault| disk_error.explain(staged.path(), fault))?;
        Ok(Self { staged, writer, disk_error, records: 0 })
    }

    pub(super) fn write(&mut self, records: &RecordBatch) -> Result<(), Fault> {
        let written = self.writer.write(records);
        written.map_err(|fault| self.disk_error.explain(self.staged.path(), fault))?;
        self.records += records.num_rows() as u64;
        Ok(())
    }

    /// Bytes of memory that the records not yet written out take.
    pub(super) fn buffered(&self) -> usize {
        self.writer.bytes_buffered()
    }

    /// Writes them out before their time.
    pub(super) fn flush(&mut self) -> Result<(), Fault> {
        let flushed = self.writer.flush();
        flushed.map_err(|fault| self.disk_error.explain(self.staged.path(), fault))
    }

    pub(super) fn records(&self) -> u64 {
        self.records
    }

    pub(super) fn bytes(&self) -> u64 {
        self.writer.bytes_written()
    }

    /// Ends the file and makes it durable: whole, but not published.
    pub(super) fn seal(self) -> Result<StagedFile, Fault> {
        let Self { mut staged, writer, disk_error, .. } = self;
        writer.finish().map_err(|fault| disk_error.explain(staged.path(), fault))?;
        match staged.seal() {
            Ok(()) => Ok(staged),
            Err(error) => Err(write_fault(staged.path(), &error)),
        }
    }
}

fn write_fault(path: &Path, error: &io::Error) -> Fault {
    disk::fault(codes::OUTPUT_WRITE, "can't write", path, error)
}

/// What the disk said last. A format turns it into a fault of its own, which knows no path.
#[derive(Debug, Clone, Default)]
struct DiskError(Arc<Mutex<Option<io::Error>>>);

impl DiskError {
    /// The fault in plain words where the disk is to blame, and the format's where it is not.
    fn explain(&self, path: &Path, fault: Fault) -> Fault {
        match self.0.lock().unwrap_or_else(PoisonError::into_inner).as_ref() {
            Some(error) => write_fault(path, error),
            None => fault,
        }
    }
}

struct Watched {
    file: File,
    error: DiskError,
}

impl Watched {
    fn watch<T>(&self, result: io::Result<T>) -> io::Result<T> {
        result.map_err(|error| {
            let kind = error.kind();
            if kind == io::ErrorKind::Interrupted {
                return error;
            }
            let text = error.to_string();
            *self.error.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
            io::Error::new(kind, text)
        })
    }
}

impl io::Write for Watched {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes);
        self.watch(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        let flushed = self.file.flush();
        self.watch(flushed)
    }
}
