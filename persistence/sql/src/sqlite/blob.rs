//! Blobs on SQLite.

use async_trait::async_trait;
use bytes::Bytes;
use futures::FutureExt;
use sqlx::{query, query_as};
use weir_persistence_api::{BlobEntry, BlobKey, BlobStore, Result};

use super::{SqliteStore, statement};
use crate::blob::{self, BlobColumns, EntryColumns};

impl SqliteStore {
    /// Returns how many rows it changed.
    async fn blob_write(
        &self,
        statement: &'static str,
        key: &BlobKey,
        content: Bytes,
    ) -> Result<u64> {
        blob::check(key, &content)?;
        let (size, sum) = (blob::size(&content), blob::sum(key, &content));
        let (key, now) = (key.clone(), self.now());
        self.writer
            .write(move |connection| {
                async move {
                    let insertion = query(statement)
                        .bind(key.as_str())
                        .bind(size)
                        .bind(sum)
                        .bind(&content[..])
                        .bind(now.0);
                    Ok(insertion.execute(connection).await?.rows_affected())
                }
                .boxed()
            })
            .await
    }
}

#[async_trait]
impl BlobStore for SqliteStore {
    async fn blob_create(&self, key: &BlobKey, content: Bytes) -> Result<bool> {
        Ok(self.blob_write(statement::BLOB_CREATE, key, content).await? == 1)
    }

    async fn blob_put(&self, key: &BlobKey, content: Bytes) -> Result<()> {
        self.blob_write(statement::BLOB_PUT, key, content).await.map(drop)
    }

    async fn blob_get(&self, key: &BlobKey) -> Result<Option<Bytes>> {
        let look = query_as(statement::BLOB_GET).bind(key.as_str()).fetch_optional(&self.readers);
        let found: Option<BlobColumns> = self.read(look).await?;
        found.map(|columns| blob::content(key, columns)).transpose()
    }

    async fn blob_list(&self, parent: &BlobKey) -> Result<Vec<BlobEntry>> {
        let [from, to] = blob::below(parent);
        let look = query_as(statement::BLOB_LIST).bind(from).bind(to).fetch_all(&self.readers);
        let rows: Vec<EntryColumns> = self.read(look).await?;
        rows.into_iter().map(blob::entry).collect()
    }

    async fn blob_delete(&self, key: &BlobKey) -> Result<()> {
        let key = key.clone();
        self.writer
            .write(move |connection| {
                async move {
                    let deletion = query(statement::BLOB_DELETE).bind(key.as_str());
                    deletion.execute(connection).await?;
                    Ok(())
                }
                .boxed()
            })
            .await
    }
}
