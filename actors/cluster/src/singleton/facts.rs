//! What the rules of the leases need to know of the members, as plain values.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use weir_domain::{Incarnation, Member, NodeStatus, NodeUid};
use weir_runtime::{Phase, System};

use crate::View;
use crate::reach::is_present;

/// What became of a node, seen from here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// A member that can be reached, or of which nothing else is known.
    Present,
    Unreachable,
    /// Its process has been proven to have ended.
    Gone,
    /// The list of members says so.
    Removed,
    /// It is not in the list of members.
    Unknown,
}

/// The members as one node sees them at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// Those that may have singletons and can be reached: Up, of a role that is allowed. Oldest
    /// first. One that leaves is none, unless it is the last that is there.
    pub candidates: Vec<Incarnation>,
    /// Of everybody in the list of members.
    pub fates: BTreeMap<NodeUid, Fate>,
    /// Whether this side of the cluster would go on if it were divided for good as it is now.
    pub survives: bool,
}

impl Facts {
    /// From what membership knows. A node may have singletons if it has one of the roles, or if
    /// no role is named.
    pub fn of(view: &View, roles: &[String]) -> Self {
        let has_role =
            |member: &Member| roles.is_empty() || roles.iter().any(|it| member.roles.contains(it));
        let is_there = |it: &&Member| view.reach.is_reachable(it.node.uid) && is_present(it.status);
        let there: Vec<&Member> = view.members.iter().filter(is_there).collect();
        let is_up = |it: &&&Member| it.status == NodeStatus::Up && has_role(it);
        let mut candidates: Vec<&Member> = there.iter().filter(is_up).copied().collect();
        // What runs there can't be brought to an end while nobody has what it needs for that.
        if let [last] = there[..]
            && last.status == NodeStatus::Leaving
            && has_role(last)
        {
            candidates.push(last);
        }
        candidates.sort_by_key(|it| (it.up_number, it.node.uid));
        let fate = |it: &Member| match it.node.uid {
            _ if !is_present(it.status) => Fate::Removed,
            uid if view.reach.is_gone(uid) => Fate::Gone,
            uid if view.reach.unreachable.contains(&uid) => Fate::Unreachable,
            _ => Fate::Present,
        };
        Self {
            candidates: candidates.into_iter().map(|it| it.node.clone()).collect(),
            fates: view.members.iter().map(|it| (it.node.uid, fate(it))).collect(),
            survives: view.survives,
        }
    }

    /// Follows the view of the members.
    pub fn follow(
        system: &System,
        mut view: watch::Receiver<Arc<View>>,
        roles: Vec<String>,
    ) -> watch::Receiver<Arc<Self>> {
        let first = Self::of(&view.borrow_and_update(), &roles);
        let publish = watch::Sender::new(Arc::new(first));
        let facts = publish.subscribe();
        let ended = CancellationToken::new();
        let end = ended.clone();
        let stop = async move {
            end.cancel();
            Ok(())
        };
        if system.shutdown().add(Phase::StoreClose, "leases/facts", stop).is_err() {
            return facts;
        }
        system.tasks().spawn("leases/facts", async move {
            // The view may have changed since it was first looked at.
            view.mark_changed();
            loop {
                tokio::select! {
                    it = view.changed() => if it.is_err() { return },
                    () = publish.closed() => return,
                    () = ended.cancelled() => return,
                }
                let new = Self::of(&view.borrow_and_update(), &roles);
                publish.send_if_modified(|old| {
                    let is_changed = **old != new;
                    *old = Arc::new(new);
                    is_changed
                });
            }
        });
        facts
    }

    /// One node that is alone for good, and may have everything.
    pub fn alone(me: Incarnation) -> Self {
        let fates = [(me.uid, Fate::Present)].into();
        Self { candidates: vec![me], fates, survives: true }
    }

    pub fn fate(&self, node: NodeUid) -> Fate {
        self.fates.get(&node).copied().unwrap_or(Fate::Unknown)
    }

    pub fn is_candidate(&self, node: NodeUid) -> bool {
        self.candidates.iter().any(|it| it.uid == node)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use weir_domain::Timestamp;

    use super::*;

    fn node(number: u8) -> Incarnation {
        format!("node-{number}#0197a8b0-5b5e-7c3e-9d4f-00000000000{number}").parse().unwrap()
    }

    fn member(number: u8, status: NodeStatus) -> Member {
        Member {
            node: node(number),
            address: format!("weir://weir@node-{number}:5843").parse().unwrap(),
            rest: String::new(),
            roles: BTreeSet::new(),
            version: String::new(),
            status,
            up_number: number.into(),
            joined_at: Timestamp(1),
            changed_at: Timestamp(1),
            reason: String::new(),
        }
    }

    /// Who may have singletons, seen by the first, among members of which these can be reached.
    fn candidates(members: Vec<Member>, reachable: &[u8]) -> Vec<Incarnation> {
        let mut view = View { members, ..View::empty(node(1)) };
        view.reach.reachable = reachable.iter().map(|it| node(*it).uid).collect();
        Facts::of(&view, &[]).candidates
    }

    #[test]
    fn who_leaves_has_singletons_only_as_long_as_nobody_else_is_there() {
        use NodeStatus::{Down, Leaving, Up};
        let two = |first, second| vec![member(1, first), member(2, second)];
        assert_eq!(candidates(two(Leaving, Up), &[1, 2]), [node(2)]);
        assert_eq!(candidates(two(Leaving, Up), &[1]), [node(1)]);
        assert_eq!(candidates(two(Leaving, Down), &[1, 2]), [node(1)]);
        assert_eq!(candidates(two(Leaving, Leaving), &[1, 2]), []);
        assert_eq!(candidates(two(Up, Up), &[1, 2]), [node(1), node(2)]);
    }
}
