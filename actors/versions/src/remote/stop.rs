//! Ending a step from outside, and by the clock.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Ends the steps that were given it, at once. Clones are the same.
#[derive(Debug, Clone, Default)]
pub struct Cancel(Arc<Flag>);

#[derive(Debug, Default)]
struct Flag {
    state: Mutex<State>,
    turned: Condvar,
}

#[derive(Debug, Default)]
struct State {
    is_cancelled: bool,
    /// Steps that are over, by number, and not yet noticed by who waits for them.
    ended: Vec<u64>,
    steps: u64,
}

/// Why waiting came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    ByItself,
    Cancelled,
    Late,
}

/// The time of a step that no door keeps: who does it asks whether it is over.
pub(super) struct Clock<'c> {
    cancel: &'c Cancel,
    begun: Instant,
    deadline: Duration,
}

impl Clock<'_> {
    /// Why the step has to end, if it has to.
    pub(super) fn ended(&self) -> Option<Ended> {
        if self.cancel.is_cancelled() {
            return Some(Ended::Cancelled);
        }
        (self.begun.elapsed() >= self.deadline).then_some(Ended::Late)
    }
}

impl Cancel {
    #[expect(
        clippy::disallowed_methods,
        reason = "a blocking step on a thread of its own, which no clock of the house reaches"
    )]
    pub(super) fn clock(&self, deadline: Duration) -> Clock<'_> {
        Clock { cancel: self, begun: Instant::now(), deadline }
    }

    pub fn cancel(&self) {
        self.lock().is_cancelled = true;
        self.0.turned.notify_all();
    }

    pub fn is_cancelled(&self) -> bool {
        self.lock().is_cancelled
    }

    pub(super) fn begin(&self) -> u64 {
        let mut state = self.lock();
        state.steps += 1;
        state.steps
    }

    pub(super) fn end(&self, step: u64) {
        self.lock().ended.push(step);
        self.0.turned.notify_all();
    }

    /// Waits for the end of a step, whichever it is.
    pub(super) fn wait(&self, step: u64, deadline: Duration) -> Ended {
        let goes_on = |state: &mut State| !state.is_cancelled && !state.ended.contains(&step);
        let waited = self.0.turned.wait_timeout_while(self.lock(), deadline, goes_on);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        if state.ended.contains(&step) {
            state.ended.retain(|it| *it != step);
            Ended::ByItself
        } else if state.is_cancelled {
            Ended::Cancelled
        } else {
            Ended::Late
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
