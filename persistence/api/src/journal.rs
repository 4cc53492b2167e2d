//! The journal: events by persistence id, in order, each written once.

use std::fmt;

use async_trait::async_trait;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use weir_domain::{CommandId, Timestamp};

use crate::{Fence, Result};

/// The identity of one event-sourced actor, for ever: `deployments`, `access` …
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PersistenceId(pub String);

impl fmt::Display for PersistenceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// What the payload is: the type of the event or state, and the version of its form.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Manifest {
    pub name: String,
    pub version: u32,
}

/// A word that events are found by on the read side.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Tag(pub String);

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEvent {
    pub manifest: Manifest,
    pub payload: Bytes,
    pub tags: Vec<Tag>,
    /// The command that led to it, if its caller gave it an id.
    pub command: Option<CommandId>,
}

/// Events that are written together or not at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Append {
    pub id: PersistenceId,
    pub fence: Fence,
    /// The sequence number of the last event that the writer knows; 0 for none.
    pub after: u64,
    pub events: Vec<NewEvent>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredEvent {
    pub id: PersistenceId,
    pub sequence: u64,
    pub writer_epoch: u64,
    pub written_at: Timestamp,
    pub manifest: Manifest,
    pub payload: Bytes,
    pub command: Option<CommandId>,
}

/// An event and its place on the read side. Offsets increase; they are not contiguous.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaggedEvent {
    pub offset: u64,
    pub event: StoredEvent,
}

#[async_trait]
pub trait Journal: Send + Sync + 'static {
    /// Writes all events or none; returns the highest sequence number afterwards. When it
    /// returns `Ok` the events are durable. Appends of several actors share a commit.
    async fn append(&self, append: Append) -> Result<u64>;

    /// At most `limit` events after `after`, in order. Fewer than `limit` means the end. A row
    /// whose payload is not what was written is `Error::Corrupt`, naming id and sequence.
    async fn replay(&self, id: &PersistenceId, after: u64, limit: u32) -> Result<Vec<StoredEvent>>;

    /// The highest sequence number ever written, also when events were deleted. 0 for none.
    async fn highest(&self, id: &PersistenceId) -> Result<u64>;

    /// Deletes events up to and with `sequence`. Their numbers are never used again.
    async fn delete_to(&self, id: &PersistenceId, fence: &Fence, sequence: u64) -> Result<()>;

    /// At most `limit` events with the tag after the offset, in order. A reader that goes on from
    /// the last offset never misses an event, whatever committed late.
    async fn tagged(&self, tag: &Tag, after_offset: u64, limit: u32) -> Result<Vec<TaggedEvent>>;
}
