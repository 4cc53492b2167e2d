//! Follows the members of the cluster, as long as the scheduler lives here.

use std::sync::Arc;

use futures::FutureExt as _;
use tokio::sync::watch;
use weir_cluster::View;
use weir_runtime::{AskError, HostRef, System};

use crate::instance::{OBSERVE_WITHIN, follow_members};
use crate::scheduler::{Command, Observation, Schedule};

pub(super) fn spawn(system: &System, host: HostRef<Schedule>, view: watch::Receiver<Arc<View>>) {
    let of = system.clone();
    follow_members(system, "scheduler/members", host, view, move |host, seen| {
        let observation = Observation::of(&seen, of.now());
        async move {
            if let Some(observation) = observation {
                observe(&host, observation).await;
            }
        }
        .boxed()
    });
}

async fn observe(host: &HostRef<Schedule>, observation: Observation) {
    match host.ask(Command::Observe(observation), OBSERVE_WITHIN).await {
        Ok(_) => {}
        // It is held or stops; what it did not hear now is looked at again.
        Err(AskError::Unavailable { .. } | AskError::Stopped { .. }) => {}
        Err(cause) => {
            tracing::warn!(code = "WEIR-06113", %cause, "the scheduler was not told of the members; it is tried again");
        }
    }
}
