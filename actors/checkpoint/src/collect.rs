//! Garbage collection: which blobs of a job nobody needs any more.
//!
//! ```text
//! roots: unmarked claims, the newest marked ones, savepoints, pins ─► their manifests ─► all blobs
//! that these name; what no root names, and nobody can name any more, is garbage
//! ```
//!
//! Invariants:
//! - G1: what a root names stays, however old it is: parts of state, staged output, the blobs of
//!   uploads that are still open.
//! - G2: what the running generation may still name stays: its blobs of epochs that are not claimed.
//! - G3: nothing is deleted on doubt. A root that can't be read, a log that is shorter than it was,
//!   or a later generation ends the collection, and it deletes nothing.
//! - G4: who refers is deleted before what it refers to, the oldest first, so that a collection
//!   which is interrupted leaves garbage, and no dangling reference.
//!
//! What isn't this job's by its key is left alone, and counted.

use std::collections::{BTreeMap, BTreeSet};

use weir_domain::Digest;
use weir_persistence_api::BlobKey;

use crate::epoch::{Epoch, Generation, Slot};
use crate::error::{Error, Result};
use crate::layout::{Area, Layout};
use crate::record::{Record, Savepoint};
use crate::view::{Log, Seen, Step, View, latest, step};

/// What is kept, and what is known by the one that collects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retention {
    /// How many of the newest epochs that are published stay restorable; at least one does.
    pub epochs: usize,
    /// The generation of the one that collects.
    pub generation: Generation,
    /// Where its next claim goes: the log reaches at least to there.
    pub slot: Slot,
    /// What it restored or has yet to name ([`Coordinator::pins`](crate::Coordinator::pins)).
    pub pins: BTreeSet<Epoch>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Garbage {
    /// In the order in which they are to be deleted.
    pub keys: Vec<BlobKey>,
    /// Epochs that stay restorable.
    pub kept: BTreeSet<Epoch>,
    /// Blobs below the job that no part of it would have put there.
    pub strange: Vec<BlobKey>,
}

/// What to look at next, or what is garbage. It needs a fresh view.
pub fn collect(layout: &Layout, retention: &Retention, view: &View) -> Result<Step<Garbage>> {
    step(find(layout, retention, view))
}

fn find(layout: &Layout, retention: &Retention, view: &View) -> Seen<Garbage> {
    let (state, staged) = (layout.area(Area::State), layout.area(Area::Staged));
    // The blobs are listed before anything else is seen: whoever put one of them has said so in
    // what is looked at behind it, and what is put since then is in no list.
    view.lists([&state, &staged, &layout.manifests()])?;
    let (others, log) = ([layout.markers(), layout.savepoints()], layout.log());
    let [generations, markers, ..] =
        view.lists([&layout.generations(), &others[0], &others[1], &log])?;
    let latest = latest(layout, generations);
    if latest > retention.generation {
        return Err(Error::Deposed { by: latest }.into());
    }
    let [manifests] = view.lists([&layout.manifests()])?;
    let roots = Roots::find(layout, retention, view)?;
    let named = roots.named(layout, view)?;
    let is_current = |it: Epoch| {
        it.generation == retention.generation && roots.newest.is_none_or(|newest| it > newest)
    };
    let is_garbage = |epoch: Epoch, key: &BlobKey| !is_current(epoch) && !named.contains(key);

    let mut garbage =
        Garbage { kept: roots.epochs.keys().copied().collect(), ..roots.garbage(layout, view)? };
    for (parent, listed) in [(layout.markers(), markers), (layout.manifests(), manifests)] {
        for key in listed {
            match Layout::read_epoch(key, &parent) {
                Some(epoch) if garbage.kept.contains(&epoch) || is_current(epoch) => {}
                Some(_) => garbage.keys.push(key.clone()),
                None => garbage.strange.push(key.clone()),
            }
        }
    }
    for (area, parent) in [(Area::State, state), (Area::Staged, staged)] {
        let [listed] = view.lists([&parent])?;
        for key in listed {
            match layout.read_area(key, area) {
                Some(epoch) if is_garbage(epoch, key) => garbage.keys.push(key.clone()),
                Some(_) => {}
                None => garbage.strange.push(key.clone()),
            }
        }
    }
    Ok(garbage)
}

struct Roots {
    /// The digests of their manifests, and who says so; none for pins, whose digest nobody says.
    epochs: BTreeMap<Epoch, Option<(Digest, String)>>,
    newest: Option<Epoch>,
    /// The oldest slot that stays.
    first: Slot,
}

impl Roots {
    fn find(layout: &Layout, retention: &Retention, view: &View) -> Seen<Self> {
        let log = Log::find(layout, view)?;
        if log.end < retention.slot {
            let expected = Slot(retention.slot.0.saturating_sub(1));
            return Err(Error::LogBehind { found: Slot(log.end.0 - 1), expected }.into());
        }
        let [markers, savepoints] = view.lists([&layout.markers(), &layout.savepoints()])?;
        let pins = retention.pins.iter().map(|it| (*it, None));
        let mut roots = Self { epochs: pins.collect(), newest: None, first: Slot(1) };
        let mut marked = 0;
        for entry in log.backwards(layout, view) {
            let (slot, Record::Claim(claim)) = entry? else { continue };
            roots.newest = roots.newest.max(Some(claim.epoch));
            let by = format!("the claim of epoch {}", claim.epoch);
            roots.epochs.insert(claim.epoch, Some((claim.manifest, by)));
            marked += usize::from(markers.contains(&layout.marker(claim.epoch)));
            if marked >= retention.epochs.max(1) {
                roots.first = slot;
                break;
            }
        }
        view.prefetch(savepoints.iter().cloned())?;
        for key in savepoints.iter().filter(|it| layout.read_savepoint(it).is_some()) {
            // One that was deleted since the list was made is none any more.
            let Some(it) = view.content::<Savepoint>(key)? else { continue };
            roots.epochs.insert(it.epoch, Some((it.manifest, format!("savepoint {}", it.name))));
        }
        Ok(roots)
    }

    /// G1.
    fn named(&self, layout: &Layout, view: &View) -> Seen<BTreeSet<BlobKey>> {
        view.prefetch(self.epochs.keys().map(|it| layout.manifest(*it)))?;
        let mut named = BTreeSet::new();
        for (epoch, by) in &self.epochs {
            let key = layout.manifest(*epoch);
            let manifest = match by {
                Some((digest, by)) => view.manifest(layout, *epoch, *digest, by)?,
                None => {
                    let needed_by = format!("the running pipeline, which stands on {epoch}");
                    let missing = || Error::Missing { key: key.clone(), needed_by };
                    view.content(&key)?.ok_or_else(missing)?
                }
            };
            named.extend(manifest.blobs().into_iter().cloned());
        }
        Ok(named)
    }

    /// The log before the oldest claim that stays.
    fn garbage(&self, layout: &Layout, view: &View) -> Seen<Garbage> {
        let mut garbage = Garbage::default();
        let [log] = view.lists([&layout.log()])?;
        for key in log {
            match layout.read_slot(key) {
                Some(slot) if slot < self.first => garbage.keys.push(key.clone()),
                Some(_) => {}
                None => garbage.strange.push(key.clone()),
            }
        }
        Ok(garbage)
    }
}

#[cfg(test)]
mod tests;
