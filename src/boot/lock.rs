//! The lock of a data directory: at most one process works in it.
//!
//! The lock is the system's own and goes with the process, however that ends: nothing has to be
//! removed after a crash.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use weir_domain::Fault;

/// Held as long as the process works in the directory.
#[derive(Debug)]
pub(crate) struct DataDir {
    pub(crate) path: PathBuf,
    _lock: File,
}

impl DataDir {
    /// Makes the directory if need be and takes its lock. A second process is refused.
    pub(crate) fn open(path: &Path, lock: &str) -> anyhow::Result<Self> {
        std::fs::create_dir_all(path)
            .with_context(|| format!("the data directory {} can't be made", path.display()))?;
        let path = path
            .canonicalize()
            .with_context(|| format!("the data directory {} can't be read", path.display()))?;
        let file = path.join(lock);
        let mut lock = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&file)
            .with_context(|| format!("{} can't be written", file.display()))?;
        match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => {
                let mut owner = String::new();
                // The number is for the message only: without it the message is still right.
                let _ = lock.read_to_string(&mut owner);
                return Err(in_use(&path, owner.trim()).into());
            }
            Err(error) => {
                return Err(error).with_context(|| format!("{} can't be locked", file.display()));
            }
        }
        lock.set_len(0)?;
        lock.rewind()?;
        write!(lock, "{}", std::process::id())?;
        Ok(Self { path, _lock: lock })
    }
}

fn in_use(path: &Path, owner: &str) -> Fault {
    let by = if owner.is_empty() { String::new() } else { format!(" (process {owner})") };
    let message = format!("another weir{by} works in the data directory {}", path.display());
    Fault::config(10, message).with_hint(
        "stop it first, or choose another directory with weir dev --data-dir DIR or weir.data-dir",
    )
}
