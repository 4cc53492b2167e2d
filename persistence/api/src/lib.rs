//! What the rest of Weir asks of a store, as traits; the in-memory versions of them; and the one
//! contract suite that every back end must pass.
//!
//! Invariants, proved by the suite for every back end:
//! - P1: a write that was acknowledged is there after a crash of the process.
//! - P2: `(persistence id, sequence number)` is unique and contiguous from 1.
//! - P3: a row was written under the epoch that its lease had at that moment; a deposed writer
//!   is refused by the store, in the same transaction as the write.
//! - P4: an item is held by at most one claim, and a claim that was lost stays lost.
//! - P5: an object is what its digest says, or it is called damaged.
//! - P6: of all who create one blob, exactly one does (`blob`, which has back ends of its own too).
//!
//! Stores know nothing of actors, and payloads are opaque bytes to them.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod blob;
mod error;
mod item;
pub mod item_page;
pub mod item_rule;
mod journal;
mod lease;
pub mod log_rule;
mod member;
mod memory;
mod object;
mod snapshot;
mod store;
mod stream;
mod sweep;

#[cfg(any(test, feature = "contract"))]
pub mod contract;

pub use blob::{BLOB_BYTES_MAX, BlobEntry, BlobKey, BlobStore, InvalidBlobKey, check_blob};
pub use error::{Error, Result};
pub use item::{
    Adoption, Claim, ClaimRequest, ItemChange, ItemFilter, ItemHistory, ItemPath, ItemPlace,
    ItemRow, ItemStore, Settlement, Unfinished,
};
pub use item_page::{ItemPage, SourceCount, SourceRow};
pub use journal::{
    Append, Journal, Manifest, NewEvent, PersistenceId, StoredEvent, Tag, TaggedEvent,
};
pub use lease::{Acquired, Fence, LeaseName, LeaseRow, LeaseStore};
pub use member::{ClusterIdentity, MemberChanges, MemberStore, Members};
pub use memory::{Faults, MemoryBlobs, MemoryStore};
pub use object::{OBJECT_BYTES_MAX, ObjectStore, ObjectTotals, check_object};
pub use snapshot::{Snapshot, SnapshotStore};
pub use store::Store;
pub use stream::{LogBound, Retention, StreamFilter, StreamStore, StreamsOfItem};
pub use sweep::{Sweep, advance};
