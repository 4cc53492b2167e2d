//! The supervisor: an actor that keeps one child running, as its policy allows.
//!
//! Invariants:
//! - V1: at most one incarnation of the child at a time.
//! - V2: every end of the child is caught: an error, a panic, a start that fails or hangs.
//! - V3: a child that is stopped by its supervisor first handles what is in its mailbox.

use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use ractor::{
    Actor, ActorCell, ActorProcessingErr, ActorRef, ActorStatus, SpawnErr, SupervisionEvent,
};
use tokio::sync::{oneshot, watch};
use weir_domain::{Fault, FaultKind, Millis};

use super::child::Failure;
use super::{Child, ChildState, Exhausted, RestartPolicy, Restarts, Verdict};
use crate::message::millis;
use crate::task::panic_text;
use crate::{RuntimeEvent, Stopwatch, System, code};

/// Builds a new incarnation of the child, linked to the given supervisor (`Actor::spawn_linked`).
pub type Factory<M> =
    Box<dyn Fn(ActorCell) -> BoxFuture<'static, Result<ActorRef<M>, SpawnErr>> + Send + Sync>;

/// Starts a supervisor and, through it, its child. `path` names both in logs and metrics.
/// A supervisor that shall escalate is linked to the given parent.
pub async fn supervise<M: ractor::Message>(
    system: &System,
    path: impl Into<Arc<str>>,
    policy: RestartPolicy,
    parent: Option<ActorCell>,
    factory: Factory<M>,
) -> Result<Supervised<M>, SpawnErr> {
    let path = path.into();
    let publish = watch::Sender::new(Child { state: ChildState::Starting, actor: None });
    let child = publish.subscribe();
    let supervisor =
        Supervisor { system: system.clone(), path: path.clone(), policy, publish, factory };
    let (actor, _) = match parent {
        Some(parent) => Actor::spawn_linked(None, supervisor, (), parent).await?,
        None => Actor::spawn(None, supervisor, ()).await?,
    };
    Ok(Supervised { actor, child, path })
}

/// A supervised child, whichever incarnation of it is running.
pub struct Supervised<M> {
    actor: ActorRef<Order>,
    child: watch::Receiver<Child<M>>,
    path: Arc<str>,
}

/// The child did not stop in time and was killed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{actor} did not stop within {after} and was killed")]
pub struct StopTimedOut {
    pub actor: Arc<str>,
    pub after: Millis,
}

impl<M: ractor::Message> Supervised<M> {
    pub fn path(&self) -> &Arc<str> {
        &self.path
    }

    pub fn state(&self) -> ChildState {
        let state = self.child.borrow().state.clone();
        // A supervisor that was killed had no time to say so.
        let orphaned = self.child.has_changed().is_err() && !state.is_final();
        if orphaned { ChildState::Stopped } else { state }
    }

    /// The present incarnation, if one is running.
    pub fn current(&self) -> Option<ActorRef<M>> {
        self.child.borrow().actor.clone()
    }

    /// Waits until the child runs. An error says why it never will.
    pub async fn started(&self) -> Result<(), Fault> {
        let mut child = self.child.clone();
        let seen = child.wait_for(|it| it.actor.is_some() || it.state.is_final()).await;
        match seen.as_ref().map(|it| &it.state) {
            Ok(ChildState::Failed { cause }) => Err(cause.clone()),
            Ok(ChildState::Stopped) | Err(_) => Err(Fault::stopped("it was stopped")),
            Ok(_) => Ok(()),
        }
    }

    /// Waits until the child is gone for good, unless a person acts, and says how it ended.
    pub async fn ended(&self) -> ChildState {
        let mut child = self.child.clone();
        // An error only says that the supervisor is gone, which the state shows.
        let _ = child.wait_for(|it| it.state.is_final()).await;
        self.state()
    }

    /// Follows the child through its states.
    pub fn watch(&self) -> watch::Receiver<Child<M>> {
        self.child.clone()
    }

    /// Starts a child that waits for its restart, or failed for good, now. For a person who has
    /// looked: the failures so far are forgiven. Returns when that is begun; nothing happens
    /// while the child runs.
    pub async fn restart(&self) {
        let (begun, answer) = oneshot::channel();
        // An error only says that the supervisor is gone, which the state shows.
        let _ = self.actor.send_message(Order::Restart(begun));
        let _ = answer.await;
    }

    /// Lets the child handle what is in its mailbox, then ends it and its supervisor. A child
    /// that is not done at the deadline is killed, as the last resort.
    pub async fn stop(&self, deadline: Duration) -> Result<(), StopTimedOut> {
        let _ = self.actor.send_message(Order::Stop);
        let cell = self.actor.get_cell();
        if cell.get_status() == ActorStatus::Stopped || cell.wait(Some(deadline)).await.is_ok() {
            return Ok(());
        }
        // A supervisor that is killed kills its child with it, but not one that is draining.
        if let Some(child) = self.current() {
            child.kill();
        }
        cell.kill();
        let timed_out = StopTimedOut { actor: self.path.clone(), after: millis(deadline) };
        // Whoever stops it is told and knows what that means.
        tracing::warn!(code = %code::STOP_TIMED_OUT, "{timed_out}");
        Err(timed_out)
    }
}

impl<M> Clone for Supervised<M> {
    fn clone(&self) -> Self {
        Self { actor: self.actor.clone(), child: self.child.clone(), path: self.path.clone() }
    }
}

impl<M> fmt::Debug for Supervised<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Supervised({})", self.path)
    }
}

enum Order {
    Start,
    /// Answered when the child's failures are forgiven.
    Restart(oneshot::Sender<()>),
    Stop,
}

impl ractor::Message for Order {}

struct Supervisor<M> {
    system: System,
    path: Arc<str>,
    policy: RestartPolicy,
    publish: watch::Sender<Child<M>>,
    factory: Factory<M>,
}

struct State {
    restarts: Restarts,
    child: Option<ActorCell>,
    /// Runs from the beginning of the supervisor.
    uptime: Stopwatch,
    /// Runs from the last start of the child.
    running: Stopwatch,
    stopping: bool,
}

impl<M: ractor::Message> Actor for Supervisor<M> {
    type Msg = Order;
    type State = State;
    type Arguments = ();

    async fn pre_start(
        &self,
        myself: ActorRef<Order>,
        (): (),
    ) -> Result<State, ActorProcessingErr> {
        myself.send_message(Order::Start)?;
        let (uptime, running) = (Stopwatch::start(), Stopwatch::start());
        let restarts = Restarts::new(self.policy);
        Ok(State { restarts, child: None, uptime, running, stopping: false })
    }

    async fn handle(
        &self,
        myself: ActorRef<Order>,
        order: Order,
        state: &mut State,
    ) -> Result<(), ActorProcessingErr> {
        match order {
            Order::Start => self.start(&myself, state).await,
            Order::Restart(begun) => self.restart(&myself, state, begun).await,
            Order::Stop => self.stop(&myself, state),
        }
    }

    async fn handle_supervisor_evt(
        &self,
        myself: ActorRef<Order>,
        event: SupervisionEvent,
        state: &mut State,
    ) -> Result<(), ActorProcessingErr> {
        let mine = event.actor_id().is_some()
            && event.actor_id() == state.child.as_ref().map(ActorCell::get_id);
        if !mine {
            return Ok(());
        }
        match event {
            SupervisionEvent::ActorTerminated(_, Some(_), _) => self.ended(&myself, state),
            SupervisionEvent::ActorTerminated(_, None, reason) => {
                let reason = reason.unwrap_or_else(|| "it was killed".into());
                self.failed(&myself, state, Failure::plain(reason))
            }
            SupervisionEvent::ActorFailed(_, error) => {
                self.failed(&myself, state, Failure::of(error))
            }
            SupervisionEvent::ActorStarted(_)
            | SupervisionEvent::ProcessGroupChanged(_)
            | SupervisionEvent::PidLifecycleEvent(_) => Ok(()),
        }
    }

    async fn post_stop(&self, _: ActorRef<Order>, _: &mut State) -> Result<(), ActorProcessingErr> {
        if !self.publish.borrow().state.is_final() {
            self.show(ChildState::Stopped, None);
        }
        Ok(())
    }
}

impl<M: ractor::Message> Supervisor<M> {
    async fn start(
        &self,
        myself: &ActorRef<Order>,
        state: &mut State,
    ) -> Result<(), ActorProcessingErr> {
        // A person may have started it before its time.
        if state.child.is_some() || state.stopping || self.publish.borrow().state.is_final() {
            return Ok(());
        }
        state.running = Stopwatch::start();
        match self.build(myself.get_cell()).await {
            Ok(child) => {
                state.child = Some(child.get_cell());
                self.show(ChildState::Running { since: self.system.now() }, Some(child));
                Ok(())
            }
            Err(failure) => self.failed(myself, state, failure),
        }
    }

    async fn build(&self, myself: ActorCell) -> Result<ActorRef<M>, Failure> {
        let build = AssertUnwindSafe(async { (self.factory)(myself).await }).catch_unwind();
        match tokio::time::timeout(self.policy.start_within, build).await {
            Ok(Ok(Ok(child))) => Ok(child),
            Ok(Ok(Err(SpawnErr::StartupFailed(error)))) => Err(Failure::of(error)),
            Ok(Ok(Err(other))) => Err(Failure::plain(other.to_string())),
            Ok(Err(panic)) => Err(Failure::plain(panic_text(&*panic))),
            Err(_) => {
                let limit = millis(self.policy.start_within);
                Err(Failure::plain(format!("it did not start within {limit}")))
            }
        }
    }

    async fn restart(
        &self,
        myself: &ActorRef<Order>,
        state: &mut State,
        begun: oneshot::Sender<()>,
    ) -> Result<(), ActorProcessingErr> {
        if state.child.is_some() || state.stopping {
            return Ok(());
        }
        state.restarts.forgive();
        self.show(ChildState::Starting, None);
        // An error only says that nobody waits for it.
        let _ = begun.send(());
        self.start(myself, state).await
    }

    fn stop(&self, myself: &ActorRef<Order>, state: &mut State) -> Result<(), ActorProcessingErr> {
        state.stopping = true;
        match &state.child {
            // Its end arrives as a supervision event.
            Some(child) => drop(child.drain()),
            None => myself.stop(None),
        }
        Ok(())
    }

    fn ended(&self, myself: &ActorRef<Order>, state: &mut State) -> Result<(), ActorProcessingErr> {
        state.child = None;
        self.show(ChildState::Stopped, None);
        if state.stopping {
            myself.stop(None);
        }
        Ok(())
    }

    fn failed(
        &self,
        myself: &ActorRef<Order>,
        state: &mut State,
        failure: Failure,
    ) -> Result<(), ActorProcessingErr> {
        state.child = None;
        let Failure { fault, fatal } = failure;
        if state.stopping {
            self.give_up(fault);
            myself.stop(None);
            return Ok(());
        }
        let ran = state.running.elapsed();
        let chance = self.system.ids().chance();
        match state.restarts.failed(state.uptime.elapsed(), ran, chance) {
            Verdict::Restart { attempt, after } if !fatal => {
                self.plan_restart(attempt, after, fault);
                myself.send_after(after, || Order::Start);
                Ok(())
            }
            Verdict::Restart { .. } | Verdict::GiveUp => {
                self.give_up(fault.clone());
                match self.policy.exhausted {
                    Exhausted::Stay => Ok(()),
                    Exhausted::Escalate => Err(Box::new(fault)),
                }
            }
        }
    }

    fn plan_restart(&self, attempt: u32, after: Duration, cause: Fault) {
        let (actor, wait) = (self.path.clone(), millis(after));
        tracing::warn!(code = %code::ACTOR_RESTARTING, %actor, attempt, %wait, %cause, "an actor failed and will be started again");
        metrics::counter!("weir_actor_restarts_total", "actor" => actor.to_string()).increment(1);
        let until = self.system.now().plus(after);
        self.show(ChildState::Restarting { attempt, until, cause: cause.clone() }, None);
        self.system.events().publish(RuntimeEvent::ActorRestarting { actor, attempt, cause });
    }

    fn give_up(&self, cause: Fault) {
        let actor = self.path.clone();
        let hint = cause.hint.as_deref().unwrap_or("");
        match cause.kind {
            // Its work was taken from it, as from a writer that was deposed: nothing is wrong.
            FaultKind::Stopped => {
                tracing::warn!(code = %code::ACTOR_FAILED, %actor, fault = %cause.code, %cause, hint, "an actor ended and is not started again");
            }
            FaultKind::Data | FaultKind::Transient | FaultKind::Config => {
                tracing::error!(code = %code::ACTOR_FAILED, %actor, fault = %cause.code, %cause, hint, "an actor failed and is not started again");
            }
        }
        metrics::counter!("weir_actor_failures_total", "actor" => actor.to_string()).increment(1);
        self.show(ChildState::Failed { cause: cause.clone() }, None);
        self.system.events().publish(RuntimeEvent::ActorFailed { actor, cause });
    }

    fn show(&self, state: ChildState, actor: Option<ActorRef<M>>) {
        self.publish.send_replace(Child { state, actor });
    }
}
