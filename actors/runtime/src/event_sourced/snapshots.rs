//! When a snapshot is due, and how it is saved: beside the actor, one at a time. A failure costs
//! nothing but a longer recovery, so it is logged and tried again after the next events. Only one
//! that the journal does not reach is more than that: what it is of was acknowledged, and is lost.
//!
//! A state that was restated is saved at once, and again until it is: what was before it may be deleted
//! only then, since the ids of the commands that led to it are nowhere else.

use weir_domain::Fault;
use weir_persistence_api::{Error, Snapshot};

use super::EventSourced;
use super::behaviour::Retention;
use super::host::Core;
use super::recovery::shorter;
use crate::{Fatal, code};

pub(super) struct Snapshots {
    retention: Retention,
    /// The sequence number of the newest one that is stored; 0 for none.
    saved: u64,
    /// The newest event that restates all, as far as it is known; 0 for none.
    restated: u64,
    due_at: u64,
    in_flight: bool,
}

impl Snapshots {
    pub(super) fn new(retention: Retention, saved: u64, restated: u64) -> Self {
        let due_at = saved.saturating_add(retention.every.max(1));
        Self { retention, saved, restated, due_at, in_flight: false }
    }

    pub(super) fn restated(&mut self, sequence: u64) {
        self.restated = sequence;
    }

    /// Whether one is needed that has what was restated, and none is being saved.
    pub(super) fn is_owed(&self) -> bool {
        !self.in_flight && self.saved < self.restated
    }

    /// Whether one should be begun at this sequence number.
    pub(super) fn is_due(&self, sequence: u64) -> bool {
        self.is_owed() || !self.in_flight && sequence >= self.due_at
    }

    /// Whether there are events after the newest one, and none is being saved.
    pub(super) fn is_behind(&self, sequence: u64) -> bool {
        !self.in_flight && sequence > self.saved
    }

    pub(super) fn begun(&mut self, sequence: u64) {
        self.in_flight = true;
        self.due_at = sequence.saturating_add(self.retention.every.max(1));
    }

    pub(super) fn ended(&mut self, sequence: u64, saved: &Saved) {
        self.in_flight = false;
        if matches!(saved, Saved::Stored) {
            self.saved = self.saved.max(sequence);
        }
    }
}

/// What became of a snapshot.
#[derive(Debug, Clone)]
pub(super) enum Saved {
    Stored,
    /// It was logged; the next one may succeed.
    Failed,
    /// The journal ends before it.
    Beyond(Fault),
}

impl Saved {
    /// A journal that lost what was acknowledged ends its controller.
    pub(super) fn verdict(self) -> Result<(), Fatal> {
        match self {
            Self::Stored | Self::Failed => Ok(()),
            Self::Beyond(fault) => Err(Fatal(fault)),
        }
    }
}

/// Saves a snapshot of what is durable and prunes older ones. Beside a journal that has lost the
/// newest events the store refuses it: it would keep the controller from ever starting again.
pub(super) async fn save<B: EventSourced>(core: &Core<B>, snapshot: Snapshot) -> Saved {
    let Core { store, id, fence, .. } = core;
    let sequence = snapshot.sequence;
    let saving = async {
        store.snapshot_save(id, fence, snapshot).await?;
        store.snapshot_prune(id, fence, B::RETENTION.keep.max(1)).await
    };
    match saving.await {
        Ok(()) => Saved::Stored,
        Err(Error::Conflict { id, expected, actual }) => {
            Saved::Beyond(shorter(&id, actual, expected))
        }
        Err(cause) => {
            tracing::warn!(code = %code::SNAPSHOT, controller = %id, sequence, %cause, "a snapshot could not be saved");
            Saved::Failed
        }
    }
}
