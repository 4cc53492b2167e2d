//! Snapshots: a state as of a sequence number. They only ever save time: the journal is the truth,
//! and none is saved that stands beyond it.

use async_trait::async_trait;
use bytes::Bytes;

use crate::{Fence, Manifest, PersistenceId, Result};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    pub sequence: u64,
    pub manifest: Manifest,
    pub payload: Bytes,
}

#[async_trait]
pub trait SnapshotStore: Send + Sync + 'static {
    /// Saving the same sequence number again replaces it. `Error::Conflict`, with the end of the
    /// journal as `actual`, if the journal ends before the snapshot, as when a replica that is
    /// behind took over: both are looked at in one transaction.
    async fn snapshot_save(
        &self,
        id: &PersistenceId,
        fence: &Fence,
        snapshot: Snapshot,
    ) -> Result<()>;

    /// The newest snapshot at or below `at_most`. A damaged one is `Error::Corrupt`; the caller
    /// then asks for an older one, of those that `snapshot_sequences` lists.
    async fn snapshot_load(&self, id: &PersistenceId, at_most: u64) -> Result<Option<Snapshot>>;

    /// The sequence numbers that snapshots are stored for, damaged ones too, newest first.
    async fn snapshot_sequences(&self, id: &PersistenceId) -> Result<Vec<u64>>;

    /// Keeps the newest `keep` snapshots.
    async fn snapshot_prune(&self, id: &PersistenceId, fence: &Fence, keep: u32) -> Result<()>;
}
