//! The list of members as it shall become.

use std::collections::{BTreeMap, BTreeSet};

use weir_domain::{Member, NodeStatus, NodeUid, Timestamp};
use weir_persistence_api::{MemberChanges, Members};

/// Changes on top of one version of the list. Rules read the list as it was and write here; the
/// last one to write has it.
#[derive(Debug)]
pub struct Draft<'a> {
    pub members: &'a [Member],
    now: Timestamp,
    save: BTreeMap<NodeUid, Member>,
    forget: BTreeSet<NodeUid>,
}

impl<'a> Draft<'a> {
    pub fn new(members: &'a Members, now: Timestamp) -> Self {
        Self { members: &members.members, now, save: BTreeMap::new(), forget: BTreeSet::new() }
    }

    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Moves a member on. What would be a step back is none (M1).
    pub fn set(&mut self, member: &Member, status: NodeStatus, reason: impl Into<String>) {
        let from = self.save.get(&member.node.uid).unwrap_or(member);
        if from.status < status {
            let changed = Member { status, reason: reason.into(), ..from.clone() };
            self.save(changed);
        }
    }

    pub fn save(&mut self, member: Member) {
        let member = Member { changed_at: self.now, ..member };
        self.save.insert(member.node.uid, member);
    }

    pub fn forget(&mut self, node: NodeUid) {
        self.forget.insert(node);
    }

    pub fn changes(self) -> Option<MemberChanges> {
        let forget: Vec<_> =
            self.forget.difference(&self.save.keys().copied().collect()).copied().collect();
        let changes = MemberChanges { save: self.save.into_values().collect(), forget };
        (!changes.save.is_empty() || !changes.forget.is_empty()).then_some(changes)
    }
}
