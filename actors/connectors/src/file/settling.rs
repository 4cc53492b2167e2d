//! Which files are still being written.
//!
//! A file is settled when it has been left alone for the stable time. Its own time of change
//! says so only as long as the clocks of this machine and of the file's server agree, and it is
//! believed only of a file that was never seen to change. In every other case (a time in the
//! future, a file that changed between two looks) the file has to be seen unchanged for the
//! whole stable time by our own clock.

use std::collections::HashMap;
use std::time::Duration;

use weir_domain::{Fingerprint, Timestamp};

#[derive(Debug)]
pub(super) struct Settling {
    stable_time: Duration,
    seen: HashMap<String, Seen>,
    /// How long the next file needs to be settled, by the last look.
    soonest: Option<Duration>,
}

#[derive(Debug, Clone)]
struct Seen {
    fingerprint: Fingerprint,
    /// When it was first seen as it is.
    since: Timestamp,
    has_changed: bool,
    /// The look it was last seen in: what was not seen in the latest is forgotten.
    look: Timestamp,
}

impl Settling {
    pub(super) fn new(stable_time: Duration) -> Self {
        Self { stable_time, seen: HashMap::new(), soonest: None }
    }

    /// When a file will be settled that is not yet, counted from the last look.
    pub(super) fn soonest(&self) -> Option<Duration> {
        self.soonest
    }

    pub(super) fn begin_look(&mut self) {
        self.soonest = None;
    }

    /// Whether a file as it is now is settled.
    pub(super) fn is_settled(
        &mut self,
        name: &str,
        fingerprint: &Fingerprint,
        now: Timestamp,
    ) -> bool {
        if self.stable_time.is_zero() {
            return true;
        }
        let seen = self.look(name, fingerprint, now);
        let watched = now.since(seen.since);
        let modified = Timestamp(fingerprint.modified_ns.div_euclid(1_000_000));
        let is_credible = !seen.has_changed && modified <= now;
        let age = if is_credible { now.since(modified).max(watched) } else { watched };
        match self.stable_time.checked_sub(age) {
            None | Some(Duration::ZERO) => true,
            Some(missing) => {
                self.soonest = Some(self.soonest.map_or(missing, |it| it.min(missing)));
                false
            }
        }
    }

    fn look(&mut self, name: &str, fingerprint: &Fingerprint, now: Timestamp) -> Seen {
        let fresh = |has_changed| Seen {
            fingerprint: fingerprint.clone(),
            since: now,
            has_changed,
            look: now,
        };
        let seen = match self.seen.get_mut(name) {
            None => self.seen.entry(name.to_owned()).or_insert(fresh(false)),
            Some(seen) if seen.fingerprint == *fingerprint => seen,
            Some(seen) => {
                // Another file of that name is new, not changed: it was moved there as a whole.
                let has_changed = seen.fingerprint.inode == fingerprint.inode;
                *seen = fresh(has_changed);
                seen
            }
        };
        seen.look = now;
        // A clock that was set back must not hold a file for ever.
        seen.since = seen.since.min(now);
        seen.clone()
    }

    /// Forgets the files that are gone.
    pub(super) fn end_look(&mut self, now: Timestamp) {
        self.seen.retain(|_, it| it.look == now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000;

    /// Looks at a file at the given seconds: its inode, size and time of change in seconds.
    fn check(looks: &[(i64, (u64, u64, i64), bool)]) {
        let mut settling = Settling::new(Duration::from_secs(2));
        for (n, &(at, (inode, size, modified), wanted)) in looks.iter().enumerate() {
            let fingerprint =
                Fingerprint { inode, size, modified_ns: modified * 1_000_000_000, device: 1 };
            let now = Timestamp(at * SECOND);
            settling.begin_look();
            assert_eq!(settling.is_settled("f", &fingerprint, now), wanted, "look {n}");
            assert_eq!(settling.soonest().is_none(), wanted, "look {n}");
            settling.end_look(now);
        }
    }

    #[test]
    fn an_old_file_is_settled_at_first_sight() {
        check(&[(100, (1, 5, 98), true)]);
    }

    #[test]
    fn a_young_file_settles_when_its_time_has_come() {
        check(&[(100, (1, 5, 99), false), (101, (1, 5, 99), true)]);
    }

    #[test]
    fn a_file_from_the_future_settles_once_it_was_watched_long_enough() {
        check(&[(100, (1, 5, 900), false), (101, (1, 5, 900), false), (102, (1, 5, 900), true)]);
    }

    #[test]
    fn a_file_that_was_seen_to_change_is_watched_whatever_its_time_says() {
        // The server's clock is an hour behind.
        check(&[
            (5000, (1, 5, 1399), true),
            (5005, (1, 9, 1405), false),
            (5006, (1, 12, 1406), false),
            (5007, (1, 12, 1406), false),
            (5008, (1, 12, 1406), true),
        ]);
    }

    #[test]
    fn another_file_of_the_same_name_is_a_new_one() {
        check(&[(100, (1, 5, 50), true), (105, (2, 9, 60), true)]);
    }

    #[test]
    fn a_clock_set_back_holds_nothing_for_ever() {
        check(&[(100, (1, 5, 900), false), (10, (1, 5, 900), false), (12, (1, 5, 900), true)]);
    }
}
