//! Blobs on SQLite.

use async_trait::async_trait;
use bytes::Bytes;
use futures::FutureExt;
use sqlx::{query, query_as};
use weir_persistence_api::{BlobEntry, BlobKey, BlobStore, Result};

use super::{SqliteStore, statement};
use crate::blob::{self, BlobColumns, EntryColumns, Row, Rows, Taken};

#[async_trait]
impl Rows for SqliteStore {
    async fn write(&self, taken: Taken, row: Row) -> Result<bool> {
        let statement = match taken {
            Taken::Leave => statement::BLOB_CREATE,
            Taken::Replace => statement::BLOB_PUT,
        };
        let now = self.now();
        self.writer
            .write(move |connection| {
                async move {
                    let insertion = query(statement)
                        .bind(row.key)
                        .bind(row.size)
                        .bind(row.checksum)
                        .bind(&row.content[..])
                        .bind(now.0);
                    Ok(insertion.execute(connection).await?.rows_affected() == 1)
                }
                .boxed()
            })
            .await
    }

    async fn row(&self, key: &str) -> Result<Option<BlobColumns>> {
        let look = query_as(statement::BLOB_GET).bind(key).fetch_optional(&self.readers);
        self.read(look).await
    }

    async fn list(&self, [from, to]: [String; 2]) -> Result<Vec<EntryColumns>> {
        let look = query_as(statement::BLOB_LIST).bind(from).bind(to).fetch_all(&self.readers);
        self.read(look).await
    }

    async fn delete(&self, key: &str, [from, to]: [String; 2]) -> Result<()> {
        let key = key.to_owned();
        self.writer
            .write(move |connection| {
                async move {
                    let deletion = query(statement::BLOB_DELETE).bind(key).bind(from).bind(to);
                    deletion.execute(connection).await?;
                    Ok(())
                }
                .boxed()
            })
            .await
    }
}

#[async_trait]
impl BlobStore for SqliteStore {
    async fn blob_create(&self, key: &BlobKey, content: Bytes) -> Result<bool> {
        blob::create(self, key, content).await
    }

    async fn blob_put(&self, key: &BlobKey, content: Bytes) -> Result<()> {
        blob::put(self, key, content).await
    }

    async fn blob_get(&self, key: &BlobKey) -> Result<Option<Bytes>> {
        blob::get(self, key).await
    }

    async fn blob_list(&self, parent: &BlobKey) -> Result<Vec<BlobEntry>> {
        blob::list(self, parent).await
    }

    async fn blob_delete(&self, key: &BlobKey) -> Result<()> {
        blob::delete(self, key).await
    }
}
