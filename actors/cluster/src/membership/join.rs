//! How a node becomes a member.

use weir_domain::{Incarnation, Member, NodeStatus};

use super::{Draft, Rules};
use crate::reach::{Reach, is_present};

/// What a node that is not in the list may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Join {
    /// The draft has its row, and the end of those that it replaces.
    Saved,
    /// Whether another incarnation of this name still runs is not known yet.
    Wait { other: Incarnation },
    /// One does: of a name there is one.
    Duplicate { other: Incarnation, at: String },
}

/// Enters a node into the list. An earlier incarnation of it has ended: a restarted node is a new
/// member (M2). One that answers is another node with the same name.
pub fn join(draft: &mut Draft<'_>, own: &Member, reach: &Reach, rules: &Rules) -> Join {
    let others = || {
        let others = draft.members.iter().filter(|it| it.node.uid != own.node.uid);
        others.filter(|it| is_present(it.status))
    };
    let namesakes = || others().filter(|it| it.node.name == own.node.name);
    if let Some(it) = namesakes().find(|it| reach.answering.contains(&it.node.uid)) {
        return Join::Duplicate { other: it.node.clone(), at: it.address.to_string() };
    }
    let has_ended = |it: &&Member| rules.alone || reach.unreachable.contains(&it.node.uid);
    if let Some(it) = namesakes().find(|it| !has_ended(it)) {
        return Join::Wait { other: it.node.clone() };
    }
    let replaced = |it: &&Member| {
        // Who has another name but the same address can't have it any more.
        let is_address_taken = it.address == own.address && reach.is_gone(it.node.uid);
        rules.alone || it.node.name == own.node.name || is_address_taken
    };
    let ended: Vec<&Member> = others().filter(replaced).collect();
    for member in ended {
        draft.set(member, NodeStatus::Removed, format!("replaced by {}", own.node));
    }
    let joining = Member {
        status: NodeStatus::Joining,
        joined_at: draft.now(),
        reason: "joined".into(),
        ..own.clone()
    };
    draft.save(joining);
    Join::Saved
}
