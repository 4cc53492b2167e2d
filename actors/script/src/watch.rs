//! Ends a script that runs for too long, or whose stream is to end.
//!
//! A script works in *turns*: calls of its hooks. The interpreter asks now and then whether it shall
//! go on, and the first question of a turn starts its time: what is over before it is asked costs
//! nothing.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Whether the stream is to end early.
pub(crate) type Stop = Box<dyn Fn() -> bool + Send>;

pub(crate) struct Watch {
    limit: Duration,
    turn: AtomicU64,
    timed_out: AtomicBool,
    stopped: AtomicBool,
    stop: Mutex<Stop>,
}

impl Watch {
    pub(crate) fn new(limit: Duration) -> Arc<Self> {
        let stop: Mutex<Stop> = Mutex::new(Box::new(|| false));
        let (turn, timed_out, stopped) = Default::default();
        Arc::new(Self { limit, turn, timed_out, stopped, stop })
    }

    /// A new turn begins, with all its time.
    pub(crate) fn turn(&self) {
        self.turn.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn obey(&self, stop: Stop) {
        *self.stop.lock().unwrap_or_else(PoisonError::into_inner) = stop;
    }

    pub(crate) fn is_told_to_stop(&self) -> bool {
        self.stop.lock().unwrap_or_else(PoisonError::into_inner)()
    }

    pub(crate) fn timed_out(&self) -> bool {
        self.timed_out.load(Ordering::Relaxed)
    }

    /// Whether a script was ended because its stream was.
    pub(crate) fn stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }

    /// Whether a script was ended.
    pub(crate) fn is_over(&self) -> bool {
        self.stopped() || self.timed_out()
    }

    /// What the interpreter asks: `true` ends the script.
    pub(crate) fn questions(self: &Arc<Self>) -> Box<dyn FnMut() -> bool + Send> {
        let watch = Arc::clone(self);
        let mut current: Option<(u64, Instant)> = None;
        Box::new(move || {
            #[expect(clippy::disallowed_methods, reason = "a turned clock must not end a script")]
            let now = Instant::now();
            let turn = watch.turn.load(Ordering::Relaxed);
            let since = match current {
                Some((asked, since)) if asked == turn => since,
                _ => now,
            };
            current = Some((turn, since));
            if watch.is_told_to_stop() {
                watch.stopped.store(true, Ordering::Relaxed);
            } else if now.duration_since(since) >= watch.limit {
                watch.timed_out.store(true, Ordering::Relaxed);
            }
            watch.is_over()
        })
    }
}
