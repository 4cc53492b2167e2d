//! Follows the members of the cluster, as long as the scheduler lives here.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use weir_cluster::View;
use weir_runtime::{AskError, HostRef, HostStatus, System};

use crate::scheduler::{Command, Observation, Schedule};

/// How often the members are looked at when nothing is heard of them.
const LOOK_EVERY: Duration = Duration::from_secs(5);
const OBSERVE_WITHIN: Duration = Duration::from_secs(15);

pub(super) fn spawn(
    system: &System,
    host: HostRef<Schedule>,
    mut view: watch::Receiver<Arc<View>>,
) {
    let of = system.clone();
    system.tasks().spawn("scheduler/members", async move {
        let stopping = of.shutdown().stopping();
        let mut is_first = true;
        loop {
            if !is_first {
                tokio::select! {
                    changed = view.changed() => if changed.is_err() { return },
                    () = tokio::time::sleep(LOOK_EVERY) => {}
                    () = ended(&host) => return,
                    () = stopping.stopped() => return,
                }
            }
            is_first = false;
            let seen = view.borrow_and_update().clone();
            if let Some(observation) = Observation::of(&seen, of.now()) {
                observe(&host, observation).await;
            }
        }
    });
}

/// It has stopped, or failed for good: whoever starts the scheduler anew watches anew.
async fn ended(host: &HostRef<Schedule>) {
    let has_ended = |it: &HostStatus| match it {
        HostStatus::Stopped | HostStatus::Failed { .. } => Some(()),
        HostStatus::Recovering { .. }
        | HostStatus::Running { .. }
        | HostStatus::Suspended { .. }
        | HostStatus::Restarting { .. } => None,
    };
    host.wait_for(has_ended).await;
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
