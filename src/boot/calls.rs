//! Tells all engines that a replay of dead letters was asked for, so that none waits for its next look.
//!
//! Best effort, and harmless when repeated: an engine that was not told looks by itself, a little later.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use weir_cluster::Cluster;
use weir_domain::{Incarnation, NodeStatus};
use weir_remote::{Handler, Incoming, Lane, Manifest, Outgoing, Refused, Remote};
use weir_stream::ReplayCalls;

use super::membership::Membership;

const PATH: &str = "replays";
const ASKED: Manifest = Manifest::new("replays.Asked", 1);

/// Cheap to clone.
#[derive(Clone)]
pub(crate) struct Calls {
    here: ReplayCalls,
    cluster: Cluster,
    remote: Option<Remote>,
}

impl Calls {
    /// Also hears what other engines were asked for.
    pub(crate) fn listen(here: ReplayCalls, membership: &Membership) -> Self {
        if let Some(remote) = &membership.remote {
            remote.serve(PATH, Arc::new(Ear(here.clone())));
        }
        Self { here, cluster: membership.cluster.clone(), remote: membership.remote.clone() }
    }

    pub(crate) fn call(&self) {
        self.here.call();
        let Some(remote) = &self.remote else { return };
        let view = self.cluster.view().borrow().clone();
        let message = Outgoing::raw(ASKED, Bytes::new());
        for member in view.members.iter().filter(|it| it.status == NodeStatus::Up) {
            if member.node.uid != view.me.uid {
                let _ = remote.tell(member.node.uid, PATH, &message, Lane::Control);
            }
        }
    }
}

struct Ear(ReplayCalls);

#[async_trait]
impl Handler for Ear {
    async fn handle(&self, _: Incarnation, message: Incoming) -> Result<Option<Outgoing>, Refused> {
        if message.manifest != ASKED {
            return Err(Refused::Unhandled);
        }
        self.0.call();
        Ok(None)
    }
}
