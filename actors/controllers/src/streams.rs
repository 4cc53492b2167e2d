//! Stream Monitor: what is running and what ran.
//!
//! One history per cluster, kept by a singleton; in each engine a *gatherer* before it. Reports
//! arrive many a second and are gathered: of each stream only its newest state is kept until it is
//! written, with all its log lines. A stream's last state is written before the one who reports it
//! goes on. Reads see every report of the same engine that arrived before them, and those of
//! other engines a moment later.
//!
//! Invariants:
//! - M1: a stream's last state, once acknowledged, is durable.
//! - M2: reports never make a stream wait; what is dropped when the store is away for long is
//!   progress and log lines, never a last state, and it is counted.
//! - M3: a log is bounded, in lines and in bytes: the oldest lines go first, and one line says how many.

mod gatherer;
mod growth;
mod history;

use std::sync::Arc;
use std::time::Duration;

use ractor::SpawnErr;
use serde::{Deserialize, Serialize};
use weir_cluster::{Proxy, ProxyError};
use weir_domain::{LogLine, Stream, StreamId};
use weir_persistence_api::{Error, StreamFilter, StreamsOfItem};
use weir_runtime::{AskError, Ref, RestartPolicy, System};

pub use history::{StreamHistory, StreamSingleton};

use gatherer::Command;

/// The name of its lease.
pub const LEASE: &str = "stream-monitor";
const ASK_WITHIN: Duration = Duration::from_secs(15);

/// What the history is asked. Names of fields and variants travel between engines of two versions.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Request {
    /// Streams as they are now, with new lines of their logs.
    Save(Vec<(Stream, Vec<LogLine>)>),
    List(StreamFilter),
    OfItem(StreamsOfItem),
    Load(StreamId),
    Log(StreamId),
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Response {
    Saved,
    Streams(Vec<Stream>),
    Stream(Option<Box<Stream>>),
    Log(Vec<LogLine>),
    Failed(Error),
}

/// Why there is no good answer.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Failure {
    #[error("{0}")]
    Store(#[from] Error),
    #[error(transparent)]
    Proxy(#[from] ProxyError),
    #[error(transparent)]
    Ask(#[from] AskError),
}

pub type Answer<T> = Result<T, Failure>;

/// The way to the monitor, wherever it lives. Cheap to clone.
#[derive(Clone)]
pub struct StreamMonitor {
    gatherer: Ref<Command>,
    history: Proxy<StreamHistory>,
}

impl StreamMonitor {
    pub async fn spawn(
        system: &System,
        history: Proxy<StreamHistory>,
        restarts: RestartPolicy,
    ) -> Result<Self, SpawnErr> {
        let gatherer = gatherer::spawn(system, Arc::new(history.clone()), restarts).await?;
        Ok(Self { gatherer, history })
    }

    /// Takes note; never waits. When the mailbox is full the report is dropped and counted.
    pub fn report(&self, stream: Stream, lines: Vec<LogLine>) {
        if self.gatherer.tell(Command::Report(Box::new(stream), lines)).is_err() {
            metrics::counter!("weir_stream_reports_dropped_total").increment(1);
        }
    }

    /// Takes the last state of a stream; `Ok` when it is durable.
    pub async fn close(&self, stream: Stream, lines: Vec<LogLine>) -> Answer<()> {
        let close = |reply| Command::Close(Box::new(stream), lines, reply);
        self.gatherer.ask(ASK_WITHIN, close).await?
    }

    pub async fn list(&self, filter: StreamFilter) -> Answer<Vec<Stream>> {
        match self.read(Request::List(filter)).await? {
            Response::Streams(it) => Ok(it),
            other => odd(other),
        }
    }

    /// The streams of one item, newest first. An engine of an earlier version does not know them by it.
    pub async fn of_item(&self, of: StreamsOfItem) -> Answer<Vec<Stream>> {
        match self.read(Request::OfItem(of)).await? {
            Response::Streams(it) => Ok(it),
            other => odd(other),
        }
    }

    pub async fn load(&self, id: StreamId) -> Answer<Option<Stream>> {
        match self.read(Request::Load(id)).await? {
            Response::Stream(it) => Ok(it.map(|it| *it)),
            other => odd(other),
        }
    }

    pub async fn log(&self, id: StreamId) -> Answer<Vec<LogLine>> {
        match self.read(Request::Log(id)).await? {
            Response::Log(it) => Ok(it),
            other => odd(other),
        }
    }

    /// Waits until everything reported so far is written, or can't be.
    pub async fn flush(&self) -> Answer<()> {
        Ok(self.gatherer.ask(ASK_WITHIN, Command::Flush).await?)
    }

    async fn read(&self, request: Request) -> Answer<Response> {
        self.flush().await?;
        Ok(self.history.ask(request, ASK_WITHIN).await?)
    }
}

/// An engine of another version may answer what this one does not expect.
fn odd<T>(response: Response) -> Answer<T> {
    match response {
        Response::Failed(error) => Err(error.into()),
        other => {
            let reason = format!("the monitor gave an answer to another question: {other:?}");
            Err(Error::Rejected(reason).into())
        }
    }
}
