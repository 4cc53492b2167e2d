//! From a server's errors to the ones that callers can act on.
//!
//! What counts is whether anything was written. A server that answered with an error wrote
//! nothing, unless it ended the session; a server that did not answer may have committed.

use weir_persistence_api::Error;

use super::ServerSettings;
use super::dialect::{Class, Dialect};

/// What to do about a server that takes no writes.
const NAME_PRIMARY: &str = "name the primary server, or allow writes";

/// Why a piece of a transaction did not succeed.
pub(super) enum Failure {
    /// The request is refused for a reason of ours.
    Refused(Error),
    Sql(sqlx::Error),
    /// Somebody else was faster: done again from the beginning, it finds what they did.
    Overtaken,
}

pub(super) type Outcome<T> = Result<T, Failure>;

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Refused(error)
    }
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        Self::Sql(error)
    }
}

impl Failure {
    /// Whether the same again may succeed at once.
    pub(super) fn is_contended<D: Dialect>(&self) -> bool {
        match self {
            Self::Refused(_) => false,
            Self::Sql(error) => class::<D>(error) == Some(Class::Contended),
            Self::Overtaken => true,
        }
    }
}

/// What the server's error means; `None` if it is none of the server's.
pub(super) fn class<D: Dialect>(error: &sqlx::Error) -> Option<Class> {
    error.as_database_error().map(D::class)
}

/// Whether the session may go on after the error. One to a server that takes no writes must not:
/// another server is the primary now, and what is read there is old.
pub(super) fn is_usable<D: Dialect>(error: &sqlx::Error) -> bool {
    class::<D>(error).is_some_and(|it| !matches!(it, Class::Cut | Class::ReadOnly))
}

/// What was said, without the driver's own words around it.
fn said(error: &sqlx::Error) -> String {
    match (error, error.as_database_error()) {
        (_, Some(inner)) => inner.message().to_owned(),
        (sqlx::Error::Io(inner), _) => inner.to_string(),
        (sqlx::Error::Tls(inner), _) => inner.to_string(),
        _ => error.to_string(),
    }
}

/// The fault of something that was not committed: nothing was written.
pub(super) fn before_commit<D: Dialect>(settings: &ServerSettings, error: &sqlx::Error) -> Error {
    let (at, said) = (settings.at(), said(error));
    match class::<D>(error) {
        Some(Class::Contended) => {
            Error::Unavailable(format!("{at}: others were in the way again and again: {said}"))
        }
        Some(Class::Unavailable) => Error::Unavailable(format!("{at}: {said}")),
        Some(Class::Full) => Error::Unavailable(format!(
            "{at}: the disk of its server is full: {said}: free space there, and it goes on by itself"
        )),
        Some(Class::Crowded) => Error::Unavailable(format!(
            "{at} lets nobody in: all its connections are taken: {said}: raise max_connections on \
             the server, or end sessions of others"
        )),
        Some(Class::Cut) => Error::Unavailable(format!("{at} ended the session: {said}")),
        Some(Class::ReadOnly) => Error::Unavailable(format!(
            "{at} takes no writes: {said}: it is a replica, or set to read-only: {NAME_PRIMARY}"
        )),
        Some(Class::Schema) => Error::Rejected(format!(
            "{at} has other tables than this program needs: {said}: run `weir persistence migrate`"
        )),
        Some(Class::Forbidden) => Error::Rejected(format!(
            "the user {} may not do that in {at}: {said}: grant it all rights on that database",
            settings.user
        )),
        Some(Class::Credentials) => Error::Rejected(format!(
            "{at} does not let the user {} in: {said}: check user and password, and that the user \
             may connect from this host",
            settings.user
        )),
        Some(Class::NoDatabase) => Error::Rejected(format!(
            "{at} does not exist: {said}: create it and grant the user {} all rights on it",
            settings.user
        )),
        Some(Class::Duplicate | Class::Null | Class::Refused) => Error::Rejected(said),
        None => without_class(settings, error, &said),
    }
}

fn without_class(settings: &ServerSettings, error: &sqlx::Error, said: &str) -> Error {
    let at = settings.at();
    match error {
        sqlx::Error::ColumnDecode { .. }
        | sqlx::Error::ColumnNotFound(_)
        | sqlx::Error::ColumnIndexOutOfBounds { .. }
        | sqlx::Error::Decode(_)
        | sqlx::Error::RowNotFound
        | sqlx::Error::TypeNotFound { .. } => Error::Corrupt {
            what: at,
            reason: format!("a row is not what was written: {said}: restore it from a backup"),
        },
        sqlx::Error::Encode(_) => Error::Rejected(said.to_owned()),
        _ => Error::Unavailable(format!("{at} can't be reached: {said}")),
    }
}

/// The fault of work that others overtook each time it was done.
pub(super) fn overtaken(settings: &ServerSettings) -> Error {
    Error::Unavailable(format!("{}: others were faster again and again", settings.at()))
}

/// The fault of a server that is no primary.
pub(super) fn read_only(settings: &ServerSettings) -> Error {
    Error::Unavailable(format!(
        "{} takes no writes: it is a replica, or set to read-only: {NAME_PRIMARY}",
        settings.at()
    ))
}

/// The fault of a statement that commits.
pub(super) fn at_commit<D: Dialect>(settings: &ServerSettings, error: &sqlx::Error) -> Error {
    match class::<D>(error) {
        None if !matches!(error, sqlx::Error::Encode(_)) => {
            Error::Unknown(format!("{} did not answer: {}", settings.at(), said(error)))
        }
        Some(Class::Cut) => {
            Error::Unknown(format!("{} ended the session: {}", settings.at(), said(error)))
        }
        _ => before_commit::<D>(settings, error),
    }
}

/// A fault while a connection is made.
pub(super) fn at_connect<D: Dialect>(settings: &ServerSettings, error: &sqlx::Error) -> Error {
    let (at, said) = (settings.at(), said(error));
    match error {
        sqlx::Error::Tls(_) => Error::Rejected(format!(
            "no protected connection to {at}: {said}: check the server's certificate, the \
             authority in tls.ca and that the certificate is for the host {}",
            settings.host
        )),
        sqlx::Error::Io(inner) if inner.kind() == std::io::ErrorKind::InvalidData => {
            Error::Rejected(format!(
                "no protected connection to {at}: {said}: check the server's certificate, the \
                 authority in tls.ca and that the certificate is for the host {}",
                settings.host
            ))
        }
        sqlx::Error::Io(_) => Error::Unavailable(format!(
            "{at} can't be reached: {said}: check host and port, that the server runs, and that no \
             firewall is between"
        )),
        sqlx::Error::Configuration(_) | sqlx::Error::InvalidArgument(_) => {
            Error::Rejected(format!("{at} can't be used: {said}"))
        }
        _ => before_commit::<D>(settings, error),
    }
}

/// The fault of a call that got no answer in time and wrote nothing.
pub(super) fn late(settings: &ServerSettings, waited: std::time::Duration) -> Error {
    Error::Unavailable(format!("{} did not answer for {} ms", settings.at(), waited.as_millis()))
}

/// The same, when it may have been written.
pub(super) fn late_at_commit(settings: &ServerSettings, waited: std::time::Duration) -> Error {
    Error::Unknown(format!("{} did not answer for {} ms", settings.at(), waited.as_millis()))
}
