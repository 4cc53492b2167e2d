//! Blobs in memory.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;

use super::faults::{Fate, Faults};
use crate::{BlobEntry, BlobKey, BlobStore, Error, Result, check_blob};

/// A store of blobs in memory. Clones share their data.
#[derive(Clone, Default)]
pub struct MemoryBlobs {
    blobs: Arc<Mutex<BTreeMap<BlobKey, Bytes>>>,
    faults: Faults,
}

impl MemoryBlobs {
    /// The switch for what goes wrong.
    pub fn faults(&self) -> Faults {
        self.faults.clone()
    }

    /// Does a write, or not, and answers so, as the faults say.
    async fn write<T>(&self, change: impl FnOnce(&mut BTreeMap<BlobKey, Bytes>) -> T) -> Result<T> {
        self.faults.pass().await?;
        let unknown = |what: &str| Error::Unknown(format!("a test switched {what} off"));
        match self.faults.fate() {
            Fate::Answered => Ok(change(&mut self.lock())),
            Fate::Lost => Err(unknown("the write")),
            Fate::Unanswered => {
                change(&mut self.lock());
                Err(unknown("the answer"))
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<BlobKey, Bytes>> {
        self.blobs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl BlobStore for MemoryBlobs {
    async fn blob_create(&self, key: &BlobKey, content: Bytes) -> Result<bool> {
        check_blob(key, &content)?;
        self.write(|blobs| {
            let is_new = !blobs.contains_key(key);
            if is_new {
                blobs.insert(key.clone(), content);
            }
            is_new
        })
        .await
    }

    async fn blob_put(&self, key: &BlobKey, content: Bytes) -> Result<()> {
        check_blob(key, &content)?;
        self.write(|blobs| {
            blobs.insert(key.clone(), content);
        })
        .await
    }

    async fn blob_get(&self, key: &BlobKey) -> Result<Option<Bytes>> {
        self.faults.pass().await?;
        Ok(self.lock().get(key).cloned())
    }

    async fn blob_list(&self, parent: &BlobKey) -> Result<Vec<BlobEntry>> {
        self.faults.pass().await?;
        let blobs = self.lock();
        let below = blobs.iter().filter(|(key, _)| key.under(parent).is_some());
        Ok(below.map(|(key, it)| BlobEntry { key: key.clone(), bytes: it.len() as u64 }).collect())
    }

    async fn blob_delete(&self, key: &BlobKey) -> Result<()> {
        self.write(|blobs| {
            blobs.remove(key);
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::blob::BlobFactory;

    struct Memory;

    #[async_trait]
    impl BlobFactory for Memory {
        type Store = MemoryBlobs;

        async fn create(&self) -> Arc<MemoryBlobs> {
            Arc::default()
        }

        async fn reopen(&self, store: Arc<MemoryBlobs>) -> Arc<MemoryBlobs> {
            Arc::new(MemoryBlobs::clone(&store))
        }
    }

    crate::blob_suite!(Memory);

    #[tokio::test]
    async fn a_creation_without_an_answer_has_happened_or_not() {
        let (store, key) = (MemoryBlobs::default(), BlobKey::new("a").unwrap());
        store.faults().lost(1);
        assert!(matches!(store.blob_create(&key, "1".into()).await, Err(Error::Unknown(_))));
        assert_eq!(store.blob_get(&key).await, Ok(None));
        store.faults().unanswered(1);
        assert!(matches!(store.blob_create(&key, "2".into()).await, Err(Error::Unknown(_))));
        assert_eq!(store.blob_get(&key).await, Ok(Some("2".into())));
    }
}
