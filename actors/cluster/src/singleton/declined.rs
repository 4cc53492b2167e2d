//! Nodes that did not take a lease which was meant for them, or did not keep one. They are not
//! offered it again before a while has passed, and a longer one each time: otherwise a node that
//! does not reach the store, but is there for all others, would be offered it for ever.

use std::collections::BTreeMap;
use std::time::Duration;

use weir_domain::NodeUid;
use weir_persistence_api::LeaseName;

const WAIT_MIN: Duration = Duration::from_secs(60);
const WAIT_MAX: Duration = Duration::from_secs(3_600);

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Declined(BTreeMap<(LeaseName, NodeUid), Wait>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Wait {
    until: Duration,
    length: Duration,
}

impl Declined {
    pub(super) fn note(&mut self, lease: &LeaseName, node: NodeUid, now: Duration) {
        // What is long past is forgiven, and nodes that are gone for good leave nothing behind.
        self.0.retain(|_, it| now < it.until + WAIT_MAX);
        let before = self.0.get(&(lease.clone(), node));
        let length = before.map_or(WAIT_MIN, |it| (it.length * 2).min(WAIT_MAX));
        self.0.insert((lease.clone(), node), Wait { until: now + length, length });
    }

    pub(super) fn is_noted(&self, lease: &LeaseName, node: NodeUid, now: Duration) -> bool {
        self.0.get(&(lease.clone(), node)).is_some_and(|it| now < it.until)
    }

    /// Whether it holds for any lease.
    pub(super) fn is_any(&self, node: NodeUid, now: Duration) -> bool {
        self.0.iter().any(|((_, it), wait)| *it == node && now < wait.until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::uid;

    #[test]
    fn each_wait_is_twice_as_long_unless_the_last_one_is_long_past() {
        let (mut declined, access) = (Declined::default(), LeaseName("access".into()));
        let at = Duration::from_secs;
        let is_noted = |it: &Declined, now| it.is_noted(&access, uid(2), at(now));
        declined.note(&access, uid(2), at(100));
        assert_eq!([159, 160].map(|it| is_noted(&declined, it)), [true, false]);
        declined.note(&access, uid(2), at(200));
        assert_eq!([319, 320].map(|it| is_noted(&declined, it)), [true, false]);
        assert!(declined.is_any(uid(2), at(319)) && !declined.is_any(uid(3), at(319)));
        declined.note(&access, uid(2), at(4_000));
        assert_eq!([4_059, 4_060].map(|it| is_noted(&declined, it)), [true, false]);
    }
}
