//! The instances of this engine: what the scheduler wants here, carried out.
//!
//! What is decided is decided in the scheduler's agent and in the life of each instance, which are
//! pure; the driver carries out what they say, and tells them what became of it. An engine that is
//! cut off from the scheduler goes on with its last order.

mod driver;
mod notices;

use std::collections::BTreeSet;
use std::sync::Arc;

use tokio::sync::{mpsc, oneshot, watch};
use weir_cluster::ReceiverEpochs;
use weir_controllers::scheduler::{Agent, Grace, Scheduler, StopOrder};
use weir_domain::WorkflowName;
use weir_domain::schedule::{InstanceReport, InstanceState, NodeReport};
use weir_runtime::System;
use weir_stream::RunningWorkflow;

use super::orders::Inbox;
use driver::Driver;

/// Wishes that wait for the driver.
const WAITING_MAX: usize = 16;

/// The way to the driver. Clones lead to the same one.
#[derive(Clone)]
pub(crate) struct Instances {
    wishes: mpsc::Sender<Wish>,
    seen: watch::Receiver<Arc<NodeReport>>,
}

/// What is asked of the driver.
enum Wish {
    /// These workflows can run here now, and no others.
    Offer { workflows: Vec<RunningWorkflow>, done: oneshot::Sender<()> },
    /// All instances end, and none begins any more.
    End(StopOrder),
    /// The scheduler may have another order.
    Report,
}

impl Instances {
    pub(crate) fn begin(
        system: &System,
        scheduler: Scheduler,
        (inbox, epochs): (Inbox, ReceiverEpochs),
        grace: Grace,
    ) -> Self {
        let agent = Agent::new(system.incarnation(), epochs, grace);
        let (wishes, asked) = mpsc::channel(WAITING_MAX);
        let (driver, seen) = Driver::new(system.clone(), scheduler, agent);
        system.tasks().spawn("scheduler-agent", driver.run(inbox, asked));
        Self { wishes, seen }
    }

    /// Sets which workflows can run here: instances of others end. One that stands for another of its
    /// name is offered once that one's instances have ended.
    pub(crate) async fn offer(&self, workflows: Vec<RunningWorkflow>) {
        let (done, is_done) = oneshot::channel();
        if self.wishes.send(Wish::Offer { workflows, done }).await.is_ok() {
            // An error says that all has ended.
            let _ = is_done.await;
        }
    }

    /// Waits until no instance of these workflows lives.
    pub(crate) async fn ended(&self, workflows: &BTreeSet<WorkflowName>) {
        let is_theirs = |it: &InstanceReport| workflows.contains(&it.workflow);
        self.until(|report| !report.instances.iter().any(|it| is_theirs(it) && lives(it))).await;
    }

    /// Ends all instances, and waits until they have ended.
    pub(crate) async fn end(&self, how: StopOrder) {
        let _ = self.wishes.send(Wish::End(how)).await;
        self.until(|report| !report.instances.iter().any(lives)).await;
    }

    /// Asks the scheduler soon whether there is another order.
    pub(crate) fn report(&self) {
        // A report comes anyway, a little later.
        let _ = self.wishes.try_send(Wish::Report);
    }

    /// Where the instances of a workflow stand.
    pub(crate) fn of(&self, workflow: &WorkflowName) -> Vec<InstanceReport> {
        let seen = self.seen.borrow();
        seen.instances.iter().filter(|it| it.workflow == *workflow).cloned().collect()
    }

    async fn until(&self, holds: impl FnMut(&Arc<NodeReport>) -> bool) {
        // An error says that the driver is gone, and all instances with it.
        let _ = self.seen.clone().wait_for(holds).await;
    }
}

fn lives(report: &InstanceReport) -> bool {
    use InstanceState::*;
    match report.state {
        Terminated
        | ConfigurationFailure
        | DependencyFailure
        | ActivationFailure
        | ProcessingPreparationFailed
        | InternalError => false,
        VerifyingConfiguration
        | VerifyingDependencies
        | Activating
        | On
        | Processing
        | WaitingForSource
        | StopProcessing
        | ShuttingDown
        | RestartBackoff
        | ClusterRoleMismatch => true,
    }
}
