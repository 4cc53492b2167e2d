//! What was decided to be published and is not yet: while sinks can't publish, it must not grow
//! without an end.
//!
//! Invariant: sources read on only while there is less of it than the limits say, or nothing at all.
//! What has been read by then goes through, and waits at the sinks. A savepoint is taken all the same,
//! and so is the last checkpoint of a run that is stopped.

use std::collections::BTreeMap;

use weir_checkpoint::Epoch;

/// How much may wait to be published, by job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BacklogLimits {
    pub epochs: usize,
    pub bytes: u64,
}

#[derive(Debug)]
pub(super) struct Backlog {
    limits: BacklogLimits,
    /// What the sinks had written when epochs were announced.
    written: BTreeMap<Epoch, u64>,
    /// The same, of the newest that is published.
    published: u64,
    /// Epochs that wait.
    epochs: usize,
}

impl Backlog {
    pub(super) fn new(limits: BacklogLimits) -> Self {
        Self { limits, written: BTreeMap::new(), published: 0, epochs: 0 }
    }

    pub(super) fn announced(&mut self, epoch: Epoch, written: u64) {
        self.written.insert(epoch, written);
    }

    pub(super) fn committed(&mut self, epoch: Epoch) {
        let later = self.written.split_off(&epoch);
        let before = std::mem::replace(&mut self.written, later);
        let of = self.written.remove(&epoch).or_else(|| before.into_values().next_back());
        self.published = self.published.max(of.unwrap_or(0));
    }

    /// So many epochs wait now.
    pub(super) fn waiting(&mut self, epochs: usize) {
        self.epochs = epochs;
    }

    pub(super) fn epochs(&self) -> usize {
        self.epochs
    }

    pub(super) fn bytes(&self) -> u64 {
        let newest = self.written.values().next_back().copied().unwrap_or(self.published);
        newest.saturating_sub(self.published)
    }

    /// Nothing more is to be read until some of it is published.
    pub(super) fn is_full(&self) -> bool {
        self.epochs > 0 && (self.epochs >= self.limits.epochs || self.bytes() >= self.limits.bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn epoch(number: u32) -> Epoch {
        Epoch::new(1, number)
    }

    #[test]
    fn it_is_full_by_epochs_or_by_bytes_and_never_while_nothing_waits() {
        let mut backlog = Backlog::new(BacklogLimits { epochs: 2, bytes: 100 });
        backlog.announced(epoch(1), 500);
        assert!(!backlog.is_full(), "it is large, and nothing waits");
        backlog.waiting(1);
        assert!(backlog.is_full() && backlog.bytes() == 500);
        backlog.committed(epoch(1));
        backlog.waiting(0);
        assert!(!backlog.is_full() && backlog.bytes() == 0);
        backlog.announced(epoch(2), 510);
        backlog.announced(epoch(4), 520);
        backlog.waiting(1);
        assert!(!backlog.is_full() && backlog.bytes() == 20);
        backlog.waiting(2);
        assert!(backlog.is_full());
        // One that is published stands for those before it, which were abandoned.
        backlog.committed(epoch(3));
        assert_eq!(backlog.bytes(), 10);
    }
}
