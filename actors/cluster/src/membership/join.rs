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
///
/// That this node can't reach it proves little: a firewall or a wrong certificate may keep the two
/// apart, and each would end the other for ever. So a member that is linked has to miss it, too;
/// or the cluster is forsaken, and nobody is there to be asked.
pub fn join(
    draft: &mut Draft<'_>,
    own: &Member,
    reach: &Reach,
    rules: &Rules,
    is_forsaken: bool,
) -> Join {
    let others = || {
        let others = draft.members.iter().filter(|it| it.node.uid != own.node.uid);
        others.filter(|it| is_present(it.status))
    };
    let namesakes = || others().filter(|it| it.node.name == own.node.name);
    if let Some(it) = namesakes().find(|it| reach.answering.contains(&it.node.uid)) {
        return Join::Duplicate { other: it.node.clone(), at: it.address.to_string() };
    }
    let has_ended = |it: &&Member| {
        let uid = it.node.uid;
        let is_agreed = reach.missed.contains(&uid) || is_forsaken;
        rules.alone || reach.has_ended(uid) || (reach.unreachable.contains(&uid) && is_agreed)
    };
    if let Some(it) = namesakes().find(|it| !has_ended(it)) {
        return Join::Wait { other: it.node.clone() };
    }
    let replaced = |it: &&Member| {
        // Who has another name but the same address can't have it any more.
        let is_address_taken = it.address == own.address && reach.has_ended(it.node.uid);
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
