//! Objects: content by its digest. What is there never changes, so that one that is equal is stored
//! once, and anybody who knows the digest can tell whether what comes back is right.

use std::collections::BTreeSet;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use weir_domain::Digest;

use crate::{Error, Fence, Result};

/// Largest object, in bytes.
pub const OBJECT_BYTES_MAX: usize = 64 << 20;

/// A number of objects, and their bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectTotals {
    pub objects: u64,
    pub bytes: u64,
}

/// Whoever stores a thing of many objects asks first which are missing, puts those, and then
/// records the thing. A sweep in the meantime takes none of them: both calls make an object young.
#[async_trait]
pub trait ObjectStore: Send + Sync + 'static {
    /// Stores an object, if it is not there; returns whether it was not. Content that has another
    /// digest, or is larger than [`OBJECT_BYTES_MAX`], is `Error::Rejected`. A put whose outcome is
    /// not known may be repeated. It needs no fence: whoever writes, the content is the same.
    async fn object_put(&self, digest: Digest, content: Bytes) -> Result<bool>;

    /// `Error::Corrupt` if what is stored has another digest.
    async fn object_get(&self, digest: Digest) -> Result<Option<Bytes>>;

    /// Which of these are not there. Those that are, are young from now on.
    async fn object_missing(&self, digests: &BTreeSet<Digest>) -> Result<BTreeSet<Digest>>;

    async fn object_totals(&self) -> Result<ObjectTotals>;

    /// Deletes the objects that are not to be kept and have not been young for that long; returns
    /// what was deleted.
    async fn object_sweep(
        &self,
        fence: &Fence,
        keep: &BTreeSet<Digest>,
        older_than: Duration,
    ) -> Result<ObjectTotals>;
}

/// Refuses what no store takes. For those who write one.
pub fn check_object(digest: Digest, content: &[u8]) -> Result<()> {
    if content.len() > OBJECT_BYTES_MAX {
        let bytes = content.len();
        return Err(Error::Rejected(format!(
            "object {digest:.12} has {bytes} bytes: at most {OBJECT_BYTES_MAX} can be stored"
        )));
    }
    let found = Digest::of(content);
    if found != digest {
        return Err(Error::Rejected(format!(
            "what should be object {digest:.12} has the digest {found:.12}"
        )));
    }
    Ok(())
}
