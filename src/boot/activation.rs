//! The activation agent: drives this engine from what it runs to what is deployed.
//!
//! It reads the whole of what should run, whenever it is told that something changed and again and
//! again, and does what is missing. Workflows whose plan and place are the same go on untouched; the
//! others are drained and started anew.
//! Nothing runs before `begin`: whoever starts the engine may deploy first, so that no stream is
//! begun by a plan that is about to be replaced.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, Semaphore};
use weir_cluster::ReceiverEpochs;
use weir_controllers::deployments::{Current, Deployment, DeploymentStorage, LEASE};
use weir_domain::{Fault, WorkflowName, WorkflowState};
use weir_persistence_api::LeaseName;
use weir_runtime::{Backoff, RestartPolicy};
use weir_stream::{RunningWorkflow, Services, WorkflowSpec};

/// How often to look whether something else should run, when nobody says so.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// The workflows of this engine. Clones share them.
#[derive(Clone)]
pub(crate) struct Activation(Arc<Inner>);

struct Inner {
    services: Services,
    policy: RestartPolicy,
    grace: Duration,
    /// Where it is known what should run; set by `begin`.
    deployments: OnceLock<DeploymentStorage>,
    /// Whose answers count: those of who was deposed are old.
    epochs: ReceiverEpochs,
    /// Somebody said that something changed.
    changed: Notify,
    /// What runs is this, wholly.
    reached: Mutex<Option<String>>,
    running: Mutex<BTreeMap<WorkflowName, Running>>,
    /// Only one change at a time; held across awaits, hence a semaphore.
    changing: Semaphore,
}

#[derive(Clone)]
struct Running {
    workflow: RunningWorkflow,
    spec: WorkflowSpec,
}

impl Activation {
    pub(crate) fn new(services: Services, policy: RestartPolicy, grace: Duration) -> Self {
        Self(Arc::new(Inner {
            services,
            policy,
            grace,
            deployments: OnceLock::new(),
            epochs: ReceiverEpochs::default(),
            changed: Notify::new(),
            reached: Mutex::default(),
            running: Mutex::default(),
            changing: Semaphore::new(1),
        }))
    }

    pub(crate) fn workflows(&self) -> Vec<RunningWorkflow> {
        self.lock().values().map(|it| it.workflow.clone()).collect()
    }

    pub(crate) fn workflow(&self, name: &WorkflowName) -> Option<RunningWorkflow> {
        self.lock().get(name).map(|it| it.workflow.clone())
    }

    /// How much work there is now.
    pub(crate) fn work(&self) -> Work {
        let views: Vec<_> = self.workflows().iter().map(RunningWorkflow::view).collect();
        let active = views.iter().filter(|it| is_active(it.state));
        Work {
            instances: active.map(|it| it.instances).sum(),
            open_streams: views.iter().map(|it| it.open_streams).sum(),
        }
    }

    /// Begins to run what is deployed, and from now on what will be.
    pub(crate) async fn begin(&self, deployments: DeploymentStorage) {
        // A second call changes nothing: there is one storage in a cluster.
        let _ = self.0.deployments.set(deployments);
        let first = self.look().await;
        let this = self.clone();
        self.0.services.system.tasks().spawn("activation", async move { this.follow(first).await });
    }

    /// Looks soon whether something else should run.
    pub(crate) fn notify(&self) {
        self.0.changed.notify_one();
    }

    async fn follow(self, first: Result<(), Fault>) {
        let stopping = self.0.services.system.shutdown().stopping();
        let backoff = Backoff { max: LOOK_EVERY, ..self.0.policy.backoff };
        let (mut failures, mut last) = (0, first);
        loop {
            let wait = match &last {
                Ok(()) => LOOK_EVERY,
                Err(fault) => {
                    tracing::warn!(code = %fault.code, "not all that is deployed runs yet: {fault}");
                    failures += 1;
                    backoff.delay(failures, self.0.services.system.ids().chance())
                }
            };
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = self.0.changed.notified() => {}
                () = stopping.stopped() => return,
            }
            last = self.look().await;
            if last.is_ok() {
                failures = 0;
            }
        }
    }

    /// Runs exactly what is deployed now. Workflows that are new begin at once; those that replace
    /// another one wait for its end.
    async fn look(&self) -> Result<(), Fault> {
        let Some(storage) = self.0.deployments.get() else { return Ok(()) };
        // Closed when the engine stops.
        let Ok(_permit) = self.0.changing.acquire().await else { return Ok(()) };
        let reached = self.reached().clone();
        let current = storage.current(reached).await;
        let current = current.map_err(|it| Fault::transient(53, it.to_string()))?;
        let Some(current) = current else { return Ok(()) };
        admit(&self.0.epochs, &current)?;
        let (stale, missing) = self.difference(&wanted(&current.deployments));
        let (replacing, new): (Vec<_>, Vec<_>) =
            missing.into_iter().partition(|it| stale.contains(&it.plan.workflow));
        self.start_all(new).await?;
        futures::future::join_all(stale.iter().map(|it| self.stop(it))).await;
        self.start_all(replacing).await?;
        *self.reached() = Some(current.digest);
        Ok(())
    }

    fn reached(&self) -> std::sync::MutexGuard<'_, Option<String>> {
        self.0.reached.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn start_all(&self, specs: Vec<WorkflowSpec>) -> Result<(), Fault> {
        let stopping = self.0.services.system.shutdown().stopping();
        for spec in specs {
            if stopping.is_stopping() {
                return Ok(());
            }
            self.start(spec).await?;
        }
        Ok(())
    }

    /// What runs and should not, and what should run and does not.
    fn difference(
        &self,
        wanted: &BTreeMap<WorkflowName, WorkflowSpec>,
    ) -> (Vec<WorkflowName>, Vec<WorkflowSpec>) {
        let running = self.lock();
        let is_wanted = |name: &WorkflowName, it: &Running| {
            wanted.get(name).is_some_and(|spec| same(spec, &it.spec))
        };
        let stale = running.iter().filter(|(name, it)| !is_wanted(name, it));
        let stale: Vec<_> = stale.map(|(name, _)| name.clone()).collect();
        let is_missing = |name: &WorkflowName| !running.contains_key(name) || stale.contains(name);
        let missing = wanted.iter().filter(|(name, _)| is_missing(name));
        let missing = missing.map(|(_, spec)| spec.clone()).collect();
        (stale, missing)
    }

    async fn start(&self, spec: WorkflowSpec) -> Result<(), Fault> {
        let services = self.0.services.clone();
        let workflow = RunningWorkflow::start(services, spec.clone(), self.0.policy).await?;
        let name = workflow.name().clone();
        tracing::info!(code = "WEIR-00050", workflow = %name, "workflow started");
        self.lock().insert(name, Running { workflow, spec });
        Ok(())
    }

    async fn stop(&self, name: &WorkflowName) {
        let Some(workflow) = self.workflow(name) else { return };
        let outcome = workflow.stop(self.0.grace).await;
        tracing::info!(code = "WEIR-00051", workflow = %name, ?outcome, "workflow stopped");
        self.lock().remove(name);
    }

    /// Drains all workflows, side by side. Nothing is started afterwards.
    pub(crate) async fn stop_all(&self) {
        // A change that is under way ends first, so that it can't start what nobody would stop.
        let _permit = self.0.changing.acquire().await;
        self.0.changing.close();
        self.end_all(self.0.grace).await;
    }

    /// Ends all workflows at once and rolls their streams back: this node may not go on.
    pub(crate) async fn abort_all(&self) {
        self.0.changing.close();
        self.end_all(Duration::ZERO).await;
    }

    async fn end_all(&self, grace: Duration) {
        let workflows = self.workflows();
        let stopping = workflows.iter().map(|it| it.stop(grace));
        futures::future::join_all(stopping).await;
        self.lock().clear();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<WorkflowName, Running>> {
        self.0.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Refuses what a storage says that was deposed. One of an earlier version does not tell its epoch.
fn admit(epochs: &ReceiverEpochs, current: &Current) -> Result<(), Fault> {
    if current.epoch == 0 {
        return Ok(());
    }
    let admitted = epochs.admit(&LeaseName(LEASE.to_owned()), current.epoch);
    admitted.map_err(|it| Fault::transient(53, it.to_string()))
}

/// What an engine is busy with.
pub(crate) struct Work {
    pub(crate) instances: u32,
    pub(crate) open_streams: u32,
}

fn is_active(state: WorkflowState) -> bool {
    match state {
        WorkflowState::Waiting
        | WorkflowState::Processing
        | WorkflowState::Restarting
        | WorkflowState::Stopping => true,
        WorkflowState::Failed | WorkflowState::Stopped => false,
    }
}

fn same(a: &WorkflowSpec, b: &WorkflowSpec) -> bool {
    a.plan == b.plan && a.base_dir == b.base_dir && a.project == b.project
}

fn wanted(deployments: &[Arc<Deployment>]) -> BTreeMap<WorkflowName, WorkflowSpec> {
    let specs = deployments.iter().flat_map(|deployment| {
        deployment.plans.iter().map(|plan| {
            let spec = WorkflowSpec {
                project: deployment.project.clone(),
                plan: Arc::new(plan.clone()),
                base_dir: deployment.base_dir.clone(),
            };
            (plan.workflow.clone(), spec)
        })
    });
    specs.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_deposed_storage_says_is_not_followed() {
        let epochs = ReceiverEpochs::default();
        let is_followed = |epoch| {
            let current = Current { digest: String::new(), deployments: Vec::new(), epoch };
            admit(&epochs, &current).is_ok()
        };
        assert_eq!([3, 4, 3, 0, 4, 5].map(is_followed), [true, true, false, true, true, true]);
    }
}
