//! Coordinated shutdown: named phases in a fixed order, each with a time limit.
//!
//! Invariants:
//! - S1: the steps of a phase run side by side; a phase begins when the one before it has ended.
//! - S2: a step that fails, panics or takes too long is reported and stops nothing else.
//! - S3: steps run at most once, whoever asks how often.
//! - S4: a second request ends the waiting: what runs is cancelled, what has not begun never does.
//! - S5: a node that was downed has no time: its steps for that case run first, what would be a
//!   graceful end (drain, hand over, leave) is skipped, and the rest gets a second each.
//!
//! What the phases do is registered by those who own the things to be stopped. Signals are not
//! read here.

mod report;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::future::{BoxFuture, join_all};
use tokio::sync::{OnceCell, watch};
use weir_domain::Fault;

use crate::message::millis;
use crate::{EventStream, RuntimeEvent, Stopwatch, Tasks, code};

pub use report::{Outcome, PhaseReport, Report, StepReport};

/// How long a step may take when the node was downed.
const DOWNED_WITHIN: Duration = Duration::from_secs(1);

/// The phases in the order in which they run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// Take no new connections.
    ServiceUnbind,
    /// Let the requests that are being answered finish.
    ServiceRequestsDone,
    /// Let open streams finish, or roll them back.
    WorkflowDrain,
    /// Let controllers write what they have accepted, and release their leases to a successor.
    SingletonHandOver,
    /// Tell the cluster that this node is gone for good.
    ClusterLeave,
    /// Close the store, after its last writer.
    StoreClose,
    /// Join the tasks that are left.
    SystemTerminate,
}

impl Phase {
    pub const ALL: [Self; 7] = [
        Self::ServiceUnbind,
        Self::ServiceRequestsDone,
        Self::WorkflowDrain,
        Self::SingletonHandOver,
        Self::ClusterLeave,
        Self::StoreClose,
        Self::SystemTerminate,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::ServiceUnbind => "service-unbind",
            Self::ServiceRequestsDone => "service-requests-done",
            Self::WorkflowDrain => "workflow-drain",
            Self::SingletonHandOver => "singleton-hand-over",
            Self::ClusterLeave => "cluster-leave",
            Self::StoreClose => "store-close",
            Self::SystemTerminate => "system-terminate",
        }
    }

    /// Whether it belongs to a graceful end only.
    fn is_graceful(self) -> bool {
        matches!(self, Self::WorkflowDrain | Self::SingletonHandOver | Self::ClusterLeave)
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// How long each phase may take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PhaseTimeouts(BTreeMap<Phase, Duration>);

impl PhaseTimeouts {
    #[must_use]
    pub fn with(mut self, phase: Phase, limit: Duration) -> Self {
        self.0.insert(phase, limit);
        self
    }

    pub fn of(&self, phase: Phase) -> Duration {
        self.0.get(&phase).copied().unwrap_or(Duration::from_secs(5))
    }
}

impl Default for PhaseTimeouts {
    /// 5 s each, 30 s for open streams, 10 s for controllers.
    fn default() -> Self {
        Self(BTreeMap::new())
            .with(Phase::WorkflowDrain, Duration::from_secs(30))
            .with(Phase::SingletonHandOver, Duration::from_secs(10))
    }
}

/// Why the process stops.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// A signal of the system, by name.
    Signal(&'static str),
    /// A person or a program asked, in the given way.
    Requested(String),
    /// It can't go on.
    Failed(Fault),
    /// It can't go on, and must not begin again before a person has decided.
    Refused(Fault),
    /// The cluster goes on without this node: what it does must end at once, and another
    /// incarnation may join.
    Downed(Fault),
}

impl Reason {
    pub fn is_downed(&self) -> bool {
        matches!(self, Self::Downed(_))
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Signal(name) => f.write_str(name),
            Self::Requested(by) => f.write_str(by),
            Self::Failed(fault) => write!(f, "failure: {fault}"),
            Self::Refused(fault) => write!(f, "refused: {fault}"),
            Self::Downed(fault) => write!(f, "downed: {fault}"),
        }
    }
}

/// What a request for the end did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Requested {
    /// It began the shutdown.
    First,
    /// The shutdown was under way; now it ends at once.
    Again,
}

/// The phase has begun or is over: what was to be stopped in it must be stopped now.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{step} can't be added to the shutdown: its phase {phase} has begun")]
pub struct TooLate {
    pub phase: Phase,
    pub step: String,
}

/// The shutdown of one system.
#[derive(Clone)]
pub struct Shutdown(Arc<Inner>);

struct Inner {
    tasks: Tasks,
    events: EventStream,
    timeouts: PhaseTimeouts,
    plan: Mutex<Plan>,
    request: watch::Sender<Request>,
    report: OnceCell<Report>,
}

#[derive(Default)]
struct Plan {
    begun: Option<Phase>,
    steps: BTreeMap<Phase, Vec<Step>>,
    downed: Vec<Step>,
}

struct Step {
    name: String,
    run: BoxFuture<'static, Result<(), Fault>>,
}

#[derive(Clone, Default)]
struct Request {
    reason: Option<Reason>,
    fast: bool,
}

impl Shutdown {
    pub(crate) fn new(tasks: Tasks, events: EventStream, timeouts: PhaseTimeouts) -> Self {
        Self(Arc::new(Inner {
            tasks,
            events,
            timeouts,
            plan: Mutex::default(),
            request: watch::Sender::default(),
            report: OnceCell::new(),
        }))
    }

    /// Adds a step to a phase. Its future is polled when the phase begins, not before.
    pub fn add<F>(&self, phase: Phase, name: impl Into<String>, step: F) -> Result<(), TooLate>
    where
        F: Future<Output = Result<(), Fault>> + Send + 'static,
    {
        let mut plan = self.0.plan.lock().unwrap_or_else(PoisonError::into_inner);
        if plan.begun.is_some_and(|begun| phase <= begun) {
            return Err(TooLate { phase, step: name.into() });
        }
        let step = Step { name: name.into(), run: Box::pin(step) };
        plan.steps.entry(phase).or_default().push(step);
        Ok(())
    }

    /// Adds what is done first, and at once, when this node was downed; at no other end.
    pub fn add_downed<F>(&self, name: impl Into<String>, step: F)
    where
        F: Future<Output = Result<(), Fault>> + Send + 'static,
    {
        let step = Step { name: name.into(), run: Box::pin(step) };
        self.0.plan.lock().unwrap_or_else(PoisonError::into_inner).downed.push(step);
    }

    /// Asks for the end. The first request begins it; the second cuts it short.
    pub fn request(&self, reason: Reason) -> Requested {
        let text = reason.to_string();
        let mut answer = Requested::First;
        // Told before it takes effect: the process may be over at once then.
        self.0.request.send_modify(|it| match &it.reason {
            None => {
                tracing::info!(code = %code::SHUTDOWN_REQUESTED, reason = text, "shutting down");
                it.reason = Some(reason);
            }
            Some(_) => {
                tracing::warn!(code = %code::SHUTDOWN_FAST, reason = text, "asked again: stopping at once");
                it.fast = true;
                answer = Requested::Again;
                // Who watches the process must learn that it may not simply go on.
                if reason.is_downed() {
                    it.reason = Some(reason);
                }
            }
        });
        if answer == Requested::First {
            self.0.events.publish(RuntimeEvent::ShutdownRequested { reason: text });
        }
        answer
    }

    /// Resolves with the reason as soon as somebody asks for the end.
    pub async fn requested(&self) -> Reason {
        self.wait_for(|it| it.reason.clone()).await
    }

    /// Whether what a phase closes may be closed by now.
    pub fn has_begun(&self, phase: Phase) -> bool {
        let plan = self.0.plan.lock().unwrap_or_else(PoisonError::into_inner);
        plan.begun.is_some_and(|it| it >= phase)
    }

    /// For those who only need to know that the end has come.
    pub fn stopping(&self) -> Stopping {
        Stopping(self.clone())
    }

    /// Waits for a request, then runs the phases and joins all tasks of the system. All callers
    /// get the same report; none of them may be such a task, since it would wait for itself.
    pub async fn run(&self) -> Report {
        let reason = self.requested().await;
        self.0.report.get_or_init(|| self.run_phases(reason)).await.clone()
    }

    async fn run_phases(&self, reason: Reason) -> Report {
        let watch = Stopwatch::start();
        let mut phases = Vec::new();
        let is_downed = reason.is_downed();
        let first = if is_downed { self.run_downed().await } else { Vec::new() };
        for phase in Phase::ALL {
            let begun = Stopwatch::start();
            let limit = self.limit(phase, is_downed);
            let steps = self.begin(phase, is_downed).into_iter();
            let mut steps = join_all(steps.map(|step| self.run_step(phase, step, limit))).await;
            if phase == Phase::ServiceUnbind {
                steps.extend(first.iter().cloned());
            }
            if phase == Phase::SystemTerminate {
                steps.push(self.join_tasks(limit).await);
            }
            phases.push(PhaseReport { phase, took: begun.elapsed(), steps });
        }
        let Request { reason: last, fast } = self.0.request.borrow().clone();
        let reason = last.unwrap_or(reason);
        let report = Report { reason, fast, took: watch.elapsed(), phases };
        let took = report.took.as_millis();
        tracing::info!(code = %code::SHUTDOWN_DONE, clean = report.is_clean(), took_ms = took, "shut down");
        report
    }

    /// The steps of a node that was downed. They are reported with the first phase.
    async fn run_downed(&self) -> Vec<StepReport> {
        let steps = {
            let mut plan = self.0.plan.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::take(&mut plan.downed)
        };
        let phase = Phase::ServiceUnbind;
        join_all(steps.into_iter().map(|step| self.run_step(phase, step, DOWNED_WITHIN))).await
    }

    fn begin(&self, phase: Phase, is_downed: bool) -> Vec<Step> {
        let mut plan = self.0.plan.lock().unwrap_or_else(PoisonError::into_inner);
        plan.begun = Some(phase);
        let steps = plan.steps.remove(&phase).unwrap_or_default();
        if is_downed && phase.is_graceful() { Vec::new() } else { steps }
    }

    fn limit(&self, phase: Phase, is_downed: bool) -> Duration {
        let limit = self.0.timeouts.of(phase);
        if is_downed { limit.min(DOWNED_WITHIN) } else { limit }
    }

    async fn run_step(&self, phase: Phase, step: Step, limit: Duration) -> StepReport {
        let Step { name, run } = step;
        let watch = Stopwatch::start();
        let outcome = if self.is_fast() {
            Outcome::Skipped
        } else {
            let task = self.0.tasks.spawn(format!("shutdown/{phase}/{name}"), run);
            let cancel = task.abort_handle();
            let outcome = tokio::select! {
                it = tokio::time::timeout(limit, task.join()) => Outcome::of(it),
                () = self.fast() => Outcome::Skipped,
            };
            cancel.abort();
            outcome
        };
        self.report_trouble(phase, &name, &outcome, limit);
        StepReport { name, took: watch.elapsed(), outcome }
    }

    /// The last step of all. It is not a task itself, since it would wait for its own end.
    async fn join_tasks(&self, limit: Duration) -> StepReport {
        let watch = Stopwatch::start();
        let left = tokio::select! {
            biased;
            () = self.fast() => None,
            left = self.0.tasks.join_all(limit) => Some(left),
        };
        let outcome = match left {
            None => Outcome::Skipped,
            Some(left) if left.is_empty() => Outcome::Done,
            Some(left) => {
                Outcome::Failed(format!("cancelled after {}: {}", millis(limit), left.join(", ")))
            }
        };
        self.report_trouble(Phase::SystemTerminate, "tasks", &outcome, limit);
        StepReport { name: "tasks".into(), took: watch.elapsed(), outcome }
    }

    fn report_trouble(&self, phase: Phase, step: &str, outcome: &Outcome, limit: Duration) {
        if let Some(cause) = outcome.trouble(limit) {
            tracing::warn!(code = %code::SHUTDOWN_STEP, %phase, step, cause, "a step of the shutdown did not succeed");
        }
    }

    fn is_fast(&self) -> bool {
        self.0.request.borrow().fast
    }

    async fn fast(&self) {
        self.wait_for(|it| it.fast.then_some(())).await;
    }

    async fn wait_for<T>(&self, wanted: impl Fn(&Request) -> Option<T>) -> T {
        let mut request = self.0.request.subscribe();
        let found = request.wait_for(|it| wanted(it).is_some()).await;
        let found = found.expect("the sender lives as long as `self`");
        wanted(&found).expect("it was there a moment ago, and requests are never taken back")
    }
}

/// Tells that the end has come.
#[derive(Clone)]
pub struct Stopping(Shutdown);

impl Stopping {
    pub fn is_stopping(&self) -> bool {
        self.0.0.request.borrow().reason.is_some()
    }

    pub async fn stopped(&self) {
        self.0.requested().await;
    }
}

impl Outcome {
    fn trouble(&self, limit: Duration) -> Option<String> {
        match self {
            Self::Done | Self::Skipped => None,
            Self::Failed(cause) => Some(cause.clone()),
            Self::TimedOut => Some(format!("it did not end within {}", millis(limit))),
        }
    }
}

#[cfg(test)]
mod tests;
