//! Passwords that were wrong at the directory, beyond what is counted of users: of people who have not logged in here
//! yet, and by address, whomever they were tried for.
//!
//! - G1: a person is counted as whom the directory finds, and not as how the name was written.
//! - G2: names that nobody has take no place of people: who makes them up makes nothing be forgotten.
//! - G3: who tries a few passwords on very many people waits, too; users don't where they usually come from.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use weir_domain::Timestamp;

use super::Failures;
use super::attempts::network;
use super::strangers::Strangers;

/// People and addresses that are remembered: the one that failed longest ago is forgotten for a new one.
const PEOPLE_MAX: usize = 10_000;
const ADDRESSES_MAX: usize = 4_096;

/// Of one instance. Nothing is stored of them: anybody could fill the journal.
pub(super) struct Guesses {
    /// By subject.
    people: Strangers,
    addresses: Mutex<BTreeMap<String, Failures>>,
}

impl Guesses {
    pub(super) fn new() -> Self {
        Self { people: Strangers::new(PEOPLE_MAX), addresses: Mutex::default() }
    }

    /// Until when nobody is tried from there as that subject.
    pub(super) fn person_waits(
        &self,
        subject: &str,
        from: &str,
        now: Timestamp,
    ) -> Option<Timestamp> {
        self.people.wait_until(subject, from, now)
    }

    /// Until when nobody is tried from there who does not usually come from there.
    pub(super) fn address_waits(&self, from: &str, now: Timestamp) -> Option<Timestamp> {
        let until = self.addresses().get(&network(from))?.wait_of_many();
        until.filter(|it| now < *it)
    }

    pub(super) fn person_fails(&self, subject: &str, from: &str, at: Timestamp) {
        self.people.fail(subject, from, at);
    }

    pub(super) fn address_fails(&self, from: &str, at: Timestamp) {
        let (from, mut addresses) = (network(from), self.addresses());
        if addresses.len() >= ADDRESSES_MAX && !addresses.contains_key(&from) {
            let oldest = addresses.iter().min_by_key(|it| it.1.last).map(|it| it.0.clone());
            oldest.and_then(|it| addresses.remove(&it));
        }
        addresses.entry(from).or_default().count(at);
    }

    fn addresses(&self) -> MutexGuard<'_, BTreeMap<String, Failures>> {
        self.addresses.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_waits_for_what_failed_from_there_and_only_so_many_are_remembered() {
        let (guesses, now) = (Guesses::new(), Timestamp(1_000));
        let waits = |from: &str| guesses.address_waits(from, now).is_some();
        (0..49).for_each(|_| guesses.address_fails("2001:db8::1", now));
        assert!(!waits("2001:db8::1"));
        guesses.address_fails("2001:db8::2", now);
        assert!(waits("2001:db8::3") && !waits("2001:db8:0:1::1"), "a network is one");
        for n in 0..ADDRESSES_MAX {
            guesses.address_fails(&format!("10.0.{}.{}", n / 256, n % 256), Timestamp(2_000));
        }
        assert_eq!(guesses.addresses().len(), ADDRESSES_MAX);
        assert!(!waits("2001:db8::1"), "the oldest is forgotten");
    }
}
