//! Log-ins with names that nobody has: they must wait as users must, or the wait would tell who is
//! a user and who is not.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use weir_domain::{Timestamp, UserName};

use super::Failures;

/// Names that are remembered: the one that failed longest ago is forgotten for a new one.
const NAMES_MAX: usize = 1_000;

/// Of one instance. Nothing is stored of them: anybody could fill the journal.
#[derive(Default)]
pub(super) struct Strangers(Mutex<BTreeMap<UserName, Failures>>);

impl Strangers {
    pub(super) fn wait_until(&self, name: &UserName, now: Timestamp) -> Option<Timestamp> {
        let strangers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        strangers.get(name)?.wait_until(now, false)
    }

    pub(super) fn count(&self, name: UserName, at: Timestamp) {
        let mut strangers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if strangers.len() >= NAMES_MAX && !strangers.contains_key(&name) {
            let oldest = strangers.iter().min_by_key(|it| it.1.last).map(|it| it.0.clone());
            oldest.and_then(|it| strangers.remove(&it));
        }
        strangers.entry(name).or_default().count(at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stranger_waits_and_only_so_many_are_remembered() {
        let (strangers, name) =
            (Strangers::default(), |n: usize| format!("user-{n}").parse().unwrap());
        for _ in 0..5 {
            strangers.count(name(0), Timestamp(0));
        }
        assert_eq!(strangers.wait_until(&name(0), Timestamp(0)), Some(Timestamp(1_000)));
        assert_eq!(strangers.wait_until(&name(1), Timestamp(0)), None);
        for n in 1..=NAMES_MAX {
            strangers.count(name(n), Timestamp(1));
        }
        assert_eq!(strangers.0.lock().unwrap().len(), NAMES_MAX);
        assert_eq!(strangers.wait_until(&name(0), Timestamp(0)), None);
    }
}
