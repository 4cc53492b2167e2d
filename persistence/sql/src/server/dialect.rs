//! What a database server must be able to do, in its own tongue.

use std::collections::BTreeMap;
use std::future::Future;

use sqlx::error::DatabaseError;
use sqlx::mysql::MySqlRow;
use sqlx::postgres::PgRow;
use sqlx::{Connection, FromRow};

use super::ServerSettings;
use super::migrate::Migration;
use super::statement::Statements;

/// Columns that every server can answer with.
pub(crate) trait Columns:
    for<'r> FromRow<'r, MySqlRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin + 'static
{
}

impl<T> Columns for T where
    T: for<'r> FromRow<'r, MySqlRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin + 'static
{
}

/// A parameter of a statement.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Value<'v> {
    Int(i64),
    Text(&'v str),
    MaybeText(Option<&'v str>),
    Bytes(&'v [u8]),
    /// Any number of names but none.
    Names(&'v [&'v [u8]]),
    /// Any number of texts but none.
    Texts(&'v [&'v str]),
}

impl From<i64> for Value<'_> {
    fn from(it: i64) -> Self {
        Self::Int(it)
    }
}

impl<'v> From<&'v str> for Value<'v> {
    fn from(it: &'v str) -> Self {
        Self::Text(it)
    }
}

impl<'v> From<&'v String> for Value<'v> {
    fn from(it: &'v String) -> Self {
        Self::Text(it)
    }
}

impl<'v> From<Option<&'v str>> for Value<'v> {
    fn from(it: Option<&'v str>) -> Self {
        Self::MaybeText(it)
    }
}

impl<'v> From<&'v [u8]> for Value<'v> {
    fn from(it: &'v [u8]) -> Self {
        Self::Bytes(it)
    }
}

/// A new row of the journal.
#[derive(Debug, Clone)]
pub(crate) struct EventRow<'e> {
    pub id: &'e str,
    pub sequence: i64,
    /// The lease that guards it, for the first event under a fence.
    pub lease: Option<&'e str>,
    pub writer: &'e str,
    pub epoch: i64,
    pub manifest: &'e str,
    pub form: i64,
    pub payload: &'e [u8],
    pub checksum: i64,
    pub command: Option<String>,
}

/// What an error of the server means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    /// The row is there already.
    Duplicate,
    /// A column that must not be null was: for an event it is the epoch of a deposed writer.
    Null,
    /// Others were in the way: the same again may succeed at once.
    Contended,
    /// Nothing was written, and it may succeed later.
    Unavailable,
    /// The same: there is no space where the server writes.
    Full,
    /// The server lets no more sessions in.
    Crowded,
    /// The server takes no writes at present.
    ReadOnly,
    /// The session was ended: whether before or after a commit is not known.
    Cut,
    /// The tables are not those of this program.
    Schema,
    /// The user may not do that.
    Forbidden,
    /// The user or the password is wrong, or the user may not come from here.
    Credentials,
    /// There is no such database.
    NoDatabase,
    /// The content, or the call itself.
    Refused,
}

/// How a server's variables speak against it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Doubt {
    /// Safety rests on what it does not do.
    Refuse(String),
    /// It keeps less than it could.
    Warn(String),
}

pub(crate) trait Dialect: Sized + Send + Sync + 'static {
    type Connection: Connection + Unpin + 'static;

    const STATEMENTS: &'static Statements;
    /// Oldest first; the n-th makes version n.
    const MIGRATIONS: &'static [Migration];

    fn connect(
        settings: &ServerSettings,
    ) -> impl Future<Output = sqlx::Result<Self::Connection>> + Send;

    /// Runs statements without parameters.
    fn script(
        connection: &mut Self::Connection,
        text: &'static str,
    ) -> impl Future<Output = sqlx::Result<()>> + Send;

    /// Runs a statement; returns how many rows it changed.
    fn execute(
        connection: &mut Self::Connection,
        statement: &'static str,
        values: &[Value<'_>],
    ) -> impl Future<Output = sqlx::Result<u64>> + Send;

    /// The rows that a statement answers with.
    fn rows<T: Columns>(
        connection: &mut Self::Connection,
        statement: &'static str,
        values: &[Value<'_>],
    ) -> impl Future<Output = sqlx::Result<Vec<T>>> + Send;

    /// Runs a statement that changes one row at most, and answers with the number it gave it.
    fn number(
        connection: &mut Self::Connection,
        statement: &'static str,
        values: &[Value<'_>],
    ) -> impl Future<Output = sqlx::Result<Option<i64>>> + Send;

    /// Inserts all events or none, each under its lease, in one statement.
    fn append(
        connection: &mut Self::Connection,
        rows: &[EventRow<'_>],
    ) -> impl Future<Output = sqlx::Result<()>> + Send;

    fn class(error: &dyn DatabaseError) -> Class;

    /// What the variables that were asked for, by name, speak against.
    fn doubts(variables: &BTreeMap<String, String>) -> Vec<Doubt>;
}
