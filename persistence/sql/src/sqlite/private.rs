//! The files of a database, closed to others of the machine: they hold what nobody else is to read, also
//! where their directory is open.
//!
//! A group that somebody lets in stays. SQLite gives its log and its index the mode of the database.

use std::ffi::OsString;
use std::fs::{OpenOptions, Permissions, set_permissions};
use std::io;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

/// What others may do, who are neither the owner nor of the group.
const OTHERS: u32 = 0o007;

/// Makes the file if it is not there, and closes what is there. What can't be done is told and stops
/// nothing: whether the database can be used, SQLite says better.
pub(super) fn keep(path: &Path) {
    let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    if made.is_ok() {
        return;
    }
    for path in ["", "-wal", "-shm"].map(|it| beside(path, it)) {
        if let Err(error) = close(&path) {
            tracing::warn!(code = "WEIR-05019", path = %path.display(), %error, "others of this machine may read the database: run `chmod o=` on it");
        }
    }
}

/// By name, never by handle: SQLite's own locks on a file end when this process closes any handle of it.
fn close(path: &Path) -> io::Result<()> {
    let mode = match path.metadata() {
        Ok(it) => it.permissions().mode(),
        Err(_) => return Ok(()),
    };
    match mode & OTHERS {
        0 => Ok(()),
        _ => set_permissions(path, Permissions::from_mode(mode & 0o7777 & !OTHERS)),
    }
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(ending);
    name.into()
}
