//! A data directory: at most one process works in it, and it is made for its user alone.
//!
//! The lock is the system's own and goes with the process, however that ends: nothing has to be
//! removed after a crash. A directory that is there keeps its mode: others may bring their files to
//! places in it, and would be shut out by an upgrade. What must be closed in any case is closed itself, as
//! the database is.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use weir_domain::Fault;

/// What others, who are neither the owner nor of the group, should not: list what is there, or change it.
/// That they may pass through to a directory of theirs shows nothing.
const OPEN: u32 = 0o006;

/// Held as long as the process works in the directory.
#[derive(Debug)]
pub(crate) struct DataDir {
    pub(crate) path: PathBuf,
    _lock: File,
}

impl DataDir {
    /// Makes the directory if need be and takes its lock. A second process is refused.
    pub(crate) fn open(path: &Path, lock: &str) -> anyhow::Result<Self> {
        make(path)
            .with_context(|| format!("the data directory {} can't be made", path.display()))?;
        let path = path
            .canonicalize()
            .with_context(|| format!("the data directory {} can't be read", path.display()))?;
        if is_open(&path) {
            tracing::warn!(code = "WEIR-00011", path = %path.display(), "others of this machine may look into the data directory: run `chmod o= DIR`, or `chmod o=x DIR` if they bring files to a directory in it");
        }
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

/// Makes a data directory, where there is none, for its user alone: whoever comes first makes it.
pub(crate) fn make(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

fn is_open(path: &Path) -> bool {
    path.metadata().is_ok_and(|it| it.permissions().mode() & OPEN != 0)
}

fn in_use(path: &Path, owner: &str) -> Fault {
    let by = if owner.is_empty() { String::new() } else { format!(" (process {owner})") };
    let message = format!("another weir{by} works in the data directory {}", path.display());
    Fault::config(10, message).with_hint(
        "stop it first, or choose another directory with weir dev --data-dir DIR or weir.data-dir",
    )
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;

    use super::*;

    fn mode(path: &Path) -> u32 {
        path.metadata().expect("it is there").permissions().mode() & 0o7777
    }

    #[test]
    fn a_directory_is_made_for_its_user_alone() {
        let root = tempfile::tempdir().expect("a directory");
        let path = root.path().join("a/data");
        let _held = DataDir::open(&path, "lock").expect("it is free");
        assert_eq!((mode(&path), mode(&root.path().join("a"))), (0o700, 0o700));
    }

    #[test]
    fn one_that_is_there_keeps_its_mode_and_is_told_of_where_others_see_it() {
        let root = tempfile::tempdir().expect("a directory");
        let modes = [(0o755, true), (0o702, true), (0o2770, false), (0o711, false), (0o700, false)];
        for (before, open) in modes {
            let path = root.path().join(format!("{before:o}"));
            std::fs::create_dir(&path).expect("a directory");
            std::fs::set_permissions(&path, Permissions::from_mode(before)).expect("it is ours");
            let _held = DataDir::open(&path, "lock").expect("it is free");
            assert_eq!((mode(&path), is_open(&path)), (before, open), "{before:o}");
        }
    }
}
