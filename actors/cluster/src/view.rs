//! The members as this node sees them now: what everything else that runs here goes by.

use std::collections::BTreeMap;
use std::time::Duration;

use weir_domain::{Incarnation, Member, NodeName, NodeStatus, NodeUid, Timestamp};
use weir_runtime::Stopwatch;

use crate::reach::Reach;

#[derive(Debug, Clone)]
pub struct View {
    pub me: Incarnation,
    /// By uid; those that were removed are there for a day.
    pub members: Vec<Member>,
    /// Of the list of members; 0 before it was first read.
    pub version: u64,
    pub leader: Option<NodeUid>,
    pub reach: Reach,
    /// Since when this node calls those unreachable that it does, by its clock.
    pub unreachable_since: BTreeMap<NodeUid, Timestamp>,
    /// Whether this side would go on if the resolver decided now.
    pub survives: bool,
    /// Why the list can't be read or written now. `None`: it can.
    pub store_trouble: Option<String>,
    /// Runs since the members, or who reaches whom, last changed.
    pub since: Stopwatch,
}

impl View {
    /// Before anything is known.
    pub fn empty(me: Incarnation) -> Self {
        Self {
            me,
            members: Vec::new(),
            version: 0,
            leader: None,
            reach: Reach::default(),
            unreachable_since: BTreeMap::new(),
            survives: false,
            store_trouble: None,
            since: Stopwatch::start(),
        }
    }

    /// Since when each is unreachable that is by now: one that was already is so since then.
    pub(crate) fn silent_since(
        &self,
        reach: &Reach,
        now: Timestamp,
    ) -> BTreeMap<NodeUid, Timestamp> {
        let known = |uid: &NodeUid| self.unreachable_since.get(uid).copied();
        reach.unreachable.iter().map(|uid| (*uid, known(uid).unwrap_or(now))).collect()
    }

    pub fn member(&self, node: NodeUid) -> Option<&Member> {
        self.members.iter().find(|it| it.node.uid == node)
    }

    /// The member that has the name now, or else the one that had it last.
    pub fn named(&self, name: &NodeName) -> Option<&Member> {
        let named = self.members.iter().filter(|it| it.node.name == *name);
        named.max_by_key(|it| (crate::reach::is_present(it.status), it.node.uid))
    }

    pub fn own(&self) -> Option<&Member> {
        self.member(self.me.uid)
    }

    pub fn is_up(&self) -> bool {
        self.own().is_some_and(|it| it.status == NodeStatus::Up)
    }

    pub fn is_leader(&self) -> bool {
        self.leader == Some(self.me.uid)
    }

    /// How long it has been as it is.
    pub fn stable_for(&self) -> Duration {
        self.since.elapsed()
    }

    /// Whether the incarnation is no part of the cluster any more, as far as that is known.
    pub fn has_ended(&self, node: NodeUid) -> bool {
        let is_over = |it: &Member| !crate::reach::is_present(it.status);
        self.reach.is_gone(node) || self.member(node).is_some_and(is_over)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_unreachable_since_that_was_first_found_and_anew_when_it_was_heard_between() {
        let uid = |n: u128| NodeUid(uuid::Uuid::from_u128(n));
        let me = Incarnation { name: NodeName::new("one").expect("a name"), uid: uid(1) };
        let seen = |view: &View, silent: &[u128], at: i64| {
            let unreachable = silent.iter().map(|it| uid(*it)).collect();
            let reach = Reach { unreachable, ..Reach::default() };
            let unreachable_since = view.silent_since(&reach, Timestamp(at));
            View { reach, unreachable_since, ..view.clone() }
        };
        let first = seen(&View::empty(me), &[2], 10);
        let second = seen(&first, &[2, 3], 20);
        let since = [(uid(2), Timestamp(10)), (uid(3), Timestamp(20))].into();
        assert_eq!(second.unreachable_since, since);
        let heard = seen(&second, &[3], 30);
        assert_eq!(heard.unreachable_since, [(uid(3), Timestamp(20))].into());
        let again = seen(&heard, &[2, 3], 40);
        assert_eq!(again.unreachable_since[&uid(2)], Timestamp(40));
    }
}
