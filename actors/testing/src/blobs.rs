//! Checkpoints in memory that become durable when the case says: before a cut, writes wait for the
//! end of the life that wants them.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use weir_persistence_api::{BlobEntry, BlobKey, BlobStore, Error, MemoryBlobs, Result};

use crate::world::World;

const AGAIN: Duration = Duration::from_millis(1);

pub(crate) struct HeldBlobs {
    blobs: MemoryBlobs,
    world: World,
}

impl HeldBlobs {
    pub(crate) fn new(blobs: MemoryBlobs, world: World) -> Self {
        Self { blobs, world }
    }

    /// Returns when a write may go through, or refuses it: whoever wanted it is dead.
    async fn passed(&self) -> Result<()> {
        loop {
            match self.world.is_held() {
                Some(false) => return Ok(()),
                Some(true) => tokio::time::sleep(AGAIN).await,
                None => return Err(Error::Rejected("the engine was cut off".to_owned())),
            }
        }
    }
}

#[async_trait]
impl BlobStore for HeldBlobs {
    async fn blob_create(&self, key: &BlobKey, content: Bytes) -> Result<bool> {
        self.passed().await?;
        self.blobs.blob_create(key, content).await
    }

    async fn blob_put(&self, key: &BlobKey, content: Bytes) -> Result<()> {
        self.passed().await?;
        self.blobs.blob_put(key, content).await
    }

    async fn blob_get(&self, key: &BlobKey) -> Result<Option<Bytes>> {
        self.blobs.blob_get(key).await
    }

    async fn blob_list(&self, parent: &BlobKey) -> Result<Vec<BlobEntry>> {
        self.blobs.blob_list(parent).await
    }

    async fn blob_delete(&self, key: &BlobKey) -> Result<()> {
        self.passed().await?;
        self.blobs.blob_delete(key).await
    }
}
