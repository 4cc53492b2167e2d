//! A workflow on this engine: its instances, started and ended one by one, and what is to be seen of
//! it.
//!
//! It decides nothing: which instances there are, when one is started again and how long one may
//! take to end is known to whoever drives it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use tokio::task::AbortHandle;
use weir_domain::plan::Plan;
use weir_domain::schedule::{InstanceReport, InstanceState};
use weir_domain::{
    Fault, InstanceId, ProjectName, Timestamp, Workflow, WorkflowName, WorkflowState,
};
use weir_secrets::Opened;

use crate::check::verify;
use crate::instance::{Happened, Instance, Notice, Tally};
use crate::life::Stops;
use crate::means::Known;
use crate::pulse::Pulse;
use crate::services::Services;
use crate::times::Times;

/// What to run, and where its relative paths begin.
#[derive(Debug, Clone, PartialEq)]
pub struct WorkflowSpec {
    pub project: ProjectName,
    pub plan: Arc<Plan>,
    pub base_dir: PathBuf,
    /// What its configurations name.
    pub secrets: Opened,
}

/// A workflow that this engine can run. Clones are the same workflow.
#[derive(Clone)]
pub struct RunningWorkflow(Arc<Inner>);

struct Inner {
    services: Services,
    spec: WorkflowSpec,
    runs: Mutex<BTreeMap<InstanceId, Run>>,
    verified: OnceLock<Result<(), Fault>>,
    tally: Arc<Mutex<Tally>>,
    times: Arc<Times>,
    started_at: Timestamp,
    known: Known,
}

/// An instance that was started.
struct Run {
    stops: Stops,
    work: AbortHandle,
}

impl RunningWorkflow {
    /// Without any instance.
    pub fn new(services: Services, spec: WorkflowSpec) -> Self {
        let started_at = services.system.now();
        let (runs, verified) = (Mutex::default(), OnceLock::new());
        let (tally, times) = (Arc::default(), Arc::default());
        let known = services.running.hold(&spec.plan, &spec.secrets);
        Self(Arc::new(Inner { services, spec, runs, verified, tally, times, started_at, known }))
    }

    pub fn name(&self) -> &WorkflowName {
        &self.0.spec.plan.workflow
    }

    pub fn plan(&self) -> &Plan {
        &self.0.spec.plan
    }

    pub fn spec(&self) -> &WorkflowSpec {
        &self.0.spec
    }

    /// Whether this engine can run it; looked at once. Compiles expressions, which takes a while.
    pub fn verify(&self) -> Result<(), Fault> {
        let Inner { services, spec, .. } = &*self.0;
        let verify = || verify(&spec.plan, &spec.secrets, &services.registry);
        self.0.verified.get_or_init(verify).clone()
    }

    /// Starts an instance. Of what lived under its number before nothing is heard any more, or it has
    /// ended.
    pub fn start(&self, id: InstanceId, notice: Notice) {
        let Inner { services, spec, tally, times, known, .. } = &*self.0;
        let stops = Stops::default();
        let instance = Instance {
            services: services.clone(),
            plan: spec.plan.clone(),
            means: known.means.clone(),
            id,
            base_dir: spec.base_dir.clone(),
            stops: stops.clone(),
            tally: tally.clone(),
            notice: notice.clone(),
            pulse: Pulse::default(),
            times: times.clone(),
        };
        let name = format!("instance {}/{id}", self.name());
        let tasks = services.system.tasks();
        let work = tasks.spawn(name.clone(), async move {
            let ended = instance.work().await;
            ended.map_err(|it| instance.means.secrets.masked_fault(it))
        });
        let run = Run { stops, work: work.abort_handle() };
        self.runs().insert(id, run);
        tasks.spawn(name, async move {
            let ended = work.join().await;
            let ended = ended.unwrap_or_else(|it| Err(Fault::transient(3042, it.to_string())));
            notice(Happened::Ended(ended));
        });
    }

    /// Has the instance finish its open stream, and begin none.
    pub fn drain(&self, id: InstanceId) {
        if let Some(run) = self.runs().get(&id) {
            run.stops.drain.cancel();
        }
    }

    /// Has the instance roll its open stream back, and end.
    pub fn abort(&self, id: InstanceId) {
        if let Some(run) = self.runs().get(&id) {
            run.stops.drain.cancel();
            run.stops.abort.cancel();
        }
    }

    /// Ends the instance without waiting for anything. What its stream owes is settled like that of
    /// an instance that failed.
    pub fn terminate(&self, id: InstanceId) {
        self.abort(id);
        if let Some(run) = self.runs().remove(&id) {
            run.work.abort();
        }
    }

    /// The workflow as it is now, with where its instances on this engine stand.
    pub fn view(&self, reports: Vec<InstanceReport>) -> Workflow {
        let tally = self.0.tally.lock().unwrap_or_else(PoisonError::into_inner).clone().so_far();
        let (mut state, instance_fault) = state(&reports, tally.open.len());
        let given_up = tally.failed.values().find(|it| it.is_given_up);
        if given_up.is_some() && !matches!(state, WorkflowState::Stopping | WorkflowState::Stopped)
        {
            state = WorkflowState::Failed;
        }
        let paused = self.0.services.streams.paused(tally.open.iter());
        let job_fault = given_up.or(tally.failed.values().next()).map(|it| it.fault.clone());
        // Who runs none of its instances any more hears nothing of what became of its items.
        let outcomes = (state != WorkflowState::Stopped).then(|| tally.outcomes.fault()).flatten();
        let live = reports.iter().filter(|it| it.state != InstanceState::Terminated);
        Workflow {
            name: self.name().clone(),
            project: self.0.spec.project.clone(),
            state,
            instances: u32::try_from(live.count()).unwrap_or(u32::MAX),
            reports,
            open_streams: u32::try_from(tally.open.len()).unwrap_or(u32::MAX),
            paused_streams: u32::try_from(paused).unwrap_or(u32::MAX),
            committed: tally.committed,
            committed_with_warnings: tally.committed_with_warnings,
            rolled_back: tally.rolled_back,
            counts: tally.counts,
            stages: tally.stages,
            times: self.0.times.read(),
            started_at: self.0.started_at,
            last_stream_at: tally.last_stream_at,
            fault: instance_fault.or(job_fault).or(tally.fault).or(outcomes),
            plan: self.plan().clone(),
        }
    }

    fn runs(&self) -> std::sync::MutexGuard<'_, BTreeMap<InstanceId, Run>> {
        self.0.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The worst that holds for any instance, and its cause.
fn state(reports: &[InstanceReport], open_streams: usize) -> (WorkflowState, Option<Fault>) {
    let of = |it: &&InstanceReport| rank(it.state);
    let Some(worst) = reports.iter().max_by_key(of) else { return (WorkflowState::Stopped, None) };
    match rank(worst.state) {
        Rank::Failed => (WorkflowState::Failed, worst.fault.clone()),
        Rank::Restarting => (WorkflowState::Restarting, worst.fault.clone()),
        Rank::Working if open_streams > 0 => (WorkflowState::Processing, None),
        Rank::Working => (WorkflowState::Waiting, None),
        Rank::Stopping => (WorkflowState::Stopping, None),
        Rank::Ended => (WorkflowState::Stopped, None),
    }
}

/// How much an instance's state says of its workflow.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Ended,
    Stopping,
    Working,
    Restarting,
    Failed,
}

fn rank(state: InstanceState) -> Rank {
    use InstanceState::*;
    match state {
        ConfigurationFailure
        | DependencyFailure
        | ActivationFailure
        | ProcessingPreparationFailed
        | InternalError => Rank::Failed,
        RestartBackoff | ClusterRoleMismatch => Rank::Restarting,
        VerifyingConfiguration
        | VerifyingDependencies
        | Activating
        | On
        | Processing
        | WaitingForSource => Rank::Working,
        StopProcessing | ShuttingDown => Rank::Stopping,
        Terminated => Rank::Ended,
    }
}

#[cfg(test)]
mod tests {
    use weir_domain::schedule::InstanceNumber;

    use super::*;

    #[test]
    fn a_workflow_is_shown_as_the_worst_of_its_instances() {
        use InstanceState::*;
        let of = |states: &[InstanceState], open| {
            let report = |(number, state): (usize, &InstanceState)| InstanceReport {
                workflow: WorkflowName::new("w").unwrap(),
                number: InstanceNumber(number as u64),
                state: *state,
                since: Timestamp(0),
                restarts: 0,
                restart_at: None,
                fault: Some(Fault::transient(1, state.as_str())),
            };
            let reports: Vec<_> = states.iter().enumerate().map(report).collect();
            let (state, fault) = state(&reports, open);
            (state, fault.map(|it| it.message))
        };
        assert_eq!(of(&[], 0), (WorkflowState::Stopped, None));
        assert_eq!(of(&[Terminated], 0), (WorkflowState::Stopped, None));
        assert_eq!(of(&[Terminated, StopProcessing], 1), (WorkflowState::Stopping, None));
        assert_eq!(of(&[StopProcessing, On], 0), (WorkflowState::Waiting, None));
        assert_eq!(of(&[WaitingForSource, On], 1), (WorkflowState::Processing, None));
        let restarting = Some("restart-backoff".to_owned());
        assert_eq!(of(&[On, RestartBackoff], 0), (WorkflowState::Restarting, restarting));
        let failed = Some("internal-error".to_owned());
        assert_eq!(of(&[RestartBackoff, InternalError], 0), (WorkflowState::Failed, failed));
    }
}
