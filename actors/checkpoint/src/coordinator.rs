//! The coordinator of one job: which epoch is announced, when it is the truth, who may publish.
//!
//! ```text
//! trigger ─► announce ─► collecting ─► storing ─► claiming ─► checking ─► claimed
//!                            │            │           │           │
//!                            ▼            ▼           ▼           ▼
//!                        abandoned    abandoned    deposed     deposed
//!
//! collecting: until all stages have reported; when all have aligned, the pipeline goes on
//! storing:    the manifest
//! claiming:   the record, in the free slot of the log; somebody else may be there first
//! checking:   that no later generation has begun
//! claimed:    publish, by permit ─► mark, when all sinks have ─► committed
//! ```
//!
//! A value: inputs come in, effects go out; nothing here waits, reads a clock or stores anything.
//! What a coordinator wants of the world follows from its state ([`Coordinator::outstanding`]), so
//! whoever drives it may ask again after a fault. Every effect may be done twice.
//!
//! Invariants (asserts and tests cite the ids):
//! - C1: claims are made in the order of the epochs, one at a time; each follows the one before it.
//! - C2: nothing is published before its claim is confirmed and no later generation was seen.
//! - C3: epochs are published in order, each marked before the next is published.
//! - C4: an epoch is abandoned only before its claim was asked for; a claim that may have
//!   happened is repeated until it is known to have, or somebody else is in its place.
//! - C5: what was prepared is published with exactly one claim.
//! - C6: nothing is done after a deposition.

mod flight;
mod input;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use weir_domain::{Digest, SavepointName, StageId};

use crate::epoch::{Epoch, Generation, Slot};
use crate::layout::Layout;
use crate::manifest::EpochKind;
use crate::permit::CommitPermit;
use crate::record::{Marker, Record, Savepoint};
use crate::recover::Recovered;

use flight::{Flight, Phase};

pub use input::{Abandonment, Effect, Input, Refusal, Stored, Trigger};

/// What a coordinator must know of the pipeline.
#[derive(Debug, Clone, PartialEq)]
pub struct Pipeline {
    pub plan: Digest,
    pub stages: BTreeSet<StageId>,
    /// Those of the stages that have no inputs.
    pub sources: BTreeSet<StageId>,
    /// How many epochs may be under way. A periodic one beyond it is not begun.
    pub epochs_max: usize,
}

#[derive(Debug, Clone)]
pub struct Coordinator {
    layout: Layout,
    generation: Generation,
    pipeline: Pipeline,
    ended: BTreeSet<StageId>,
    number: u32,
    /// Where the next claim goes.
    slot: Slot,
    /// The epoch that a restart would begin from.
    restorable: Option<Epoch>,
    /// What was restored, until an own claim stands on it.
    restored: Option<Epoch>,
    flights: BTreeMap<Epoch, Flight>,
    /// Claimed and not yet marked; the first is being published.
    publications: VecDeque<Publication>,
    /// Names for epochs that are claimed, until they are stored.
    savepoints: BTreeMap<SavepointName, Savepoint>,
    mode: Mode,
    /// The newest order that it follows.
    order: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Running,
    /// A stop was asked for: the next epoch is to be the last.
    Stopping,
    /// The last epoch was claimed, and is not yet published everywhere.
    Last,
    Over,
    Deposed,
}

#[derive(Debug, Clone)]
struct Publication {
    permit: CommitPermit,
    /// Stages that have not yet said that they have published.
    missing: BTreeSet<StageId>,
}

impl Publication {
    fn new(permit: CommitPermit) -> Self {
        Self { missing: permit.stages().cloned().collect(), permit }
    }

    fn effect(&self) -> Effect {
        if self.missing.is_empty() {
            let (epoch, manifest) = (self.permit.epoch(), self.permit.manifest());
            return Effect::Mark(Marker { epoch, manifest });
        }
        Effect::Publish(self.permit.clone())
    }
}

impl Coordinator {
    /// Goes on from what the recovery found. Epochs that it found claimed and not marked are
    /// published first.
    pub fn new(layout: Layout, pipeline: Pipeline, recovered: &Recovered) -> Self {
        let manifest = recovered.manifest.as_ref();
        let publications = recovered.unpublished.iter().cloned().map(Publication::new);
        let mode = match (recovered.is_over, recovered.unpublished.is_empty()) {
            (true, true) => Mode::Over,
            (true, false) => Mode::Last,
            (false, _) => Mode::Running,
        };
        Self {
            // A source that had ended says so again, or has more by now.
            ended: BTreeSet::new(),
            layout,
            generation: recovered.generation,
            pipeline,
            number: 0,
            slot: recovered.slot,
            restorable: manifest.map(|it| it.epoch),
            restored: manifest.map(|it| it.epoch),
            flights: BTreeMap::new(),
            publications: publications.collect(),
            savepoints: BTreeMap::new(),
            mode,
            order: recovered.order,
        }
    }

    pub fn on(&mut self, input: Input) -> Vec<Effect> {
        if matches!(self.mode, Mode::Deposed) {
            return Vec::new();
        }
        match input {
            Input::Trigger(trigger) => self.trigger(&trigger),
            Input::Ended { stage, at } => self.source_ended(stage, at),
            Input::Aligned { stage, epoch } => self.aligned(&stage, epoch),
            Input::Reported { stage, epoch, manifest } => self.reported(stage, epoch, *manifest),
            Input::Failed { stage, epoch, reason } => {
                self.abandon(epoch, Abandonment::Failed { stage, reason })
            }
            Input::Overdue { epoch } => self.overdue(epoch),
            Input::Stored(stored) => self.stored(stored),
            Input::Published { stage, epoch } => self.published(&stage, epoch),
        }
    }

    /// All that is wanted of the world now: what to begin with, and what to ask for again.
    pub fn outstanding(&self) -> Vec<Effect> {
        match self.mode {
            Mode::Deposed => return Vec::new(),
            Mode::Over => return self.over().into_iter().collect(),
            Mode::Running | Mode::Stopping | Mode::Last => {}
        }
        let announced = self.flights.iter().filter(|it| it.1.phase == Phase::Collecting);
        let mut effects: Vec<_> = announced
            .map(|(epoch, it)| Effect::Announce { epoch: *epoch, kind: it.kind })
            .collect();
        effects.extend(self.claiming());
        effects.extend(self.publications.front().map(Publication::effect));
        effects.extend(self.savepoints.values().cloned().map(Effect::Name));
        effects
    }

    pub fn generation(&self) -> Generation {
        self.generation
    }

    /// The epoch that a restart would begin from.
    pub fn restorable(&self) -> Option<Epoch> {
        self.restorable
    }

    /// Where the next claim goes: what garbage collection must find the log to end before.
    pub fn slot(&self) -> Slot {
        self.slot
    }

    /// How many epochs are claimed, and not yet known to be published everywhere.
    pub fn unpublished(&self) -> usize {
        self.publications.len()
    }

    /// Epochs that garbage collection keeps beside those that its policy names.
    pub fn pins(&self) -> BTreeSet<Epoch> {
        let named = self.savepoints.values().map(|it| it.epoch);
        named
            .chain(self.publications.iter().map(|it| it.permit.epoch()))
            .chain(self.restored)
            .collect()
    }

    /// The epochs that are under way, and the stages whose reports are missing.
    pub fn under_way(&self) -> impl Iterator<Item = (Epoch, Vec<&StageId>)> {
        self.flights.iter().map(|(epoch, it)| {
            let missing = self.pipeline.stages.iter().filter(|id| !it.reports.contains_key(*id));
            (*epoch, missing.collect())
        })
    }

    fn trigger(&mut self, trigger: &Trigger) -> Vec<Effect> {
        let (at, savepoint) = (trigger.at(), trigger.savepoint().cloned());
        let refused = |why| vec![Effect::Refused { savepoint: savepoint.clone(), why }];
        if self.has_last() || !matches!(self.mode, Mode::Running | Mode::Stopping) {
            return refused(Refusal::Over);
        }
        let is_periodic = matches!(trigger, Trigger::Periodic { .. });
        if is_periodic && self.flights.len() >= self.pipeline.epochs_max {
            return refused(Refusal::Busy { under_way: self.flights.len() });
        }
        let has_name = |it: &Flight| it.savepoint.is_some() && it.savepoint == savepoint;
        let is_known = savepoint.as_ref().is_some_and(|it| self.savepoints.contains_key(it));
        if is_known || self.flights.values().any(has_name) {
            return refused(Refusal::NameTaken);
        }
        if matches!(trigger, Trigger::Stop { .. }) {
            self.mode = Mode::Stopping;
        }
        self.announce(at, savepoint)
    }

    fn source_ended(&mut self, stage: StageId, at: weir_domain::Timestamp) -> Vec<Effect> {
        if self.pipeline.sources.contains(&stage) {
            self.ended.insert(stage);
        }
        let is_last = self.all_ended() && !self.has_last();
        let is_open = matches!(self.mode, Mode::Running | Mode::Stopping);
        if is_last && is_open { self.announce(at, None) } else { Vec::new() }
    }

    fn announce(
        &mut self,
        at: weir_domain::Timestamp,
        savepoint: Option<SavepointName>,
    ) -> Vec<Effect> {
        self.number = self.number.checked_add(1).expect("an epoch each ms for seven weeks");
        let epoch = Epoch { generation: self.generation, number: self.number };
        let kind = match self.mode {
            _ if self.all_ended() => EpochKind::Final,
            Mode::Stopping => EpochKind::Stop,
            _ => EpochKind::Periodic,
        };
        self.flights.insert(epoch, Flight::new(kind, at, savepoint));
        vec![Effect::Announce { epoch, kind }]
    }

    fn all_ended(&self) -> bool {
        self.ended.len() == self.pipeline.sources.len()
    }

    /// Whether an epoch is under way behind which no data comes.
    fn has_last(&self) -> bool {
        self.flights.values().any(|it| it.kind != EpochKind::Periodic)
    }

    fn published(&mut self, stage: &StageId, epoch: Epoch) -> Vec<Effect> {
        let Some(first) = self.publications.front_mut() else { return Vec::new() };
        let is_news = first.permit.epoch() == epoch && first.missing.remove(stage);
        let is_complete = is_news && first.missing.is_empty();
        is_complete.then(|| first.effect()).into_iter().collect()
    }

    fn marked(&mut self, epoch: Epoch) -> Vec<Effect> {
        if self.publications.front().is_none_or(|it| it.permit.epoch() != epoch) {
            return Vec::new();
        }
        self.publications.pop_front();
        let mut effects = vec![Effect::Committed { epoch }];
        effects.extend(self.publications.front().map(Publication::effect));
        effects.extend(self.end());
        effects
    }

    fn named(&mut self, name: &SavepointName, is_new: bool) -> Vec<Effect> {
        let Some(savepoint) = self.savepoints.remove(name) else { return Vec::new() };
        let mut effects = vec![match is_new {
            true => Effect::Named(savepoint),
            false => Effect::Refused { savepoint: Some(name.clone()), why: Refusal::NameTaken },
        }];
        effects.extend(self.end());
        effects
    }

    /// The end, once all that was decided is done.
    fn end(&mut self) -> Option<Effect> {
        let Mode::Last = self.mode else { return None };
        if !self.publications.is_empty() || !self.savepoints.is_empty() {
            return None;
        }
        self.mode = Mode::Over;
        self.over()
    }

    fn over(&self) -> Option<Effect> {
        self.restorable.map(|epoch| Effect::Over { epoch })
    }

    fn depose(&mut self, by: Generation) -> Vec<Effect> {
        self.mode = Mode::Deposed;
        vec![Effect::Deposed { by }]
    }

    /// What the claim of the first epoch needs next.
    fn claiming(&self) -> Option<Effect> {
        let (epoch, flight) = self.flights.first_key_value()?;
        match &flight.phase {
            Phase::Collecting => None,
            Phase::Storing(sealed) => {
                Some(Effect::StoreManifest { epoch: *epoch, content: sealed.content.clone() })
            }
            Phase::Claiming(sealed) => {
                let record = Record::Claim(sealed.claim.clone());
                Some(Effect::Append { slot: self.slot, record })
            }
            Phase::Checking(_) => {
                Some(Effect::CheckGeneration { epoch: *epoch, later: self.generation.next() })
            }
        }
    }
}

#[cfg(test)]
mod tests;
