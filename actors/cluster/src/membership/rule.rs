//! What the leader changes, and what a node makes of its own status.

use std::collections::BTreeSet;
use std::time::Duration;

use weir_domain::{Member, NodeStatus, NodeUid};

use super::{Draft, Rules};
use crate::reach::{Reach, is_present};

/// How long one that joined may be silent before it is taken out again.
const JOINS_WITHIN: Duration = Duration::from_secs(600);

/// A member that has been up: the cluster's fate depends on it.
fn is_settled(member: &Member) -> bool {
    is_present(member.status) && member.status != NodeStatus::Joining
}

/// Settled members that are silent and not proven to be gone (M3).
pub fn in_doubt<'a>(members: &'a [Member], reach: &Reach) -> Vec<&'a Member> {
    let doubtful = |it: &&Member| is_settled(it) && reach.is_in_doubt(it.node.uid);
    members.iter().filter(doubtful).collect()
}

/// Who changes the statuses: the lowest address of those that are up and can be reached. Before
/// anyone is up, of those that join. The list's version makes a second one harmless.
pub fn leader(members: &[Member], reach: &Reach) -> Option<NodeUid> {
    let lives = |it: &&Member| !reach.is_gone(it.node.uid);
    let has_settled = members.iter().filter(lives).any(is_settled);
    let status = if has_settled { NodeStatus::Up } else { NodeStatus::Joining };
    let candidates = members.iter().filter(|it| it.status == status);
    let candidates = candidates.filter(|it| reach.is_reachable(it.node.uid));
    candidates.min_by_key(|it| (&it.address, it.node.uid)).map(|it| it.node.uid)
}

/// Everything that a leader has to change.
pub fn lead(draft: &mut Draft<'_>, reach: &Reach, rules: &Rules) {
    for member in draft.members {
        move_on(draft, member, reach, rules);
    }
    for (nth, member) in (1..).zip(risers(draft.members, reach, rules)) {
        let youngest = draft.members.iter().map(|it| it.up_number).max().unwrap_or(0);
        let risen = Member {
            status: NodeStatus::Up,
            up_number: youngest + nth,
            reason: "the leader let it in".into(),
            ..member.clone()
        };
        draft.save(risen);
    }
}

fn move_on(draft: &mut Draft<'_>, member: &Member, reach: &Reach, rules: &Rules) {
    use NodeStatus::{Down, Exiting, Joining, Leaving, Removed, Up};
    let gone = reach.gone.get(&member.node.uid);
    match (member.status, gone) {
        (Joining | Up, Some(how)) => draft.set(member, Down, format!("its process is gone: {how}")),
        (Leaving | Exiting, Some(_)) | (Exiting, None) => draft.set(member, Removed, "left"),
        (Down, _) => draft.set(member, Removed, member.reason.clone()),
        (Joining, None) if is_late(draft, member, reach) => {
            draft.set(member, Down, "it joined and was not heard of again");
        }
        (Removed, _) if draft.now().since(member.changed_at) >= rules.prune_after => {
            draft.forget(member.node.uid);
        }
        (Joining | Up | Leaving, None) | (Removed, _) => {}
    }
}

fn is_late(draft: &Draft<'_>, member: &Member, reach: &Reach) -> bool {
    let waited = draft.now().since(member.joined_at);
    reach.unreachable.contains(&member.node.uid) && waited >= JOINS_WITHIN
}

/// Those who may go up now, in the order in which they joined.
fn risers<'a>(members: &'a [Member], reach: &Reach, rules: &Rules) -> Vec<&'a Member> {
    if !in_doubt(members, reach).is_empty() || counted(members, reach) < rules.members_min {
        return Vec::new();
    }
    // Who can't reach all others would have to go again.
    let is_cut = |uid| reach.broken.iter().any(|&(a, b)| a == uid || b == uid);
    let is_riser = |it: &&Member| {
        let uid = it.node.uid;
        it.status == NodeStatus::Joining && reach.is_reachable(uid) && !is_cut(uid)
    };
    let mut risers: Vec<&Member> = members.iter().filter(is_riser).collect();
    risers.sort_by_key(|it| (it.joined_at, it.node.uid));
    risers
}

/// Members that count for the smallest number of members.
pub(super) fn counted(members: &[Member], reach: &Reach) -> usize {
    let counts = |it: &&Member| {
        let is_here = matches!(it.status, NodeStatus::Joining | NodeStatus::Up);
        is_here && reach.is_reachable(it.node.uid)
    };
    members.iter().filter(counts).count()
}

/// What a node finds when it looks for itself in the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Own {
    /// It is not in the list.
    Unknown,
    Joining,
    Up,
    /// It is to leave, or does.
    Leaving,
    /// The cluster goes on without it. It stops at once.
    Ended {
        reason: String,
    },
}

pub fn own(members: &[Member], me: NodeUid) -> Own {
    match members.iter().find(|it| it.node.uid == me) {
        None => Own::Unknown,
        Some(it) => match it.status {
            NodeStatus::Joining => Own::Joining,
            NodeStatus::Up => Own::Up,
            NodeStatus::Leaving | NodeStatus::Exiting => Own::Leaving,
            NodeStatus::Down | NodeStatus::Removed => Own::Ended { reason: it.reason.clone() },
        },
    }
}

/// Members whose links are to be kept.
pub(crate) fn wanted(members: &[Member], me: NodeUid) -> BTreeSet<NodeUid> {
    let others = members.iter().filter(|it| is_present(it.status) && it.node.uid != me);
    others.map(|it| it.node.uid).collect()
}
