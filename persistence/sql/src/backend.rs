//! Which database: chosen by settings, used through one trait.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use async_trait::async_trait;
use weir_domain::Clock;
use weir_persistence_api::{BlobStore, Error, Result, Store};

use crate::mysql::MariaDb;
use crate::postgres::Postgres;
use crate::server::{ServerSettings, ServerStore, migrate as schema};
use crate::{Settings, SqliteStore};

/// All stores of one database, and its life. Each of them is had from the whole by coercion: an
/// `Arc<dyn Database>` where an `Arc<dyn BlobStore>` is wanted.
#[async_trait]
pub trait Database: Store + BlobStore {
    /// Whether the database answers at present.
    async fn health(&self) -> Result<()>;

    /// Finishes what was begun and closes all connections. Calls after it are
    /// `Error::Unavailable`.
    async fn close(&self);
}

/// The kinds of databases, as configurations name them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Sqlite,
    /// MariaDB too: they are one dialect.
    MySql,
    Postgres,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Sqlite => "sqlite",
            Self::MySql => "mysql",
            Self::Postgres => "postgresql",
        })
    }
}

impl FromStr for Kind {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "sqlite" => Ok(Self::Sqlite),
            "mysql" | "mariadb" => Ok(Self::MySql),
            "postgresql" | "postgres" => Ok(Self::Postgres),
            _ => Err(Error::Rejected(format!(
                "{text:?} is no kind of database: use sqlite, mariadb, mysql or postgresql"
            ))),
        }
    }
}

/// A database and how it is used.
#[derive(Debug, Clone)]
pub enum Backend {
    Sqlite { path: PathBuf, settings: Settings },
    MySql(ServerSettings),
    Postgres(ServerSettings),
}

impl Backend {
    pub fn kind(&self) -> Kind {
        match self {
            Self::Sqlite { .. } => Kind::Sqlite,
            Self::MySql(_) => Kind::MySql,
            Self::Postgres(_) => Kind::Postgres,
        }
    }
}

/// Opens the database. The schema of a server must be there (see [`migrate`]); that of SQLite is
/// made. The clock is SQLite's; servers have their own. Must be called inside a Tokio runtime, and
/// closed in it.
pub async fn open(backend: Backend, clock: Arc<dyn Clock>) -> Result<Arc<dyn Database>> {
    Ok(match backend {
        Backend::Sqlite { path, settings } => {
            Arc::new(SqliteStore::open(&path, clock, settings).await?)
        }
        Backend::MySql(settings) => Arc::new(ServerStore::<MariaDb>::open(settings).await?),
        Backend::Postgres(settings) => Arc::new(ServerStore::<Postgres>::open(settings).await?),
    })
}

/// Brings the schema of a server to the version of this program; returns the names of what was
/// applied. That of SQLite is brought up to date when it is opened: nothing is left to do.
pub async fn migrate(backend: &Backend) -> Result<Vec<&'static str>> {
    match backend {
        Backend::Sqlite { .. } => Ok(Vec::new()),
        Backend::MySql(settings) => schema::migrate::<MariaDb>(settings).await,
        Backend::Postgres(settings) => schema::migrate::<Postgres>(settings).await,
    }
}

/// Makes sure that a server's database can be used by this program, as [`open`] does.
pub async fn verify(backend: &Backend) -> Result<()> {
    match backend {
        Backend::Sqlite { .. } => Ok(()),
        Backend::MySql(settings) => schema::verify::<MariaDb>(settings).await,
        Backend::Postgres(settings) => schema::verify::<Postgres>(settings).await,
    }
}

/// The schema of a server as SQL, for people who apply it by hand. `None`: SQLite's is made when
/// it is opened.
pub fn plan(kind: Kind) -> Option<String> {
    match kind {
        Kind::Sqlite => None,
        Kind::MySql => Some(schema::plan::<MariaDb>()),
        Kind::Postgres => Some(schema::plan::<Postgres>()),
    }
}
