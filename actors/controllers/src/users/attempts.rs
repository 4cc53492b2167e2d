//! Log-ins of one name that failed: by the address that they came from, and all together.
//!
//! Who guesses waits by address, and longer with every failure. All addresses together make wait
//! too, later and never long: so a network of many addresses gains little, and nobody is kept out
//! for good. Where the user has logged in from, only failures from there count.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use weir_domain::Timestamp;

/// Addresses that are remembered of one name: the one that was seen longest ago is forgotten first.
const ADDRESSES_MAX: usize = 32;
/// After that failures are forgotten.
const MEMORY: Duration = Duration::from_secs(24 * 3_600);

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Attempts {
    all: Failures,
    by_address: BTreeMap<String, Failures>,
    /// Where the user has logged in from, and when last.
    known: BTreeMap<String, Timestamp>,
}

impl Attempts {
    /// Those since the last log-in, wherever they came from.
    pub fn all(&self) -> Failures {
        self.all
    }

    pub(super) fn fail(&mut self, from: &str, at: Timestamp) {
        let from = network(from);
        make_room(&mut self.by_address, &from, |it| it.last);
        self.by_address.entry(from).or_default().count(at);
        self.all.count(at);
    }

    /// The failures from there are forgotten; who guesses elsewhere waits on.
    pub(super) fn succeed(&mut self, from: &str, at: Timestamp) {
        let from = network(from);
        self.by_address.remove(&from);
        self.all = Failures::default();
        make_room(&mut self.known, &from, |it| Some(*it));
        self.known.insert(from, at);
    }

    /// Where the user has logged in from, and when last.
    pub(super) fn known(&self) -> impl Iterator<Item = (&String, Timestamp)> {
        self.known.iter().map(|(from, at)| (from, *at))
    }

    pub(super) fn is_from(&self, from: &str) -> bool {
        self.known.contains_key(&network(from))
    }

    /// Until when nobody is let in from there.
    pub(super) fn wait_until(&self, from: &str, now: Timestamp) -> Option<Timestamp> {
        let from = network(from);
        let of_address = self.by_address.get(&from).and_then(|it| BY_ADDRESS.wait_until(it));
        let of_all = self.all.wait_of_many().filter(|_| !self.known.contains_key(&from));
        of_address.max(of_all).filter(|until| now < *until)
    }

    pub(super) fn last(&self) -> Option<Timestamp> {
        self.all.last
    }
}

/// Log-ins that failed since the last one that did not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failures {
    pub count: u32,
    pub last: Option<Timestamp>,
}

impl Failures {
    pub(super) fn count(&mut self, at: Timestamp) {
        let is_fresh = self.last.is_some_and(|it| at.since(it) < MEMORY);
        self.count = if is_fresh { self.count.saturating_add(1) } else { 1 };
        self.last = Some(at);
    }
}

impl Failures {
    /// Until when many of them make wait, wherever or of whomever they were.
    pub(super) fn wait_of_many(&self) -> Option<Timestamp> {
        ALL.wait_until(self)
    }
}

/// So many may fail without a wait; then it is 1 s, and twice as long after each further.
struct Bound {
    free: u32,
    wait_max: Duration,
}

const BY_ADDRESS: Bound = Bound { free: 5, wait_max: Duration::from_secs(15 * 60) };
const ALL: Bound = Bound { free: 50, wait_max: Duration::from_secs(30) };

impl Bound {
    fn wait_until(&self, failures: &Failures) -> Option<Timestamp> {
        let over = failures.count.checked_sub(self.free)?;
        let wait = Duration::from_secs(1_u64.checked_shl(over).unwrap_or(u64::MAX));
        failures.last.map(|it| it.plus(wait.min(self.wait_max)))
    }
}

/// What one party has: of IPv6 that is a network of 64 bits, not an address.
pub(super) fn network(from: &str) -> String {
    match from.parse::<IpAddr>().map(|it| it.to_canonical()) {
        Ok(IpAddr::V6(it)) => Ipv6Addr::from_bits(it.to_bits() >> 64 << 64).to_string(),
        Ok(IpAddr::V4(it)) => it.to_string(),
        Err(_) => from.chars().take(45).collect(),
    }
}

fn make_room<T>(
    by_address: &mut BTreeMap<String, T>,
    next: &str,
    seen: impl Fn(&T) -> Option<Timestamp>,
) {
    if by_address.len() >= ADDRESSES_MAX && !by_address.contains_key(next) {
        let oldest = by_address.iter().min_by_key(|it| seen(it.1)).map(|it| it.0.clone());
        oldest.and_then(|it| by_address.remove(&it));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waits(attempts: &Attempts, from: &str) -> u64 {
        attempts.wait_until(from, Timestamp(0)).map_or(0, |it| it.since(Timestamp(0)).as_secs())
    }

    #[test]
    fn who_guesses_waits_by_address_or_network_and_others_do_not() {
        let mut attempts = Attempts::default();
        (0..30).for_each(|_| attempts.fail("2001:db8::1", Timestamp(0)));
        assert_eq!(waits(&attempts, "2001:db8::ffff"), 900);
        assert_eq!(waits(&attempts, "2001:db8:0:1::1"), 0);
        assert_eq!(waits(&attempts, "10.0.0.1"), 0);
    }

    #[test]
    fn many_addresses_together_make_wait_a_little_but_not_where_the_user_comes_from() {
        let mut attempts = Attempts::default();
        attempts.succeed("10.0.0.1", Timestamp(0));
        for n in 0..100 {
            attempts.fail(&format!("192.0.2.{n}"), Timestamp(0));
        }
        assert_eq!(waits(&attempts, "10.0.0.2"), 30);
        assert_eq!(waits(&attempts, "10.0.0.1"), 0);
        assert_eq!(attempts.by_address.len(), ADDRESSES_MAX);
        (0..6).for_each(|_| attempts.fail("10.0.0.1", Timestamp(0)));
        assert_eq!(waits(&attempts, "10.0.0.1"), 2);
    }

    #[test]
    fn a_log_in_lets_nobody_guess_anew_elsewhere() {
        let mut attempts = Attempts::default();
        (0..5).for_each(|_| attempts.fail("192.0.2.1", Timestamp(0)));
        attempts.succeed("10.0.0.1", Timestamp(0));
        assert_eq!((attempts.all().count, waits(&attempts, "192.0.2.1")), (0, 1));
    }
}
