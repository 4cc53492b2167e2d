//! Snapshots on a server.

use async_trait::async_trait;
use futures::FutureExt;
use weir_persistence_api::{Error, Fence, PersistenceId, Result, Snapshot, SnapshotStore};

use super::dialect::Dialect;
use super::error::Outcome;
use super::journal::highest;
use super::{ServerStore, check_key};
use crate::checksum;
use crate::row::{self, SnapshotColumns, bound};

/// Saves it if the journal reaches that far, as the same server has it in the same transaction.
async fn save<D: Dialect>(
    connection: &mut D::Connection,
    (id, snapshot): &(&PersistenceId, Snapshot),
) -> Outcome<()> {
    let Snapshot { sequence, manifest, payload } = snapshot;
    let actual = highest::<D>(connection, id).await?;
    if actual < *sequence {
        let id = PersistenceId::clone(id);
        return Err(Error::Conflict { id, expected: *sequence, actual }.into());
    }
    let values = [
        (&id.0).into(),
        bound(*sequence).into(),
        (&manifest.name).into(),
        i64::from(manifest.version).into(),
        payload[..].into(),
        i64::from(checksum::of(id, *sequence, manifest, payload)).into(),
    ];
    D::execute(connection, D::STATEMENTS.snapshot_save, &values).await?;
    Ok(())
}

async fn prune<D: Dialect>(
    connection: &mut D::Connection,
    (id, keep): &(&PersistenceId, u32),
) -> Outcome<()> {
    let values = [(&id.0).into(), (&id.0).into(), i64::from(*keep).into()];
    D::execute(connection, D::STATEMENTS.snapshot_prune, &values).await?;
    Ok(())
}

#[async_trait]
impl<D: Dialect> SnapshotStore for ServerStore<D> {
    async fn snapshot_save(
        &self,
        id: &PersistenceId,
        fence: &Fence,
        snapshot: Snapshot,
    ) -> Result<()> {
        check_key("persistence id", &id.0)?;
        check_key("manifest", &snapshot.manifest.name)?;
        let input = (id, snapshot);
        let work = self.sessions.transaction(Some(fence), &input, |connection, input| {
            save::<D>(connection, input).boxed()
        });
        work.await
    }

    async fn snapshot_load(&self, id: &PersistenceId, at_most: u64) -> Result<Option<Snapshot>> {
        let values = [(&id.0).into(), bound(at_most).into()];
        let mut rows: Vec<SnapshotColumns> =
            self.rows(D::STATEMENTS.snapshot_load, &values).await?;
        rows.pop().map(|columns| row::snapshot(id, columns)).transpose()
    }

    async fn snapshot_sequences(&self, id: &PersistenceId) -> Result<Vec<u64>> {
        let rows: Vec<(i64,)> =
            self.rows(D::STATEMENTS.snapshot_sequences, &[(&id.0).into()]).await?;
        let number = |it: (i64,)| row::number(it.0, || format!("a snapshot of {id}"));
        rows.into_iter().map(number).collect()
    }

    async fn snapshot_prune(&self, id: &PersistenceId, fence: &Fence, keep: u32) -> Result<()> {
        let input = (id, keep);
        let work = self.sessions.transaction(Some(fence), &input, |connection, input| {
            prune::<D>(connection, input).boxed()
        });
        work.await
    }
}
