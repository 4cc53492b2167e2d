//! What a coordinator is told, and what it wants done.

use bytes::Bytes;
use weir_domain::{SavepointName, StageId, Timestamp};

use crate::epoch::{Epoch, Generation, Slot};
use crate::manifest::{EpochKind, StageManifest};
use crate::permit::CommitPermit;
use crate::record::{Marker, Record, Savepoint};

/// Why an epoch is to be begun, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trigger {
    /// The interval is over.
    Periodic { at: Timestamp },
    /// Somebody wants a checkpoint to keep.
    Savepoint { at: Timestamp, name: SavepointName },
    /// The pipeline is to stop, with nothing left to read again and nothing unpublished.
    Stop { at: Timestamp, savepoint: Option<SavepointName> },
}

impl Trigger {
    pub(super) fn at(&self) -> Timestamp {
        match self {
            Self::Periodic { at } | Self::Savepoint { at, .. } | Self::Stop { at, .. } => *at,
        }
    }

    pub(super) fn savepoint(&self) -> Option<&SavepointName> {
        match self {
            Self::Periodic { .. } => None,
            Self::Savepoint { name, .. } => Some(name),
            Self::Stop { savepoint, .. } => savepoint.as_ref(),
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    Trigger(Trigger),
    /// A source will read nothing more.
    Ended {
        stage: StageId,
        at: Timestamp,
    },
    /// The stage has taken its snapshot, in memory.
    Aligned {
        stage: StageId,
        epoch: Epoch,
    },
    /// All that the snapshot names is durable.
    Reported {
        stage: StageId,
        epoch: Epoch,
        manifest: Box<StageManifest>,
    },
    /// The stage can't take or store its snapshot.
    Failed {
        stage: StageId,
        epoch: Epoch,
        reason: String,
    },
    /// The deadline of an epoch has passed.
    Overdue {
        epoch: Epoch,
    },
    /// The store's answer to an effect.
    Stored(Stored),
    /// The stage has published all that the permit of this epoch named.
    Published {
        stage: StageId,
        epoch: Epoch,
    },
}

/// What the store answered. What it could not answer is no input: the effect is outstanding still.
#[derive(Debug, Clone, PartialEq)]
pub enum Stored {
    Manifest {
        epoch: Epoch,
    },
    /// The manifest can't be stored, and is not there.
    ManifestRefused {
        epoch: Epoch,
        reason: String,
    },
    /// The record that is in the slot now, whoever wrote it.
    Slot {
        slot: Slot,
        record: Record,
    },
    /// Whether the record of a later generation is there.
    Generation {
        epoch: Epoch,
        later: Option<Generation>,
    },
    Marked {
        epoch: Epoch,
    },
    /// Whether the name was free, or is of the same epoch already.
    Named {
        name: SavepointName,
        is_new: bool,
    },
}

/// Why an epoch was given up. Its data is in the next one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Abandonment {
    #[error("stage {stage} could not take it: {reason}")]
    Failed { stage: StageId, reason: String },
    #[error("its deadline passed before these stages had reported: {}", names(.missing))]
    Overdue { missing: Vec<StageId> },
    #[error("its manifest could not be stored: {reason}")]
    Manifest { reason: String },
}

fn names(stages: &[StageId]) -> String {
    let names: Vec<_> = stages.iter().map(StageId::as_str).collect();
    names.join(", ")
}

/// Why nothing was begun.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("the pipeline is at its end: no further epoch is begun")]
    Over,
    #[error("{under_way} epochs are under way: the next begins when one of them is done")]
    Busy { under_way: usize },
    #[error("a savepoint of this name is there: choose another name, or delete that one first")]
    NameTaken,
    #[error("its epoch was abandoned: {0}; take it again")]
    Abandoned(Abandonment),
}

#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Tell every stage, through its mailbox; sources send the barrier.
    Announce {
        epoch: Epoch,
        kind: EpochKind,
    },
    /// All stages have aligned; none holds back data for this epoch any more.
    Aligned {
        epoch: Epoch,
    },
    /// Tell every stage that the epoch is wanted no more.
    Abandon {
        epoch: Epoch,
        why: Abandonment,
    },
    StoreManifest {
        epoch: Epoch,
        content: Bytes,
    },
    /// Create the record in this slot, and answer what is there then.
    Append {
        slot: Slot,
        record: Record,
    },
    /// Look whether the record of that generation is there.
    CheckGeneration {
        epoch: Epoch,
        later: Generation,
    },
    /// The epoch is what a restart begins from: sources may acknowledge what is before it.
    Claimed {
        epoch: Epoch,
    },
    /// Tell all stages; those that it names publish.
    Publish(CommitPermit),
    Mark(Marker),
    /// The epoch is published everywhere.
    Committed {
        epoch: Epoch,
    },
    /// Store a savepoint under its name.
    Name(Savepoint),
    /// The savepoint is there: answer whoever asked for it.
    Named(Savepoint),
    /// Answer whoever triggered.
    Refused {
        savepoint: Option<SavepointName>,
        why: Refusal,
    },
    /// All is published and nothing comes after it: the pipeline may be taken down.
    Over {
        epoch: Epoch,
    },
    /// A later generation coordinates: take the pipeline down, publish nothing.
    Deposed {
        by: Generation,
    },
}
