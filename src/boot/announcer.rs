//! What Deployment Storage owes to the world: it tells all engines that something else should run, so
//! that none waits for its next look; and gives the scheduler the settings of a new default.
//!
//! Telling is best effort (`bell`): each engine looks by itself, too. Settings are owed until the scheduler
//! has answered, which applies those of each activation once.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use weir_controllers::deployments::storage::{self, Observation};
use weir_controllers::deployments::{self, Command, Deployments, Effect};
use weir_controllers::scheduler::{self, Failure, Scheduler};
use weir_domain::schedule::SettingsPatch;
use weir_domain::{Digest, Fault, FaultKind, WorkflowName};
use weir_persistence_api::Fence;
use weir_persistence_sql::Database;
use weir_remote::Manifest;
use weir_runtime::{EffectHandler, System};

use super::activation::Activation;
use super::bell::Bell;
use super::membership::Membership;

const CHANGED: (&str, Manifest) = ("activation", Manifest::new("activation.Changed", 1));

pub(crate) struct Announcer {
    changed: Bell,
    system: System,
    store: Arc<dyn Database>,
    scheduler: Scheduler,
}

impl Announcer {
    /// Also hears what other engines announce.
    pub(crate) fn listen(
        activation: &Activation,
        membership: &Membership,
        (system, store): (&System, &Arc<dyn Database>),
        scheduler: &Scheduler,
    ) -> Self {
        let activation = activation.clone();
        Self {
            changed: Bell::hang(membership, CHANGED, move || activation.notify()),
            system: system.clone(),
            store: store.clone(),
            scheduler: scheduler.clone(),
        }
    }

    /// Gives the scheduler what the default deployment says of it. What can't be applied is said, and
    /// does not stand in the way of the deployment.
    async fn schedule(&self, activation: u64, digest: Digest) -> Result<Command, Fault> {
        let refusal = match deployments::schedule(digest, self.store.as_ref()).await {
            Ok(patches) => self.apply(patches, activation).await?,
            Err(fault) if fault.kind == FaultKind::Config => Some(fault.to_string()),
            Err(fault) => return Err(fault),
        };
        if let Some(cause) = &refusal {
            tracing::error!(
                code = "WEIR-00085",
                cause,
                "the scheduler settings of the default deployment were refused: set them by hand, or correct them and build it again"
            );
        }
        let observation = Observation::Scheduled { activation, refusal };
        let at = self.system.now();
        Ok(Command::Storage(storage::Command::Observe { at, observation }))
    }

    async fn apply(&self, patches: Patches, activation: u64) -> Result<Option<String>, Fault> {
        let (id, at) = (self.system.ids().command(), self.system.now());
        let activation = Some(activation);
        let command = scheduler::Command::Apply { patches, activation, at };
        match self.scheduler.carry_out(id, command).await {
            Ok(()) => Ok(None),
            Err(Failure::Rejected(it)) => Ok(Some(it.to_string())),
            Err(it) => Err(Fault::transient(86, it.to_string())),
        }
    }
}

type Patches = BTreeMap<WorkflowName, SettingsPatch>;

#[async_trait]
impl EffectHandler<Deployments> for Announcer {
    async fn run(&self, effect: &Effect, _: &Fence) -> Result<Option<Command>, Fault> {
        match effect {
            Effect::Schedule { activation, digest } => {
                self.schedule(*activation, *digest).await.map(Some)
            }
            Effect::Run(_) | Effect::Aim { .. } => {
                self.changed.ring();
                Ok(None)
            }
            // The storage sweeps by itself.
            Effect::Sweep { .. } => Ok(None),
        }
    }
}
