//! When a snapshot is due, and how it is saved: beside the actor, one at a time. A failure costs
//! nothing but a longer recovery, so it is logged and tried again after the next events.

use std::sync::Arc;

use weir_persistence_api::{Error, Fence, PersistenceId, Result, Snapshot, Store};

use super::behaviour::Retention;

pub(super) struct Snapshots {
    retention: Retention,
    /// The sequence number of the newest one that is stored; 0 for none.
    saved: u64,
    due_at: u64,
    in_flight: bool,
}

impl Snapshots {
    pub(super) fn new(retention: Retention, saved: u64) -> Self {
        let due_at = saved.saturating_add(retention.every.max(1));
        Self { retention, saved, due_at, in_flight: false }
    }

    /// Whether one should be begun at this sequence number.
    pub(super) fn is_due(&self, sequence: u64) -> bool {
        !self.in_flight && sequence >= self.due_at
    }

    /// Whether there are events after the newest one, and none is being saved.
    pub(super) fn is_behind(&self, sequence: u64) -> bool {
        !self.in_flight && sequence > self.saved
    }

    pub(super) fn begun(&mut self, sequence: u64) {
        self.in_flight = true;
        self.due_at = sequence.saturating_add(self.retention.every.max(1));
    }

    pub(super) fn ended(&mut self, sequence: u64, stored: bool) {
        self.in_flight = false;
        if stored {
            self.saved = self.saved.max(sequence);
        }
    }
}

/// Saves a snapshot and prunes older ones. Beside a journal that has lost the newest events, as when
/// a replica that is behind took over, it would keep the controller from ever starting again.
pub(super) async fn save(
    store: Arc<dyn Store>,
    id: PersistenceId,
    fence: Fence,
    snapshot: Snapshot,
    keep: u32,
) -> Result<()> {
    let (expected, actual) = (snapshot.sequence, store.highest(&id).await?);
    if actual < expected {
        return Err(Error::Conflict { id, expected, actual });
    }
    store.snapshot_save(&id, &fence, snapshot).await?;
    store.snapshot_prune(&id, &fence, keep.max(1)).await
}
