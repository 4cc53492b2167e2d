//! An epoch from its announcement to its claim.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use weir_domain::{Digest, SavepointName, StageId, Timestamp};

use super::{Abandonment, Coordinator, Effect, Mode, Publication, Refusal, Stored};
use crate::envelope::seal;
use crate::epoch::{Epoch, Generation};
use crate::manifest::{EpochKind, Manifest, StageManifest};
use crate::permit::CommitPermit;
use crate::record::{Claim, Record, Savepoint};

#[derive(Debug, Clone)]
pub(super) struct Flight {
    pub(super) kind: EpochKind,
    announced_at: Timestamp,
    pub(super) savepoint: Option<SavepointName>,
    aligned: BTreeSet<StageId>,
    pub(super) reports: BTreeMap<StageId, StageManifest>,
    pub(super) phase: Phase,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Phase {
    /// Until all stages have reported and all epochs before are claimed or abandoned.
    Collecting,
    Storing(Sealed),
    Claiming(Sealed),
    Checking(Sealed),
}

/// A manifest as it is stored, and the claim of its epoch.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Sealed {
    manifest: Manifest,
    pub(super) content: Bytes,
    pub(super) claim: Claim,
}

impl Flight {
    pub(super) fn new(
        kind: EpochKind,
        announced_at: Timestamp,
        savepoint: Option<SavepointName>,
    ) -> Self {
        let (aligned, reports) = (BTreeSet::new(), BTreeMap::new());
        Self { kind, announced_at, savepoint, aligned, reports, phase: Phase::Collecting }
    }
}

impl Coordinator {
    pub(super) fn aligned(&mut self, stage: &StageId, epoch: Epoch) -> Vec<Effect> {
        let stages = &self.pipeline.stages;
        let Some(flight) = self.flights.get_mut(&epoch) else { return Vec::new() };
        let is_news = stages.contains(stage) && flight.aligned.insert(stage.clone());
        let is_complete = is_news && flight.aligned.len() == stages.len();
        is_complete.then_some(Effect::Aligned { epoch }).into_iter().collect()
    }

    pub(super) fn reported(
        &mut self,
        stage: StageId,
        epoch: Epoch,
        manifest: StageManifest,
    ) -> Vec<Effect> {
        let is_known = self.pipeline.stages.contains(&stage);
        let is_collecting =
            self.flights.get(&epoch).is_some_and(|it| it.phase == Phase::Collecting);
        if !is_known || !is_collecting {
            return Vec::new();
        }
        if let Some(reason) = manifest.fault(epoch) {
            return self.abandon(epoch, Abandonment::Failed { stage, reason });
        }
        // Whoever has stored its snapshot has taken it, though the word of that was lost.
        let mut effects = self.aligned(&stage, epoch);
        if let Some(flight) = self.flights.get_mut(&epoch) {
            flight.reports.insert(stage, manifest);
        }
        effects.extend(self.proceed());
        effects
    }

    pub(super) fn overdue(&mut self, epoch: Epoch) -> Vec<Effect> {
        let missing = self.under_way().find(|it| it.0 == epoch).map(|it| it.1);
        let missing = missing.into_iter().flatten().cloned().collect();
        self.abandon(epoch, Abandonment::Overdue { missing })
    }

    /// C4: nothing is abandoned whose claim may have happened.
    pub(super) fn abandon(&mut self, epoch: Epoch, why: Abandonment) -> Vec<Effect> {
        let may_be = |it: &Flight| matches!(it.phase, Phase::Collecting | Phase::Storing(_));
        if !self.flights.get(&epoch).is_some_and(may_be) {
            return Vec::new();
        }
        let flight = self.flights.remove(&epoch).expect("it was just there");
        let mut effects = vec![Effect::Abandon { epoch, why: why.clone() }];
        if flight.savepoint.is_some() {
            let why = Refusal::Abandoned(why);
            effects.push(Effect::Refused { savepoint: flight.savepoint, why });
        }
        effects.extend(self.proceed());
        effects
    }

    /// C1: seals the first epoch, if it is complete.
    fn proceed(&mut self) -> Option<Effect> {
        let (epoch, flight) = self.flights.first_key_value()?;
        let is_complete = flight.reports.len() == self.pipeline.stages.len();
        if flight.phase != Phase::Collecting || !is_complete {
            return None;
        }
        let (epoch, manifest) = (*epoch, self.manifest(*epoch, flight));
        let content = seal(&manifest);
        let (kind, order) = (manifest.kind, self.order);
        let claim = Claim { epoch, kind, manifest: Digest::of(&content), order };
        self.flights.get_mut(&epoch)?.phase = Phase::Storing(Sealed { manifest, content, claim });
        self.claiming()
    }

    /// C5: what an earlier claim has taken is left out of the reports.
    fn manifest(&self, epoch: Epoch, flight: &Flight) -> Manifest {
        let mut stages = flight.reports.clone();
        for stage in stages.values_mut() {
            stage.committables.retain(|it, _| self.restorable.is_none_or(|claimed| *it > claimed));
        }
        Manifest {
            job: self.layout.job().clone(),
            epoch,
            kind: flight.kind,
            plan: self.pipeline.plan,
            parent: self.restorable,
            announced_at: flight.announced_at,
            stages,
        }
    }

    pub(super) fn stored(&mut self, stored: Stored) -> Vec<Effect> {
        match stored {
            Stored::Manifest { epoch } => self.manifest_stored(epoch).into_iter().collect(),
            Stored::ManifestRefused { epoch, reason } => self.manifest_refused(epoch, reason),
            Stored::Slot { slot, record } if slot == self.slot => self.slot_taken(&record),
            // An answer to a question that was asked twice.
            Stored::Slot { .. } => Vec::new(),
            Stored::Generation { epoch, later } => self.generation_checked(epoch, later),
            Stored::Marked { epoch } => self.marked(epoch),
            Stored::Named { name, is_new } => self.named(&name, is_new),
        }
    }

    fn manifest_stored(&mut self, epoch: Epoch) -> Option<Effect> {
        let flight = self.flights.get_mut(&epoch)?;
        let Phase::Storing(sealed) = &flight.phase else { return None };
        flight.phase = Phase::Claiming(sealed.clone());
        self.claiming()
    }

    fn manifest_refused(&mut self, epoch: Epoch, reason: String) -> Vec<Effect> {
        let is_storing =
            self.flights.get(&epoch).is_some_and(|it| matches!(it.phase, Phase::Storing(_)));
        match is_storing {
            true => self.abandon(epoch, Abandonment::Manifest { reason }),
            false => Vec::new(),
        }
    }

    fn slot_taken(&mut self, record: &Record) -> Vec<Effect> {
        let Some(mut first) = self.flights.first_entry() else { return Vec::new() };
        let Phase::Claiming(sealed) = &first.get().phase else { return Vec::new() };
        if *record == Record::Claim(sealed.claim.clone()) {
            first.get_mut().phase = Phase::Checking(sealed.clone());
        } else if record.generation() < self.generation {
            // A takeover that came too late, and is void; its writer knows by now.
            self.slot = self.slot.next();
        } else {
            return self.depose(record.generation());
        }
        self.claiming().into_iter().collect()
    }

    /// The log alone would do, were it never cut short: a writer that slept while its end was
    /// collected finds the slot free that it remembers. So C2 asks for this last look.
    fn generation_checked(&mut self, epoch: Epoch, later: Option<Generation>) -> Vec<Effect> {
        let is_checking =
            self.flights.get(&epoch).is_some_and(|it| matches!(it.phase, Phase::Checking(_)));
        match later {
            _ if !is_checking => Vec::new(),
            Some(by) => self.depose(by),
            None => self.claimed(epoch),
        }
    }

    fn claimed(&mut self, epoch: Epoch) -> Vec<Effect> {
        let flight = self.flights.remove(&epoch).expect("it is being checked");
        let Phase::Checking(sealed) = flight.phase else { unreachable!("it is being checked") };
        assert!(self.restorable.is_none_or(|it| it < epoch), "C1: {epoch} was claimed too late");
        (self.restorable, self.restored) = (Some(epoch), None);
        self.slot = self.slot.next();
        if flight.kind != EpochKind::Periodic {
            self.mode = Mode::Last;
        }
        if let Some(name) = flight.savepoint {
            let Claim { manifest, .. } = sealed.claim;
            let (plan, taken_at) = (self.pipeline.plan, flight.announced_at);
            let savepoint = Savepoint { name: name.clone(), epoch, manifest, plan, taken_at };
            self.savepoints.insert(name, savepoint);
        }
        let permit = CommitPermit::of(self.generation, &sealed.claim, &sealed.manifest);
        self.publications.push_back(Publication::new(permit));
        let mut effects = vec![Effect::Claimed { epoch }];
        let is_first = self.publications.len() == 1;
        effects.extend(self.publications.front().filter(|_| is_first).map(Publication::effect));
        let named = self.savepoints.values().filter(|it| it.epoch == epoch);
        effects.extend(named.cloned().map(Effect::Name));
        effects.extend(self.proceed());
        effects
    }
}
