//! What is known of a store: the pure parts of the protocol say what they must see next, whoever
//! drives them looks, and they decide on what was seen.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use weir_domain::Digest;
use weir_persistence_api::BlobKey;

use crate::envelope::{Content, open};
use crate::epoch::{Epoch, Generation, Slot};
use crate::error::{Error, Result};
use crate::layout::Layout;
use crate::manifest::Manifest;
use crate::record::{Claim, Record};

/// What is to be looked at, or done, before anything else can be decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step<T> {
    /// List what is below these keys.
    List(BTreeSet<BlobKey>),
    /// Read these blobs.
    Read(BTreeSet<BlobKey>),
    /// Create this blob if it is absent, then read it, whoever created it.
    Create(BlobKey, Bytes),
    Done(T),
}

/// Everything that was seen in one pass over a store.
#[derive(Debug, Clone, Default)]
pub struct View {
    lists: BTreeMap<BlobKey, BTreeSet<BlobKey>>,
    blobs: BTreeMap<BlobKey, Option<Bytes>>,
}

/// What stops a decision for now: something is not seen yet.
pub(crate) enum Halt {
    List(BTreeSet<BlobKey>),
    Read(BTreeSet<BlobKey>),
    Create(BlobKey, Bytes),
    Failed(Error),
}

pub(crate) type Seen<T> = std::result::Result<T, Halt>;

impl From<Error> for Halt {
    fn from(it: Error) -> Self {
        Self::Failed(it)
    }
}

/// The answer of a decision that may have been halted.
pub(crate) fn step<T>(seen: Seen<T>) -> Result<Step<T>> {
    match seen {
        Ok(done) => Ok(Step::Done(done)),
        Err(Halt::List(keys)) => Ok(Step::List(keys)),
        Err(Halt::Read(keys)) => Ok(Step::Read(keys)),
        Err(Halt::Create(key, content)) => Ok(Step::Create(key, content)),
        Err(Halt::Failed(error)) => Err(error),
    }
}

impl View {
    pub fn listed(&mut self, parent: BlobKey, keys: impl IntoIterator<Item = BlobKey>) {
        self.lists.insert(parent, keys.into_iter().collect());
    }

    pub fn read(&mut self, key: BlobKey, content: Option<Bytes>) {
        self.blobs.insert(key, content);
    }

    pub(crate) fn lists<const N: usize>(
        &self,
        parents: [&BlobKey; N],
    ) -> Seen<[&BTreeSet<BlobKey>; N]> {
        let unseen: BTreeSet<_> = parents
            .iter()
            .filter(|it| !self.lists.contains_key(**it))
            .map(|it| (*it).clone())
            .collect();
        if !unseen.is_empty() {
            return Err(Halt::List(unseen));
        }
        Ok(parents.map(|it| &self.lists[it]))
    }

    /// Sees that all of these were read, so that they are read at once.
    pub(crate) fn prefetch(&self, keys: impl IntoIterator<Item = BlobKey>) -> Seen<()> {
        let unseen: BTreeSet<_> =
            keys.into_iter().filter(|it| !self.blobs.contains_key(it)).collect();
        if unseen.is_empty() { Ok(()) } else { Err(Halt::Read(unseen)) }
    }

    pub(crate) fn blob(&self, key: &BlobKey) -> Seen<Option<&Bytes>> {
        match self.blobs.get(key) {
            Some(it) => Ok(it.as_ref()),
            None => Err(Halt::Read(BTreeSet::from([key.clone()]))),
        }
    }

    pub(crate) fn content<T: Content>(&self, key: &BlobKey) -> Seen<Option<T>> {
        let Some(bytes) = self.blob(key)? else { return Ok(None) };
        let unreadable = |source| Halt::Failed(Error::Unreadable { key: key.clone(), source });
        open(bytes).map(Some).map_err(unreadable)
    }

    /// The manifest of an epoch, which must be the one that was claimed or named.
    pub(crate) fn manifest(
        &self,
        layout: &Layout,
        epoch: Epoch,
        expected: Digest,
        needed_by: &str,
    ) -> Seen<Manifest> {
        let key = layout.manifest(epoch);
        let needed_by = || needed_by.to_owned();
        let missing = || Error::Missing { key: key.clone(), needed_by: needed_by() };
        let found = Digest::of(self.blob(&key)?.ok_or_else(missing)?);
        if found != expected {
            let needed_by = needed_by();
            return Err(Error::Replaced { key, found, expected, needed_by }.into());
        }
        let manifest: Manifest = self.content(&key)?.ok_or_else(missing)?;
        if manifest.epoch != epoch || manifest.job != *layout.job() {
            let reason = format!("it is of epoch {} of {}", manifest.epoch, manifest.job);
            return Err(Error::Misplaced { key, reason }.into());
        }
        Ok(manifest)
    }
}

/// The log as far as it reaches without a gap, from its end backwards.
pub(crate) struct Log {
    pub(crate) first: Slot,
    /// The slot that is free.
    pub(crate) end: Slot,
}

/// How many records are read at once.
const RECORDS_AT_ONCE: u64 = 16;

impl Log {
    /// Finds the end: the list says where to begin to look, and the slots say where it is. What a
    /// list has left out at its end is so found all the same.
    pub(crate) fn find(layout: &Layout, view: &View) -> Seen<Self> {
        let mut end = Self::listed_end(layout, view)?;
        let [listed] = view.lists([&layout.log()])?;
        let mut first = end;
        while first.0 > 1 && listed.contains(&layout.slot(Slot(first.0 - 1))) {
            first = Slot(first.0 - 1);
        }
        while view.blob(&layout.slot(end))?.is_some() {
            end = end.next();
        }
        Ok(Self { first, end })
    }

    /// The slot behind those that were listed.
    pub(crate) fn listed_end(layout: &Layout, view: &View) -> Seen<Slot> {
        let [listed] = view.lists([&layout.log()])?;
        let last = listed.iter().filter_map(|it| layout.read_slot(it)).max();
        Ok(last.map_or(Slot(1), Slot::next))
    }

    /// The records from the newest backwards. Only those that are asked for are read.
    pub(crate) fn backwards<'a>(
        &self,
        layout: &'a Layout,
        view: &'a View,
    ) -> impl Iterator<Item = Seen<(Slot, Record)>> + use<'a> {
        let first = self.first;
        let slots = (first.0..self.end.0).rev().map(Slot);
        let mut newer: Option<Claim> = None;
        slots.map(move |slot| {
            let ahead = slot.0.saturating_sub(RECORDS_AT_ONCE - 1).max(first.0)..=slot.0;
            let key = layout.slot(slot);
            if view.blob(&key).is_err() {
                view.prefetch(ahead.map(|it| layout.slot(Slot(it))))?;
            }
            let missing =
                || Error::Missing { key: key.clone(), needed_by: "the log behind it".to_owned() };
            let record: Record = view.content(&key)?.ok_or_else(missing)?;
            if let Some(newer) = &newer {
                check_order(&key, &record, newer)?;
            }
            if let Record::Claim(claim) = &record {
                newer = Some(claim.clone());
            }
            Ok((slot, record))
        })
    }
}

/// Claims come in the order of their epochs, each before any later generation takes over. A
/// takeover behind that of a later generation is void: its writer was late, and knows by now.
fn check_order(key: &BlobKey, record: &Record, newer: &Claim) -> Result<()> {
    let reason = match record {
        Record::Takeover(it) if it.generation > newer.epoch.generation => {
            format!(
                "generation {} took over, and epoch {} is claimed behind it",
                it.generation, newer.epoch
            )
        }
        Record::Claim(it) if it.epoch >= newer.epoch => {
            format!("epoch {} is claimed before epoch {}", it.epoch, newer.epoch)
        }
        Record::Takeover(_) | Record::Claim(_) => return Ok(()),
    };
    Err(Error::Misplaced { key: key.clone(), reason })
}

/// The latest generation of a list.
pub(crate) fn latest(layout: &Layout, listed: &BTreeSet<BlobKey>) -> Generation {
    listed.iter().filter_map(|it| layout.read_generation(it)).max().unwrap_or_default()
}
