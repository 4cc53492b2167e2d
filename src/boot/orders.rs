//! Brings the scheduler's orders to the nodes, so that none waits for its next report.
//!
//! Best effort, and harmless when repeated: an order is the whole of what a node shall run, and a
//! node that did not get it is given it in answer to its report.

use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::mpsc;
use weir_cluster::Cluster;
use weir_controllers::scheduler::{Effect, Envelope, Order, Schedule};
use weir_domain::{Fault, Incarnation};
use weir_persistence_api::Fence;
use weir_remote::{Handler, Incoming, Lane, Manifest, Outgoing, Refused, Remote};
use weir_runtime::{EffectHandler, EventSourced};

use super::membership::Membership;

const PATH: &str = "scheduler-agent";
const ORDER: Manifest = Manifest::new("scheduler.Order", 1);

/// Orders that wait for the agent. Each is complete, so that few are worth keeping.
const WAITING_MAX: usize = 16;

/// Where this node's agent finds its orders.
pub(crate) type Inbox = mpsc::Receiver<Envelope>;

/// Sends orders to the agents of all nodes.
pub(crate) struct Dispatcher {
    here: mpsc::Sender<Envelope>,
    cluster: Cluster,
    remote: Option<Remote>,
}

impl Dispatcher {
    /// Also takes what the scheduler sends from another node.
    pub(crate) fn listen(membership: &Membership) -> (Self, Inbox) {
        let (here, inbox) = mpsc::channel(WAITING_MAX);
        if let Some(remote) = &membership.remote {
            remote.serve(PATH, Arc::new(Ear(here.clone())));
        }
        let (cluster, remote) = (membership.cluster.clone(), membership.remote.clone());
        (Self { here, cluster, remote }, inbox)
    }

    fn send(&self, order: Envelope) -> Result<(), Fault> {
        let node = order.order.node.uid;
        if node == self.cluster.view().borrow().me.uid {
            // One that does not fit is given in answer to the next report.
            let _ = self.here.try_send(order);
            return Ok(());
        }
        let Some(remote) = &self.remote else { return Ok(()) };
        let message = Outgoing::of(ORDER, &order);
        let message = message.map_err(|it| Fault::transient(80, it.to_string()))?;
        // One that can't be told asks a little later.
        let _ = remote.tell(node, PATH, &message, Lane::Control);
        Ok(())
    }
}

#[async_trait]
impl EffectHandler<Schedule> for Dispatcher {
    async fn run(
        &self,
        Effect::Order(order): &Effect,
        fence: &Fence,
    ) -> Result<Option<<Schedule as EventSourced>::Command>, Fault> {
        let order: Order = order.clone();
        self.send(Envelope { epoch: fence.epoch, order })?;
        Ok(None)
    }
}

struct Ear(mpsc::Sender<Envelope>);

#[async_trait]
impl Handler for Ear {
    async fn handle(&self, _: Incarnation, message: Incoming) -> Result<Option<Outgoing>, Refused> {
        if message.manifest != ORDER {
            return Err(Refused::Unhandled);
        }
        let order = message.read::<Envelope>().map_err(|_| Refused::Unhandled)?;
        let _ = self.0.try_send(order);
        Ok(None)
    }
}
