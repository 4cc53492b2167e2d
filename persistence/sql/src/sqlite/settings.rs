//! How a SQLite store is run.

use std::path::Path;
use std::time::Duration;

use sqlx::ConnectOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};

#[derive(Debug, Clone)]
pub struct Settings {
    /// Write requests that may wait for the writer; more wait outside, until their deadline.
    pub queue: usize,
    /// Most requests that share one commit.
    pub group_max: usize,
    /// Longest wait of one call.
    pub deadline: Duration,
    /// Longest wait for the lock of another process. Shorter than the deadline, so that the
    /// answer says why.
    pub busy_timeout: Duration,
    /// Connections for reading.
    pub readers: u32,
    /// A database up to this size, in bytes, is checked as a whole when it is opened.
    pub check_bytes_max: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            queue: 1_024,
            group_max: 256,
            deadline: Duration::from_secs(10),
            busy_timeout: Duration::from_secs(5),
            readers: 3,
            check_bytes_max: 16 << 20,
        }
    }
}

impl Settings {
    /// The writer's connection. Write-ahead log, and a commit is on the disk when it returns.
    pub(super) fn writer(&self, path: &Path) -> SqliteConnectOptions {
        self.reader(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .pragma("query_only", "OFF")
            // What is deleted is overwritten, such as private keys under a former master key.
            .pragma("secure_delete", "ON")
            // A log that grew in a storm is cut back when it is reused.
            .pragma("journal_size_limit", "67108864")
            .thread_name(|_| "weir-store-writer".to_owned())
    }

    pub(super) fn reader(&self, path: &Path) -> SqliteConnectOptions {
        SqliteConnectOptions::new()
            .filename(path)
            .foreign_keys(true)
            .busy_timeout(self.busy_timeout)
            .pragma("query_only", "ON")
            .thread_name(|n| format!("weir-store-{n}"))
            .disable_statement_logging()
    }
}
