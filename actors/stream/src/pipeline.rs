//! One attempt of one stream as actors: a pipeline that supervises its stages.
//!
//! ```text
//! pipeline ── sink … ── island … ── source      spawned in this order, linked to the pipeline
//! ```
//!
//! It answers once: with what the sinks prepared when all stages ended well, or with the first
//! fault when one did not. Then none of its stages runs any more (S5).

use ractor::{Actor, ActorProcessingErr, ActorRef, SupervisionEvent};
use tokio::sync::oneshot;
use tokio_util::sync::{CancellationToken, DropGuard};
use tracing::{Instrument as _, Span};
use weir_domain::{Fault, StageId};
use weir_runtime::Tasks;

use crate::Prepared;
use crate::life::Threads;
use crate::stage::{Body, StageResult, Stopped};

/// Faults that are defects: of a stage's actor, and of what it runs.
pub(crate) const ACTOR_FAILED: u32 = 3120;
pub(crate) const STAGE_PANICKED: u32 = 3121;

/// How an attempt ended.
pub(crate) type Ended = Result<Vec<Prepared>, Fault>;

pub(crate) enum Message {
    StageEnded(StageId, StageResult),
}

impl ractor::Message for Message {}

pub(crate) struct Pipeline;

pub(crate) struct Arguments {
    /// Sinks first.
    pub(crate) bodies: Vec<(StageId, Body)>,
    pub(crate) tasks: Tasks,
    /// Cancelled to end the attempt early.
    pub(crate) stop: CancellationToken,
    pub(crate) answer: oneshot::Sender<Ended>,
    /// What the stages block, kept until the last has ended: also one that hangs, and is not waited for.
    pub(crate) threads: Option<Threads>,
    /// What its stages log is about.
    pub(crate) place: Span,
}

pub(crate) struct State {
    running: usize,
    prepared: Vec<Prepared>,
    fault: Option<Fault>,
    stop: CancellationToken,
    /// Stops the stages however the pipeline ends, also when it could not start all of them.
    _guard: DropGuard,
    answer: Option<oneshot::Sender<Ended>>,
    _threads: Option<Threads>,
}

impl Actor for Pipeline {
    type Msg = Message;
    type State = State;
    type Arguments = Arguments;

    async fn pre_start(
        &self,
        myself: ActorRef<Message>,
        arguments: Arguments,
    ) -> Result<State, ActorProcessingErr> {
        let Arguments { bodies, tasks, stop, answer, threads, place } = arguments;
        // Stages stop with the pipeline, also when it never gets to tell them.
        let stop = stop.child_token();
        let guard = stop.clone().drop_guard();
        let running = bodies.len();
        for (id, body) in bodies {
            let place = tracing::info_span!(parent: &place, "stage", stage = %id);
            let start = StageStart { id, body, tasks: tasks.clone(), stop: stop.clone(), place };
            let start = StageArguments { start, pipeline: myself.clone() };
            Actor::spawn_linked(None, StageActor, start, myself.get_cell()).await?;
        }
        Ok(State {
            running,
            prepared: Vec::new(),
            fault: None,
            stop,
            _guard: guard,
            answer: Some(answer),
            _threads: threads,
        })
    }

    async fn handle(
        &self,
        myself: ActorRef<Message>,
        message: Message,
        state: &mut State,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            Message::StageEnded(stage, result) => state.stage_ended(&stage, result),
        }
        if state.running == 0 {
            state.answer();
            myself.stop(None);
        }
        Ok(())
    }

    async fn handle_supervisor_evt(
        &self,
        myself: ActorRef<Message>,
        event: SupervisionEvent,
        state: &mut State,
    ) -> Result<(), ActorProcessingErr> {
        match event {
            // A stage that ended has said so by message; its actor's end is no news.
            SupervisionEvent::ActorTerminated(..) | SupervisionEvent::ActorStarted(_) => {}
            SupervisionEvent::ActorFailed(_, error) => {
                state.failed(Fault::transient(
                    ACTOR_FAILED,
                    format!("a stage's actor failed: {error}"),
                ));
                state.answer();
                myself.stop(None);
            }
            SupervisionEvent::ProcessGroupChanged(_) | SupervisionEvent::PidLifecycleEvent(_) => {}
        }
        Ok(())
    }

    async fn post_stop(
        &self,
        _: ActorRef<Message>,
        state: &mut State,
    ) -> Result<(), ActorProcessingErr> {
        state.stop.cancel();
        state.answer();
        Ok(())
    }
}

impl State {
    fn stage_ended(&mut self, stage: &StageId, result: StageResult) {
        self.running -= 1;
        match result {
            Ok(prepared) => self.prepared.extend(prepared),
            Err(Stopped::Broken) => {
                // A neighbour's fault is on its way, unless the attempt was stopped from outside.
                tracing::debug!(%stage, "stage ended with its pipeline");
                self.stop.cancel();
            }
            Err(Stopped::Fault(fault)) => {
                // What it says may show secrets: the stream tells it, masked.
                tracing::debug!(%stage, code = %fault.code, "stage failed");
                self.failed(fault);
            }
        }
    }

    fn failed(&mut self, fault: Fault) {
        self.fault.get_or_insert(fault);
        self.stop.cancel();
    }

    fn answer(&mut self) {
        let Some(answer) = self.answer.take() else { return };
        let ended = match self.fault.take() {
            Some(fault) => Err(fault),
            None if self.stop.is_cancelled() || self.running > 0 => {
                Err(Fault::stopped("the stream was stopped before its end"))
            }
            None => Ok(std::mem::take(&mut self.prepared)),
        };
        // The one who asked may be gone; then nobody wants the answer.
        let _ = answer.send(ended);
    }
}

struct StageActor;

struct StageStart {
    id: StageId,
    body: Body,
    tasks: Tasks,
    stop: CancellationToken,
    place: Span,
}

struct StageArguments {
    start: StageStart,
    pipeline: ActorRef<Message>,
}

enum StageMessage {
    Ended(StageResult),
}

impl ractor::Message for StageMessage {}

struct StageState {
    id: StageId,
    pipeline: ActorRef<Message>,
}

impl Actor for StageActor {
    type Msg = StageMessage;
    type State = StageState;
    type Arguments = StageArguments;

    async fn pre_start(
        &self,
        myself: ActorRef<StageMessage>,
        StageArguments { start, pipeline }: StageArguments,
    ) -> Result<StageState, ActorProcessingErr> {
        let state = StageState { id: start.id.clone(), pipeline };
        start.run(move |result| {
            // The actor outlives its loop, or was stopped together with the whole pipeline.
            let _ = myself.cast(StageMessage::Ended(result));
        });
        Ok(state)
    }

    async fn handle(
        &self,
        myself: ActorRef<StageMessage>,
        StageMessage::Ended(result): StageMessage,
        state: &mut StageState,
    ) -> Result<(), ActorProcessingErr> {
        state.pipeline.cast(Message::StageEnded(state.id.clone(), result))?;
        myself.stop(None);
        Ok(())
    }

    async fn handle_supervisor_evt(
        &self,
        _: ActorRef<StageMessage>,
        _: SupervisionEvent,
        _: &mut StageState,
    ) -> Result<(), ActorProcessingErr> {
        Ok(())
    }
}

impl StageStart {
    /// Starts the loop: file stages on threads that may block, islands as tasks, unless an operator
    /// of theirs may work for long: then they would keep the whole engine from its work.
    fn run(self, ended: impl FnOnce(StageResult) + Send + 'static) {
        let Self { id, body, tasks, stop, place } = self;
        let name = format!("stage {id}");
        match body {
            Body::Source(source) => drop(tasks.spawn_blocking(name, move || {
                ended(place.in_scope(|| caught(&id, || source.run(&stop))));
            })),
            Body::LiveSource(source) => drop(tasks.spawn_blocking(name, move || {
                ended(place.in_scope(|| caught(&id, || source.run(&stop))));
            })),
            Body::Sink(sink) => drop(tasks.spawn_blocking(name, move || {
                ended(place.in_scope(|| caught(&id, || sink.run(&stop))));
            })),
            Body::Island(island) if island.blocks => {
                let runtime = tokio::runtime::Handle::current();
                drop(tasks.spawn_blocking(name, move || {
                    let run = || runtime.block_on(island.run(&stop));
                    ended(place.in_scope(|| caught(&id, run)));
                }));
            }
            Body::Island(island) => drop(tasks.spawn(name, async move {
                use futures::FutureExt as _;
                let run = island.run(&stop).instrument(place);
                let run = std::panic::AssertUnwindSafe(run).catch_unwind();
                ended(run.await.unwrap_or_else(|_| Err(panicked(&id).into())));
            })),
        }
    }
}

/// A stage that panics fails; what it held is dropped with it, so nothing half-done is seen.
fn caught(id: &StageId, run: impl FnOnce() -> StageResult) -> StageResult {
    let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(run));
    caught.unwrap_or_else(|_| Err(panicked(id).into()))
}

fn panicked(id: &StageId) -> Fault {
    Fault::transient(STAGE_PANICKED, format!("stage {id} panicked"))
        .with_hint("this is a defect of Weir: report it with the log lines before this one")
}
