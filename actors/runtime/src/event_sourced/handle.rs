//! The handle of an event-sourced actor: what the rest of the system has of it.
//!
//! A handle outlives the actor's incarnations: a command goes to the one that runs, or is refused
//! with the reason why none does.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{oneshot, watch};
use weir_domain::{CommandId, Fault, Millis};
use weir_persistence_api::PersistenceId;

use super::host::{Core, HostActor, HostMsg};
use super::{EventSourced, HostSpec, HostStatus};
use crate::message::{await_answer, millis, stopped};
use crate::task::panic_text;
use crate::{AskError, Gate, StopTimedOut, Supervised, System, code, supervise};

/// What a command or a read is answered with: the sequence number and the state, both durable.
pub(super) type Answer<'a, B> = Result<(u64, &'a B), AskError<<B as EventSourced>::Rejection>>;

/// Somebody who waits for an answer.
pub(super) trait Asker<B: EventSourced>: Send {
    fn still_waits(&self) -> bool;
    fn answer(self: Box<Self>, answer: Answer<'_, B>);
}

/// What is asked of a host.
pub(super) enum Ask<B: EventSourced> {
    Command {
        id: Option<CommandId>,
        command: B::Command,
        asker: Box<dyn Asker<B>>,
    },
    Query(Box<dyn Asker<B>>),
    /// Answered with the sequence number of the command's last event, 0 if there is none.
    Recall {
        id: CommandId,
        asker: Box<dyn Asker<B>>,
    },
}

/// The handle of one event-sourced actor.
pub struct HostRef<B: EventSourced>(Arc<Inner<B>>);

struct Inner<B: EventSourced> {
    id: PersistenceId,
    actor: Arc<str>,
    gate: Gate,
    child: Supervised<HostMsg<B>>,
    said: watch::Receiver<HostStatus>,
    system: System,
    core: Arc<Core<B>>,
}

impl<B: EventSourced> HostRef<B> {
    /// Starts the actor under supervision and returns at once: it recovers while commands wait.
    pub async fn start(system: &System, spec: HostSpec<B>) -> Result<Self, Fault> {
        let actor: Arc<str> = format!("controller/{}", spec.id).into();
        let (id, policy) = (spec.id.clone(), spec.settings.restarts);
        let gate = system.gate(actor.clone(), spec.settings.waiting_max);
        let core = Arc::new(Core::new(system.clone(), actor.clone(), spec));
        let said = core.status.subscribe();
        let shared = core.clone();
        let build = move |parent| {
            let host = HostActor(core.clone());
            let spawned = ractor::Actor::spawn_linked(None, host, (), parent);
            let spawned = async { spawned.await.map(|(actor, _)| actor) };
            Box::pin(spawned) as futures::future::BoxFuture<'static, _>
        };
        let child = supervise(system, actor.clone(), policy, None, Box::new(build)).await;
        let child = child.map_err(|it| Fault::transient(code::ACTOR_FAILED.0, it.to_string()))?;
        let system = system.clone();
        Ok(Self(Arc::new(Inner { id, actor, gate, child, said, system, core: shared })))
    }

    pub fn id(&self) -> &PersistenceId {
        &self.0.id
    }

    /// Its name in logs, metrics and dead letters.
    pub fn actor(&self) -> &Arc<str> {
        &self.0.actor
    }

    /// Has a command carried out. The answer is the sequence number of the last durable event,
    /// and comes after the command's own events are durable.
    pub async fn ask(
        &self,
        command: B::Command,
        deadline: Duration,
    ) -> Result<u64, AskError<B::Rejection>> {
        self.ask_and_read(command, deadline, |sequence, _| sequence).await
    }

    /// Has a command carried out once, however often it is asked with the same id: one that is in
    /// the journal is answered with the sequence number of its own last event. A command that led
    /// to no event is decided again; one that is older than those that are remembered is refused.
    pub async fn ask_as(
        &self,
        id: CommandId,
        command: B::Command,
        deadline: Duration,
    ) -> Result<u64, AskError<B::Rejection>> {
        self.ask_and_read_as(id, command, deadline, |sequence, _| sequence).await
    }

    /// The same, and reads from the state: from the one that the command led to, or, if it was
    /// carried out before, from the present one.
    pub async fn ask_and_read_as<R: Send + 'static>(
        &self,
        id: CommandId,
        command: B::Command,
        deadline: Duration,
        read: impl FnOnce(u64, &B) -> R + Send + 'static,
    ) -> Result<R, AskError<B::Rejection>> {
        let id = Some(id);
        self.send(deadline, read, |asker| Ask::Command { id, command, asker }).await
    }

    /// Has a command carried out and reads from the state that it led to.
    pub async fn ask_and_read<R: Send + 'static>(
        &self,
        command: B::Command,
        deadline: Duration,
        read: impl FnOnce(u64, &B) -> R + Send + 'static,
    ) -> Result<R, AskError<B::Rejection>> {
        self.send(deadline, read, |asker| Ask::Command { id: None, command, asker }).await
    }

    /// Reads from the state, after all commands that were asked before. It shows only what is
    /// durable.
    pub async fn query<R: Send + 'static>(
        &self,
        deadline: Duration,
        read: impl FnOnce(&B) -> R + Send + 'static,
    ) -> Result<R, AskError<B::Rejection>> {
        self.send(deadline, |_, state| read(state), Ask::Query).await
    }

    /// Whether a command with this id is in the journal: for whoever must do something slow, or
    /// something that can't be done again, before it can be asked. One that was forgotten is not
    /// found here, and is refused when it is asked.
    pub async fn recalls(
        &self,
        id: CommandId,
        deadline: Duration,
    ) -> Result<bool, AskError<B::Rejection>> {
        self.send(deadline, |sequence, _| sequence > 0, |asker| Ask::Recall { id, asker }).await
    }

    pub fn status(&self) -> HostStatus {
        HostStatus::of(self.0.child.state(), self.0.said.borrow().clone())
    }

    /// Waits until it runs. An error says why it does not.
    pub async fn ready(&self, deadline: Duration) -> Result<(), Fault> {
        let ready = self.wait_for(|it| match it {
            HostStatus::Running { .. } => Some(Ok(())),
            HostStatus::Failed { cause } => Some(Err(cause.clone())),
            HostStatus::Stopped => Some(Err(Fault::stopped("it was stopped"))),
            HostStatus::Recovering { .. }
            | HostStatus::Suspended { .. }
            | HostStatus::Restarting { .. } => None,
        });
        match tokio::time::timeout(deadline, ready).await {
            Ok(ready) => ready,
            Err(_) => Err(self.not_ready(millis(deadline))),
        }
    }

    /// Waits for a status and returns what `wanted` makes of it. The caller sets the deadline:
    /// a status that never comes is waited for without end.
    pub async fn wait_for<T>(&self, wanted: impl Fn(&HostStatus) -> Option<T>) -> T {
        let (mut child, mut said) = (self.0.child.watch(), self.0.said.clone());
        loop {
            child.mark_unchanged();
            said.mark_unchanged();
            if let Some(found) = wanted(&self.status()) {
                return found;
            }
            let changed = tokio::select! {
                it = child.changed() => it,
                it = said.changed() => it,
            };
            if changed.is_err() {
                // The actor and its supervisor are gone: this is the last status there will be.
                return match wanted(&self.status()) {
                    Some(found) => found,
                    None => futures::future::pending().await,
                };
            }
        }
    }

    /// Holds it, from this moment on: commands are refused, effects that run are cancelled and none
    /// begins, reads are answered. For whoever may no longer be sure that this is the writer.
    pub fn suspend(&self, cause: impl Into<Arc<str>>) {
        self.hold(Some(cause.into()));
    }

    /// Lets it go on where it was, without a new recovery.
    pub fn resume(&self) {
        self.hold(None);
    }

    fn hold(&self, cause: Option<Arc<str>>) {
        self.0.core.hold(cause);
        if let Some(actor) = self.0.child.current() {
            // An error only says that it is stopping; its successor looks by itself.
            let _ = actor.send_message(HostMsg::Held);
        }
    }

    /// Starts it anew after a person has mended what was wrong.
    pub async fn restart(&self) {
        self.0.child.restart().await;
    }

    /// Lets it carry out what waits, then stops it for good.
    pub async fn stop(&self, deadline: Duration) -> Result<(), StopTimedOut> {
        self.0.child.stop(deadline).await
    }

    async fn send<R: Send + 'static>(
        &self,
        deadline: Duration,
        read: impl FnOnce(u64, &B) -> R + Send + 'static,
        ask: impl FnOnce(Box<dyn Asker<B>>) -> Ask<B>,
    ) -> Result<R, AskError<B::Rejection>> {
        let Some(actor) = self.0.child.current() else {
            return Err(self.not_running());
        };
        let (reply, answer) = oneshot::channel();
        let asker = Waiting { reply, read, actor: self.0.actor.clone() };
        let sealed = self.0.gate.seal(ask(Box::new(asker))).map_err(|_| self.busy())?;
        if actor.send_message(HostMsg::Ask(sealed)).is_err() {
            return Err(stopped(&self.0.actor));
        }
        await_answer(&self.0.actor, deadline, answer).await?
    }

    fn busy(&self) -> AskError<B::Rejection> {
        AskError::Busy { actor: self.0.actor.clone(), waiting: self.0.gate.waiting() }
    }

    fn not_running(&self) -> AskError<B::Rejection> {
        let actor = self.0.actor.clone();
        match self.status() {
            HostStatus::Restarting { until, cause, .. } => {
                let retry_after = millis(until.since(self.0.system.now()));
                AskError::Unavailable { actor, cause: cause.message, retry_after }
            }
            HostStatus::Failed { cause } => AskError::Stopped { actor, cause: cause.message },
            HostStatus::Stopped => AskError::Stopped { actor, cause: "it was stopped".into() },
            HostStatus::Recovering { .. }
            | HostStatus::Running { .. }
            | HostStatus::Suspended { .. } => {
                let cause = "it is being started".into();
                AskError::Unavailable { actor, cause, retry_after: Millis(100) }
            }
        }
    }

    fn not_ready(&self, after: Millis) -> Fault {
        let actor = &self.0.actor;
        let why = match self.status() {
            HostStatus::Suspended { cause, .. } => cause,
            HostStatus::Restarting { cause, .. } => cause.message,
            other => format!("{other:?}"),
        };
        Fault::transient(code::RECOVERY.0, format!("{actor} was not ready after {after}: {why}"))
    }
}

impl<B: EventSourced> Clone for HostRef<B> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<B: EventSourced> fmt::Debug for HostRef<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HostRef({})", self.0.actor)
    }
}

/// The waiting end of a oneshot, and what its owner wants to know of the state.
struct Waiting<R, E, F> {
    reply: oneshot::Sender<Result<R, AskError<E>>>,
    read: F,
    actor: Arc<str>,
}

impl<B, R, F> Asker<B> for Waiting<R, B::Rejection, F>
where
    B: EventSourced,
    R: Send + 'static,
    F: FnOnce(u64, &B) -> R + Send + 'static,
{
    fn still_waits(&self) -> bool {
        !self.reply.is_closed()
    }

    fn answer(self: Box<Self>, answer: Answer<'_, B>) {
        let Self { reply, read, actor } = *self;
        // The reader is code of the caller; the state is only lent to it.
        let read = |(sequence, state): (u64, &B)| {
            catch_unwind(AssertUnwindSafe(|| read(sequence, state))).map_err(|panic| {
                let cause = panic_text(&*panic);
                tracing::error!(code = %code::READ_PANICKED, %actor, cause, "a read of a state panicked");
                AskError::Refused { actor: actor.clone(), cause }
            })
        };
        // An error only says that the asker's deadline has passed.
        let _ = reply.send(answer.and_then(read));
    }
}
