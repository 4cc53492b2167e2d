//! Log-ins and set-ups that failed, for the audit: anybody can cause them, so that not each is an entry.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use weir_domain::UserName;

use super::trail::Attempted;
use crate::throttle::Throttle;

/// The first one of a user is an entry, and the first set-up; those after it are counted for so long.
const QUIET: Duration = Duration::from_secs(15 * 60);
/// Names come here that users have: there are not so many.
const USERS_MAX: usize = 10_000;

/// Of this engine.
pub(super) struct Attempts {
    /// By user, under the name in small letters, as a directory knows it.
    log_ins: Mutex<BTreeMap<String, Throttle>>,
    /// Of whatever name: who tries it chooses that.
    set_ups: Throttle,
}

impl Default for Attempts {
    fn default() -> Self {
        Self { log_ins: Mutex::default(), set_ups: Throttle::after(QUIET) }
    }
}

impl Attempts {
    /// Whether this one is to be an entry, with how many were none since the last.
    #[expect(clippy::disallowed_methods, reason = "spaces entries, decides nothing else")]
    pub(super) fn pass(&self, attempted: &Attempted) -> Option<u64> {
        self.pass_at(attempted, Instant::now())
    }

    fn pass_at(&self, attempted: &Attempted, now: Instant) -> Option<u64> {
        match attempted {
            Attempted::LogIn(user) => self.log_in_at(user, now),
            Attempted::SetUp => self.set_ups.pass_at(now),
        }
    }

    fn log_in_at(&self, user: &UserName, now: Instant) -> Option<u64> {
        let user = user.as_str().to_ascii_lowercase();
        let mut users = self.log_ins.lock().unwrap_or_else(PoisonError::into_inner);
        if users.len() >= USERS_MAX && !users.contains_key(&user) {
            // Those whose next one would be an entry in any case. What was counted of them is lost.
            users.retain(|_, it| it.is_quiet(now));
            if users.len() >= USERS_MAX {
                return None;
            }
        }
        users.entry(user).or_insert_with(|| Throttle::after(QUIET)).pass_at(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log_in(name: &str) -> Attempted {
        Attempted::LogIn(name.parse().unwrap())
    }

    #[test]
    fn a_name_is_one_however_it_is_written() {
        let attempts = Attempts::default();
        let passed = ["eve", "Eve", "EVE", "mia"].map(|it| attempts.pass(&log_in(it)));
        assert_eq!(passed, [Some(0), None, None, Some(0)]);
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "any point in time to count from")]
    fn who_fills_it_silences_it_for_a_while_and_not_for_ever() {
        let (attempts, start) = (Attempts::default(), Instant::now());
        for n in 0..USERS_MAX {
            assert_eq!(attempts.pass_at(&log_in(&format!("user-{n}")), start), Some(0));
        }
        assert_eq!(attempts.pass_at(&log_in("eve"), start), None);
        assert_eq!(attempts.pass_at(&log_in("eve"), start + QUIET), Some(0));
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "any point in time to count from")]
    fn set_ups_are_counted_together_and_apart_from_log_ins() {
        let (attempts, start) = (Attempts::default(), Instant::now());
        let set_up = |after| attempts.pass_at(&Attempted::SetUp, start + after);
        assert_eq!([Duration::ZERO; 3].map(set_up), [Some(0), None, None]);
        assert_eq!(attempts.pass_at(&log_in("eve"), start), Some(0));
        assert_eq!(set_up(QUIET), Some(2));
    }
}
