//! The one writer: a task that owns the only writing connection and commits requests in groups.
//!
//! Invariants:
//! - W1: an answer leaves only after the COMMIT of its group; what was refused is refused on the
//!   ground of what was committed.
//! - W2: each request stands in a savepoint of its own: one that is refused spoils no other.
//! - W3: a caller that ran out of patience knows whether its request was begun: if it was not, it
//!   never will be.
//!
//! The writer never waits for callers, and it never tries a request again on its own account.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::future::BoxFuture;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, SqliteConnection, query};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};
use weir_domain::Code;
use weir_persistence_api::{Error, Result};

use super::error::{self, Failure, Outcome};
use super::{Settings, statement};

/// The callers' end.
pub(super) struct Writer {
    /// `None` once it is closed.
    queue: Mutex<Option<mpsc::Sender<Box<dyn Request>>>>,
    task: Mutex<Option<JoinHandle<()>>>,
    commits: Arc<AtomicU64>,
    deadline: Duration,
}

impl Writer {
    /// Starts the task on a connection that is ready for use; `options` make the next one, should
    /// that one break.
    pub(super) fn start(
        connection: SqliteConnection,
        options: SqliteConnectOptions,
        settings: &Settings,
    ) -> Self {
        let (sender, queue) = mpsc::channel(settings.queue.max(1));
        let commits = Arc::new(AtomicU64::new(0));
        let work = Work { connection: Some(connection), options, commits: Arc::clone(&commits) };
        #[expect(clippy::disallowed_methods, reason = "below the runtime; joined by close")]
        let task = tokio::spawn(work.run(queue, settings.group_max.max(1)));
        Self {
            queue: Mutex::new(Some(sender)),
            task: Mutex::new(Some(task)),
            commits,
            deadline: settings.deadline,
        }
    }

    /// Runs the work inside a transaction of the writer; its answer comes after the commit.
    pub(super) async fn write<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut SqliteConnection) -> BoxFuture<'c, Outcome<T>> + Send + 'static,
    {
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(queue) = queue else { return Err(Error::Unavailable(CLOSED.into())) };
        let (reply, answer) = oneshot::channel();
        let begun = Arc::new(AtomicBool::new(false));
        let request = Pending {
            work: Some(work),
            outcome: None,
            is_final: false,
            reply,
            begun: Arc::clone(&begun),
        };
        let asked = async {
            queue.send(Box::new(request)).await.map_err(|_| CLOSED)?;
            answer.await.map_err(|_| "its writer ended before it answered")
        };
        let why = match timeout(self.deadline, asked).await {
            Ok(Ok(answer)) => return answer,
            Ok(Err(why)) => why.to_owned(),
            Err(_) => format!("it did not answer for {} ms", self.deadline.as_millis()),
        };
        let was_begun = begun.swap(true, Ordering::AcqRel);
        Err(if was_begun { Error::Unknown(why) } else { Error::Unavailable(why) })
    }

    /// Finishes what is queued, writes the log back into the database and ends the task.
    pub(super) async fn close(&self) {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).take();
        let task = self.task.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(task) = task else { return };
        let error: Box<dyn std::error::Error> = match timeout(self.deadline, task).await {
            Ok(Ok(())) => return,
            Ok(Err(error)) => error.into(),
            Err(late) => late.into(),
        };
        // What was acknowledged is safe in the log all the same.
        tracing::error!(code = %Code(5002), %error, "the store's writer did not end well");
    }

    pub(super) fn commits(&self) -> u64 {
        self.commits.load(Ordering::Relaxed)
    }
}

const CLOSED: &str = "it is closed";

/// Begins a measurement for the metrics: nothing is decided by it.
#[expect(clippy::disallowed_methods, reason = "the runtime, with its stopwatch, stands above")]
pub(super) fn started() -> Instant {
    Instant::now()
}

/// A request with its kind of answer forgotten.
trait Request: Send {
    /// Whether the request is to be done; not when its caller has given up.
    fn begin(&mut self) -> bool;

    fn run<'c>(
        &'c mut self,
        connection: &'c mut SqliteConnection,
        path: &'c Path,
    ) -> BoxFuture<'c, Step>;

    /// Answers the caller, after the commit or after its failure.
    fn settle(self: Box<Self>, committed: &Result<()>);
}

/// How the transaction goes on after a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Keep,
    Undo,
    Break,
}

struct Pending<T, F> {
    work: Option<F>,
    outcome: Option<Result<T>>,
    /// The outcome stands whatever becomes of the commit: it is why there is none.
    is_final: bool,
    reply: oneshot::Sender<Result<T>>,
    begun: Arc<AtomicBool>,
}

impl<T, F> Request for Pending<T, F>
where
    T: Send,
    F: for<'c> FnOnce(&'c mut SqliteConnection) -> BoxFuture<'c, Outcome<T>> + Send,
{
    fn begin(&mut self) -> bool {
        !self.begun.swap(true, Ordering::AcqRel)
    }

    fn run<'c>(
        &'c mut self,
        connection: &'c mut SqliteConnection,
        path: &'c Path,
    ) -> BoxFuture<'c, Step> {
        Box::pin(async move {
            let work = self.work.take().expect("W1: a request runs once");
            let (outcome, step) = match work(connection).await {
                Ok(done) => (Ok(done), Step::Keep),
                Err(failure @ Failure::Refused(_)) => (Err(failure), Step::Undo),
                Err(failure @ Failure::Broken(_)) => (Err(failure), Step::Break),
            };
            self.outcome = Some(outcome.map_err(|it| it.before_commit(path)));
            self.is_final = step == Step::Break;
            step
        })
    }

    fn settle(self: Box<Self>, committed: &Result<()>) {
        let answer = match (committed, self.outcome) {
            (Ok(()), Some(outcome)) => outcome,
            (Err(_), Some(outcome)) if self.is_final => outcome,
            (Err(error), _) => Err(error.clone()),
            (Ok(()), None) => unreachable!("W1: a group is committed after all of it ran"),
        };
        // A caller that has gone needs no answer.
        let _ = self.reply.send(answer);
    }
}

/// The task's end.
struct Work {
    /// `None` after it broke, until the next group.
    connection: Option<SqliteConnection>,
    options: SqliteConnectOptions,
    commits: Arc<AtomicU64>,
}

impl Work {
    async fn run(mut self, mut queue: mpsc::Receiver<Box<dyn Request>>, group_max: usize) {
        let mut group = Vec::new();
        while queue.recv_many(&mut group, group_max).await > 0 {
            group.retain_mut(|it| it.begin());
            if !group.is_empty() {
                self.commit(std::mem::take(&mut group)).await;
            }
        }
        self.close().await;
    }

    async fn commit(&mut self, mut group: Vec<Box<dyn Request>>) {
        let started = started();
        metrics::histogram!("weir_store_group_size").record(as_metric(group.len()));
        let committed = self.attempt(&mut group).await;
        if let Err(error) = &committed {
            metrics::counter!("weir_store_commit_failures_total").increment(1);
            tracing::warn!(code = %Code(5001), %error, "a commit failed; the connection is opened anew");
            if let Some(broken) = self.connection.take() {
                // It is no good any more: how its end goes changes nothing.
                let _ = broken.close_hard().await;
            }
        } else {
            self.commits.fetch_add(1, Ordering::Relaxed);
            metrics::histogram!("weir_store_commit_seconds").record(started.elapsed());
        }
        for request in group {
            request.settle(&committed);
        }
    }

    /// One transaction over the whole group.
    async fn attempt(&mut self, group: &mut [Box<dyn Request>]) -> Result<()> {
        let path = self.options.get_filename();
        let connection = connected(&mut self.connection, &self.options).await?;
        execute(connection, statement::BEGIN, path).await?;
        for request in group {
            execute(connection, statement::SAVEPOINT, path).await?;
            match request.run(connection, path).await {
                Step::Keep => {}
                Step::Undo => execute(connection, statement::ROLLBACK_TO, path).await?,
                Step::Break => {
                    let why = "another write of the same commit broke it";
                    return Err(Error::Unavailable(why.into()));
                }
            }
            execute(connection, statement::RELEASE, path).await?;
        }
        let committed = query(statement::COMMIT).execute(connection).await;
        committed.map(drop).map_err(|e| error::at_commit(path, &e))
    }

    async fn close(mut self) {
        let Ok(connection) = connected(&mut self.connection, &self.options).await else { return };
        // Both only save work at the next start: what was committed is safe in the log.
        let _ = query(statement::CHECKPOINT).execute(connection).await;
        if let Some(connection) = self.connection.take() {
            let _ = connection.close().await;
        }
    }
}

/// The connection, opened anew if the last one broke.
async fn connected<'c>(
    connection: &'c mut Option<SqliteConnection>,
    options: &SqliteConnectOptions,
) -> Result<&'c mut SqliteConnection> {
    match connection {
        Some(connection) => Ok(connection),
        None => {
            let opened = options.connect().await;
            let path = options.get_filename();
            Ok(connection.insert(opened.map_err(|e| error::before_commit(path, &e))?))
        }
    }
}

async fn execute(
    connection: &mut SqliteConnection,
    statement: &'static str,
    path: &Path,
) -> Result<()> {
    let done = query(statement).execute(connection).await;
    done.map(drop).map_err(|e| error::before_commit(path, &e))
}

fn as_metric(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}
