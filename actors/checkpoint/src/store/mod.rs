//! The protocol on a store of blobs: the one asynchronous part of this room.
//!
//! It looks where the pure parts want to look, and does what they want done. What fails in passing
//! is tried again a few times; a creation whose answer was lost is read back. What fails for good
//! is an error, and the effect is outstanding still: no data is lost by it, and no epoch is the
//! truth that isn't in the log.

mod crash;
mod group;
mod retry;

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use futures::future::try_join_all;
use weir_domain::{Digest, SavepointName, Timestamp};
use weir_persistence_api::{self as persistence, BlobKey, BlobStore};

use crate::collect::{Garbage, Retention, collect};
use crate::coordinator::{Effect, Stored};
use crate::envelope::{open, seal};
use crate::epoch::{Epoch, Generation};
use crate::error::{Error, Result};
use crate::layout::Layout;
use crate::manifest::{EpochKind, Manifest, PartRef};
use crate::record::{Claim, Cleared, GenerationRecord, Record, Savepoint, Writer};
use crate::recover::{self, Recovered, Recovery, RestoreFrom};
use crate::view::{Step, View};

pub use crash::{CrashPoint, reach};
pub use group::Group;
pub use retry::Retry;

/// How many blobs are read or deleted at once.
const AT_ONCE: usize = 16;
/// How many generations before the restored one's are looked at for what they may have left.
const LOOK_BACK: u32 = 16;

/// The checkpoints of one job.
#[derive(Clone)]
pub struct Checkpoints {
    store: Arc<dyn BlobStore>,
    layout: Layout,
    retry: Retry,
}

impl Checkpoints {
    pub fn new(store: Arc<dyn BlobStore>, layout: Layout, retry: Retry) -> Self {
        Self { store, layout, retry }
    }

    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Becomes the job's coordinator: whoever was it before can claim nothing any more.
    pub async fn recover(&self, writer: &Writer, from: &RestoreFrom) -> Result<Recovered> {
        let (layout, from) = (self.layout.clone(), from.clone());
        let mut recovery = Recovery::new(layout, writer.clone(), from);
        loop {
            let step = recovery.advance()?;
            if let Some(recovered) = self.look(step, recovery.view()).await? {
                return Ok(recovered);
            }
        }
    }

    /// Who coordinated the job before, since what was restored was decided or somebody has cleared
    /// away last, and some before that: what they have staged and nobody claimed may be left. One that
    /// was deposed, and did not know it yet, may have staged something after its successor had looked.
    pub async fn predecessors(&self, recovered: &Recovered) -> Result<Vec<Writer>> {
        let restored = recovered.manifest.as_ref().map_or(1, |it| it.epoch.generation.0);
        let key = self.layout.cleared();
        let cleared = self.get(&key).await?;
        let cleared = cleared.map(|it| open_at::<Cleared>(&key, &it)).transpose()?;
        let since = cleared.map_or(restored, |it| it.generation.0.max(restored));
        let first = since.saturating_sub(LOOK_BACK).max(1);
        let keys = (first..recovered.generation.0).map(|it| self.layout.generation(Generation(it)));
        let keys: Vec<_> = keys.collect();
        let mut writers = Vec::new();
        for keys in keys.chunks(AT_ONCE) {
            let found = self.get_all(keys).await?;
            for (key, content) in keys.iter().zip(found) {
                let needed_by = format!("generation {}", recovered.generation);
                let missing = || Error::Missing { key: key.clone(), needed_by };
                let record: GenerationRecord = open_at(key, &content.ok_or_else(missing)?)?;
                writers.push(record.writer);
            }
        }
        Ok(writers)
    }

    /// Takes down that nothing is left of all who coordinated before: however many lives end without
    /// a claim, each has to look after few of them.
    pub async fn cleared(&self, recovered: &Recovered) -> Result<()> {
        let cleared = Cleared { generation: recovered.generation };
        self.put(&self.layout.cleared(), seal(&cleared)).await
    }

    /// Does what an effect wants of the store, and returns the answer for the coordinator. Effects
    /// that want nothing of the store have none.
    pub async fn perform(&self, effect: &Effect) -> Result<Option<Stored>> {
        Ok(Some(match effect {
            Effect::StoreManifest { epoch, content } => {
                self.store_manifest(*epoch, content.clone()).await?
            }
            Effect::Append { slot, record } => {
                let key = self.layout.slot(*slot);
                reach(CrashPoint::BeforeClaim);
                let found = self.create(&key, seal(record)).await?;
                reach(CrashPoint::AfterClaim);
                let record: Record = open_at(&key, &found)?;
                Stored::Slot { slot: *slot, record }
            }
            Effect::CheckGeneration { epoch, later } => {
                Stored::Generation { epoch: *epoch, later: self.generation(*later).await? }
            }
            Effect::Mark(marker) => {
                let key = self.layout.marker(marker.epoch);
                reach(CrashPoint::BeforeMarker);
                let found = open_at(&key, &self.create(&key, seal(marker)).await?)?;
                if *marker != found {
                    let reason = "it marks another manifest than was published".to_owned();
                    return Err(Error::Misplaced { key, reason });
                }
                Stored::Marked { epoch: marker.epoch }
            }
            Effect::Name(savepoint) => {
                let key = self.layout.savepoint(&savepoint.name);
                let found: Savepoint = open_at(&key, &self.create(&key, seal(savepoint)).await?)?;
                Stored::Named { name: savepoint.name.clone(), is_new: found == *savepoint }
            }
            Effect::Announce { .. }
            | Effect::Aligned { .. }
            | Effect::Abandon { .. }
            | Effect::Claimed { .. }
            | Effect::Publish(_)
            | Effect::Committed { .. }
            | Effect::Named(_)
            | Effect::Refused { .. }
            | Effect::Over { .. }
            | Effect::Deposed { .. } => return Ok(None),
        }))
    }

    async fn store_manifest(&self, epoch: Epoch, content: Bytes) -> Result<Stored> {
        let key = self.layout.manifest(epoch);
        reach(CrashPoint::BeforeManifest);
        match self.create(&key, content.clone()).await {
            Ok(found) if found == content => Ok(Stored::Manifest { epoch }),
            Ok(_) => {
                let reason = "another manifest lies there already".to_owned();
                Err(Error::Misplaced { key, reason })
            }
            Err(Error::Store(persistence::Error::Rejected(reason))) => {
                Ok(Stored::ManifestRefused { epoch, reason })
            }
            Err(error) => Err(error),
        }
    }

    async fn generation(&self, generation: Generation) -> Result<Option<Generation>> {
        let found = self.get(&self.layout.generation(generation)).await?;
        Ok(found.map(|_| generation))
    }

    /// Deletes what nobody needs any more.
    pub async fn collect(&self, retention: &Retention) -> Result<Garbage> {
        let mut view = View::default();
        let garbage = loop {
            let step = collect(&self.layout, retention, &view)?;
            if let Some(garbage) = self.look(step, &mut view).await? {
                break garbage;
            }
        };
        // G4: one after the other, as long as some refer to others.
        let is_named = |it: &&BlobKey| self.layout.is_named_by_manifests(it);
        for key in garbage.keys.iter().filter(|it| !is_named(it)) {
            reach(CrashPoint::DuringCollection);
            self.delete(key).await?;
        }
        let blobs: Vec<_> = garbage.keys.iter().filter(is_named).collect();
        for keys in blobs.chunks(AT_ONCE) {
            let mut deletions = Vec::with_capacity(keys.len());
            for key in keys {
                deletions.push(self.delete(key));
            }
            try_join_all(deletions).await?;
        }
        Ok(garbage)
    }

    /// Stores a part of a table, or staged output, under its key of the [`Layout`]. May be repeated.
    pub async fn put(&self, key: &BlobKey, content: Bytes) -> Result<()> {
        let put = || self.store.blob_put(key, content.clone());
        Ok(self.retry.run(put).await?)
    }

    /// A part of a table, which is the one that the manifest names.
    pub async fn part(&self, part: &PartRef) -> Result<Bytes> {
        let needed_by = "a table of the checkpoint".to_owned();
        let missing = || Error::Missing { key: part.key.clone(), needed_by };
        let content = self.get(&part.key).await?.ok_or_else(missing)?;
        let (found, expected) = (crc32fast::hash(&content), part.checksum);
        if found != expected {
            let source = crate::Unreadable::Damaged { found, expected };
            return Err(Error::Unreadable { key: part.key.clone(), source });
        }
        Ok(content)
    }

    /// Staged output that a commit reads.
    pub async fn staged(&self, key: &BlobKey) -> Result<Bytes> {
        let needed_by = "the commit of an epoch".to_owned();
        self.get(key).await?.ok_or_else(|| Error::Missing { key: key.clone(), needed_by })
    }

    /// The newest claimed epoch, for those who only look: somebody may claim another one meanwhile.
    pub async fn newest(&self) -> Result<Option<(Claim, Manifest)>> {
        let mut view = View::default();
        let claim = loop {
            let step = recover::look(&self.layout, &view)?;
            if let Some(found) = self.look(step, &mut view).await? {
                break found;
            }
        };
        let Some(claim) = claim else { return Ok(None) };
        let by = format!("the claim of epoch {}", claim.epoch);
        let manifest = self.manifest(claim.epoch, claim.manifest, by).await?;
        Ok(Some((claim, manifest)))
    }

    /// The manifest of an epoch, which must be the one that was claimed or named.
    async fn manifest(
        &self,
        epoch: Epoch,
        expected: Digest,
        needed_by: String,
    ) -> Result<Manifest> {
        let key = self.layout.manifest(epoch);
        let Some(content) = self.get(&key).await? else {
            return Err(Error::Missing { key, needed_by });
        };
        let found = Digest::of(&content);
        if found != expected {
            return Err(Error::Replaced { key, found, expected, needed_by });
        }
        open_at(&key, &content)
    }

    /// All savepoints, by name. One that can't be read says why.
    pub async fn savepoints(&self) -> Result<Vec<(SavepointName, Result<Savepoint>)>> {
        let parent = self.layout.savepoints();
        let list = || self.store.blob_list(&parent);
        let mut savepoints = Vec::new();
        for entry in self.retry.run(list).await? {
            let Some(name) = self.layout.read_savepoint(&entry.key) else { continue };
            if let Some(content) = self.get(&entry.key).await? {
                savepoints.push((name, open_at(&entry.key, &content)));
            }
        }
        Ok(savepoints)
    }

    /// What a savepoint consists of.
    pub async fn savepoint(&self, name: &SavepointName) -> Result<(Savepoint, Manifest)> {
        let key = self.layout.savepoint(name);
        let Some(content) = self.get(&key).await? else {
            return Err(self.no_savepoint(name).await?);
        };
        let savepoint: Savepoint = open_at(&key, &content)?;
        let by = format!("savepoint {name}");
        let manifest = self.manifest(savepoint.epoch, savepoint.manifest, by).await?;
        Ok((savepoint, manifest))
    }

    /// Gives the last epoch of a job that is over a name; `false`: it is not over. Nobody coordinates it
    /// any more who could.
    pub async fn savepoint_of_end(&self, name: &SavepointName, at: Timestamp) -> Result<bool> {
        let Some((claim, manifest)) = self.newest().await? else { return Ok(false) };
        if claim.kind != EpochKind::Final {
            return Ok(false);
        }
        let Claim { epoch, manifest: digest, .. } = claim;
        let (name, plan) = (name.clone(), manifest.plan);
        let savepoint = Savepoint { name, epoch, manifest: digest, plan, taken_at: at };
        let key = self.layout.savepoint(&savepoint.name);
        let found: Savepoint = open_at(&key, &self.create(&key, seal(&savepoint)).await?)?;
        Ok(found.epoch == savepoint.epoch)
    }

    /// Deletes the name. What only it kept goes with the next collection.
    pub async fn savepoint_delete(&self, name: &SavepointName) -> Result<()> {
        let key = self.layout.savepoint(name);
        if self.get(&key).await?.is_none() {
            return Err(self.no_savepoint(name).await?);
        }
        self.delete(&key).await
    }

    async fn no_savepoint(&self, name: &SavepointName) -> Result<Error> {
        let there = self.savepoints().await?.into_iter().map(|it| it.0).collect();
        Ok(Error::NoSavepoint { name: name.clone(), there })
    }

    /// Looks where a step wants to; what was decided, if there was nothing to look at.
    async fn look<T>(&self, step: Step<T>, view: &mut View) -> Result<Option<T>> {
        match step {
            Step::Done(done) => return Ok(Some(done)),
            Step::Create(key, content) => {
                let found = self.create(&key, content).await?;
                view.read(key, Some(found));
            }
            Step::List(keys) => {
                for key in keys {
                    let entries = self.retry.run(|| self.store.blob_list(&key)).await?;
                    view.listed(key, entries.into_iter().map(|it| it.key));
                }
            }
            Step::Read(keys) => self.read(keys, view).await?,
        }
        Ok(None)
    }

    async fn read(&self, keys: BTreeSet<BlobKey>, view: &mut View) -> Result<()> {
        let keys: Vec<_> = keys.into_iter().collect();
        for keys in keys.chunks(AT_ONCE) {
            let found = self.get_all(keys).await?;
            keys.iter().zip(found).for_each(|(key, found)| view.read(key.clone(), found));
        }
        Ok(())
    }

    /// Creates a blob if it is absent, and returns what is there. An answer that was lost is asked
    /// for again: what is there then is ours, or it isn't.
    async fn create(&self, key: &BlobKey, content: Bytes) -> Result<Bytes> {
        let content = &content;
        let create = || async move {
            if self.store.blob_create(key, content.clone()).await? {
                return Ok(content.clone());
            }
            let gone = || persistence::Error::Unavailable(format!("{key} was deleted just now"));
            self.store.blob_get(key).await?.ok_or_else(gone)
        };
        Ok(self.retry.run(create).await?)
    }

    /// Those that are there, in the order of the keys.
    async fn get_all(&self, keys: &[BlobKey]) -> Result<Vec<Option<Bytes>>> {
        // A closure over references would keep the future from being sent to another thread.
        let mut reads = Vec::with_capacity(keys.len());
        for key in keys {
            reads.push(self.get(key));
        }
        try_join_all(reads).await
    }

    async fn get(&self, key: &BlobKey) -> Result<Option<Bytes>> {
        Ok(self.retry.run(|| self.store.blob_get(key)).await?)
    }

    async fn delete(&self, key: &BlobKey) -> Result<()> {
        Ok(self.retry.run(|| self.store.blob_delete(key)).await?)
    }
}

fn open_at<T: crate::envelope::Content>(key: &BlobKey, content: &[u8]) -> Result<T> {
    open(content).map_err(|source| Error::Unreadable { key: key.clone(), source })
}

#[cfg(test)]
mod tests;
