//! The activation agent: drives this engine from what it can run to what is deployed.
//!
//! It reads the whole of what should run, whenever it is told that something changed and again and
//! again, and does what is missing. Workflows whose plan and place are the same go on untouched;
//! instances of the others are drained, and begun anew where the scheduler still wants them.
//! What can't be run here is not begun at all: the engine stays on what ran before, and says why.
//! That is also so where the source of a workflow that may be placed here is out of reach of this
//! node alone.
//! Nothing runs before `begin`: whoever starts the engine may deploy first, so that no stream is
//! begun by a plan that is about to be replaced.

mod canary;
mod package;
mod registrar;
mod wanted;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, Semaphore, watch};
use weir_cluster::{Cluster, ReceiverEpochs};
use weir_controllers::deployments::storage::Report;
use weir_controllers::deployments::{DeploymentStorage, LEASE, Target};
use weir_controllers::keys::KeyStorage;
use weir_controllers::scheduler::{Scheduler, StopOrder};
use weir_domain::schedule::Deployed;
use weir_domain::{Fault, Workflow, WorkflowName, WorkflowState};
use weir_persistence_sql::Database;
use weir_runtime::Backoff;
use weir_stream::{RunningWorkflow, Services};

use super::instances::Instances;
use super::membership::me;
use package::Adopted;
use wanted::{Wanted, difference};

/// How often to look whether something else should run, when nobody says so.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// The workflows of this engine. Clones share them.
#[derive(Clone)]
pub(crate) struct Activation(Arc<Inner>);

/// What an activation works with.
pub(crate) struct Parts {
    pub(crate) services: Services,
    pub(crate) instances: Instances,
    pub(crate) scheduler: Scheduler,
    pub(crate) keys: KeyStorage,
    pub(crate) store: Arc<dyn Database>,
    pub(crate) cluster: Cluster,
    pub(crate) followed: Followed,
    /// Between attempts that failed.
    pub(crate) retry: Backoff,
}

/// Whose answers of Deployment Storage count: those of who was deposed are old. Clones share what was seen.
#[derive(Debug, Clone, Default)]
pub(crate) struct Followed(ReceiverEpochs);

impl Followed {
    /// Refuses what a storage says that was deposed. One of an earlier version does not tell its epoch.
    pub(crate) fn admit(&self, epoch: u64) -> Result<(), Fault> {
        if epoch == 0 {
            return Ok(());
        }
        let admitted = self.0.admit(&weir_persistence_api::LeaseName(LEASE.to_owned()), epoch);
        admitted.map_err(|it| Fault::transient(53, it.to_string()))
    }
}

struct Inner {
    parts: Parts,
    /// Where it is known what should run; set by `begin`.
    deployments: OnceLock<DeploymentStorage>,
    /// Somebody said that something changed.
    changed: Notify,
    /// What is to be reached.
    goal: Mutex<Goal>,
    running: Mutex<BTreeMap<WorkflowName, Active>>,
    /// What the scheduler is to know of this node.
    deployed: watch::Sender<Option<Deployed>>,
    /// Only one change at a time; held across awaits, hence a semaphore.
    changing: Semaphore,
}

/// What should run, as far as it is known and can be run.
#[derive(Default)]
struct Goal {
    /// Of the directories' projects, as their storage names it.
    known: Option<String>,
    directories: BTreeMap<WorkflowName, Wanted>,
    package: Adopted,
    /// What runs was chosen once in this life: there is something to stay on.
    has_adopted: bool,
    /// What was said of it last, and under which epoch.
    reported: Option<(u64, Report)>,
    canary: canary::Baseline,
}

/// A workflow that can run here.
#[derive(Clone)]
struct Active {
    workflow: RunningWorkflow,
    wanted: Wanted,
}

impl Activation {
    pub(crate) fn new(parts: Parts) -> Self {
        Self(Arc::new(Inner {
            parts,
            deployments: OnceLock::new(),
            changed: Notify::new(),
            goal: Mutex::default(),
            running: Mutex::default(),
            deployed: watch::Sender::default(),
            changing: Semaphore::new(1),
        }))
    }

    /// All that can run here, with what their instances do.
    pub(crate) fn workflows(&self) -> Vec<Workflow> {
        let all: Vec<_> = self.running().values().map(|it| it.workflow.clone()).collect();
        all.iter().map(|it| self.view(it)).collect()
    }

    pub(crate) fn workflow(&self, name: &WorkflowName) -> Option<Workflow> {
        let workflow = self.running().get(name).map(|it| it.workflow.clone());
        workflow.map(|it| self.view(&it))
    }

    fn view(&self, workflow: &RunningWorkflow) -> Workflow {
        workflow.view(self.0.parts.instances.of(workflow.name()))
    }

    /// How much work there is now.
    pub(crate) fn work(&self) -> Work {
        let views = self.workflows();
        let active = views.iter().filter(|it| is_active(it.state) || it.open_streams > 0);
        Work {
            instances: active.map(|it| it.instances).sum(),
            open_streams: views.iter().map(|it| it.open_streams).sum(),
        }
    }

    /// Begins to run what is deployed, and from now on what will be.
    pub(crate) async fn begin(&self, deployments: DeploymentStorage) {
        // A second call changes nothing: there is one storage in a cluster.
        let _ = self.0.deployments.set(deployments);
        let Parts { services, scheduler, instances, .. } = &self.0.parts;
        let (system, deployed) = (services.system.clone(), self.0.deployed.subscribe());
        let ways = (scheduler.clone(), instances.clone());
        services.system.tasks().spawn("registrar", registrar::follow(system, ways, deployed));
        let first = self.look().await;
        let this = self.clone();
        services.system.tasks().spawn("activation", async move { this.follow(first).await });
    }

    /// Looks soon whether something else should run.
    pub(crate) fn notify(&self) {
        self.0.changed.notify_one();
    }

    async fn follow(self, first: Result<(), Fault>) {
        let system = &self.0.parts.services.system;
        let stopping = system.shutdown().stopping();
        let backoff = Backoff { max: LOOK_EVERY, ..self.0.parts.retry };
        let (mut failures, mut last) = (0, first);
        loop {
            let wait = match &last {
                Ok(()) => LOOK_EVERY,
                Err(fault) => {
                    tracing::warn!(code = %fault.code, "not all that is deployed is active yet: {fault}");
                    failures += 1;
                    backoff.delay(failures, system.ids().chance())
                }
            };
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = self.0.changed.notified() => {}
                () = stopping.stopped() => return,
            }
            last = tokio::select! {
                it = self.look() => it,
                // All ends, whatever was about to begin.
                () = stopping.stopped() => return,
            };
            if last.is_ok() {
                failures = 0;
            }
        }
    }

    /// Makes exactly what is deployed now active here. What can't be is left as it was.
    async fn look(&self) -> Result<(), Fault> {
        let Some(storage) = self.0.deployments.get() else { return Ok(()) };
        // Closed when the engine stops.
        let Ok(_permit) = self.0.changing.acquire().await else { return Ok(()) };
        let target = self.aim(storage).await?;
        let adopted = self.adopt(&target).await;
        self.switch().await;
        self.report(storage, &target, adopted.as_ref().err()).await?;
        self.count(storage, &target).await?;
        adopted
    }

    /// Asks what should run here.
    async fn aim(&self, storage: &DeploymentStorage) -> Result<Target, Fault> {
        let known = self.goal().known.clone();
        let current = storage.current(known).await.map_err(|it| unanswered(&it))?;
        if let Some(current) = current {
            self.0.parts.followed.admit(current.epoch)?;
            let directories = wanted::of_directories(&current.deployments);
            let mut goal = self.goal();
            (goal.known, goal.directories) = (Some(current.digest), directories);
        }
        let (me, roles) = me(&self.0.parts.cluster);
        let now = self.0.parts.services.system.now();
        let target = storage.target(me, roles, now).await.map_err(|it| unanswered(&it))?;
        self.0.parts.followed.admit(target.epoch)?;
        Ok(target)
    }

    /// Fetches the deployment of a package and looks whether this engine can run it.
    async fn adopt(&self, target: &Target) -> Result<(), Fault> {
        let known = self.goal().package.digest();
        if known != target.wanted.digest {
            let adopted = Adopted::fetch(target.wanted.digest, &self.0.parts).await?;
            // Who starts has nothing to stay on: what is in reach works, what is not waits.
            if self.goal().has_adopted {
                let runs = self.goal().package.digests();
                adopted.check_access(&runs, me(&self.0.parts.cluster), &self.0.parts).await?;
            }
            self.goal().package = adopted;
        }
        self.goal().has_adopted = true;
        Ok(())
    }

    /// Has run here what is wanted, and nothing else. Workflows that are new begin at once; those
    /// that replace another one wait for its end.
    async fn switch(&self) {
        let wanted = self.goal().all();
        self.0.deployed.send_if_modified(|it| {
            let deployed = Some(wanted::deployed(&wanted));
            let is_news = *it != deployed;
            *it = deployed;
            is_news
        });
        let running: BTreeMap<_, _> =
            self.running().iter().map(|(name, it)| (name.clone(), it.wanted.clone())).collect();
        let registry = &self.0.parts.services.registry;
        let (stale, missing) = difference(&running, &wanted, |it| registry.is_live(it));
        if stale.is_empty() && missing.is_empty() {
            return;
        }
        let (replacing, new): (Vec<_>, Vec<_>) =
            missing.into_iter().partition(|it| stale.contains(it.name()));
        self.add(new);
        let instances = &self.0.parts.instances;
        instances.offer(self.all_but(&stale)).await;
        instances.ended(&stale).await;
        for name in &stale {
            tracing::info!(code = "WEIR-00083", workflow = %name, "workflow is not active any more");
            self.running().remove(name);
        }
        self.add(replacing);
        instances.offer(self.all_but(&BTreeSet::new())).await;
    }

    fn add(&self, all: Vec<Wanted>) {
        for wanted in all {
            let name = wanted.name().clone();
            tracing::info!(code = "WEIR-00084", workflow = %name, "workflow is active");
            let workflow = RunningWorkflow::new(self.0.parts.services.clone(), wanted.spec.clone());
            self.running().insert(name, Active { workflow, wanted });
        }
    }

    fn all_but(&self, names: &BTreeSet<WorkflowName>) -> Vec<RunningWorkflow> {
        let running = self.running();
        let kept = running.iter().filter(|it| !names.contains(it.0));
        kept.map(|it| it.1.workflow.clone()).collect()
    }

    /// Says what became of the target, once.
    async fn report(
        &self,
        storage: &DeploymentStorage,
        target: &Target,
        failure: Option<&Fault>,
    ) -> Result<(), Fault> {
        let tag = target.wanted.tag.clone();
        let report = match failure {
            None => Report::Running { tag },
            Some(cause) => Report::Failed { target: tag, cause: cause.clone() },
        };
        let report = (target.epoch, report);
        if self.goal().reported.as_ref() == Some(&report) {
            return Ok(());
        }
        let now = self.0.parts.services.system.now();
        let (me, _) = me(&self.0.parts.cluster);
        storage.report(me, report.1.clone(), now).await.map_err(|it| unanswered(&it))?;
        self.goal().reported = Some(report);
        Ok(())
    }

    fn goal(&self) -> MutexGuard<'_, Goal> {
        self.0.goal.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn running(&self) -> MutexGuard<'_, BTreeMap<WorkflowName, Active>> {
        self.0.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Drains all instances, side by side. None is begun afterwards.
    pub(crate) async fn stop_all(&self) {
        // A change that is under way ends first.
        let _permit = self.0.changing.acquire().await;
        self.0.changing.close();
        self.0.parts.instances.end(StopOrder::Shutdown).await;
    }

    /// Ends all instances at once and rolls their streams back: this node may not go on.
    pub(crate) async fn abort_all(&self) {
        self.0.changing.close();
        self.0.parts.instances.end(StopOrder::Abort).await;
    }
}

impl Goal {
    /// All that should run. Names that both have are refused where they are deployed.
    fn all(&self) -> BTreeMap<WorkflowName, Wanted> {
        let package = self.package.workflows();
        package.chain(self.directories.values()).map(|it| (it.name().clone(), it.clone())).collect()
    }
}

/// A controller gave no answer.
fn unanswered(error: &impl std::fmt::Display) -> Fault {
    Fault::transient(53, error.to_string())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_deposed_storage_says_is_not_followed() {
        let followed = Followed::default();
        let is_followed = |epoch| followed.admit(epoch).is_ok();
        assert_eq!([3, 4, 3, 0, 4, 5].map(is_followed), [true, true, false, true, true, true]);
    }
}
