//! Tells all engines that there is something to look at, so that none waits for its next look.
//!
//! Best effort, and harmless when repeated: an engine that was not told looks by itself, a little later.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use weir_cluster::Cluster;
use weir_domain::{Incarnation, NodeStatus};
use weir_remote::{Handler, Incoming, Lane, Manifest, Outgoing, Refused, Remote};

use super::membership::Membership;

type Heard = Arc<dyn Fn() + Send + Sync>;

/// Cheap to clone.
#[derive(Clone)]
pub(crate) struct Bell {
    path: &'static str,
    manifest: Manifest,
    heard: Heard,
    cluster: Cluster,
    remote: Option<Remote>,
}

impl Bell {
    /// One that is heard here, whichever engine rings it.
    pub(crate) fn hang(
        membership: &Membership,
        (path, manifest): (&'static str, Manifest),
        heard: impl Fn() + Send + Sync + 'static,
    ) -> Self {
        let heard: Heard = Arc::new(heard);
        let Membership { cluster, remote, .. } = membership;
        if let Some(remote) = remote {
            remote.serve(path, Arc::new(Ear { manifest: manifest.clone(), heard: heard.clone() }));
        }
        Self { path, manifest, heard, cluster: cluster.clone(), remote: remote.clone() }
    }

    pub(crate) fn ring(&self) {
        (self.heard)();
        let Some(remote) = &self.remote else { return };
        let view = self.cluster.view().borrow().clone();
        let message = Outgoing::raw(self.manifest.clone(), Bytes::new());
        for member in view.members.iter().filter(|it| it.status == NodeStatus::Up) {
            if member.node.uid != view.me.uid {
                // One that can't be told looks a little later.
                let _ = remote.tell(member.node.uid, self.path, &message, Lane::Control);
            }
        }
    }
}

struct Ear {
    manifest: Manifest,
    heard: Heard,
}

#[async_trait]
impl Handler for Ear {
    async fn handle(&self, _: Incarnation, message: Incoming) -> Result<Option<Outgoing>, Refused> {
        if message.manifest != self.manifest {
            return Err(Refused::Unhandled);
        }
        (self.heard)();
        Ok(None)
    }
}
