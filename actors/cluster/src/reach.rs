//! Reachability: what is known from here about who can reach whom, merged from four sources.
//!
//! The failure detector says whose gossip arrives, be it by way of others. The links say whom this
//! node reaches itself. Evidence proves that a process has gone, which is more than silence. The
//! published link tables say what the others see.
//!
//! Everything here is advice: it decides who is suspected, never who may write.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use weir_domain::{Member, NodeStatus, NodeUid};

/// How long a member that was just met may take to answer, before it counts as unreachable.
pub const MEETING_GRACE: Duration = Duration::from_secs(5);
/// How long a link may be gone before its loss counts: a redial takes a moment.
pub const LOST_GRACE: Duration = Duration::from_secs(1);
/// How long a link may be gone, while gossip still arrives by way of others, before it is broken:
/// gossip takes longer to fall silent than a link.
pub const BROKEN_GRACE: Duration = Duration::from_secs(5);

/// This node's link to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link {
    Up,
    /// It was up and is not, for that long.
    Lost(Duration),
    /// It never was up since the member is known, for that long.
    Never(Duration),
}

/// What the four sources say at one moment.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// Those whose gossip arrives.
    pub live: BTreeSet<NodeUid>,
    pub links: BTreeMap<NodeUid, Link>,
    /// Those whose process seems to be gone, and how that is known.
    pub gone: BTreeMap<NodeUid, String>,
    /// Those of them whose end is beyond doubt.
    pub ended: BTreeSet<NodeUid>,
    /// Those that answer, though only to say that they want no link.
    pub answering: BTreeSet<NodeUid>,
    /// By observer: whom it says that it can't reach.
    pub tables: BTreeMap<NodeUid, BTreeSet<NodeUid>>,
}

/// Who can be reached from here, and who says that it can't reach whom.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reach {
    /// This node among them.
    pub reachable: BTreeSet<NodeUid>,
    /// Those that answered this node itself, which proves more than gossip that others relay: that
    /// may be of a time when the node still lived.
    pub answering: BTreeSet<NodeUid>,
    /// Members that are silent. One that was just met is in neither set.
    pub unreachable: BTreeSet<NodeUid>,
    /// Those of them whose process seems to be gone, and how that is known. That is enough to
    /// suspect them at once and to take their leases, which are fenced; a firewall that answers
    /// in a host's name looks the same, so it is not enough to end their membership.
    pub gone: BTreeMap<NodeUid, String>,
    /// Those of the gone whose end is beyond doubt: they said goodbye, or this node has taken
    /// their place.
    pub ended: BTreeSet<NodeUid>,
    /// Those of the gone whose gossip still arrives by way of others.
    pub relayed: BTreeSet<NodeUid>,
    /// Whom others that can be reached say that they can't reach.
    pub missed: BTreeSet<NodeUid>,
    /// (observer, subject) where both can be reached from here, but not the one from the other.
    pub broken: BTreeSet<(NodeUid, NodeUid)>,
}

impl Reach {
    pub fn is_reachable(&self, node: NodeUid) -> bool {
        self.reachable.contains(&node)
    }

    pub fn is_gone(&self, node: NodeUid) -> bool {
        self.gone.contains_key(&node)
    }

    /// Gone beyond doubt: it counts for nobody.
    pub fn has_ended(&self, node: NodeUid) -> bool {
        self.ended.contains(&node)
    }

    /// Silent, and not gone beyond doubt: it may well be at work.
    pub fn is_in_doubt(&self, node: NodeUid) -> bool {
        self.unreachable.contains(&node) && !self.has_ended(node)
    }
}

/// Whether a member with that status takes part in the life of the cluster.
pub fn is_present(status: NodeStatus) -> bool {
    match status {
        NodeStatus::Joining | NodeStatus::Up | NodeStatus::Leaving | NodeStatus::Exiting => true,
        NodeStatus::Down | NodeStatus::Removed => false,
    }
}

/// Merges the sources into one picture of the members that are present.
pub fn merge(me: NodeUid, members: &[Member], sources: &Sources) -> Reach {
    let mut reach = Reach::default();
    reach.reachable.insert(me);
    let linked = sources.links.iter().filter(|(_, it)| **it == Link::Up).map(|(&uid, _)| uid);
    reach.answering = linked.chain(sources.answering.iter().copied()).collect();
    for member in members.iter().filter(|it| is_present(it.status) && it.node.uid != me) {
        let uid = member.node.uid;
        match (sources.gone.get(&uid), is_heard(uid, sources)) {
            (Some(how), _) => {
                reach.gone.insert(uid, how.clone());
                if sources.ended.contains(&uid) {
                    reach.ended.insert(uid);
                } else if sources.live.contains(&uid) {
                    reach.relayed.insert(uid);
                }
                reach.unreachable.insert(uid);
            }
            (None, Some(true)) => {
                reach.reachable.insert(uid);
            }
            (None, Some(false)) => {
                reach.unreachable.insert(uid);
            }
            (None, None) => {}
        }
    }
    reach.broken = broken(me, &reach, sources);
    let others = sources.tables.iter().filter(|(it, _)| **it != me && reach.is_reachable(**it));
    reach.missed = others.flat_map(|(_, subjects)| subjects.iter().copied()).collect();
    reach
}

/// `None`: it is too early to say.
fn is_heard(uid: NodeUid, sources: &Sources) -> Option<bool> {
    if sources.live.contains(&uid) {
        return Some(true);
    }
    match sources.links.get(&uid) {
        Some(Link::Up) => Some(true),
        Some(Link::Lost(length)) if *length >= LOST_GRACE => Some(false),
        Some(Link::Never(known_for)) if *known_for >= MEETING_GRACE => Some(false),
        Some(Link::Lost(_)) => Some(true),
        Some(Link::Never(_)) | None => None,
    }
}

fn broken(me: NodeUid, reach: &Reach, sources: &Sources) -> BTreeSet<(NodeUid, NodeUid)> {
    let mut broken = BTreeSet::new();
    let is_pair = |a: NodeUid, b: NodeUid| a != b && reach.is_reachable(a) && reach.is_reachable(b);
    for subject in missing(sources) {
        if is_pair(me, subject) {
            broken.insert((me, subject));
        }
    }
    for (&observer, subjects) in &sources.tables {
        for &subject in subjects {
            if observer != me && is_pair(observer, subject) {
                broken.insert((observer, subject));
            }
        }
    }
    broken
}

/// Whom this node can't reach itself: its own link table, as it tells the others.
pub fn missing(sources: &Sources) -> BTreeSet<NodeUid> {
    let is_missing = |link: &Link| match *link {
        Link::Up => false,
        Link::Lost(length) => length >= BROKEN_GRACE,
        Link::Never(known_for) => known_for >= MEETING_GRACE,
    };
    sources.links.iter().filter(|(_, it)| is_missing(it)).map(|(&uid, _)| uid).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{member, uid};

    const LONG: Duration = Duration::from_secs(60);

    fn members() -> Vec<Member> {
        (1..=4).map(|n| member(n, NodeStatus::Up)).collect()
    }

    fn sources(links: &[(u8, Link)], live: &[u8]) -> Sources {
        Sources {
            live: live.iter().map(|&n| uid(n)).collect(),
            links: links.iter().map(|&(n, link)| (uid(n), link)).collect(),
            ..Sources::default()
        }
    }

    #[test]
    fn whose_gossip_or_link_is_alive_can_be_reached() {
        let sources = sources(&[(2, Link::Up), (3, Link::Lost(LONG)), (4, Link::Lost(LONG))], &[3]);
        let reach = merge(uid(1), &members(), &sources);
        assert_eq!(reach.reachable, [1, 2, 3].map(uid).into());
        assert_eq!(reach.unreachable, [uid(4)].into());
        assert_eq!(reach.broken, [(uid(1), uid(3))].into());
    }

    #[test]
    fn a_member_that_was_just_met_is_not_judged() {
        let young = Link::Never(Duration::from_secs(1));
        let sources = sources(&[(2, young), (3, Link::Never(LONG))], &[]);
        let reach = merge(uid(1), &members(), &sources);
        assert_eq!(reach.reachable, [uid(1)].into());
        assert_eq!(reach.unreachable, [uid(3)].into());
    }

    #[test]
    fn evidence_counts_more_than_late_gossip() {
        let mut sources = sources(&[(2, Link::Lost(Duration::ZERO))], &[2]);
        sources.gone.insert(uid(2), "its host refuses".into());
        let reach = merge(uid(1), &members(), &sources);
        assert!(reach.is_gone(uid(2)) && reach.is_in_doubt(uid(2)));
        assert_eq!(reach.relayed, [uid(2)].into());
        assert_eq!(reach.broken, BTreeSet::new());

        sources.ended.insert(uid(2));
        let reach = merge(uid(1), &members(), &sources);
        assert!(reach.has_ended(uid(2)) && !reach.is_in_doubt(uid(2)));
        assert!(reach.relayed.is_empty());
    }

    #[test]
    fn what_others_see_counts_while_both_ends_can_be_reached() {
        let mut sources = sources(&[(2, Link::Up), (3, Link::Up), (4, Link::Lost(LONG))], &[]);
        sources.tables.insert(uid(2), [3, 4].map(uid).into());
        let reach = merge(uid(1), &members(), &sources);
        assert_eq!(reach.broken, [(uid(2), uid(3))].into());
    }

    #[test]
    fn those_who_are_down_are_nobodys_concern() {
        let mut members = members();
        members[1].status = NodeStatus::Down;
        let reach = merge(uid(1), &members, &sources(&[(2, Link::Lost(LONG))], &[]));
        assert!(reach.unreachable.is_empty());
    }
}
