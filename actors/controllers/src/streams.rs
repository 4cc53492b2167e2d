//! Stream Monitor: what is running and what ran.
//!
//! Reports arrive many a second and are gathered: of each stream only its newest state is kept
//! until it is written, with all its log lines. A stream's last state is written before the one
//! who reports it goes on. Reads see every report that arrived before them.
//!
//! Invariants:
//! - M1: a stream's last state, once acknowledged, is durable.
//! - M2: reports never make a stream wait; what is dropped when the store is away for long is
//!   progress and log lines, never a last state, and it is counted.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::{FutureExt as _, TryFutureExt as _};
use ractor::{Actor, ActorProcessingErr, ActorRef, SpawnErr, SupervisionEvent};
use weir_domain::{LogLine, Stream, StreamId};
use weir_persistence_api::{Error, Fence, StreamFilter, StreamStore};
use weir_runtime::{AskError, Envelope, Ref, Reply, RestartPolicy, System, supervise};

/// The name of its lease.
pub const LEASE: &str = "stream-monitor";
const MAILBOX: usize = 16_384;
const ASK_WITHIN: Duration = Duration::from_secs(15);
/// How long progress may wait to be written with more of it.
const GATHER: Duration = Duration::from_millis(200);
/// How long to wait after a write that failed.
const RETRY_AFTER: Duration = Duration::from_secs(1);
/// Streams that may wait to be written. More are only closed ones while the store is away.
const PENDING_MAX: usize = 10_000;
/// How often old streams are deleted, in writes.
const PRUNE_EVERY: u32 = 500;

/// Why there is no good answer.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Failure {
    #[error("{0}")]
    Store(Arc<Error>),
    #[error(transparent)]
    Ask(#[from] AskError),
}

pub type Answer<T> = Result<T, Failure>;

#[derive(Debug)]
pub enum Command {
    Report(Box<Stream>, Vec<LogLine>),
    Close(Box<Stream>, Vec<LogLine>, Reply<Result<(), Arc<Error>>>),
    /// Answered when everything reported before it is written, or can't be.
    Flush(Reply<()>),
}

/// The way to the monitor. Cheap to clone.
#[derive(Clone)]
pub struct StreamMonitor {
    actor: Ref<Command>,
    store: Arc<dyn StreamStore>,
}

impl StreamMonitor {
    /// `keep`: closed streams kept of each workflow.
    pub async fn spawn(
        system: &System,
        store: Arc<dyn StreamStore>,
        fence: Fence,
        keep: u32,
        restarts: RestartPolicy,
    ) -> Result<Self, SpawnErr> {
        let monitor = Monitor { system: system.clone(), store: store.clone(), fence, keep };
        let build = move |parent| {
            let monitor = monitor.clone();
            let spawned = async { Actor::spawn_linked(None, monitor, (), parent).await };
            spawned.map_ok(|(actor, _)| actor).boxed()
        };
        let child = supervise(system, LEASE, restarts, None, Box::new(build)).await?;
        child.started().await.map_err(|it| SpawnErr::StartupFailed(Box::new(it)))?;
        Ok(Self { actor: Ref::supervised(system.gate(LEASE, MAILBOX), child), store })
    }

    /// Takes note; never waits. When the mailbox is full the report is dropped and counted.
    pub fn report(&self, stream: Stream, lines: Vec<LogLine>) {
        if self.actor.tell(Command::Report(Box::new(stream), lines)).is_err() {
            metrics::counter!("weir_stream_reports_dropped_total").increment(1);
        }
    }

    /// Takes the last state of a stream; `Ok` when it is durable.
    pub async fn close(&self, stream: Stream, lines: Vec<LogLine>) -> Answer<()> {
        let close = |reply| Command::Close(Box::new(stream), lines, reply);
        self.actor.ask(ASK_WITHIN, close).await?.map_err(Failure::Store)
    }

    pub async fn list(&self, filter: StreamFilter) -> Answer<Vec<Stream>> {
        self.flush().await?;
        read(self.store.stream_list(filter).await)
    }

    pub async fn load(&self, id: StreamId) -> Answer<Option<Stream>> {
        self.flush().await?;
        read(self.store.stream_load(id).await)
    }

    pub async fn log(&self, id: StreamId) -> Answer<Vec<LogLine>> {
        self.flush().await?;
        read(self.store.stream_log(id).await)
    }

    /// Waits until everything reported so far is written, or can't be.
    pub async fn flush(&self) -> Answer<()> {
        Ok(self.actor.ask(ASK_WITHIN, Command::Flush).await?)
    }
}

fn read<T>(result: Result<T, Error>) -> Answer<T> {
    result.map_err(|it| Failure::Store(Arc::new(it)))
}

#[derive(Clone)]
struct Monitor {
    system: System,
    store: Arc<dyn StreamStore>,
    fence: Fence,
    keep: u32,
}

enum Message {
    Command(Envelope<Command>),
    /// It is time to write.
    Due,
    Written(Written),
}

impl ractor::Message for Message {}

impl From<Envelope<Command>> for Message {
    fn from(command: Envelope<Command>) -> Self {
        Self::Command(command)
    }
}

/// The outcome of a write, with what could not be written.
struct Written {
    result: Result<(), Arc<Error>>,
    batch: Batch,
}

/// Streams with their newest state and new log lines, and those who wait for it to be durable.
#[derive(Default)]
struct Batch {
    streams: BTreeMap<StreamId, (Stream, Vec<LogLine>)>,
    closers: Vec<Closer>,
    flushers: Vec<Reply<()>>,
}

/// Somebody who waits for the last state of a stream to be durable.
struct Closer {
    stream: StreamId,
    /// How many lines came with it, at the end of the stream's. Whoever is refused brings them again.
    lines: usize,
    reply: Reply<Result<(), Arc<Error>>>,
}

impl Batch {
    fn note(&mut self, stream: Stream, mut lines: Vec<LogLine>) {
        let entry = self.streams.entry(stream.id);
        let (kept, log) = entry.or_insert_with(|| (stream.clone(), Vec::new()));
        *kept = stream;
        log.append(&mut lines);
    }

    /// Puts back what could not be written, under what came since.
    fn put_back(&mut self, older: BTreeMap<StreamId, (Stream, Vec<LogLine>)>) {
        for (id, (stream, mut lines)) in older {
            match self.streams.get_mut(&id) {
                Some((_, newer)) => {
                    lines.append(newer);
                    *newer = lines;
                }
                None => drop(self.streams.insert(id, (stream, lines))),
            }
        }
        while self.streams.len() > PENDING_MAX {
            self.streams.pop_first();
            metrics::counter!("weir_stream_reports_dropped_total").increment(1);
        }
    }
}

#[derive(Default)]
struct State {
    pending: Batch,
    is_writing: bool,
    is_due: bool,
    writes: u32,
}

impl Actor for Monitor {
    type Msg = Message;
    type State = State;
    type Arguments = ();

    async fn pre_start(&self, _: ActorRef<Message>, (): ()) -> Result<State, ActorProcessingErr> {
        Ok(State::default())
    }

    async fn handle(
        &self,
        myself: ActorRef<Message>,
        message: Message,
        state: &mut State,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            Message::Command(command) => self.command(&myself, command.open(), state),
            Message::Due => {
                state.is_due = false;
                self.write(&myself, state);
            }
            Message::Written(written) => self.written(&myself, written, state),
        }
        Ok(())
    }

    async fn handle_supervisor_evt(
        &self,
        _: ActorRef<Message>,
        _: SupervisionEvent,
        _: &mut State,
    ) -> Result<(), ActorProcessingErr> {
        Ok(())
    }
}

impl Monitor {
    fn command(&self, myself: &ActorRef<Message>, command: Command, state: &mut State) {
        match command {
            Command::Report(stream, lines) => {
                state.pending.note(*stream, lines);
                due(myself, state, GATHER);
            }
            Command::Close(stream, lines, reply) => {
                let closer = Closer { stream: stream.id, lines: lines.len(), reply };
                state.pending.note(*stream, lines);
                state.pending.closers.push(closer);
                self.write(myself, state);
            }
            Command::Flush(reply) => {
                state.pending.flushers.push(reply);
                self.write(myself, state);
            }
        }
    }

    /// Writes what is pending, one write at a time: what comes meanwhile goes into the next one.
    fn write(&self, myself: &ActorRef<Message>, state: &mut State) {
        if state.is_writing {
            return;
        }
        let batch = std::mem::take(&mut state.pending);
        if batch.streams.is_empty() {
            batch.flushers.into_iter().for_each(|it| it.send(()));
            return;
        }
        state.is_writing = true;
        state.writes += 1;
        let prune = state.writes.is_multiple_of(PRUNE_EVERY).then_some(self.keep);
        let (store, fence, myself) = (self.store.clone(), self.fence.clone(), myself.clone());
        self.system.tasks().spawn("stream monitor write", async move {
            let changes = batch.streams.values().cloned().collect();
            let result = store.stream_save(&fence, changes).await.map_err(Arc::new);
            if let Some(keep) = prune
                && let Err(error) = store.stream_prune(&fence, keep).await
            {
                tracing::warn!(code = "WEIR-06110", %error, "old streams were not deleted");
            }
            // The monitor outlives its writes, but for the end of the process.
            let _ = myself.cast(Message::Written(Written { result, batch }));
        });
    }

    fn written(&self, myself: &ActorRef<Message>, written: Written, state: &mut State) {
        state.is_writing = false;
        let Written { result, batch } = written;
        let Batch { mut streams, closers, flushers } = batch;
        let failed = result.is_err();
        if let Err(error) = &result {
            tracing::warn!(code = "WEIR-06111", %error, "stream history was not written");
            for closer in &closers {
                if let Some((_, lines)) = streams.get_mut(&closer.stream) {
                    lines.truncate(lines.len().saturating_sub(closer.lines));
                }
            }
            state.pending.put_back(streams);
        }
        closers.into_iter().for_each(|it| it.reply.send(result.clone()));
        flushers.into_iter().for_each(|it| it.send(()));
        let is_waited_for = !state.pending.closers.is_empty() || !state.pending.flushers.is_empty();
        if failed {
            due(myself, state, RETRY_AFTER);
        } else if is_waited_for {
            self.write(myself, state);
        } else if !state.pending.streams.is_empty() {
            due(myself, state, GATHER);
        }
    }
}

fn due(myself: &ActorRef<Message>, state: &mut State, after: Duration) {
    if !std::mem::replace(&mut state.is_due, true) {
        myself.send_after(after, || Message::Due);
    }
}
