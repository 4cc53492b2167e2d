//! The gatherer: what this engine reports, kept until the history has it.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::{FutureExt as _, TryFutureExt as _};
use ractor::{Actor, ActorProcessingErr, ActorRef, SpawnErr, SupervisionEvent};
use weir_cluster::Proxy;
use weir_domain::{LogLine, Stream, StreamId};
use weir_runtime::{Envelope, Ref, Reply, RestartPolicy, System, supervise};

use super::{ASK_WITHIN, Answer, Failure, Request, Response, StreamHistory, odd};

const MAILBOX: usize = 16_384;
/// How long progress may wait to be written with more of it.
const GATHER: Duration = Duration::from_millis(200);
/// How long to wait after a write that failed.
const RETRY_AFTER: Duration = Duration::from_secs(1);
/// Streams that may wait to be written. More are only closed ones while the store is away.
const PENDING_MAX: usize = 10_000;

#[derive(Debug)]
pub(super) enum Command {
    Report(Box<Stream>, Vec<LogLine>),
    Close(Box<Stream>, Vec<LogLine>, Reply<Answer<()>>),
    /// Answered when everything reported before it is written, or can't be.
    Flush(Reply<()>),
}

pub(super) async fn spawn(
    system: &System,
    history: Proxy<StreamHistory>,
    restarts: RestartPolicy,
) -> Result<Ref<Command>, SpawnErr> {
    const NAME: &str = "stream-gatherer";
    let gatherer = Gatherer { system: system.clone(), history };
    let build = move |parent| {
        let gatherer = gatherer.clone();
        let spawned = async { Actor::spawn_linked(None, gatherer, (), parent).await };
        spawned.map_ok(|(actor, _)| actor).boxed()
    };
    let child = supervise(system, NAME, restarts, None, Box::new(build)).await?;
    child.started().await.map_err(|it| SpawnErr::StartupFailed(Box::new(it)))?;
    Ok(Ref::supervised(system.gate(NAME, MAILBOX), child))
}

#[derive(Clone)]
struct Gatherer {
    system: System,
    history: Proxy<StreamHistory>,
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
    result: Answer<()>,
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
    reply: Reply<Answer<()>>,
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
}

impl Actor for Gatherer {
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

impl Gatherer {
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
        let (history, myself) = (self.history.clone(), myself.clone());
        self.system.tasks().spawn("stream gatherer write", async move {
            let changes = batch.streams.values().cloned().collect();
            let result = save(&history, changes).await;
            // The gatherer outlives its writes, but for the end of the process.
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

async fn save(history: &Proxy<StreamHistory>, changes: Vec<(Stream, Vec<LogLine>)>) -> Answer<()> {
    match history.ask(Request::Save(changes), ASK_WITHIN).await.map_err(Failure::from)? {
        Response::Saved => Ok(()),
        other => odd(other),
    }
}
