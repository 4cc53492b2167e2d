//! A store of blobs on a directory or an object store.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::TryStreamExt;
use object_store::path::Path;
use object_store::{Error as Cause, ObjectStore, ObjectStoreExt, PutMode, PutOptions};
use weir_persistence_api::{
    BlobEntry, BlobKey, BlobStore, Error, InvalidBlobKey, Result, check_blob,
};

use crate::config::{BlobsConfig, Opened};
use crate::error::{Call, error};

#[derive(Clone)]
pub struct Blobs {
    store: Arc<dyn ObjectStore>,
    place: Arc<str>,
    prefix: Option<BlobKey>,
}

/// Why a store can't keep blobs.
#[derive(Debug, thiserror::Error)]
pub enum Unfit {
    #[error("the store can't be opened as it is configured")]
    Config(#[source] Cause),
    #[error("what is to stand before all keys can't")]
    Prefix(#[from] InvalidBlobKey),
    #[error(
        "{place} created a blob that was there already: it ignores conditional requests \
         (If-None-Match), and two writers would overwrite each other; use a store, or a version of \
         it, that honours them"
    )]
    Unconditional { place: String },
    #[error("the store could not be asked")]
    Unreachable(#[from] Error),
}

impl Blobs {
    pub fn open(config: &BlobsConfig) -> std::result::Result<Self, Unfit> {
        let Opened { store, place, prefix } = config.open().map_err(Unfit::Config)?;
        let prefix = prefix.map(BlobKey::new).transpose()?;
        Ok(Self { store, place: place.into(), prefix })
    }

    /// Where the blobs are, for people.
    pub fn place(&self) -> &str {
        &self.place
    }

    /// The test of a connection: writes, creates twice, lists, reads and deletes below `_probe`.
    /// The name is one that no other probe has at the time.
    pub async fn probe(&self, name: &str) -> std::result::Result<(), Unfit> {
        let parent = BlobKey::new("_probe")?;
        let key = parent.below(name)?;
        self.blob_delete(&key).await?;
        let is_new = self.blob_create(&key, Bytes::from_static(b"first")).await?;
        let is_new_again = self.blob_create(&key, Bytes::from_static(b"second")).await?;
        let found = self.blob_get(&key).await?;
        self.blob_list(&parent).await?;
        self.blob_delete(&key).await?;
        if !is_new || is_new_again || found.as_deref() != Some(b"first") {
            return Err(Unfit::Unconditional { place: self.place.to_string() });
        }
        Ok(())
    }

    fn path(&self, key: &BlobKey) -> Path {
        match &self.prefix {
            Some(prefix) => Path::from(format!("{prefix}/{key}")),
            None => Path::from(key.as_str()),
        }
    }

    fn key(&self, path: &Path) -> Option<BlobKey> {
        let path = path.as_ref();
        let path = match &self.prefix {
            Some(prefix) => path.strip_prefix(prefix.as_str())?.strip_prefix('/')?,
            None => path,
        };
        BlobKey::new(path).ok()
    }

    fn error(&self, call: Call, what: &str, key: &BlobKey, cause: &Cause) -> Error {
        error(call, &format!("{what} {key}"), &self.place, cause)
    }
}

#[async_trait]
impl BlobStore for Blobs {
    /// An answer that was lost may have been `true`: sent again by the client below, it says
    /// `false`. Whoever must know reads back.
    async fn blob_create(&self, key: &BlobKey, content: Bytes) -> Result<bool> {
        check_blob(key, &content)?;
        let options = PutOptions::from(PutMode::Create);
        match self.store.put_opts(&self.path(key), content.into(), options).await {
            Ok(_) => Ok(true),
            // Some stores say so as well where somebody else is about to create it and may fail.
            Err(cause @ (Cause::AlreadyExists { .. } | Cause::Precondition { .. })) => {
                match self.store.head(&self.path(key)).await {
                    Ok(_) => Ok(false),
                    Err(Cause::NotFound { .. }) => {
                        let why =
                            format!("create {key} in {}: {cause}, and it is not there", self.place);
                        Err(Error::Unknown(why))
                    }
                    Err(cause) => Err(self.error(Call::Write, "create", key, &cause)),
                }
            }
            Err(cause) => Err(self.error(Call::Write, "create", key, &cause)),
        }
    }

    async fn blob_put(&self, key: &BlobKey, content: Bytes) -> Result<()> {
        check_blob(key, &content)?;
        let put = self.store.put(&self.path(key), content.into()).await;
        put.map(drop).map_err(|cause| self.error(Call::Write, "put", key, &cause))
    }

    async fn blob_get(&self, key: &BlobKey) -> Result<Option<Bytes>> {
        let failed = |cause: Cause| self.error(Call::Read, "get", key, &cause);
        match self.store.get(&self.path(key)).await {
            Ok(found) => found.bytes().await.map(Some).map_err(failed),
            Err(Cause::NotFound { .. }) => Ok(None),
            Err(cause) => Err(failed(cause)),
        }
    }

    async fn blob_list(&self, parent: &BlobKey) -> Result<Vec<BlobEntry>> {
        let failed = |cause: Cause| self.error(Call::Read, "list", parent, &cause);
        let found: Vec<_> =
            self.store.list(Some(&self.path(parent))).try_collect().await.map_err(failed)?;
        // What has no key of ours was put there by others.
        let entry = |it: &object_store::ObjectMeta| {
            Some(BlobEntry { key: self.key(&it.location)?, bytes: it.size })
        };
        let mut entries: Vec<_> = found.iter().filter_map(entry).collect();
        entries.retain(|it| it.key.under(parent).is_some());
        entries.sort_unstable();
        Ok(entries)
    }

    async fn blob_delete(&self, key: &BlobKey) -> Result<()> {
        match self.store.delete(&self.path(key)).await {
            Ok(()) | Err(Cause::NotFound { .. }) => Ok(()),
            Err(cause) => Err(self.error(Call::Write, "delete", key, &cause)),
        }
    }
}

#[cfg(test)]
mod tests;
