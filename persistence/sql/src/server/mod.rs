//! All stores on a database server, for a cluster of engines: what is the same on every server.
//!
//! Invariants:
//! - S1: a fenced write reads its lease under a lock, in its own statement or as the last step of
//!   its transaction; whoever takes the lease over waits for it, and what comes later is refused.
//! - S2: an outcome is `Unknown` only if the server may have committed; whatever ended before is
//!   `Unavailable` and was not written.
//! - S3: a connection on which a call was given up is closed, never used again.
//! - S4: connections are to a server that takes writes. One that says it takes none any more is
//!   not used again, nor is any that was made before it said so.
//!
//! Time is the server's. What differs between servers is a `Dialect`.

mod appends;
mod blob;
pub(crate) mod dialect;
mod error;
mod item;
mod journal;
mod known;
mod lease;
mod member;
pub(crate) mod migrate;
mod object;
mod pace;
mod queue;
mod rows;
mod session;
mod settings;
mod snapshot;
pub(crate) mod statement;
mod stream;
mod sweep;
mod transaction;
mod writer;
mod writers;

use std::sync::Arc;

use async_trait::async_trait;
use tokio::time::Instant;
use weir_persistence_api::{Error, Result};

pub use settings::{Password, ServerSettings, Tls};

use self::dialect::{Columns, Dialect, Value};
use self::session::{Purpose, Sessions};
use self::writer::Writer;
use crate::Database;

pub(crate) struct ServerStore<D: Dialect> {
    /// For everything but leases and appends.
    sessions: Arc<Sessions<D>>,
    /// Leases wait for nothing else.
    leases: Arc<Sessions<D>>,
    writer: Writer<D>,
}

/// Connections for leases, beside the others.
const LEASE_CONNECTIONS: u32 = 2;

impl<D: Dialect> ServerStore<D> {
    /// Opens the database, which must have the schema of this program.
    pub(crate) async fn open(settings: ServerSettings) -> Result<Self> {
        let settings = Arc::new(settings);
        migrate::verify::<D>(&settings).await?;
        let writers = settings.writers();
        let others = settings.connections.saturating_sub(writers).max(1);
        let era = Arc::default();
        let sessions = Sessions::new(&settings, (others, Purpose::Data), &era);
        let leases = Sessions::new(&settings, (LEASE_CONNECTIONS, Purpose::Lease), &era);
        let writer = Writer::start(&settings, &era);
        Ok(Self { sessions: Arc::new(sessions), leases: Arc::new(leases), writer })
    }

    /// The rows of one statement that reads.
    async fn rows<T: Columns>(
        &self,
        statement: &'static str,
        values: &[Value<'_>],
    ) -> Result<Vec<T>> {
        self.sessions.read(statement, values).await
    }
}

#[async_trait]
impl<D: Dialect> Database for ServerStore<D> {
    async fn health(&self) -> Result<()> {
        self.rows::<(i64,)>(D::STATEMENTS.schema_version, &[]).await.map(drop)
    }

    async fn close(&self) {
        self.writer.close().await;
        self.sessions.close().await;
        self.leases.close().await;
    }
}

/// Longest name that is an index of every server, in bytes.
const KEY_BYTES_MAX: usize = 255;

/// Refuses a name that servers can't tell from others.
fn check_key(what: &str, key: &str) -> Result<()> {
    if key.len() > KEY_BYTES_MAX {
        let bytes = key.len();
        return Err(Error::Rejected(format!(
            "the {what} {key:?} has {bytes} bytes: at most {KEY_BYTES_MAX} can be stored"
        )));
    }
    if key.ends_with(' ') || key.contains('\0') {
        return Err(Error::Rejected(format!(
            "the {what} {key:?} ends with a space or holds a null character: such names can't be \
             told from others"
        )));
    }
    Ok(())
}

/// For measurements, deadlines and the age of connections: no decision on data rests on it.
#[expect(clippy::disallowed_methods, reason = "the runtime, with its stopwatch, stands above")]
fn now() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests;
