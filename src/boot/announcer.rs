//! Tells all engines that something else should run, so that none waits for its next look.
//!
//! Best effort, and harmless when repeated: each engine looks by itself, too.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;

use weir_cluster::Cluster;
use weir_controllers::deployments::{Deployments, Effect};
use weir_domain::{Fault, Incarnation, NodeStatus};
use weir_persistence_api::Fence;
use weir_remote::{Handler, Incoming, Lane, Manifest, Outgoing, Refused, Remote};
use weir_runtime::{EffectHandler, EventSourced};

use super::activation::Activation;
use super::membership::Membership;

const PATH: &str = "activation";
const CHANGED: Manifest = Manifest::new("activation.Changed", 1);

pub(crate) struct Announcer {
    activation: Activation,
    cluster: Cluster,
    remote: Option<Remote>,
}

impl Announcer {
    /// Also hears what other engines announce.
    pub(crate) fn listen(activation: &Activation, membership: &Membership) -> Self {
        if let Some(remote) = &membership.remote {
            remote.serve(PATH, Arc::new(Ear(activation.clone())));
        }
        Self {
            activation: activation.clone(),
            cluster: membership.cluster.clone(),
            remote: membership.remote.clone(),
        }
    }
}

#[async_trait]
impl EffectHandler<Deployments> for Announcer {
    async fn run(
        &self,
        _: &Effect,
        _: &Fence,
    ) -> Result<Option<<Deployments as EventSourced>::Command>, Fault> {
        self.activation.notify();
        let Some(remote) = &self.remote else { return Ok(None) };
        let view = self.cluster.view().borrow().clone();
        let message = Outgoing::raw(CHANGED, Bytes::new());
        for member in view.members.iter().filter(|it| it.status == NodeStatus::Up) {
            if member.node.uid != view.me.uid {
                // One that can't be told looks a little later.
                let _ = remote.tell(member.node.uid, PATH, &message, Lane::Control);
            }
        }
        Ok(None)
    }
}

struct Ear(Activation);

#[async_trait]
impl Handler for Ear {
    async fn handle(&self, _: Incarnation, message: Incoming) -> Result<Option<Outgoing>, Refused> {
        if message.manifest != CHANGED {
            return Err(Refused::Unhandled);
        }
        self.0.notify();
        Ok(None)
    }
}
