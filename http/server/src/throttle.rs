//! Keeps what comes from outside from filling the log and the audit: the first time is told, then how often.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// What happens within this time after a line is counted.
const QUIET: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub(crate) struct Throttle {
    quiet: Duration,
    state: Mutex<State>,
}

impl Default for Throttle {
    fn default() -> Self {
        Self::after(QUIET)
    }
}

#[derive(Debug, Default)]
struct State {
    told: Option<Instant>,
    more: u64,
}

impl Throttle {
    pub(crate) fn after(quiet: Duration) -> Self {
        Self { quiet, state: Mutex::default() }
    }

    /// Whether to tell it now, with how many times it was not told since the last line.
    #[expect(clippy::disallowed_methods, reason = "spaces lines of the log, decides nothing else")]
    pub(crate) fn pass(&self) -> Option<u64> {
        self.pass_at(Instant::now())
    }

    /// Whether what happens then is counted, and not told.
    pub(crate) fn is_quiet(&self, now: Instant) -> bool {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.told.is_some_and(|told| now.duration_since(told) < self.quiet)
    }

    pub(crate) fn pass_at(&self, now: Instant) -> Option<u64> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.told.is_some_and(|told| now.duration_since(told) < self.quiet) {
            state.more += 1;
            return None;
        }
        state.told = Some(now);
        Some(std::mem::take(&mut state.more))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "any point in time to count from")]
    fn the_first_is_told_and_the_others_are_counted() {
        let (throttle, start) = (Throttle::default(), Instant::now());
        let at = |s| throttle.pass_at(start + Duration::from_secs(s));
        assert_eq!([0, 1, 59, 60, 61, 120].map(at), [Some(0), None, None, Some(2), None, Some(1)]);
    }
}
