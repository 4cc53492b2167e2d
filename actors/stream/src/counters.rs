//! What went through a stage, counted as it happens and readable at any time; and what it does now that
//! may take long.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use weir_domain::{Counts, Fault};
use weir_runtime::Stopwatch;

use crate::times::{OfStage, Spending, Spent};

/// One stage's counters during one attempt. Added to by the stage, read by anybody.
#[derive(Debug, Default)]
pub struct Counters {
    pub records_in: AtomicU64,
    pub records_out: AtomicU64,
    pub bytes_in: AtomicU64,
    pub bytes_out: AtomicU64,
    pub dead_letters: AtomicU64,
    pub ignored: AtomicU64,
    pub dropped: AtomicU64,
    call: Mutex<Option<(&'static str, Stopwatch)>>,
    awaited: Mutex<Option<Fault>>,
    time: Arc<OfStage>,
    _open: Option<Spending>,
}

/// A stage is in a call as long as this lives.
pub(crate) struct Calling<'a> {
    counters: &'a Counters,
    _busy: Option<Spending>,
}

impl Drop for Calling<'_> {
    fn drop(&mut self) {
        *self.counters.call() = None;
    }
}

impl Counters {
    /// Of a stage whose pipeline is there as long as they are.
    pub(crate) fn of(time: Arc<OfStage>) -> Self {
        let _open = Some(time.spend(Spent::Open));
        Self { time, _open, ..Self::default() }
    }

    /// How its time is spent.
    pub(crate) fn time(&self) -> &Arc<OfStage> {
        &self.time
    }

    /// The stage calls what may not come back: what it is doing, in one word.
    pub(crate) fn calling(&self, what: &'static str) -> Calling<'_> {
        let mut calling = self.waiting(what);
        calling._busy = Some(self.time.spend(Spent::Busy));
        calling
    }

    /// The same of a call that is no work: it waits for what comes in.
    pub(crate) fn waiting(&self, what: &'static str) -> Calling<'_> {
        *self.call() = Some((what, Stopwatch::start()));
        Calling { counters: self, _busy: None }
    }

    /// What it is doing, and for how long.
    pub(crate) fn in_call(&self) -> Option<(&'static str, Duration)> {
        self.call().as_ref().map(|(what, since)| (*what, since.elapsed()))
    }

    /// The stage waits until this is gone, and goes on then; `None`: it has gone on.
    pub(crate) fn awaits(&self, fault: Option<Fault>) {
        *self.awaited.lock().unwrap_or_else(PoisonError::into_inner) = fault;
    }

    /// What it waits for.
    pub(crate) fn awaited(&self) -> Option<Fault> {
        self.awaited.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn call(&self) -> MutexGuard<'_, Option<(&'static str, Stopwatch)>> {
        self.call.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The counts now. Single counters are exact; between them a batch may be under way.
    pub fn counts(&self) -> Counts {
        Counts {
            records_in: self.records_in.load(Ordering::Relaxed),
            records_out: self.records_out.load(Ordering::Relaxed),
            bytes_in: self.bytes_in.load(Ordering::Relaxed),
            bytes_out: self.bytes_out.load(Ordering::Relaxed),
            dead_letters: self.dead_letters.load(Ordering::Relaxed),
            ignored: self.ignored.load(Ordering::Relaxed),
            dropped: self.dropped.load(Ordering::Relaxed),
        }
    }
}

/// Adds to a counter.
pub(crate) fn add(counter: &AtomicU64, n: usize) {
    counter.fetch_add(n as u64, Ordering::Relaxed);
}
