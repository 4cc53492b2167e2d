//! The gatherer: what this engine reports, kept until the history has it.

mod batch;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::{FutureExt as _, TryFutureExt as _};
use ractor::{Actor, ActorProcessingErr, ActorRef, SpawnErr, SupervisionEvent};
use weir_cluster::Proxy;
use weir_domain::{LogLine, Stream};
use weir_runtime::{Envelope, Ref, Reply, RestartPolicy, System, supervise};

use super::{ASK_WITHIN, Answer, Request, Response, StreamHistory, odd};
use batch::Batch;

const MAILBOX: usize = 16_384;
/// How long progress may wait to be written with more of it.
const GATHER: Duration = Duration::from_millis(200);
/// How long to wait after a write that failed.
const RETRY_AFTER: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(super) enum Command {
    Report(Box<Stream>, Vec<LogLine>),
    Close(Box<Stream>, Vec<LogLine>, Reply<Answer<()>>),
    /// Answered when everything reported before it is written, or can't be.
    Flush(Reply<()>),
}

/// Where it is written: the history, wherever it lives.
#[async_trait]
pub(super) trait History: Send + Sync + 'static {
    async fn save(&self, changes: Vec<(Stream, Vec<LogLine>)>) -> Answer<()>;
}

#[async_trait]
impl History for Proxy<StreamHistory> {
    async fn save(&self, changes: Vec<(Stream, Vec<LogLine>)>) -> Answer<()> {
        match self.ask(Request::Save(changes), ASK_WITHIN).await? {
            Response::Saved => Ok(()),
            other => odd(other),
        }
    }
}

pub(super) async fn spawn(
    system: &System,
    history: Arc<dyn History>,
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
    history: Arc<dyn History>,
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

/// The outcome of a write, with what it was to write.
struct Written {
    result: Answer<()>,
    batch: Batch,
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
                state.pending.report(*stream, lines);
                due(myself, state, GATHER);
            }
            Command::Close(stream, lines, reply) => {
                state.pending.close(*stream, lines, reply);
                self.write(myself, state);
            }
            Command::Flush(reply) => {
                state.pending.flush(reply);
                self.write(myself, state);
            }
        }
    }

    /// Writes what is pending, one write at a time: what comes meanwhile goes into the next one.
    fn write(&self, myself: &ActorRef<Message>, state: &mut State) {
        if state.is_writing {
            return;
        }
        let mut batch = std::mem::take(&mut state.pending);
        if !batch.has_changes() {
            batch.answer(&Ok(()));
            return;
        }
        state.is_writing = true;
        let (history, myself) = (self.history.clone(), myself.clone());
        self.system.tasks().spawn("stream gatherer write", async move {
            let result = history.save(batch.changes()).await;
            // The gatherer outlives its writes, but for the end of the process.
            let _ = myself.cast(Message::Written(Written { result, batch }));
        });
    }

    fn written(&self, myself: &ActorRef<Message>, written: Written, state: &mut State) {
        state.is_writing = false;
        let Written { result, mut batch } = written;
        batch.answer(&result);
        if let Err(error) = &result {
            tracing::warn!(code = "WEIR-06111", %error, "stream history was not written");
            state.pending.put_back(batch);
            due(myself, state, RETRY_AFTER);
        } else if state.pending.is_waited_for() {
            self.write(myself, state);
        } else if state.pending.has_changes() {
            due(myself, state, GATHER);
        }
    }
}

fn due(myself: &ActorRef<Message>, state: &mut State, after: Duration) {
    if !std::mem::replace(&mut state.is_due, true) {
        myself.send_after(after, || Message::Due);
    }
}

#[cfg(test)]
pub(super) mod tests;
