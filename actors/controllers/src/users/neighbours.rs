//! Addresses that somebody logged in from lately: whoever comes from there does not stand in one line with
//! the rest of the world, so that a flood of log-ins from elsewhere keeps nobody out.
//!
//! It does not matter who it was: how a log-in is treated must not tell who is a user.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use weir_domain::Timestamp;

use super::attempts::network;

/// Addresses that are remembered, of IPv6 networks: the one that was good longest ago is forgotten for a new one.
const ADDRESSES_MAX: usize = 4_096;
/// So long is an address good after a log-in.
const LATELY: Duration = Duration::from_secs(30 * 24 * 3_600);

/// Of one instance; it begins with what users are known to have logged in from.
#[derive(Default)]
pub(super) struct Neighbours(Mutex<BTreeMap<String, Timestamp>>);

impl Neighbours {
    pub(super) fn note(&self, from: &str, at: Timestamp) {
        let from = network(from);
        let mut addresses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if addresses.len() >= ADDRESSES_MAX && !addresses.contains_key(&from) {
            let oldest = addresses.iter().min_by_key(|it| it.1).map(|it| it.0.clone());
            oldest.and_then(|it| addresses.remove(&it));
        }
        let last = addresses.entry(from).or_insert(at);
        *last = at.max(*last);
    }

    pub(super) fn knows(&self, from: &str, now: Timestamp) -> bool {
        let addresses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        addresses.get(&network(from)).is_some_and(|it| now.since(*it) < LATELY)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_good_for_a_while_and_only_so_many_are_remembered() {
        let neighbours = Neighbours::default();
        let (now, later) = (Timestamp(1_000), Timestamp(1_000).plus(LATELY));
        neighbours.note("2001:db8::1", now);
        assert!(neighbours.knows("2001:db8::2", now), "of one network");
        assert!(
            !neighbours.knows("2001:db8:0:1::1", now) && !neighbours.knows("2001:db8::1", later)
        );
        for n in 0..ADDRESSES_MAX {
            neighbours.note(&format!("10.0.{}.{}", n / 256, n % 256), Timestamp(2_000));
        }
        assert_eq!(neighbours.0.lock().unwrap().len(), ADDRESSES_MAX);
        assert!(!neighbours.knows("2001:db8::1", now), "the oldest is forgotten");
    }
}
