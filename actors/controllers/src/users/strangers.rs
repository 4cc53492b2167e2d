//! Log-ins with names that nobody has: they must wait as users must, or the wait would tell who is
//! a user and who is not.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use weir_domain::Timestamp;

use super::Attempts;

/// Of one instance. Nothing is stored of them: anybody could fill the journal.
pub(super) struct Strangers {
    attempts: Mutex<BTreeMap<String, Attempts>>,
    /// So many are remembered: the one that failed longest ago is forgotten for a new one.
    max: usize,
}

impl Strangers {
    pub(super) fn new(max: usize) -> Self {
        Self { attempts: Mutex::default(), max }
    }

    pub(super) fn wait_until(&self, name: &str, from: &str, now: Timestamp) -> Option<Timestamp> {
        let strangers = self.attempts.lock().unwrap_or_else(PoisonError::into_inner);
        strangers.get(name)?.wait_until(from, now)
    }

    pub(super) fn fail(&self, name: &str, from: &str, at: Timestamp) {
        let mut strangers = self.attempts.lock().unwrap_or_else(PoisonError::into_inner);
        if strangers.len() >= self.max && !strangers.contains_key(name) {
            let oldest = strangers.iter().min_by_key(|it| it.1.last()).map(|it| it.0.clone());
            oldest.and_then(|it| strangers.remove(&it));
        }
        strangers.entry(name.to_owned()).or_default().fail(from, at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stranger_waits_and_only_so_many_are_remembered() {
        let (strangers, name) = (Strangers::new(10), |n: usize| format!("user-{n}"));
        for _ in 0..5 {
            strangers.fail(&name(0), "10.0.0.1", Timestamp(0));
        }
        let waits = |n, from| strangers.wait_until(&name(n), from, Timestamp(0));
        assert_eq!(waits(0, "10.0.0.1"), Some(Timestamp(1_000)));
        assert_eq!((waits(0, "10.0.0.2"), waits(1, "10.0.0.1")), (None, None));
        for n in 1..=10 {
            strangers.fail(&name(n), "10.0.0.1", Timestamp(1));
        }
        assert_eq!(strangers.attempts.lock().unwrap().len(), 10);
        assert_eq!(strangers.wait_until(&name(0), "10.0.0.1", Timestamp(0)), None);
    }
}
