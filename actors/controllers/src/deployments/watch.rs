//! Follows the members of the cluster, as long as Deployment Storage lives here: what is known of a
//! node that was removed is that it runs nothing.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures::FutureExt as _;
use tokio::sync::watch;
use weir_cluster::View;
use weir_domain::{NodeName, NodeStatus};
use weir_runtime::{HostRef, System};

use super::storage::{self, Observation};
use super::{Command, Deployments};
use crate::instance::{OBSERVE_WITHIN, follow_members};

pub(super) fn spawn(system: &System, host: HostRef<Deployments>, view: watch::Receiver<Arc<View>>) {
    let of = system.clone();
    follow_members(system, "deployments/members", host, view, move |host, seen| {
        let of = of.clone();
        async move {
            // Before the list was read nobody is known to be gone.
            if seen.version > 0 {
                observe(&of, &host, present(&seen)).await;
            }
        }
        .boxed()
    });
}

/// Everybody who is not removed; also who may be working until it has read that it is down.
fn present(view: &View) -> BTreeSet<NodeName> {
    let members = view.members.iter().filter(|it| it.status != NodeStatus::Removed);
    members.map(|it| it.node.name.clone()).collect()
}

async fn observe(system: &System, host: &HostRef<Deployments>, present: BTreeSet<NodeName>) {
    let gone = move |it: &Deployments| {
        let busy =
            it.storage().nodes().filter(|it| it.1.current.is_some() || it.1.failure.is_some());
        let gone = busy.map(|it| it.0).filter(|it| !present.contains(*it));
        gone.cloned().collect::<Vec<_>>()
    };
    // What can't be asked or told now is looked at again.
    for node in host.query(OBSERVE_WITHIN, gone).await.unwrap_or_default() {
        let observation = Observation::Gone { node };
        let command = storage::Command::Observe { at: system.now(), observation };
        let _ = host.ask(Command::Storage(command), OBSERVE_WITHIN).await;
    }
}
