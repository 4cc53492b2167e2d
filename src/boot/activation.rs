//! The activation agent: drives this engine from what it runs to what is deployed.
//!
//! It reads the whole of what should run, again and again, and does what is missing. Workflows
//! whose plan and place are the same go on untouched; the others are drained and started anew.
//! Nothing runs before `begin`: whoever starts the engine may deploy first, so that no stream is
//! begun by a plan that is about to be replaced.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use weir_controllers::deployments::{Deployment, Deployments, Effect};
use weir_domain::{Fault, WorkflowName};
use weir_persistence_api::Fence;
use weir_runtime::{EffectHandler, EventSourced, HostRef, RestartPolicy};
use weir_stream::{RunningWorkflow, Services, WorkflowSpec};

/// How long the controller may take to say what is deployed.
const QUERY_WITHIN: Duration = Duration::from_secs(15);

/// The workflows of this engine. Clones share them.
#[derive(Clone)]
pub(crate) struct Activation(Arc<Inner>);

struct Inner {
    services: Services,
    policy: RestartPolicy,
    grace: Duration,
    /// Where it is known what should run; set by `begin`.
    deployments: OnceLock<HostRef<Deployments>>,
    running: Mutex<BTreeMap<WorkflowName, Running>>,
    /// Only one change at a time; held across awaits, hence a semaphore.
    changing: tokio::sync::Semaphore,
}

#[derive(Clone)]
struct Running {
    workflow: RunningWorkflow,
    spec: WorkflowSpec,
}

impl Activation {
    pub(crate) fn new(services: Services, policy: RestartPolicy, grace: Duration) -> Self {
        let (deployments, running) = (OnceLock::new(), Mutex::default());
        let changing = tokio::sync::Semaphore::new(1);
        Self(Arc::new(Inner { services, policy, grace, deployments, running, changing }))
    }

    pub(crate) fn workflows(&self) -> Vec<RunningWorkflow> {
        self.lock().values().map(|it| it.workflow.clone()).collect()
    }

    pub(crate) fn workflow(&self, name: &WorkflowName) -> Option<RunningWorkflow> {
        self.lock().get(name).map(|it| it.workflow.clone())
    }

    /// Begins to run what is deployed, and from now on what will be.
    pub(crate) async fn begin(&self, deployments: HostRef<Deployments>) {
        // A second call changes nothing: there is one host of deployments.
        let _ = self.0.deployments.set(deployments);
        if let Err(fault) = self.run().await {
            // The controller asks for it again until it is done.
            tracing::warn!(code = %fault.code, "not all that is deployed runs yet: {fault}");
        }
    }

    /// Runs exactly what is deployed now, whatever was when this was asked for. Workflows that are
    /// new begin at once; those that replace another one wait for its end.
    async fn run(&self) -> Result<(), Fault> {
        let Some(host) = self.0.deployments.get() else { return Ok(()) };
        // Closed when the engine stops.
        let Ok(_permit) = self.0.changing.acquire().await else { return Ok(()) };
        let current = host.query(QUERY_WITHIN, |it| it.current().cloned().collect::<Vec<_>>());
        let current = current.await.map_err(|it| Fault::transient(53, it.to_string()))?;
        let (stale, missing) = self.difference(&wanted(&current));
        let (replacing, new): (Vec<_>, Vec<_>) =
            missing.into_iter().partition(|it| stale.contains(&it.plan.workflow));
        self.start_all(new).await?;
        futures::future::join_all(stale.iter().map(|it| self.stop(it))).await;
        self.start_all(replacing).await
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
        let workflows = self.workflows();
        let stopping = workflows.iter().map(|it| it.stop(self.0.grace));
        futures::future::join_all(stopping).await;
        self.lock().clear();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<WorkflowName, Running>> {
        self.0.running.lock().unwrap_or_else(PoisonError::into_inner)
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

#[async_trait]
impl EffectHandler<Deployments> for Activation {
    async fn run(
        &self,
        Effect::Run(_): &Effect,
        _: &Fence,
    ) -> Result<Option<<Deployments as EventSourced>::Command>, Fault> {
        Activation::run(self).await.map(|()| None)
    }
}
