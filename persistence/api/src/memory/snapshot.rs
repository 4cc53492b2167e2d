//! Snapshots in memory.

use std::collections::BTreeMap;

use async_trait::async_trait;

use super::MemoryStore;
use crate::{Error, Fence, PersistenceId, Result, Snapshot, SnapshotStore};

pub(super) type Snapshots = BTreeMap<PersistenceId, BTreeMap<u64, Snapshot>>;

#[async_trait]
impl SnapshotStore for MemoryStore {
    async fn snapshot_save(
        &self,
        id: &PersistenceId,
        fence: &Fence,
        snapshot: Snapshot,
    ) -> Result<()> {
        self.write(|state| {
            state.leases.check(fence)?;
            let (expected, actual) = (snapshot.sequence, state.journals.highest(id));
            if actual < expected {
                return Err(Error::Conflict { id: id.clone(), expected, actual });
            }
            let of_id = state.snapshots.entry(id.clone()).or_default();
            of_id.insert(snapshot.sequence, snapshot);
            Ok(())
        })
        .await
    }

    async fn snapshot_load(&self, id: &PersistenceId, at_most: u64) -> Result<Option<Snapshot>> {
        self.read(|state| {
            let of_id = state.snapshots.get(id);
            let newest = of_id.and_then(|it| it.range(..=at_most).next_back());
            let Some((&sequence, snapshot)) = newest else { return Ok(None) };
            self.faults.check_snapshot(id, sequence)?;
            Ok(Some(snapshot.clone()))
        })
        .await
    }

    async fn snapshot_sequences(&self, id: &PersistenceId) -> Result<Vec<u64>> {
        self.read(|state| {
            let of_id = state.snapshots.get(id);
            Ok(of_id.map(|it| it.keys().rev().copied().collect()).unwrap_or_default())
        })
        .await
    }

    async fn snapshot_prune(&self, id: &PersistenceId, fence: &Fence, keep: u32) -> Result<()> {
        self.write(|state| {
            state.leases.check(fence)?;
            let Some(of_id) = state.snapshots.get_mut(id) else { return Ok(()) };
            while of_id.len() > keep as usize {
                of_id.pop_first();
            }
            Ok(())
        })
        .await
    }
}
