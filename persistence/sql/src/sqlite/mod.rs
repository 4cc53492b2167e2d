//! All stores on one SQLite file: the embedded back end, for a single host.
//!
//! Invariants: all writes go through one `writer`; readers see only what was committed and is
//! durable. Time is the clock's that the store was opened with: with one host it is the store's.
//!
//! Not for several engines: their arbiter must be a database server.

mod blob;
mod copy;
mod error;
mod item;
mod journal;
mod lease;
mod member;
mod migrate;
mod object;
mod private;
mod settings;
mod snapshot;
mod statement;
mod stream;
mod sweep;
mod writer;

use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use sqlx::sqlite::SqlitePoolOptions;
use sqlx::{ConnectOptions, SqliteConnection, SqlitePool, query_scalar};
use weir_domain::{Clock, Timestamp};
use weir_persistence_api::{Error, Fence};

pub use copy::{copy, verify};
pub use settings::Settings;

use self::error::{Failure, Outcome};
use self::writer::Writer;
use crate::Database;
use crate::row::bound;

pub struct SqliteStore {
    writer: Writer,
    readers: SqlitePool,
    path: PathBuf,
    clock: Arc<dyn Clock>,
    settings: Settings,
}

impl SqliteStore {
    /// Opens the database at the path; makes it, or brings its schema up to date, if need be.
    /// Must be called inside a Tokio runtime, and closed in it.
    pub async fn open(
        path: &Path,
        clock: Arc<dyn Clock>,
        settings: Settings,
    ) -> Result<Self, Error> {
        private::keep(path);
        let options = settings.writer(path);
        let opened = options.connect().await;
        let mut connection = opened.map_err(|e| error::at_open(path, &e))?;
        check(&mut connection, path, settings.check_bytes_max).await?;
        migrate::run(&mut connection, path, clock.now()).await?;
        let readers = SqlitePoolOptions::new()
            .max_connections(settings.readers.max(1))
            .acquire_timeout(settings.deadline)
            .connect_lazy_with(settings.reader(path));
        let writer = Writer::start(connection, options, &settings);
        Ok(Self { writer, readers, path: path.to_owned(), clock, settings })
    }

    /// Finishes what is queued and closes the file. Calls after it are `Error::Unavailable`.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }

    /// Commits since the store was opened. Requests that came together share one.
    pub fn commits(&self) -> u64 {
        self.writer.commits()
    }

    async fn read<T, E: Into<Failure>>(
        &self,
        look: impl Future<Output = Result<T, E>> + Send,
    ) -> Result<T, Error> {
        let failed = |failure: E| failure.into().before_commit(&self.path);
        match tokio::time::timeout(self.settings.deadline, look).await {
            Ok(found) => found.map_err(failed),
            Err(_) => {
                let (at, waited_ms) = (self.path.display(), self.settings.deadline.as_millis());
                Err(Error::Unavailable(format!("{at} was not read within {waited_ms} ms")))
            }
        }
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

#[async_trait]
impl Database for SqliteStore {
    async fn health(&self) -> Result<(), Error> {
        self.read(query_scalar::<_, i64>(statement::SCHEMA_VERSION).fetch_one(&self.readers))
            .await
            .map(drop)
    }

    async fn close(&self) {
        self.close().await;
    }
}

/// Reads a small database through; a large one is found out row by row, by its checksums.
async fn check(
    connection: &mut SqliteConnection,
    path: &Path,
    bytes_max: u64,
) -> Result<(), Error> {
    if std::fs::metadata(path).is_ok_and(|it| it.len() > bytes_max) {
        return Ok(());
    }
    let verdict = query_scalar::<_, String>(statement::QUICK_CHECK).fetch_one(connection).await;
    match verdict.map_err(|e| error::at_open(path, &e))?.as_str() {
        "ok" => Ok(()),
        reason => Err(error::damaged(path, reason)),
    }
}

/// Refuses a writer that was deposed. In the same transaction as the write that follows it.
async fn check_fence(connection: &mut SqliteConnection, fence: &Fence) -> Outcome<()> {
    let held = query_scalar::<_, i64>(statement::LEASE_CHECK)
        .bind(&fence.lease.0)
        .bind(&fence.owner)
        .bind(bound(fence.epoch))
        .fetch_optional(connection)
        .await?;
    match held {
        Some(_) => Ok(()),
        None => Err(Error::Fenced { lease: fence.lease.clone(), epoch: fence.epoch }.into()),
    }
}

#[cfg(test)]
mod tests;
