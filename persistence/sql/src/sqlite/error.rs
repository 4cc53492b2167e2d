//! From SQLite's errors to the ones that callers can act on.
//!
//! What counts is whether anything was written. Until COMMIT nothing was: the fault is
//! `Unavailable`. A COMMIT that failed on the disk may have been written all the same: `Unknown`.

use std::path::Path;

use weir_persistence_api::Error;

/// Why a piece of a transaction did not succeed.
pub(super) enum Failure {
    /// The request itself is refused; the transaction goes on for the others.
    Refused(Error),
    /// The transaction is no good any more.
    Broken(sqlx::Error),
}

pub(super) type Outcome<T> = Result<T, Failure>;

impl Failure {
    pub(super) fn before_commit(self, path: &Path) -> Error {
        match self {
            Self::Refused(error) => error,
            Self::Broken(error) => before_commit(path, &error),
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Refused(error)
    }
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        match Class::of(&error) {
            Class::Refused => Self::Refused(Error::Rejected(said(&error))),
            Class::Busy | Class::Full | Class::Unreachable | Class::Damaged | Class::Lost => {
                Self::Broken(error)
            }
        }
    }
}

/// What went wrong, by SQLite's primary result code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    Busy,
    Full,
    /// The file can't be reached, read or written.
    Unreachable,
    Damaged,
    /// The statement or its content, not the store, is the reason.
    Refused,
    /// The connection or the pool, not the database.
    Lost,
}

impl Class {
    fn of(error: &sqlx::Error) -> Self {
        match error {
            sqlx::Error::Database(_) => primary_code(error).map_or(Self::Refused, Self::of_code),
            sqlx::Error::ColumnDecode { .. }
            | sqlx::Error::ColumnNotFound(_)
            | sqlx::Error::ColumnIndexOutOfBounds { .. }
            | sqlx::Error::Decode(_)
            | sqlx::Error::RowNotFound
            | sqlx::Error::TypeNotFound { .. } => Self::Damaged,
            _ => Self::Lost,
        }
    }

    fn of_code(code: u32) -> Self {
        match code {
            5 | 6 => Self::Busy,
            13 => Self::Full,
            7..=10 | 14 | 15 | 22 | 23 => Self::Unreachable,
            11 | 26 => Self::Damaged,
            _ => Self::Refused,
        }
    }
}

/// SQLite's codes carry details in their upper bits.
fn primary_code(error: &sqlx::Error) -> Option<u32> {
    let code: u32 = error.as_database_error()?.code()?.parse().ok()?;
    Some(code & 0xff)
}

/// What SQLite said, without the driver's own words around it.
fn said(error: &sqlx::Error) -> String {
    match error.as_database_error() {
        Some(inner) => inner.to_string(),
        None => error.to_string(),
    }
}

/// The fault of a statement before the commit: nothing was written.
pub(super) fn before_commit(path: &Path, error: &sqlx::Error) -> Error {
    let said = said(error);
    let at = path.display();
    match Class::of(error) {
        Class::Busy => {
            Error::Unavailable(format!("another process holds the lock of {at}: {said}"))
        }
        Class::Full => Error::Unavailable(format!("{at}: {said}: make room there")),
        Class::Unreachable => Error::Unavailable(format!(
            "{at}: {said}: check that its directory exists, and that it may be read and written"
        )),
        Class::Damaged => damaged(path, &said),
        Class::Refused => Error::Rejected(said),
        Class::Lost => Error::Unavailable(format!("{at}: {said}")),
    }
}

pub(super) fn at_commit(path: &Path, error: &sqlx::Error) -> Error {
    match Class::of(error) {
        Class::Unreachable | Class::Lost => {
            Error::Unknown(format!("the commit to {} failed: {}", path.display(), said(error)))
        }
        Class::Busy | Class::Full | Class::Damaged | Class::Refused => before_commit(path, error),
    }
}

/// A fault while the store is opened: a content that is refused is a reason not to open it.
pub(super) fn at_open(path: &Path, error: &sqlx::Error) -> Error {
    match Class::of(error) {
        Class::Refused | Class::Lost => {
            Error::Rejected(format!("{} can't be opened: {}", path.display(), said(error)))
        }
        Class::Busy | Class::Full | Class::Unreachable | Class::Damaged => {
            before_commit(path, error)
        }
    }
}

/// The file is no database, or not any more.
pub(super) fn damaged(path: &Path, said: &str) -> Error {
    Error::Corrupt {
        what: format!("the database {}", path.display()),
        reason: format!("{said}: restore it from a backup, or move it away to begin anew"),
    }
}
