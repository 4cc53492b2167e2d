//! Whether a stream makes progress, for the watchdog of its instance.
//!
//! Only a pipeline can be stuck without anybody knowing: what waits for a retry, for the store or for
//! a settlement says so, and is tried again for as long as it takes.

use std::sync::atomic::{AtomicBool, Ordering};

#[derive(Debug, Default)]
pub(crate) struct Pulse {
    is_piping: AtomicBool,
    has_moved: AtomicBool,
}

/// A pipeline runs as long as this lives.
pub(crate) struct Piping<'a>(&'a Pulse);

impl Pulse {
    pub(crate) fn piping(&self) -> Piping<'_> {
        self.has_moved.store(true, Ordering::Relaxed);
        self.is_piping.store(true, Ordering::Relaxed);
        Piping(self)
    }

    /// Whether there was progress since the last call, or nothing that could be stuck.
    pub(crate) fn beats(&self) -> bool {
        let has_moved = self.has_moved.swap(false, Ordering::Relaxed);
        has_moved || !self.is_piping.load(Ordering::Relaxed)
    }
}

impl Piping<'_> {
    /// Some stage has counted something.
    pub(crate) fn moved(&self) {
        self.0.has_moved.store(true, Ordering::Relaxed);
    }
}

impl Drop for Piping<'_> {
    fn drop(&mut self) {
        self.0.is_piping.store(false, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pipeline_that_counts_nothing_has_no_pulse_and_what_waits_outside_has_one() {
        let pulse = Pulse::default();
        assert!(pulse.beats() && pulse.beats());
        let piping = pulse.piping();
        assert!(pulse.beats(), "it has just begun");
        assert!(!pulse.beats());
        piping.moved();
        assert!(pulse.beats());
        drop(piping);
        assert!(pulse.beats() && pulse.beats());
    }
}
