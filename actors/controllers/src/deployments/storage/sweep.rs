//! Objects that nobody needs any more.
//!
//! Whatever stores or deletes a deployment may leave some behind: a sweep is owed from then on,
//! until one has found that nothing is left.

use std::time::Duration;

use super::{Fact, Storage};

/// Objects that were put or asked for since then may belong to a deployment that is being sent.
pub const SWEEP_AGE: Duration = Duration::from_secs(3600);

impl Storage {
    /// The sweep that is owed.
    pub(in super::super) fn garbage(&self) -> Option<u64> {
        self.garbage
    }

    pub(super) fn swept(&self, garbage: u64) -> Vec<Fact> {
        // What came after the sweep began may have left something again.
        match self.garbage == Some(garbage) {
            true => vec![Fact::Swept],
            false => vec![],
        }
    }
}
