//! The life of one instance on its node: one state machine, the same for all. Pure: time and chance
//! arrive as values, and whoever drives it carries out the actions and says what became of them.
//!
//! | in | what happens | goes to | and does |
//! |---|---|---|---|
//! | verifying-configuration | it is good | verifying-dependencies | verify dependencies |
//! | verifying-dependencies | all are there | activating | activate |
//! | | the node lacks a role | cluster-role-mismatch | |
//! | cluster-role-mismatch | it has the role | verifying-dependencies | verify dependencies |
//! | activating | it is active | on | |
//! | on, processing, waiting-for-source | it worked | processing | |
//! | | it looked, and there is nothing to do | waiting-for-source | |
//! | | shutdown | stop-processing | shut down |
//! | stop-processing | its grace is over, or abort | shutting-down | abort |
//! | shutting-down | its grace is over | terminated | terminate |
//! | any state before `on` | shutdown or abort | shutting-down | abort |
//! | any state that lives | terminate | terminated | terminate |
//! | stop-processing, shutting-down | it has ended, or failed | terminated | |
//! | any other state that lives | it failed | restart-backoff | |
//! | any state before `on`, processing | no progress for too long | restart-backoff | terminate |
//! | restart-backoff | the wait is over | verifying-configuration | verify configuration |
//! | restart-backoff, a failure, cluster-role-mismatch | stopped in any way | terminated | |
//! | restart-backoff, a failure | a person restarts it | verifying-configuration | verify configuration |
//!
//! A failure of the configuration is not tried again, and neither is any other once the budget of
//! restarts is spent: the instance stays in the failure of the state in which it failed
//! (configuration-failure, dependency-failure, activation-failure, processing-preparation-failed,
//! or internal-error once it has worked). What the table does not name changes nothing.

use std::time::Duration;

use weir_domain::schedule::{InstanceNumber, InstanceReport, InstanceState};
use weir_domain::{Fault, FaultKind, Timestamp, WorkflowName};
use weir_runtime::{RestartPolicy, Restarts, Verdict};

use InstanceState::*;

/// How long things may take before something harder is done.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Grace {
    /// From shutdown to abort.
    pub shutdown: Duration,
    /// From abort to terminate.
    pub abort: Duration,
    /// Without progress while it works.
    pub progress: Duration,
    pub restarts: RestartPolicy,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum StopOrder {
    /// Finishes what it has begun.
    Shutdown,
    /// Gives up what it has begun, and gives it back.
    Abort,
    /// Waits for nothing.
    Terminate,
}

/// What happens to an instance.
#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    ConfigurationVerified,
    DependenciesVerified,
    /// Whether its node has the roles that it needs.
    HasRoles(bool),
    Activated,
    /// It made progress.
    Worked,
    /// It looked for work, and there is none.
    Idle,
    /// It ended by itself. With a chance in `0.0..1.0`, which spreads restarts.
    Failed {
        fault: Fault,
        chance: f64,
    },
    /// It ended, as it was asked to.
    Ended,
    Stop(StopOrder),
    /// A person has looked at the failure.
    Restart,
    /// Time has passed. With a chance, as for a failure.
    Tick {
        chance: f64,
    },
}

/// What is to be done with an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    VerifyConfiguration,
    VerifyDependencies,
    Activate,
    Shutdown,
    Abort,
    Terminate,
}

/// Where an instance stands, and what it waits for.
#[derive(Debug, Clone)]
pub struct Life {
    grace: Grace,
    state: InstanceState,
    since: Timestamp,
    /// When it was begun last.
    begun: Timestamp,
    /// When something happens if nothing else does.
    due: Option<Timestamp>,
    restarts: Restarts,
    restarted: u32,
    fault: Option<Fault>,
}

impl Life {
    /// A new one, which is to be begun by the action that comes with it.
    pub fn begin(grace: Grace, now: Timestamp) -> (Self, Action) {
        let restarts = Restarts::new(grace.restarts);
        let (state, due) = (VerifyingConfiguration, Some(now.plus(grace.restarts.start_within)));
        let life =
            Self { grace, state, since: now, begun: now, due, restarts, restarted: 0, fault: None };
        (life, Action::VerifyConfiguration)
    }

    pub fn state(&self) -> InstanceState {
        self.state
    }

    /// When a tick is due at the latest.
    pub fn due(&self) -> Option<Timestamp> {
        self.due
    }

    pub fn has_ended(&self) -> bool {
        self.state == Terminated
    }

    pub fn step(&mut self, input: Input, now: Timestamp) -> Option<Action> {
        match input {
            Input::ConfigurationVerified if self.state == VerifyingConfiguration => {
                self.enter(VerifyingDependencies, now, Some(self.grace.restarts.start_within));
                Some(Action::VerifyDependencies)
            }
            Input::DependenciesVerified if self.state == VerifyingDependencies => {
                self.enter(Activating, now, Some(self.grace.restarts.start_within));
                Some(Action::Activate)
            }
            Input::HasRoles(has) => self.has_roles(has, now),
            Input::Activated if self.state == Activating => {
                self.fault = None;
                self.enter(On, now, None);
                None
            }
            Input::Worked if self.is_on() => {
                self.worked(now);
                None
            }
            Input::Idle if self.is_on() => {
                self.enter(WaitingForSource, now, None);
                None
            }
            Input::Failed { fault, chance } => {
                self.failed(fault, chance, now);
                None
            }
            Input::Ended if matches!(self.state, StopProcessing | ShuttingDown) => {
                self.enter(Terminated, now, None);
                None
            }
            Input::Stop(order) => self.stop(order, now),
            Input::Restart if self.rests() => {
                self.restarts.forgive();
                Some(self.begin_again(now))
            }
            Input::Tick { chance } if self.due.is_some_and(|it| it <= now) => {
                self.overdue(chance, now)
            }
            Input::ConfigurationVerified
            | Input::DependenciesVerified
            | Input::Activated
            | Input::Worked
            | Input::Idle
            | Input::Ended
            | Input::Restart
            | Input::Tick { .. } => None,
        }
    }

    pub fn report(&self, workflow: WorkflowName, number: InstanceNumber) -> InstanceReport {
        InstanceReport {
            workflow,
            number,
            state: self.state,
            since: self.since,
            restarts: self.restarted,
            restart_at: self.due.filter(|_| self.state == RestartBackoff),
            fault: self.fault.clone(),
        }
    }

    fn enter(&mut self, state: InstanceState, now: Timestamp, limit: Option<Duration>) {
        if self.state != state {
            (self.state, self.since) = (state, now);
        }
        self.due = limit.map(|it| now.plus(it));
    }

    fn is_starting(&self) -> bool {
        matches!(self.state, VerifyingConfiguration | VerifyingDependencies | Activating)
    }

    fn is_on(&self) -> bool {
        matches!(self.state, On | Processing | WaitingForSource)
    }

    /// Nothing of it lives, and it was not asked to end.
    fn rests(&self) -> bool {
        matches!(
            self.state,
            RestartBackoff
                | ConfigurationFailure
                | DependencyFailure
                | ActivationFailure
                | ProcessingPreparationFailed
                | InternalError
        )
    }

    fn has_roles(&mut self, has: bool, now: Timestamp) -> Option<Action> {
        match (self.state, has) {
            (VerifyingDependencies, false) => {
                self.enter(ClusterRoleMismatch, now, None);
                None
            }
            (ClusterRoleMismatch, true) => {
                self.enter(VerifyingDependencies, now, Some(self.grace.restarts.start_within));
                Some(Action::VerifyDependencies)
            }
            _ => None,
        }
    }

    fn worked(&mut self, now: Timestamp) {
        self.enter(Processing, now, Some(self.grace.progress));
    }

    fn failed(&mut self, fault: Fault, chance: f64, now: Timestamp) {
        if matches!(self.state, StopProcessing | ShuttingDown) {
            self.fault = Some(fault);
            return self.enter(Terminated, now, None);
        }
        if !self.is_starting() && !self.is_on() {
            return;
        }
        let failure = failure_of(self.state);
        let is_final = fault.kind == FaultKind::Config;
        self.fault = Some(fault);
        if is_final {
            return self.enter(failure, now, None);
        }
        let ran = now.since(self.begun);
        match self.restarts.failed(now.since(Timestamp(0)), ran, chance) {
            Verdict::Restart { after, .. } => self.enter(RestartBackoff, now, Some(after)),
            Verdict::GiveUp => self.enter(failure, now, None),
        }
    }

    fn stop(&mut self, order: StopOrder, now: Timestamp) -> Option<Action> {
        if self.rests() || self.state == ClusterRoleMismatch {
            self.enter(Terminated, now, None);
            return None;
        }
        match (self.state, order) {
            (Terminated, _) => None,
            (_, StopOrder::Terminate) => Some(self.terminate(now)),
            (ShuttingDown, _) | (StopProcessing, StopOrder::Shutdown) => None,
            (On | Processing | WaitingForSource, StopOrder::Shutdown) => {
                self.enter(StopProcessing, now, Some(self.grace.shutdown));
                Some(Action::Shutdown)
            }
            _ => Some(self.abort(now)),
        }
    }

    fn overdue(&mut self, chance: f64, now: Timestamp) -> Option<Action> {
        match self.state {
            RestartBackoff => Some(self.begin_again(now)),
            StopProcessing => Some(self.abort(now)),
            ShuttingDown => Some(self.terminate(now)),
            state => {
                let after = now.since(self.begun_waiting()).as_secs();
                let message = format!("no progress for {after} s while {state}");
                let hint = "look at what it waits for: a server, a lock, a script that never ends";
                self.failed(Fault::transient(6112, message).with_hint(hint), chance, now);
                Some(Action::Terminate)
            }
        }
    }

    /// When the wait that is over began.
    fn begun_waiting(&self) -> Timestamp {
        let limit = match self.state {
            Processing => self.grace.progress,
            _ => self.grace.restarts.start_within,
        };
        let due = self.due.unwrap_or(self.since);
        Timestamp(due.0.saturating_sub(i64::try_from(limit.as_millis()).unwrap_or(i64::MAX)))
    }

    fn abort(&mut self, now: Timestamp) -> Action {
        self.enter(ShuttingDown, now, Some(self.grace.abort));
        Action::Abort
    }

    fn terminate(&mut self, now: Timestamp) -> Action {
        self.enter(Terminated, now, None);
        Action::Terminate
    }

    fn begin_again(&mut self, now: Timestamp) -> Action {
        self.restarted += 1;
        self.begun = now;
        self.enter(VerifyingConfiguration, now, Some(self.grace.restarts.start_within));
        Action::VerifyConfiguration
    }
}

/// The failure of one who fails in this state.
fn failure_of(state: InstanceState) -> InstanceState {
    match state {
        VerifyingConfiguration => ConfigurationFailure,
        VerifyingDependencies => DependencyFailure,
        Activating => ActivationFailure,
        On => ProcessingPreparationFailed,
        _ => InternalError,
    }
}

#[cfg(test)]
mod tests {
    use weir_runtime::{Backoff, RestartBudget};

    use super::*;

    const SECOND: i64 = 1_000;

    fn grace() -> Grace {
        let seconds = Duration::from_secs;
        let restarts = RestartPolicy {
            backoff: Backoff { min: seconds(1), max: seconds(8), jitter: 0.0 },
            budget: RestartBudget { max: 2, window: seconds(300) },
            reset_after: seconds(60),
            start_within: seconds(30),
            ..RestartPolicy::default()
        };
        Grace { shutdown: seconds(2), abort: seconds(1), progress: seconds(20), restarts }
    }

    /// One that was begun at 0 and reached the state.
    fn life(state: InstanceState) -> Life {
        let (mut life, _) = Life::begin(grace(), Timestamp(0));
        let inputs = match state {
            VerifyingConfiguration => vec![],
            VerifyingDependencies => vec![Input::ConfigurationVerified],
            Activating => vec![Input::ConfigurationVerified, Input::DependenciesVerified],
            _ => vec![Input::ConfigurationVerified, Input::DependenciesVerified, Input::Activated],
        };
        for input in inputs {
            life.step(input, Timestamp(0));
        }
        match state {
            Processing => drop(life.step(Input::Worked, Timestamp(0))),
            WaitingForSource => drop(life.step(Input::Idle, Timestamp(0))),
            _ => {}
        }
        assert_eq!(life.state(), state);
        life
    }

    fn step(life: &mut Life, input: Input, at: i64) -> (Option<Action>, InstanceState) {
        let action = life.step(input, Timestamp(at));
        (action, life.state())
    }

    fn tick(life: &mut Life, at: i64) -> (Option<Action>, InstanceState) {
        step(life, Input::Tick { chance: 0.0 }, at)
    }

    fn failed() -> Input {
        Input::Failed { fault: Fault::transient(1, "gone"), chance: 0.0 }
    }

    #[test]
    fn a_start_verifies_the_configuration_then_the_dependencies_then_activates() {
        let (mut life, action) = Life::begin(grace(), Timestamp(0));
        assert_eq!((action, life.state()), (Action::VerifyConfiguration, VerifyingConfiguration));
        let verified = step(&mut life, Input::ConfigurationVerified, 1);
        assert_eq!(verified, (Some(Action::VerifyDependencies), VerifyingDependencies));
        let verified = step(&mut life, Input::DependenciesVerified, 2);
        assert_eq!(verified, (Some(Action::Activate), Activating));
        assert_eq!(step(&mut life, Input::Activated, 3), (None, On));
        assert_eq!(step(&mut life, Input::Worked, 4), (None, Processing));
        assert_eq!(step(&mut life, Input::Idle, 5), (None, WaitingForSource));
    }

    #[test]
    fn a_shutdown_that_hangs_is_aborted_after_its_grace_and_terminated_after_the_second() {
        let mut life = life(Processing);
        let stop = Input::Stop(StopOrder::Shutdown);
        assert_eq!(step(&mut life, stop.clone(), 0), (Some(Action::Shutdown), StopProcessing));
        assert_eq!(step(&mut life, stop, 1), (None, StopProcessing), "once is enough");
        assert_eq!(tick(&mut life, 2 * SECOND - 1), (None, StopProcessing));
        assert_eq!(tick(&mut life, 2 * SECOND), (Some(Action::Abort), ShuttingDown));
        assert_eq!(tick(&mut life, 3 * SECOND), (Some(Action::Terminate), Terminated));
        assert!(life.has_ended());
    }

    #[test]
    fn one_that_finishes_in_time_is_not_aborted() {
        let mut life = life(WaitingForSource);
        step(&mut life, Input::Stop(StopOrder::Shutdown), 0);
        assert_eq!(step(&mut life, Input::Ended, 5), (None, Terminated));
        assert_eq!(life.due(), None);
    }

    #[test]
    fn a_harder_stop_overtakes_a_softer_one_and_not_the_other_way_round() {
        let mut life = life(On);
        step(&mut life, Input::Stop(StopOrder::Shutdown), 0);
        let abort = step(&mut life, Input::Stop(StopOrder::Abort), 1);
        assert_eq!(abort, (Some(Action::Abort), ShuttingDown));
        assert_eq!(step(&mut life, Input::Stop(StopOrder::Shutdown), 2), (None, ShuttingDown));
        let terminated = step(&mut life, Input::Stop(StopOrder::Terminate), 3);
        assert_eq!(terminated, (Some(Action::Terminate), Terminated));
    }

    #[test]
    fn what_has_not_begun_to_work_has_nothing_to_finish() {
        for state in [VerifyingConfiguration, VerifyingDependencies, Activating] {
            let stopped = step(&mut life(state), Input::Stop(StopOrder::Shutdown), 0);
            assert_eq!(stopped, (Some(Action::Abort), ShuttingDown));
        }
    }

    #[test]
    fn a_failure_is_tried_again_later_with_a_countdown_until_the_budget_is_spent() {
        let mut life = life(Processing);
        assert_eq!(step(&mut life, failed(), 0), (None, RestartBackoff));
        let report = life.report(WorkflowName::new("w").unwrap(), InstanceNumber(1));
        assert_eq!(report.restart_at, Some(Timestamp(SECOND)));
        assert_eq!(report.fault.map(|it| it.message), Some("gone".to_owned()));
        let restarted = (Some(Action::VerifyConfiguration), VerifyingConfiguration);
        assert_eq!(tick(&mut life, SECOND), restarted);
        assert_eq!(step(&mut life, failed(), SECOND), (None, RestartBackoff));
        assert_eq!(life.due(), Some(Timestamp(3 * SECOND)), "twice as long");
        tick(&mut life, 3 * SECOND);
        assert_eq!(step(&mut life, failed(), 3 * SECOND), (None, ConfigurationFailure));
        assert_eq!(life.due(), None);
        assert_eq!(step(&mut life, Input::Restart, 4 * SECOND), restarted);
        let report = life.report(WorkflowName::new("w").unwrap(), InstanceNumber(1));
        assert_eq!(report.restarts, 3);
    }

    #[test]
    fn each_state_has_its_failure_and_a_wrong_configuration_is_not_tried_again() {
        let config = || Input::Failed { fault: Fault::config(1, "wrong"), chance: 0.0 };
        let pairs = [
            (VerifyingConfiguration, ConfigurationFailure),
            (VerifyingDependencies, DependencyFailure),
            (Activating, ActivationFailure),
            (On, ProcessingPreparationFailed),
            (Processing, InternalError),
        ];
        for (state, failure) in pairs {
            let mut life = life(state);
            assert_eq!(step(&mut life, config(), 0), (None, failure));
            assert_eq!(step(&mut life, Input::Stop(StopOrder::Shutdown), 1), (None, Terminated));
        }
    }

    #[test]
    fn the_watchdog_ends_what_makes_no_progress_and_leaves_who_waits_for_work() {
        let mut working = life(Processing);
        step(&mut working, Input::Worked, 15 * SECOND);
        assert_eq!(tick(&mut working, 20 * SECOND), (None, Processing));
        assert_eq!(tick(&mut working, 35 * SECOND), (Some(Action::Terminate), RestartBackoff));
        let report = working.report(WorkflowName::new("w").unwrap(), InstanceNumber(1));
        let message = report.fault.unwrap().message;
        assert_eq!(message, "no progress for 20 s while processing");
        let mut starting = life(Activating);
        assert_eq!(tick(&mut starting, 30 * SECOND), (Some(Action::Terminate), RestartBackoff));
        assert_eq!(life(WaitingForSource).due(), None);
    }

    #[test]
    fn a_node_without_the_role_waits_for_it() {
        let mut life = life(VerifyingDependencies);
        assert_eq!(step(&mut life, Input::HasRoles(false), 0), (None, ClusterRoleMismatch));
        let verifies = (Some(Action::VerifyDependencies), VerifyingDependencies);
        assert_eq!(step(&mut life, Input::HasRoles(true), 1), verifies);
    }

    #[test]
    fn what_comes_too_late_changes_nothing() {
        let mut life = life(On);
        life.step(Input::Stop(StopOrder::Terminate), Timestamp(0));
        let late = [Input::Worked, Input::Idle, Input::Activated, Input::Ended, Input::Restart];
        for input in late.into_iter().chain([failed(), Input::Tick { chance: 0.0 }]) {
            assert_eq!(step(&mut life, input, SECOND), (None, Terminated));
        }
    }
}
