//! Since when this node knows the others, and since when it has lost them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use weir_domain::{Member, NodeUid};

use super::rule::wanted;
use crate::reach::Link;

#[derive(Debug, Default)]
pub(super) struct Acquaintances(BTreeMap<NodeUid, Acquaintance>);

#[derive(Debug)]
struct Acquaintance {
    known_since: Duration,
    was_up: bool,
    lost_at: Option<Duration>,
}

impl Acquaintances {
    /// Takes note of who is a member and has a link now, and says what that makes of each link.
    pub(super) fn observe(
        &mut self,
        now: Duration,
        me: NodeUid,
        members: &[Member],
        up: &BTreeSet<NodeUid>,
    ) -> BTreeMap<NodeUid, Link> {
        let wanted = wanted(members, me);
        self.0.retain(|uid, _| wanted.contains(uid));
        let met = Acquaintance { known_since: now, was_up: false, lost_at: None };
        let observe = |uid: NodeUid| (uid, self.link(now, uid, up.contains(&uid), &met));
        wanted.into_iter().map(observe).collect()
    }

    fn link(&mut self, now: Duration, uid: NodeUid, is_up: bool, met: &Acquaintance) -> Link {
        let known = self.0.entry(uid).or_insert(Acquaintance { ..*met });
        if is_up {
            (known.was_up, known.lost_at) = (true, None);
            return Link::Up;
        }
        match known.was_up {
            true => Link::Lost(now.saturating_sub(*known.lost_at.get_or_insert(now))),
            false => Link::Never(now.saturating_sub(known.known_since)),
        }
    }
}

#[cfg(test)]
mod tests {
    use weir_domain::NodeStatus;

    use super::*;
    use crate::testing::{member, uid};

    #[test]
    fn a_link_is_up_lost_or_was_never_there() {
        let second = Duration::from_secs;
        let members = [1, 2, 3].map(|n| member(n, NodeStatus::Up));
        let mut known = Acquaintances::default();
        let mut links = |at, up: &[u8]| {
            let up = up.iter().map(|&n| uid(n)).collect();
            known.observe(second(at), uid(1), &members, &up).into_values().collect::<Vec<_>>()
        };
        let never = |at| Link::Never(second(at));
        assert_eq!(links(10, &[2]), [Link::Up, never(0)]);
        assert_eq!(links(11, &[]), [Link::Lost(second(0)), never(1)]);
        assert_eq!(links(14, &[]), [Link::Lost(second(3)), never(4)]);
        assert_eq!(links(15, &[2, 3]), [Link::Up, Link::Up]);
    }
}
