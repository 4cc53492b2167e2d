//! Engines as a cluster: real processes on hosts of their own, from the samples that are shipped,
//! under the faults that a cluster is for. One oracle judges each of them at its end.
//!
//! What takes longer, and faults at random, are in `chaos`.

mod access;
mod across;
mod alarms;
mod behind;
mod certificates;
mod clocks;
pub(crate) mod database;
mod deploying;
mod discovery;
mod form;
mod leave;
mod letters;
mod live;
mod logs;
mod loss;
mod once;
mod operator;
pub(crate) mod outputs;
mod partition;
mod scheduling;
mod store;
mod strangers;
pub(crate) mod strategies;
mod versions;

use std::time::Duration;

use crate::support::cluster::Cluster;

/// How often the outside world brings a file.
pub(crate) const FILE_EVERY: Duration = Duration::from_millis(100);

/// Longer than a lease holds without being renewed.
const LONGER_THAN_A_LEASE: Duration = Duration::from_secs(8);

/// The controllers, which are one each in a cluster.
const CONTROLLERS: [&str; 9] = [
    ACCESS,
    ALARMS,
    "audit",
    "deployment-storage",
    "key-storage",
    "resource-coordinator",
    SCHEDULER,
    "stream-monitor",
    "user-storage",
];
const ALARMS: &str = "alarms";
const SCHEDULER: &str = "scheduler-master";
/// The one that files can't do without.
pub(crate) const ACCESS: &str = "access-coordinator";

/// Longer than all deadlines of a test together: nobody but an operator gives a node up.
const NOBODY_GIVEN_UP: &str = "weir.cluster.split-brain-resolver.stable-after=1h";

/// What a node logs as an error when it ends because the others go on without it.
pub(crate) const DOWNED: &str = "WEIR-11008";
/// The exit code of such a node: −1, as far as a process can say so.
pub(crate) const DOWNED_EXIT: i32 = 255;
/// The exit code of a node that waits for a person.
const UNDECIDED: i32 = 6;

/// The position of another node than this one.
pub(crate) fn other(cluster: &Cluster, than: usize) -> usize {
    (than + 1) % cluster.nodes.len()
}

/// Waits until a node ends because the others went on without it, and begins its next life.
#[track_caller]
fn comes_back(cluster: &mut Cluster, at: usize) {
    let status = cluster.nodes[at].ended();
    assert_eq!(status.code(), Some(DOWNED_EXIT), "{}", cluster.nodes[at].log());
    cluster.nodes[at].start();
    cluster.all_up();
}
