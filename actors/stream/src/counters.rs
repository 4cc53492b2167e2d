//! What went through a stage, counted as it happens and readable at any time.

use std::sync::atomic::{AtomicU64, Ordering};

use weir_domain::Counts;

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
}

impl Counters {
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
