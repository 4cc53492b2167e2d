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

#[cfg(test)]
mod tests {
    use weir_domain::{ClusterAddress, NodeName, NodeUid};

    use super::*;

    fn node(name: &str, uid: u128) -> Incarnation {
        let uid = NodeUid(uuid::Uuid::from_u128(uid));
        Incarnation { name: NodeName::new(name).unwrap(), uid }
    }

    fn member(name: &str, uid: u128, status: NodeStatus) -> Member {
        Member {
            node: node(name, uid),
            address: "weir://weir@x:5843".parse::<ClusterAddress>().unwrap(),
            rest: String::new(),
            roles: BTreeSet::from(["big".to_owned()]),
            version: String::new(),
            status,
            up_number: 1,
            joined_at: Timestamp(0),
            changed_at: Timestamp(0),
            reason: String::new(),
        }
    }

    #[test]
    fn only_who_is_removed_is_lost_and_only_who_is_up_gets_anything() {
        let mut view = View::empty(node("me", 1));
        view.version = 4;
        let statuses = [
            ("a", NodeStatus::Joining),
            ("b", NodeStatus::Up),
            ("c", NodeStatus::Leaving),
            ("d", NodeStatus::Exiting),
            ("e", NodeStatus::Down),
            ("f", NodeStatus::Removed),
            ("g", NodeStatus::Up),
        ];
        view.members = (1..).zip(statuses).map(|(uid, (name, it))| member(name, uid, it)).collect();
        view.reach.unreachable.insert(view.members[6].node.uid);
        let seen = Observation::of(&view, Timestamp(1)).unwrap();
        let mut reaches: Vec<_> =
            seen.nodes.iter().map(|it| (it.node.name.as_str(), it.reach)).collect();
        reaches.sort_by_key(|it| it.0);
        let expected = [
            ("b", Reach::Up),
            ("c", Reach::Draining),
            ("d", Reach::Draining),
            ("e", Reach::Unreachable),
            ("g", Reach::Unreachable),
        ];
        assert_eq!(reaches, expected);
    }

    #[test]
    fn of_two_lives_of_a_node_the_last_one_counts() {
        let mut view = View::empty(node("me", 1));
        view.version = 1;
        let old = member("a", 1, NodeStatus::Down);
        view.members = vec![member("a", 2, NodeStatus::Up), old];
        let seen = Observation::of(&view, Timestamp(1)).unwrap().nodes;
        assert_eq!(seen.iter().map(|it| &it.node).collect::<Vec<_>>(), [&node("a", 2)]);
    }

    #[test]
    fn a_list_that_was_not_read_yet_is_no_empty_cluster() {
        assert_eq!(Observation::of(&View::empty(node("me", 1)), Timestamp(1)), None);
    }
}
