//! Blobs on a server.

use async_trait::async_trait;
use bytes::Bytes;
use weir_persistence_api::{BlobEntry, BlobKey, BlobStore, Error, Result};

use super::ServerStore;
use super::dialect::Dialect;
use crate::blob::{self, BlobColumns, EntryColumns};

/// Content up to that size is far below what servers take in a statement.
const SURE_BYTES: usize = 1 << 20;
/// What a statement has beside the content, at most.
const BESIDE_BYTES: u64 = 4_096;

impl<D: Dialect> ServerStore<D> {
    /// Returns how many rows it changed.
    async fn blob_write(
        &self,
        statement: &'static str,
        key: &BlobKey,
        content: &[u8],
    ) -> Result<u64> {
        blob::check(key, content)?;
        if content.len() > SURE_BYTES {
            self.check_statement(key, content).await?;
        }
        let values = [
            key.as_str().into(),
            blob::size(content).into(),
            blob::sum(key, content).into(),
            content.into(),
        ];
        self.sessions.execute(statement, &values).await
    }

    /// Refuses what the server would not take: it ends the session over it, and what became of the
    /// write would not be known.
    async fn check_statement(&self, key: &BlobKey, content: &[u8]) -> Result<()> {
        let rows: Vec<(i64, i64)> = self.rows(D::STATEMENTS.session_state, &[]).await?;
        let bytes_max = rows.first().map_or(u64::MAX, |it| it.1.unsigned_abs());
        if content.len() as u64 + BESIDE_BYTES <= bytes_max {
            return Ok(());
        }
        let (bytes, at) = (content.len(), self.sessions.settings.at());
        Err(Error::Rejected(format!(
            "blob {key} of {bytes} bytes is larger than a statement may be ({bytes_max} bytes) in \
             {at}: raise max_allowed_packet on the server, to 16 MiB or more, and restart the \
             engine"
        )))
    }
}

#[async_trait]
impl<D: Dialect> BlobStore for ServerStore<D> {
    async fn blob_create(&self, key: &BlobKey, content: Bytes) -> Result<bool> {
        Ok(self.blob_write(D::STATEMENTS.blob_create, key, &content).await? == 1)
    }

    async fn blob_put(&self, key: &BlobKey, content: Bytes) -> Result<()> {
        self.blob_write(D::STATEMENTS.blob_put, key, &content).await.map(drop)
    }

    async fn blob_get(&self, key: &BlobKey) -> Result<Option<Bytes>> {
        let mut rows: Vec<BlobColumns> =
            self.rows(D::STATEMENTS.blob_get, &[key.as_str().into()]).await?;
        rows.pop().map(|columns| blob::content(key, columns)).transpose()
    }

    async fn blob_list(&self, parent: &BlobKey) -> Result<Vec<BlobEntry>> {
        let [from, to] = blob::below(parent);
        let values = [(&from).into(), (&to).into()];
        let rows: Vec<EntryColumns> = self.rows(D::STATEMENTS.blob_list, &values).await?;
        rows.into_iter().map(blob::entry).collect()
    }

    async fn blob_delete(&self, key: &BlobKey) -> Result<()> {
        let values = [key.as_str().into()];
        self.sessions.execute(D::STATEMENTS.blob_delete, &values).await.map(drop)
    }
}
