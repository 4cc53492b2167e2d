//! Objects in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use weir_domain::{Digest, Timestamp};

use super::MemoryStore;
use crate::{Fence, ObjectStore, ObjectTotals, Result, check_object};

#[derive(Default)]
pub(super) struct Objects(BTreeMap<Digest, Stored>);

struct Stored {
    content: Bytes,
    touched_at: Timestamp,
}

impl Objects {
    fn put(&mut self, digest: Digest, content: Bytes, now: Timestamp) -> bool {
        self.0.insert(digest, Stored { content, touched_at: now }).is_none()
    }

    fn missing(&mut self, digests: &BTreeSet<Digest>, now: Timestamp) -> BTreeSet<Digest> {
        let is_missing = |digest: &&Digest| match self.0.get_mut(digest) {
            Some(stored) => {
                stored.touched_at = now;
                false
            }
            None => true,
        };
        digests.iter().filter(is_missing).copied().collect()
    }

    fn totals(&self) -> ObjectTotals {
        ObjectTotals {
            objects: self.0.len() as u64,
            bytes: self.0.values().map(|it| it.content.len() as u64).sum(),
        }
    }

    fn sweep(
        &mut self,
        keep: &BTreeSet<Digest>,
        is_old: impl Fn(Timestamp) -> bool,
    ) -> ObjectTotals {
        let before = self.totals();
        self.0.retain(|digest, it| keep.contains(digest) || !is_old(it.touched_at));
        let after = self.totals();
        ObjectTotals { objects: before.objects - after.objects, bytes: before.bytes - after.bytes }
    }
}

#[async_trait]
impl ObjectStore for MemoryStore {
    async fn object_put(&self, digest: Digest, content: Bytes) -> Result<bool> {
        check_object(digest, &content)?;
        let now = self.clock.now();
        self.write(|state| Ok(state.objects.put(digest, content, now))).await
    }

    async fn object_get(&self, digest: Digest) -> Result<Option<Bytes>> {
        self.read(|state| Ok(state.objects.0.get(&digest).map(|it| it.content.clone()))).await
    }

    async fn object_missing(&self, digests: &BTreeSet<Digest>) -> Result<BTreeSet<Digest>> {
        let now = self.clock.now();
        self.write(|state| Ok(state.objects.missing(digests, now))).await
    }

    async fn object_totals(&self) -> Result<ObjectTotals> {
        self.read(|state| Ok(state.objects.totals())).await
    }

    async fn object_sweep(
        &self,
        fence: &Fence,
        keep: &BTreeSet<Digest>,
        older_than: Duration,
    ) -> Result<ObjectTotals> {
        let now = self.clock.now();
        self.write(|state| {
            state.leases.check(fence)?;
            Ok(state.objects.sweep(keep, |touched_at| now.since(touched_at) >= older_than))
        })
        .await
    }
}
