//! What can be seen of the leases from outside.

use std::time::Duration;

use weir_domain::{Incarnation, NodeName, Timestamp};
use weir_persistence_api::LeaseName;

use super::rule::State;

/// A lease as this node sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeaseStatus {
    pub name: LeaseName,
    pub owner: Option<Incarnation>,
    pub epoch: u64,
    /// How long it holds, unless it is renewed.
    pub left: Duration,
    /// Where an administrator wants it.
    pub pinned: Option<NodeName>,
    /// When this node first saw it with this owner.
    pub since: Option<Timestamp>,
    /// What this node does about it; absent if it can't have this singleton.
    pub here: Option<State>,
    /// What last went wrong with it here and has not been mended.
    pub trouble: Option<String>,
}

/// What happens to singletons. Published on every node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SingletonEvent {
    /// A lease has another owner, or none.
    Moved { lease: LeaseName, from: Option<Incarnation>, to: Option<Incarnation>, epoch: u64 },
    /// The state of a singleton on this node changed.
    Changed { lease: LeaseName, state: State },
}
