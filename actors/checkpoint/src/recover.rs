//! Recovery: to become the coordinator of a job, and to find what a restart begins from.
//!
//! ```text
//! create my generation ─► find the end of the log ─► append my takeover ─► read back to the last
//! marker ─► what to restore, what to publish again, what to abort
//! ```
//!
//! Invariants:
//! - R1: behind my takeover in the log, no earlier generation claims anything.
//! - R2: the newest claimed epoch is restored, unless another is asked for. An epoch whose
//!   manifest is stored, and which nobody claimed, is as if it had never been.
//! - R3: whatever was claimed and not marked is published again, oldest first, also if an older
//!   epoch is restored: it was decided.
//! - R4: what can't be read, is missing or contradicts itself ends the recovery: it never guesses,
//!   and never begins from nothing where there was something.
//! - R5: an order is followed until an epoch is claimed that follows it, and by none behind that
//!   one again. The claims in the log tell which do, so an order that was carried out half by a life
//!   that died is carried out anew.

use std::collections::{BTreeMap, BTreeSet};

use weir_domain::{Digest, SavepointName, StageId};
use weir_persistence_api::BlobKey;

use crate::envelope::{Content, seal};
use crate::epoch::{Epoch, Generation, Slot};
use crate::error::{Error, Result};
use crate::group::{Begin, Order};
use crate::layout::Layout;
use crate::manifest::{EpochKind, Manifest, Upload};
use crate::permit::CommitPermit;
use crate::record::{Claim, GenerationRecord, Marker, Record, Savepoint, Writer};
use crate::view::{Halt, Log, Seen, Step, View, latest, step};

/// What a restart is to begin from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum RestoreFrom {
    /// The newest claimed epoch; nothing, if there never was one.
    #[default]
    Newest,
    /// An epoch that is still retained.
    Epoch(Epoch),
    Savepoint(SavepointName),
    /// What this order says, unless the newest claimed epoch follows it already.
    Ordered(Box<Order>),
}

#[derive(Debug, Clone, PartialEq)]
pub struct Recovered {
    pub generation: Generation,
    /// Where the next claim goes.
    pub slot: Slot,
    /// What to restore; nothing, if the job never claimed an epoch.
    pub manifest: Option<Manifest>,
    /// What was decided, and is to be published (again) before anything else, oldest first.
    pub unpublished: Vec<CommitPermit>,
    /// Uploads that no restored stage goes on with. A sink aborts these, and beyond them all of its
    /// staging by generations before this one that the restored manifest does not name.
    pub aborted: BTreeMap<StageId, BTreeSet<Upload>>,
    /// The job has committed its tail: there is nothing left to do but to publish.
    pub is_over: bool,
    /// The newest order that it follows; 0 where none was given.
    pub order: u32,
    /// That order has chosen what is restored: no claimed epoch follows it yet.
    pub is_ordered: bool,
}

/// How often a recovery begins to look again.
const LOOKS_MAX: u32 = 4;

/// A recovery under way: it says where to look, is shown what is there, and goes on.
#[derive(Debug, Clone)]
pub struct Recovery {
    layout: Layout,
    writer: Writer,
    from: RestoreFrom,
    view: View,
    looks: u32,
    /// What an earlier look has created. Another recovery never has it, whatever its writer says.
    generation: Option<Generation>,
}

impl Recovery {
    pub fn new(layout: Layout, writer: Writer, from: RestoreFrom) -> Self {
        let (view, looks, generation) = (View::default(), 1, None);
        Self { layout, writer, from, view, looks, generation }
    }

    /// What to look at next, or what was found.
    pub fn advance(&mut self) -> Result<Step<Recovered>> {
        match step(self.find()) {
            // The one before may still mark and collect what it had decided, and so take away what
            // was listed just now. It can claim nothing more, so that comes to an end.
            Err(Error::Missing { .. }) if self.looks < LOOKS_MAX => {
                self.looks += 1;
                self.generation = self.generation().ok();
                self.view = View::default();
                self.advance()
            }
            found => found,
        }
    }

    /// Where to put what was seen.
    pub fn view(&mut self) -> &mut View {
        &mut self.view
    }

    fn generation(&self) -> Seen<Generation> {
        match self.generation {
            Some(it) => Ok(it),
            None => take_generation(&self.layout, &self.writer, &self.view),
        }
    }

    fn find(&self) -> Seen<Recovered> {
        let Self { layout, writer, from, view, .. } = self;
        find(layout, self.generation()?, writer, from, view)
    }
}

fn find(
    layout: &Layout,
    generation: Generation,
    writer: &Writer,
    from: &RestoreFrom,
    view: &View,
) -> Seen<Recovered> {
    let takeover = Record::Takeover(GenerationRecord { generation, writer: writer.clone() });
    let slot = take_over(layout, &takeover, view)?;
    // A writer that slept may have appended in a gap that a later one has swept.
    let later = layout.generation(generation.next());
    if view.blob(&later)?.is_some() {
        return Err(Error::Deposed { by: generation.next() }.into());
    }
    let claims = unmarked(layout, view)?;
    let restored = restored(layout, from, &claims, view)?;
    let manifests = claims.claims.iter().map(|it| layout.manifest(it.epoch));
    view.prefetch(manifests.chain(restored.iter().map(|it| layout.manifest(it.0))))?;
    let manifest = match &restored {
        Some((epoch, digest, by)) => Some(view.manifest(layout, *epoch, *digest, by)?),
        None => None,
    };
    let mut unpublished = Vec::new();
    for claim in claims.unpublished() {
        let needed_by = format!("the commit of epoch {}", claim.epoch);
        let manifest = view.manifest(layout, claim.epoch, claim.manifest, &needed_by)?;
        unpublished.push(CommitPermit::of(generation, claim, &manifest));
    }
    let aborted = aborted(layout, manifest.as_ref(), generation, view)?;
    let followed = claims.claims.first().map_or(0, |it| it.order);
    let (order, is_ordered, is_newest) = match from {
        RestoreFrom::Newest => (followed, false, true),
        RestoreFrom::Epoch(_) | RestoreFrom::Savepoint(_) => (followed, false, false),
        RestoreFrom::Ordered(it) if followed >= it.number => (followed, false, true),
        RestoreFrom::Ordered(it) => (it.number, true, it.begin == Begin::Newest),
    };
    let is_over = is_newest && manifest.as_ref().is_some_and(|it| it.kind == EpochKind::Final);
    Ok(Recovered { generation, slot, manifest, unpublished, aborted, is_over, order, is_ordered })
}

/// The newest claim of a job, for those who only look.
pub(crate) fn look(layout: &Layout, view: &View) -> Result<Step<Option<Claim>>> {
    step(newest_claim(layout, view))
}

fn newest_claim(layout: &Layout, view: &View) -> Seen<Option<Claim>> {
    for entry in Log::find(layout, view)?.backwards(layout, view) {
        if let (_, Record::Claim(claim)) = entry? {
            return Ok(Some(claim));
        }
    }
    Ok(None)
}

/// Creates the record of the next generation. Whoever finds it taken has lost.
fn take_generation(layout: &Layout, writer: &Writer, view: &View) -> Seen<Generation> {
    let [listed] = view.lists([&layout.generations()])?;
    let generation = latest(layout, listed).next();
    let key = layout.generation(generation);
    let record = GenerationRecord { generation, writer: writer.clone() };
    match create(&key, &record, view)? {
        it if it == record => Ok(generation),
        other => Err(Error::Deposed { by: other.generation }.into()),
    }
}

/// R1. Returns the slot behind the takeover.
fn take_over(layout: &Layout, takeover: &Record, view: &View) -> Seen<Slot> {
    let mut slot = Log::listed_end(layout, view)?;
    loop {
        let found = create(&layout.slot(slot), takeover, view)?;
        slot = slot.next();
        if found == *takeover {
            return Ok(slot);
        }
        if found.generation() > takeover.generation() {
            return Err(Error::Deposed { by: found.generation() }.into());
        }
        // The last claim of the generation before came first, and is a claim like all others.
    }
}

fn create<T: Content>(key: &BlobKey, wanted: &T, view: &View) -> Seen<T> {
    match view.content(key) {
        Ok(Some(found)) => Ok(found),
        Ok(None) | Err(Halt::Read(_)) => Err(Halt::Create(key.clone(), seal(wanted))),
        Err(other) => Err(other),
    }
}

/// The claims that are needed, newest first: all that have no marker, and the newest that has.
struct Claims {
    claims: Vec<Claim>,
    is_last_marked: bool,
    /// What else is in the log, as far as it was read.
    seen: Vec<Epoch>,
}

impl Claims {
    /// R3: oldest first.
    fn unpublished(&self) -> impl Iterator<Item = &Claim> {
        self.claims.iter().rev().skip(usize::from(self.is_last_marked))
    }
}

fn unmarked(layout: &Layout, view: &View) -> Seen<Claims> {
    let [markers] = view.lists([&layout.markers()])?;
    let mut claims = Claims { claims: Vec::new(), is_last_marked: false, seen: Vec::new() };
    for entry in Log::find(layout, view)?.backwards(layout, view) {
        let (_, Record::Claim(claim)) = entry? else { continue };
        claims.seen.push(claim.epoch);
        let key = layout.marker(claim.epoch);
        claims.is_last_marked = markers.contains(&key);
        if claims.is_last_marked {
            check_marker(&key, &claim, view)?;
        }
        claims.claims.push(claim);
        if claims.is_last_marked {
            break;
        }
    }
    Ok(claims)
}

/// A marker of other content than the claim's says that something else was published.
fn check_marker(key: &BlobKey, claim: &Claim, view: &View) -> Seen<()> {
    let Some(marker) = view.content::<Marker>(key)? else { return Ok(()) };
    if marker == (Marker { epoch: claim.epoch, manifest: claim.manifest }) {
        return Ok(());
    }
    let reason = format!(
        "it marks manifest {:.12} of epoch {}, and manifest {:.12} of epoch {} was claimed",
        marker.manifest, marker.epoch, claim.manifest, claim.epoch
    );
    Err(Error::Misplaced { key: key.clone(), reason }.into())
}

/// The epoch to restore, the digest of its manifest, and who says so.
type Restored = Option<(Epoch, Digest, String)>;

fn restored(layout: &Layout, from: &RestoreFrom, claims: &Claims, view: &View) -> Seen<Restored> {
    match from {
        RestoreFrom::Newest => Ok(newest(claims)),
        RestoreFrom::Epoch(epoch) => {
            let mut there = Vec::new();
            for entry in Log::find(layout, view)?.backwards(layout, view) {
                let (_, Record::Claim(claim)) = entry? else { continue };
                if claim.epoch == *epoch {
                    let by = format!("the claim of epoch {epoch}");
                    return Ok(Some((*epoch, claim.manifest, by)));
                }
                there.push(claim.epoch);
            }
            Err(Error::NoEpoch { epoch: *epoch, there }.into())
        }
        RestoreFrom::Savepoint(name) => saved(layout, name, view).map(Some),
        RestoreFrom::Ordered(order) => ordered(layout, order, claims, view),
    }
}

fn newest(claims: &Claims) -> Restored {
    let newest = claims.claims.first()?;
    Some((newest.epoch, newest.manifest, format!("the claim of epoch {}", newest.epoch)))
}

/// R5.
fn ordered(layout: &Layout, order: &Order, claims: &Claims, view: &View) -> Seen<Restored> {
    let is_followed = claims.claims.first().is_some_and(|it| it.order >= order.number);
    match &order.begin {
        _ if is_followed => Ok(newest(claims)),
        Begin::Newest => Ok(newest(claims)),
        Begin::Nothing => Ok(None),
        Begin::Savepoint { name, epochs } => {
            // A job that was not there when it was taken begins anew.
            let Some(epoch) = epochs.get(layout.name()) else { return Ok(None) };
            let saved = saved(layout, name, view)?;
            match *epoch == saved.0 {
                true => Ok(Some(saved)),
                // Somebody has deleted it and taken another one under its name.
                false => Err(no_savepoint(layout, name, view)?.into()),
            }
        }
    }
}

fn saved(layout: &Layout, name: &SavepointName, view: &View) -> Seen<(Epoch, Digest, String)> {
    let Some(it) = view.content::<Savepoint>(&layout.savepoint(name))? else {
        return Err(no_savepoint(layout, name, view)?.into());
    };
    Ok((it.epoch, it.manifest, format!("savepoint {name}")))
}

fn no_savepoint(layout: &Layout, name: &SavepointName, view: &View) -> Seen<Error> {
    let [listed] = view.lists([&layout.savepoints()])?;
    let there = listed.iter().filter_map(|it| layout.read_savepoint(it)).collect();
    Ok(Error::NoSavepoint { name: name.clone(), there })
}

/// Uploads that earlier generations named in manifests, claimed or not, after the epoch that is
/// restored, and that are not restored. A manifest that nobody claimed may be half or damaged:
/// then its stages find their uploads by their own lists.
fn aborted(
    layout: &Layout,
    restored: Option<&Manifest>,
    generation: Generation,
    view: &View,
) -> Seen<BTreeMap<StageId, BTreeSet<Upload>>> {
    let parent = layout.manifests();
    let [listed] = view.lists([&parent])?;
    let is_later = |it: &Epoch| {
        it.generation < generation && restored.is_none_or(|restored| *it > restored.epoch)
    };
    let later =
        listed.iter().filter(|it| Layout::read_epoch(it, &parent).is_some_and(|it| is_later(&it)));
    let later: Vec<_> = later.cloned().collect();
    view.prefetch(later.iter().cloned())?;
    let mut aborted: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for key in later {
        let Ok(Some(manifest)) = view.content::<Manifest>(&key) else { continue };
        for (id, stage) in manifest.stages {
            let kept = restored.and_then(|it| it.stages.get(&id)).map(|it| &it.uploads[..]);
            let is_lost =
                |it: &Upload| !kept.unwrap_or_default().iter().any(|kept| kept.id == it.id);
            let lost: Vec<_> = stage.uploads.into_iter().filter(is_lost).collect();
            if !lost.is_empty() {
                aborted.entry(id).or_default().extend(lost);
            }
        }
    }
    Ok(aborted)
}

#[cfg(test)]
mod tests;
