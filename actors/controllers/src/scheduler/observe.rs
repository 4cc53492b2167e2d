//! The members of the cluster, as the scheduler takes them from what membership knows.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use weir_cluster::View;
use weir_domain::schedule::Reach;
use weir_domain::{Incarnation, Member, NodeStatus, Timestamp};

/// Everybody who is in the cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observation {
    /// Of the list of members, which is the same wherever it is read.
    pub version: u64,
    pub nodes: Vec<Seen>,
    pub at: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    pub node: Incarnation,
    pub roles: BTreeSet<String>,
    pub reach: Reach,
}

impl Observation {
    /// `None` before the list of members was read: an empty cluster and an unknown one are two
    /// things, and only in one of them everything is lost.
    pub fn of(view: &View, at: Timestamp) -> Option<Self> {
        if view.version == 0 {
            return None;
        }
        let mut nodes: Vec<Seen> = Vec::new();
        for member in &view.members {
            let is_silent = view.reach.unreachable.contains(&member.node.uid);
            let Some(reach) = reach(member, is_silent) else { continue };
            let (node, roles) = (member.node.clone(), member.roles.clone());
            nodes.push(Seen { node, roles, reach });
        }
        // The last life of a node is the one that counts.
        nodes.sort_by(|one, other| other.node.cmp(&one.node));
        nodes.dedup_by(|next, first| next.node.name == first.node.name);
        Some(Self { version: view.version, nodes, at })
    }
}

/// `None` for one that is not in yet, or not any more. Only who is removed is lost: one that is
/// down may be working until it has read that it is.
fn reach(member: &Member, is_silent: bool) -> Option<Reach> {
    match member.status {
        NodeStatus::Joining | NodeStatus::Removed => None,
        NodeStatus::Down => Some(Reach::Unreachable),
        NodeStatus::Up | NodeStatus::Leaving | NodeStatus::Exiting if is_silent => {
            Some(Reach::Unreachable)
        }
        NodeStatus::Up => Some(Reach::Up),
        NodeStatus::Leaving | NodeStatus::Exiting => Some(Reach::Draining),
    }
}
