//! Blobs on a server.

use async_trait::async_trait;
use bytes::Bytes;
use weir_persistence_api::{BlobEntry, BlobKey, BlobStore, Result};

use super::ServerStore;
use super::dialect::Dialect;
use crate::blob::{self, BlobColumns, EntryColumns, Row, Rows, Taken};

#[async_trait]
impl<D: Dialect> Rows for ServerStore<D> {
    async fn write(&self, taken: Taken, row: Row) -> Result<bool> {
        let statement = match taken {
            Taken::Leave => D::STATEMENTS.blob_create,
            Taken::Replace => D::STATEMENTS.blob_put,
        };
        let Row { key, size, checksum, content } = &row;
        let values = [key.into(), (*size).into(), (*checksum).into(), content[..].into()];
        let changed = self.sessions.execute(statement, &values).await?;
        Ok(taken == Taken::Replace || changed == 1)
    }

    async fn row(&self, key: &str) -> Result<Option<BlobColumns>> {
        let mut rows: Vec<BlobColumns> = self.rows(D::STATEMENTS.blob_get, &[key.into()]).await?;
        Ok(rows.pop())
    }

    async fn list(&self, [from, to]: [String; 2]) -> Result<Vec<EntryColumns>> {
        self.rows(D::STATEMENTS.blob_list, &[(&from).into(), (&to).into()]).await
    }

    async fn delete(&self, key: &str, [from, to]: [String; 2]) -> Result<()> {
        let values = [key.into(), (&from).into(), (&to).into()];
        self.sessions.execute(D::STATEMENTS.blob_delete, &values).await.map(drop)
    }
}

#[async_trait]
impl<D: Dialect> BlobStore for ServerStore<D> {
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
