//! What streams have ready to be sent and have not sent: blobs that outlive the engine.
//!
//! A sink whose other side can't keep what nobody may see yet keeps it here, and its actions send it
//! from here. Below `staged/`, so that the checkpoints' garbage collection never meets it: who made a blob
//! removes it, with the action that sent it or with the stream's discard.
//!
//! All calls block, and are made from threads of the runtime that may.

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use bytes::Bytes;
use tokio::runtime::Handle;
use weir_domain::{Fault, StageId, StreamId};
use weir_persistence_api::{BlobEntry, BlobKey, BlobStore, Error};

use crate::StreamContext;

/// The store is away, or refuses.
const STORE: u32 = 3203;

/// Largest blob: less than what any store of blobs takes.
pub const STAGED_BYTES_MAX: usize = 4 << 20;

#[derive(Clone)]
pub struct Staging(Arc<dyn BlobStore>);

impl Staging {
    pub fn new(blobs: Arc<dyn BlobStore>) -> Self {
        Self(blobs)
    }

    /// Where all blobs of one stage of a stream are.
    pub fn of_stream(stream: StreamId, stage: &StageId) -> Result<BlobKey, Fault> {
        key(format!("staged/{stream}/{stage}"))
    }

    /// Where one attempt at a stream, or one segment of a live one, has its blobs.
    pub fn of_segment(stream: &StreamContext, stage: &StageId) -> Result<BlobKey, Fault> {
        let all = Self::of_stream(stream.stream, stage)?;
        match stream.segment {
            Some(epoch) => key(format!("{all}/{}.{}", epoch.generation, epoch.number)),
            None => key(format!("{all}/item")),
        }
    }

    /// Stores a blob, in place of one that is there.
    pub fn put(&self, key: &BlobKey, content: Bytes) -> Result<(), Fault> {
        wait(self.0.blob_put(key, content))
    }

    /// `None`: it was removed, which only happens to what is sent or discarded.
    pub fn get(&self, key: &BlobKey) -> Result<Option<Bytes>, Fault> {
        wait(self.0.blob_get(key))
    }

    /// Removes one blob; fine if it is gone.
    pub fn remove(&self, key: &BlobKey) -> Result<(), Fault> {
        wait(self.0.blob_delete(key))
    }

    /// All that is below a key, ordered by key.
    pub(crate) fn list(&self, parent: &BlobKey) -> Result<Vec<BlobEntry>, Fault> {
        wait(self.0.blob_list(parent))
    }

    /// The keys of all that is below a key.
    pub fn keys(&self, parent: &BlobKey) -> Result<Vec<BlobKey>, Fault> {
        Ok(self.list(parent)?.into_iter().map(|it| it.key).collect())
    }

    /// Removes all that is below a key.
    pub fn discard(&self, parent: &BlobKey) -> Result<(), Fault> {
        self.keys(parent)?.iter().try_for_each(|it| self.remove(it))
    }
}

impl fmt::Debug for Staging {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Staging")
    }
}

fn key(text: String) -> Result<BlobKey, Fault> {
    BlobKey::new(text).map_err(|error| Fault::config(STORE, error.to_string()))
}

fn wait<T>(call: impl Future<Output = Result<T, Error>>) -> Result<T, Fault> {
    Handle::current().block_on(call).map_err(|error| {
        let message = format!("what is to be sent can't be kept or found: {error}");
        match error.is_transient() {
            true => Fault::transient(STORE, message),
            false => Fault::config(STORE, message),
        }
    })
}
