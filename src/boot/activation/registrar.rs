//! Tells the scheduler what is active on this node, until it knows.

use std::time::Duration;

use tokio::sync::watch;
use weir_controllers::scheduler::{Registration, Scheduler};
use weir_domain::schedule::Deployed;
use weir_domain::{Digest, Timestamp};
use weir_runtime::{Backoff, System};

use crate::boot::instances::Instances;

/// Between attempts. At its start a node may be a member a moment before the scheduler knows.
const RETRY: Backoff =
    Backoff { min: Duration::from_millis(50), max: Duration::from_secs(2), jitter: 0.2 };

/// How often it is told again: what is known already changes nothing.
const AGAIN_EVERY: Duration = Duration::from_secs(30);

pub(super) async fn follow(
    system: System,
    (scheduler, instances): (Scheduler, Instances),
    mut deployed: watch::Receiver<Option<Deployed>>,
) {
    let stopping = system.shutdown().stopping();
    let (mut failures, mut last) = (0, Timestamp(0));
    loop {
        let now = deployed.borrow_and_update().clone();
        let mut wait = AGAIN_EVERY;
        if let Some(now) = now {
            last = later(last, system.now());
            let registered = tokio::select! {
                it = scheduler.register(registration(&system, now, last)) => it,
                // What is active now counts.
                changed = deployed.changed() => match changed {
                    Ok(()) => {
                        failures = 0;
                        continue;
                    }
                    Err(_) => return,
                },
                () = stopping.stopped() => return,
            };
            match registered {
                Ok(()) => {
                    failures = 0;
                    instances.report();
                }
                Err(cause) => {
                    failures += 1;
                    wait = RETRY.delay(failures, system.ids().chance());
                    tracing::debug!(%cause, "the scheduler does not know yet what is active here");
                }
            }
        }
        tokio::select! {
            changed = deployed.changed() => match changed {
                // What is new is tried anew.
                Ok(()) => failures = 0,
                Err(_) => return,
            },
            () = tokio::time::sleep(wait) => {}
            () = stopping.stopped() => return,
        }
    }
}

/// Of two registrations of one node the later one counts, also where the clock was set back.
fn later(last: Timestamp, now: Timestamp) -> Timestamp {
    now.max(last.plus(Duration::from_millis(1)))
}

fn registration(system: &System, deployed: Deployed, at: Timestamp) -> Registration {
    let content = serde_json::to_vec(&deployed).expect("names and numbers are JSON");
    let deployment = Digest::of(&content).to_string();
    Registration { node: system.incarnation(), deployment, deployed, at }
}
