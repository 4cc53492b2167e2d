//! What happens to the members, as events: for logs, live views and tests.
//!
//! Derived from one view to the next, so that they tell what this node saw, in the order in which
//! it saw it. A status that came and went between two views is not told.

use serde::{Deserialize, Serialize};
use weir_domain::{Incarnation, Member, NodeStatus, NodeUid};

use crate::view::View;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", tag = "type")]
pub enum ClusterEvent {
    MemberJoined {
        node: Incarnation,
    },
    MemberUp {
        node: Incarnation,
    },
    MemberLeaving {
        node: Incarnation,
        reason: String,
    },
    MemberExited {
        node: Incarnation,
    },
    MemberDowned {
        node: Incarnation,
        reason: String,
    },
    MemberRemoved {
        node: Incarnation,
        reason: String,
    },
    Unreachable {
        node: Incarnation,
        reason: String,
    },
    Reachable {
        node: Incarnation,
    },
    LeaderChanged {
        leader: Option<Incarnation>,
    },
    /// A side of a divided cluster was chosen.
    Resolved {
        reason: String,
    },
    StoreLost {
        reason: String,
    },
    StoreBack,
}

/// What became of the members from one view to the next.
pub(crate) fn between(old: &View, new: &View) -> Vec<ClusterEvent> {
    let mut events = Vec::new();
    for member in &new.members {
        let before = old.member(member.node.uid).map(|it| it.status);
        if before != Some(member.status) {
            events.push(of_status(member));
        }
        events.extend(of_reach(old, new, member));
    }
    if old.leader != new.leader {
        let name = |uid: NodeUid| new.member(uid).map(|it| it.node.clone());
        events.push(ClusterEvent::LeaderChanged { leader: new.leader.and_then(name) });
    }
    match (&old.store_trouble, &new.store_trouble) {
        (None, Some(reason)) => {
            events.push(ClusterEvent::StoreLost { reason: reason.clone() });
        }
        (Some(_), None) => events.push(ClusterEvent::StoreBack),
        (None, None) | (Some(_), Some(_)) => {}
    }
    events
}

fn of_status(member: &Member) -> ClusterEvent {
    let (node, reason) = (member.node.clone(), member.reason.clone());
    match member.status {
        NodeStatus::Joining => ClusterEvent::MemberJoined { node },
        NodeStatus::Up => ClusterEvent::MemberUp { node },
        NodeStatus::Leaving => ClusterEvent::MemberLeaving { node, reason },
        NodeStatus::Exiting => ClusterEvent::MemberExited { node },
        NodeStatus::Down => ClusterEvent::MemberDowned { node, reason },
        NodeStatus::Removed => ClusterEvent::MemberRemoved { node, reason },
    }
}

fn of_reach(old: &View, new: &View, member: &Member) -> Option<ClusterEvent> {
    let (uid, node) = (member.node.uid, member.node.clone());
    match (old.reach.unreachable.contains(&uid), new.reach.unreachable.contains(&uid)) {
        (false, true) => {
            let silent = || "nothing is heard from it".to_owned();
            let reason = new.reach.gone.get(&uid).cloned().unwrap_or_else(silent);
            Some(ClusterEvent::Unreachable { node, reason })
        }
        (true, false) if new.reach.is_reachable(uid) => Some(ClusterEvent::Reachable { node }),
        (true, false) | (false, false) | (true, true) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reach::Reach;
    use crate::testing::{member, uid};

    fn view(members: Vec<Member>, unreachable: &[u8], leader: Option<u8>) -> View {
        let all = members.iter().map(|it| it.node.uid);
        let unreachable: std::collections::BTreeSet<NodeUid> =
            unreachable.iter().map(|&n| uid(n)).collect();
        let reachable = all.filter(|it| !unreachable.contains(it)).collect();
        let reach = Reach { reachable, unreachable, ..Reach::default() };
        let me = member(1, NodeStatus::Up).node;
        View { members, reach, leader: leader.map(uid), ..View::empty(me) }
    }

    #[test]
    fn events_tell_what_changed_and_nothing_else() {
        let first = view(vec![member(1, NodeStatus::Joining)], &[], None);
        let then = vec![member(1, NodeStatus::Up), member(2, NodeStatus::Joining)];
        let second = view(then.clone(), &[], Some(1));
        let [one, two] = [1, 2].map(|n| member(n, NodeStatus::Up).node);
        let expected = [
            ClusterEvent::MemberUp { node: one.clone() },
            ClusterEvent::MemberJoined { node: two.clone() },
            ClusterEvent::LeaderChanged { leader: Some(one) },
        ];
        assert_eq!(between(&first, &second), expected);
        assert_eq!(between(&second, &second), []);

        let third = view(then, &[2], Some(1));
        let reason = "nothing is heard from it".to_owned();
        assert_eq!(
            between(&second, &third),
            [ClusterEvent::Unreachable { node: two.clone(), reason }]
        );
        assert_eq!(between(&third, &second), [ClusterEvent::Reachable { node: two }]);
    }
}
