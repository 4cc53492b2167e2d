//! Steps on the disk that survive a crash, and plain words for what goes wrong there.
//!
//! A rename is durable when its directory was synchronized; these functions say when they do it.

use std::fs::{self, File, Metadata};
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;
use weir_domain::{Fault, FaultKind, Fingerprint};

/// What became of a rename that overwrites nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Renamed {
    /// It is at its new name, and only there.
    Moved,
    /// Something else has that name; nothing was changed.
    Occupied,
}

/// Gives a file another name without ever overwriting anything.
pub(super) fn rename_new(from: &Path, to: &Path) -> io::Result<Renamed> {
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        Ok(()) => Ok(Renamed::Moved),
        Err(Errno::EXIST) => occupied(from, to),
        // Network file systems often can't: a hard link is as exclusive, in two steps.
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => link_new(from, to),
        Err(error) => Err(error.into()),
    }
}

/// The two steps of [`rename_new`] where the file system has no exclusive rename.
pub(super) fn link_new(from: &Path, to: &Path) -> io::Result<Renamed> {
    match fs::hard_link(from, to) {
        Ok(()) => fs::remove_file(from).map(|()| Renamed::Moved),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => occupied(from, to),
        Err(error) => Err(error),
    }
}

/// The name is taken: by the file itself if a crash came between link and unlink.
fn occupied(from: &Path, to: &Path) -> io::Result<Renamed> {
    let (Some(old), Some(new)) = (metadata(from)?, metadata(to)?) else {
        return Ok(Renamed::Occupied);
    };
    if (old.dev(), old.ino()) != (new.dev(), new.ino()) {
        return Ok(Renamed::Occupied);
    }
    fs::remove_file(from).map(|()| Renamed::Moved)
}

/// What stands at a path, links not followed; `None` if nothing does.
pub(super) fn metadata(path: &Path) -> io::Result<Option<Metadata>> {
    match fs::symlink_metadata(path) {
        Ok(metadata) => Ok(Some(metadata)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

pub(super) fn fingerprint(metadata: &Metadata) -> Fingerprint {
    let modified_ns =
        metadata.mtime().saturating_mul(1_000_000_000).saturating_add(metadata.mtime_nsec());
    Fingerprint {
        size: metadata.size(),
        modified_ns,
        device: metadata.dev(),
        inode: metadata.ino(),
    }
}

/// Whether two looks at a path saw the same, unchanged file. The device is left out: its number
/// may be another one after a restart of the machine, and inode and time tell files apart.
pub(super) fn is_same(a: &Fingerprint, b: &Fingerprint) -> bool {
    (a.inode, a.size, a.modified_ns) == (b.inode, b.size, b.modified_ns)
}

/// Makes the names in a directory durable.
pub(super) fn sync_directory(path: &Path) -> io::Result<()> {
    match File::open(path)?.sync_all() {
        // Some file systems can't synchronize a directory, and need not.
        Err(error) if error.kind() == ErrorKind::InvalidInput => Ok(()),
        other => other,
    }
}

/// Creates a directory and those above it, durably. Fine if it is there.
pub(super) fn create_directories(path: &Path) -> io::Result<()> {
    let mut missing = Vec::new();
    let mut at = path;
    while !at.is_dir() {
        missing.push(at);
        let Some(parent) = at.parent() else { break };
        at = parent;
    }
    for directory in missing.into_iter().rev() {
        match fs::create_dir(directory) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                if !directory.is_dir() {
                    return Err(ErrorKind::NotADirectory.into());
                }
            }
            other => other?,
        }
        if let Some(parent) = directory.parent() {
            sync_directory(parent)?;
        }
    }
    Ok(())
}

/// Removes a file; fine if it is gone.
pub(super) fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// A path as it stands in actions and messages. Only paths that are text come this far.
pub(super) fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// The absolute form of a configured path, which must be text: it is stored in actions.
pub(super) fn absolute(path: &Path) -> Result<PathBuf, Fault> {
    let refuse = |why: String| Fault::config(super::codes::CONFIG, why);
    let absolute = std::path::absolute(path)
        .map_err(|error| refuse(format!("{} is no usable path: {error}", path.display())))?;
    match absolute.to_str() {
        Some(_) => Ok(absolute),
        None => Err(refuse(format!("the path {} is not UTF-8", path.display()))
            .with_hint("move the project into a directory whose name is UTF-8")),
    }
}

/// What could not be done with a path, why, and what a person can do about it. `doing` is a verb
/// phrase: `can't write`.
pub(super) fn fault(code: u32, doing: &str, path: &Path, error: &io::Error) -> Fault {
    let at = path.display();
    let (why, hint) = match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            let place = path.parent().unwrap_or(path).display();
            ("the disk is full".to_owned(), format!("free space in {place}"))
        }
        ErrorKind::PermissionDenied => {
            let hint = format!("give the user that weir runs as access to {at}");
            ("permission denied".to_owned(), hint)
        }
        ErrorKind::NotFound => {
            ("it does not exist".to_owned(), format!("look whether {at} was moved or deleted"))
        }
        ErrorKind::NotADirectory => {
            let hint = "move away the file that stands where a directory should be".to_owned();
            ("part of the path is no directory".to_owned(), hint)
        }
        ErrorKind::ReadOnlyFilesystem => {
            let hint = format!("mount the file system of {at} for writing");
            ("the file system is read-only".to_owned(), hint)
        }
        _ => (error.to_string(), String::new()),
    };
    let fault = Fault::new(FaultKind::Transient, code, format!("{doing} {at}: {why}"));
    if hint.is_empty() { fault } else { fault.with_hint(hint) }
}
