//! Snapshots on SQLite.

use async_trait::async_trait;
use futures::FutureExt;
use sqlx::{query, query_as, query_scalar};
use weir_persistence_api::{Error, Fence, PersistenceId, Result, Snapshot, SnapshotStore};

use super::journal::head;
use super::{SqliteStore, check_fence, statement};
use crate::checksum;
use crate::row::{self, bound};

#[async_trait]
impl SnapshotStore for SqliteStore {
    async fn snapshot_save(
        &self,
        id: &PersistenceId,
        fence: &Fence,
        snapshot: Snapshot,
    ) -> Result<()> {
        let (id, fence, now) = (id.clone(), fence.clone(), self.now());
        self.writer
            .write(move |connection| {
                async move {
                    check_fence(connection, &fence).await?;
                    let Snapshot { sequence, manifest, payload } = &snapshot;
                    let (actual, _) = head(connection, &id).await?;
                    if actual < *sequence {
                        return Err(Error::Conflict { id, expected: *sequence, actual }.into());
                    }
                    query(statement::SNAPSHOT_SAVE)
                        .bind(&id.0)
                        .bind(bound(*sequence))
                        .bind(now.0)
                        .bind(&manifest.name)
                        .bind(i64::from(manifest.version))
                        .bind(&payload[..])
                        .bind(i64::from(checksum::of(&id, *sequence, manifest, payload)))
                        .execute(connection)
                        .await?;
                    Ok(())
                }
                .boxed()
            })
            .await
    }

    async fn snapshot_load(&self, id: &PersistenceId, at_most: u64) -> Result<Option<Snapshot>> {
        let look = query_as(statement::SNAPSHOT_LOAD)
            .bind(&id.0)
            .bind(bound(at_most))
            .fetch_optional(&self.readers);
        let found = self.read(look).await?;
        found.map(|columns| row::snapshot(id, columns)).transpose()
    }

    async fn snapshot_sequences(&self, id: &PersistenceId) -> Result<Vec<u64>> {
        let look = query_scalar(statement::SNAPSHOT_SEQUENCES).bind(&id.0).fetch_all(&self.readers);
        let found: Vec<i64> = self.read(look).await?;
        let number = |it| row::number(it, || format!("a snapshot of {id}"));
        found.into_iter().map(number).collect()
    }

    async fn snapshot_prune(&self, id: &PersistenceId, fence: &Fence, keep: u32) -> Result<()> {
        let (id, fence) = (id.clone(), fence.clone());
        self.writer
            .write(move |connection| {
                async move {
                    check_fence(connection, &fence).await?;
                    let deletion =
                        query(statement::SNAPSHOT_PRUNE).bind(&id.0).bind(i64::from(keep));
                    deletion.execute(connection).await?;
                    Ok(())
                }
                .boxed()
            })
            .await
    }
}
