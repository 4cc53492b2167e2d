//! A running workflow: its instances, each supervised on its own, and what is to be seen of it.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::FutureExt as _;
use ractor::{Actor, ActorProcessingErr, ActorRef, SupervisionEvent};
use weir_domain::plan::Plan;
use weir_domain::{
    Fault, FaultKind, InstanceId, ProjectName, Timestamp, Workflow, WorkflowName, WorkflowState,
};
use weir_runtime::{ChildState, Fatal, RestartPolicy, Supervised, supervise};

use crate::instance::{Instance, Tally};
use crate::life::Stops;
use crate::services::Services;

/// How long aborted streams may take to clear away what they staged.
const ABORT_WITHIN: Duration = Duration::from_secs(10);

/// What to run, and where its relative paths begin.
#[derive(Debug, Clone)]
pub struct WorkflowSpec {
    pub project: ProjectName,
    pub plan: Arc<Plan>,
    pub base_dir: PathBuf,
}

/// A workflow that runs on this engine. Clones are the same workflow.
#[derive(Clone)]
pub struct RunningWorkflow(Arc<Inner>);

struct Inner {
    spec: WorkflowSpec,
    instances: Vec<Supervised<InstanceMessage>>,
    stops: Stops,
    tally: Arc<Mutex<Tally>>,
    started_at: Timestamp,
}

/// How a workflow stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopOutcome {
    /// Every open stream reached its end.
    Drained,
    /// Some did not within the grace period and were rolled back; their items are free again.
    Aborted,
}

impl RunningWorkflow {
    /// Starts all instances. What can fail later is retried by their supervisors.
    pub async fn start(
        services: Services,
        spec: WorkflowSpec,
        policy: RestartPolicy,
    ) -> Result<Self, Fault> {
        let stops = Stops::default();
        let tally = Arc::new(Mutex::new(Tally::default()));
        let mut instances = Vec::new();
        for number in 1..=spec.plan.instances {
            let instance = Instance {
                services: services.clone(),
                plan: spec.plan.clone(),
                id: InstanceId(number),
                base_dir: spec.base_dir.clone(),
                stops: stops.clone(),
                tally: tally.clone(),
            };
            match start_instance(&services, instance, policy).await {
                Ok(instance) => instances.push(instance),
                Err(fault) => {
                    // The ones that run already end by themselves.
                    stops.drain.cancel();
                    return Err(fault);
                }
            }
        }
        let started_at = services.system.now();
        Ok(Self(Arc::new(Inner { spec, instances, stops, tally, started_at })))
    }

    pub fn name(&self) -> &WorkflowName {
        &self.0.spec.plan.workflow
    }

    pub fn plan(&self) -> &Plan {
        &self.0.spec.plan
    }

    /// The workflow as it is now.
    pub fn view(&self) -> Workflow {
        let tally = self.0.tally.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let (state, instance_fault) = self.state(tally.open.len());
        Workflow {
            name: self.name().clone(),
            project: self.0.spec.project.clone(),
            state,
            instances: self.0.spec.plan.instances,
            open_streams: u32::try_from(tally.open.len()).unwrap_or(u32::MAX),
            committed: tally.committed,
            committed_with_warnings: tally.committed_with_warnings,
            rolled_back: tally.rolled_back,
            counts: tally.counts,
            stages: tally.stages,
            started_at: self.0.started_at,
            last_stream_at: tally.last_stream_at,
            fault: instance_fault.or(tally.fault),
            plan: self.plan().clone(),
        }
    }

    /// The worst that holds for any instance.
    fn state(&self, open_streams: usize) -> (WorkflowState, Option<Fault>) {
        let states: Vec<_> = self.0.instances.iter().map(Supervised::state).collect();
        let mut restarting = None;
        for state in &states {
            match state {
                ChildState::Failed { cause } => {
                    return (WorkflowState::Failed, Some(cause.clone()));
                }
                ChildState::Restarting { cause, .. } => restarting = Some(cause.clone()),
                ChildState::Starting | ChildState::Running { .. } | ChildState::Stopped => {}
            }
        }
        let state = if restarting.is_some() {
            WorkflowState::Restarting
        } else if states.iter().all(ChildState::is_final) {
            WorkflowState::Stopped
        } else if self.0.stops.drain.is_cancelled() {
            WorkflowState::Stopping
        } else if open_streams > 0 {
            WorkflowState::Processing
        } else {
            WorkflowState::Waiting
        };
        (state, restarting)
    }

    /// Opens no new stream and waits for the open ones; those that are still open after `grace`
    /// are rolled back.
    pub async fn stop(&self, grace: Duration) -> StopOutcome {
        self.0.stops.drain.cancel();
        let drained = tokio::time::timeout(grace, self.ended()).await.is_ok();
        if !drained {
            self.0.stops.abort.cancel();
            if tokio::time::timeout(ABORT_WITHIN, self.ended()).await.is_err() {
                let workflow = self.name();
                tracing::error!(code = "WEIR-03040", %workflow, "streams did not end when aborted");
            }
        }
        for instance in &self.0.instances {
            // It has ended, or hangs: then the process's end is the last resort.
            let _ = instance.stop(Duration::from_secs(1)).await;
        }
        if drained { StopOutcome::Drained } else { StopOutcome::Aborted }
    }

    async fn ended(&self) {
        for instance in &self.0.instances {
            let mut child = instance.watch();
            // An error says that the supervisor is gone, and its child with it.
            let _ = child
                .wait_for(|it| {
                    it.state.is_final() || matches!(it.state, ChildState::Restarting { .. })
                })
                .await;
        }
    }
}

async fn start_instance(
    services: &Services,
    instance: Instance,
    policy: RestartPolicy,
) -> Result<Supervised<InstanceMessage>, Fault> {
    let path = format!("workflow/{}/{}", instance.plan.workflow, instance.id);
    let factory = move |parent| {
        let instance = instance.clone();
        async move {
            let spawned = Actor::spawn_linked(None, InstanceActor, instance, parent).await;
            spawned.map(|(actor, _)| actor)
        }
        .boxed()
    };
    let supervised = supervise(&services.system, path, policy, None, Box::new(factory)).await;
    supervised.map_err(|it| Fault::transient(3041, format!("the workflow did not start: {it}")))
}

struct InstanceActor;

#[derive(Debug)]
pub(crate) enum InstanceMessage {
    /// Its work is over.
    Ended(Result<(), Fault>),
}

impl ractor::Message for InstanceMessage {}

impl Actor for InstanceActor {
    type Msg = InstanceMessage;
    type State = ();
    type Arguments = Instance;

    async fn pre_start(
        &self,
        myself: ActorRef<InstanceMessage>,
        instance: Instance,
    ) -> Result<(), ActorProcessingErr> {
        let tasks = instance.services.system.tasks().clone();
        let name = format!("instance {}/{}", instance.plan.workflow, instance.id);
        tasks.clone().spawn(name.clone(), async move {
            let work = tasks.spawn(name, async move { instance.work().await }).join().await;
            let ended = work.unwrap_or_else(|it| Err(Fault::transient(3042, it.to_string())));
            // The actor may have been stopped while its work was ending.
            let _ = myself.cast(InstanceMessage::Ended(ended));
        });
        Ok(())
    }

    async fn handle(
        &self,
        myself: ActorRef<InstanceMessage>,
        InstanceMessage::Ended(ended): InstanceMessage,
        (): &mut (),
    ) -> Result<(), ActorProcessingErr> {
        match ended {
            Ok(()) => {
                myself.stop(None);
                Ok(())
            }
            Err(fault) if fault.kind == FaultKind::Config => Err(Box::new(Fatal(fault))),
            Err(fault) => Err(Box::new(fault)),
        }
    }

    async fn handle_supervisor_evt(
        &self,
        _: ActorRef<InstanceMessage>,
        _: SupervisionEvent,
        (): &mut (),
    ) -> Result<(), ActorProcessingErr> {
        Ok(())
    }
}
