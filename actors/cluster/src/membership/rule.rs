//! What the leader changes, and what a node makes of its own status.

use std::collections::BTreeSet;
use std::time::Duration;

use weir_domain::{Member, NodeStatus, NodeUid};

use super::{Draft, Rules};
use crate::reach::{Reach, is_present};

/// How long one is remembered that was never up. Longer than two clocks differ of which one is an
/// hour ahead and one an hour behind: one wrote when it was removed, the other one forgets it.
const NEVER_UP_REMEMBERED: Duration = Duration::from_secs(3 * 3_600);

/// A member that has been up: the cluster's fate depends on it.
fn is_settled(member: &Member) -> bool {
    is_present(member.status) && member.status != NodeStatus::Joining
}

/// Settled members that are silent and not proven to be gone (M3).
pub fn in_doubt<'a>(members: &'a [Member], reach: &Reach) -> Vec<&'a Member> {
    let doubtful = |it: &&Member| is_settled(it) && reach.is_in_doubt(it.node.uid);
    members.iter().filter(doubtful).collect()
}

/// Why a member was taken out by those that came after it.
pub(crate) const SUCCEEDED: &str = "nobody who was up was there for long, and no lease was renewed";

/// What a leader goes by.
#[derive(Debug, Clone)]
pub struct Situation<'a> {
    pub reach: &'a Reach,
    /// Those that have been unreachable for as long as the resolver waits.
    pub silent: BTreeSet<NodeUid>,
}

/// Who changes the statuses: the lowest address of those that are up and can be reached. Before
/// anyone is up, of those that join. The list's version makes a second one harmless.
pub fn leader(members: &[Member], reach: &Reach) -> Option<NodeUid> {
    line(members, reach).first().copied()
}

/// The leader and those that lead in its stead, in their order.
pub(super) fn line(members: &[Member], reach: &Reach) -> Vec<NodeUid> {
    let lives = |it: &&Member| !reach.has_ended(it.node.uid);
    let has_settled = members.iter().filter(lives).any(is_settled);
    reachable(members, reach, if has_settled { NodeStatus::Up } else { NodeStatus::Joining })
}

/// Those that join and take the place of a cluster that has ended without a word.
pub(super) fn heirs(members: &[Member], reach: &Reach) -> Vec<NodeUid> {
    reachable(members, reach, NodeStatus::Joining)
}

fn reachable(members: &[Member], reach: &Reach, status: NodeStatus) -> Vec<NodeUid> {
    let found = members.iter().filter(|it| it.status == status);
    let mut found: Vec<_> = found.filter(|it| reach.is_reachable(it.node.uid)).collect();
    found.sort_by_key(|it| (&it.address, it.node.uid));
    found.into_iter().map(|it| it.node.uid).collect()
}

/// Ends the membership of those that were up, after which the heirs lead. Not before enough of
/// them are there to be a cluster.
pub(super) fn succeed(draft: &mut Draft<'_>, situation: &Situation<'_>, rules: &Rules) {
    if counted(draft.members, situation.reach) < rules.members_min {
        return;
    }
    for member in draft.members.iter().filter(|it| is_settled(it)) {
        draft.set(member, NodeStatus::Down, SUCCEEDED);
    }
}

/// Everything that a leader has to change.
pub fn lead(draft: &mut Draft<'_>, situation: &Situation<'_>, rules: &Rules) {
    let reach = situation.reach;
    for member in draft.members {
        move_on(draft, member, situation, rules);
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

fn move_on(draft: &mut Draft<'_>, member: &Member, situation: &Situation<'_>, rules: &Rules) {
    use NodeStatus::{Down, Exiting, Joining, Leaving, Removed, Up};
    let uid = member.node.uid;
    // Who only seems to be gone is the resolver's concern (B4).
    let ended = situation.reach.gone.get(&uid).filter(|_| situation.reach.has_ended(uid));
    match (member.status, ended) {
        (Joining | Up, Some(how)) => draft.set(member, Down, format!("its process is gone: {how}")),
        (Leaving | Exiting, Some(_)) | (Exiting, None) => draft.set(member, Removed, "left"),
        (Down, _) => draft.set(member, Removed, member.reason.clone()),
        (Joining, None) if situation.silent.contains(&uid) => {
            let why = "it joined and can't be reached: weir cluster links on both sides says why";
            draft.set(member, Down, why);
        }
        (Removed, _) if draft.now().since(member.changed_at) >= remembered(member, rules) => {
            draft.forget(member.node.uid);
        }
        (Joining | Up | Leaving, None) | (Removed, _) => {}
    }
}

/// How long one that was removed is remembered. Who was never up has left nothing behind; and one
/// that can't get in and is started again and again would fill the list.
fn remembered(member: &Member, rules: &Rules) -> Duration {
    match member.up_number {
        0 => rules.prune_after.min(NEVER_UP_REMEMBERED),
        _ => rules.prune_after,
    }
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
