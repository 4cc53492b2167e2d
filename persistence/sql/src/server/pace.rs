//! How long commits take here, and so how long an append may gather before a second writer is
//! asked for: on a disk beside the server a millisecond, over a network or with a replica that
//! must have it too, many.
//!
//! One commit counts little, and no more than twice what was usual: a statement that waited for a
//! lock says nothing about the next.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Shortest time to gather: below it a second statement costs more than it saves.
const GATHER_MIN: Duration = Duration::from_millis(2);

/// The newest commit's share of the average.
const SHARE: u64 = 8;

pub(super) struct Pace {
    /// The moving average, in microseconds.
    usual_us: AtomicU64,
}

impl Pace {
    pub(super) fn new() -> Self {
        Self { usual_us: AtomicU64::new(us(GATHER_MIN) / 2) }
    }

    /// A commit took so long. Of two at the same moment one may go uncounted.
    pub(super) fn record(&self, took: Duration) {
        let usual = self.usual_us.load(Ordering::Relaxed);
        let counted = us(took).min(usual.saturating_mul(2));
        let next = (usual * (SHARE - 1) + counted) / SHARE;
        self.usual_us.store(next.max(us(GATHER_MIN) / 2), Ordering::Relaxed);
    }

    /// Twice what a commit takes: who waits that long has seen one go by.
    pub(super) fn gather_max(&self) -> Duration {
        Duration::from_micros(self.usual_us.load(Ordering::Relaxed) * 2)
    }
}

fn us(duration: Duration) -> u64 {
    // An hour is as good as for ever, and no product of it overflows.
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX).min(3_600_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    /// How long is gathered after so many commits that took so long.
    fn after(pace: &Pace, commits: u32, took: Duration) -> Duration {
        (0..commits).for_each(|_| pace.record(took));
        pace.gather_max()
    }

    #[test]
    fn twice_a_commit_is_gathered_and_never_less_than_the_least() {
        let pace = Pace::new();
        assert_eq!(after(&pace, 0, MS), 2 * MS);
        assert_eq!(after(&pace, 100, MS / 10), 2 * MS);
        let slow = after(&pace, 100, 20 * MS);
        assert!((39 * MS..=41 * MS).contains(&slow), "{slow:?}");
        assert_eq!(after(&pace, 100, MS), 2 * MS, "the server is quick again");
    }

    #[test]
    fn a_statement_that_waited_for_a_lock_changes_little() {
        let pace = Pace::new();
        after(&pace, 100, 8 * MS);
        let once = after(&pace, 1, 4_000 * MS);
        assert!(once <= 19 * MS, "{once:?}");
        assert!(after(&pace, 3, 8 * MS) <= 18 * MS);
        assert!(after(&pace, 1, Duration::MAX) <= 21 * MS);
    }
}
