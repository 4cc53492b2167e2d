//! The file below one output: it is staged, watched for what the disk says, and made durable.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use weir_domain::Fault;

use super::staging::StagedFile;
use super::{codes, disk};
use crate::whole::Staged;

/// A file that is being written.
pub(super) struct Open {
    staged: StagedFile,
    disk_error: DiskError,
}

impl Open {
    pub(super) fn new(staged: StagedFile) -> Result<(Self, Box<dyn io::Write + Send>), Fault> {
        let disk_error = DiskError::default();
        let file = staged.handle().map_err(|error| write_fault(staged.path(), &error))?;
        let watched = Watched { file, error: disk_error.clone() };
        Ok((Self { staged, disk_error }, Box::new(watched)))
    }
}

impl Staged for Open {
    type Sealed = StagedFile;

    fn explain(&self, fault: Fault) -> Fault {
        self.disk_error.explain(self.staged.path(), fault)
    }

    /// Makes the file durable: whole, but not published.
    fn seal(mut self) -> Result<(StagedFile, u64), Fault> {
        match self.staged.seal() {
            Ok(()) => {
                let bytes = self.staged.fingerprint().size;
                Ok((self.staged, bytes))
            }
            Err(error) => Err(write_fault(self.staged.path(), &error)),
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
