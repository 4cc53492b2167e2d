//! For tests: a store that does at once what it is asked, and a job on it.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use weir_domain::{Digest, StageId, Timestamp};
use weir_persistence_api::BlobKey;

use crate::coordinator::{Coordinator, Effect, Input, Pipeline, Stored, Trigger};
use crate::envelope::{Content, open, seal};
use crate::epoch::Epoch;
use crate::error::Result;
use crate::layout::Layout;
use crate::manifest::{Committable, Manifest, StageManifest};
use crate::record::{Marker, Record, Savepoint, Writer};
use crate::recover::{Recovered, Recovery, RestoreFrom};
use crate::view::{Step, View};

pub(crate) fn layout() -> Layout {
    Layout::new("jobs/tested").unwrap()
}

pub(crate) fn stage(name: &str) -> StageId {
    StageId::new(name).unwrap()
}

pub(crate) fn at() -> Timestamp {
    Timestamp(1_000)
}

pub(crate) fn periodic() -> Input {
    Input::Trigger(Trigger::Periodic { at: at() })
}

/// A source and a sink.
pub(crate) fn pipeline() -> Pipeline {
    let (source, sink) = (stage("source"), stage("sink"));
    let sources = BTreeSet::from([source.clone()]);
    let stages = BTreeSet::from([source, sink]);
    Pipeline { plan: Digest::of(b"plan"), stages, sources, epochs_max: 2 }
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Disk {
    pub(crate) blobs: BTreeMap<BlobKey, Bytes>,
}

impl Disk {
    pub(crate) fn create(&mut self, key: &BlobKey, content: &Bytes) -> Bytes {
        self.blobs.entry(key.clone()).or_insert_with(|| content.clone()).clone()
    }

    pub(crate) fn put<T: Content>(&mut self, key: &BlobKey, content: &T) {
        self.blobs.insert(key.clone(), seal(content));
    }

    pub(crate) fn read<T: Content>(&self, key: &BlobKey) -> T {
        open(&self.blobs[key]).unwrap()
    }

    pub(crate) fn below(&self, parent: &BlobKey) -> Vec<BlobKey> {
        // Keys with other characters than '/' behind the parent stand among those below it.
        let from = self.blobs.range(parent.clone()..);
        let among = from.map(|it| it.0).take_while(|it| it.as_str().starts_with(parent.as_str()));
        among.filter(|it| it.under(parent).is_some()).cloned().collect()
    }

    /// Looks where a step wants to; returns what was decided.
    pub(crate) fn look<T>(&mut self, step: Step<T>, view: &mut View) -> Option<T> {
        match step {
            Step::Done(done) => return Some(done),
            Step::Create(key, content) => {
                let found = self.create(&key, &content);
                view.read(key, Some(found));
            }
            Step::List(keys) => {
                for parent in keys {
                    let below = self.below(&parent);
                    view.listed(parent, below);
                }
            }
            Step::Read(keys) => {
                for key in keys {
                    let found = self.blobs.get(&key).cloned();
                    view.read(key, found);
                }
            }
        }
        None
    }

    /// Decides something to its end.
    pub(crate) fn decide<T>(&mut self, next: impl Fn(&View) -> Result<Step<T>>) -> Result<T> {
        let mut view = View::default();
        loop {
            if let Some(done) = self.look(next(&view)?, &mut view) {
                return Ok(done);
            }
        }
    }

    pub(crate) fn recover(&mut self, writer: &str, from: &RestoreFrom) -> Result<Recovered> {
        let writer = Writer(writer.to_owned());
        let mut recovery = Recovery::new(layout(), writer, from.clone());
        loop {
            let step = recovery.advance()?;
            if let Some(recovered) = self.look(step, recovery.view()) {
                return Ok(recovered);
            }
        }
    }

    /// What the store answers to an effect that is its own.
    pub(crate) fn perform(&mut self, layout: &Layout, effect: &Effect) -> Option<Stored> {
        Some(match effect {
            Effect::StoreManifest { epoch, content } => {
                assert_eq!(self.create(&layout.manifest(*epoch), content), content);
                Stored::Manifest { epoch: *epoch }
            }
            Effect::Append { slot, record } => {
                let found = self.create(&layout.slot(*slot), &seal(record));
                Stored::Slot { slot: *slot, record: open::<Record>(&found).unwrap() }
            }
            Effect::CheckGeneration { epoch, later } => {
                let is_there = self.blobs.contains_key(&layout.generation(*later));
                Stored::Generation { epoch: *epoch, later: is_there.then_some(*later) }
            }
            Effect::Mark(marker) => {
                let found = self.create(&layout.marker(marker.epoch), &seal(marker));
                assert_eq!(open::<Marker>(&found).unwrap(), *marker);
                Stored::Marked { epoch: marker.epoch }
            }
            Effect::Name(savepoint) => {
                let found = self.create(&layout.savepoint(&savepoint.name), &seal(savepoint));
                let is_new = open::<Savepoint>(&found).unwrap() == *savepoint;
                Stored::Named { name: savepoint.name.clone(), is_new }
            }
            _ => return None,
        })
    }

    /// Does what the effects want of the store, until it wants nothing more; returns the others.
    pub(crate) fn follow(&mut self, job: &mut Coordinator, effects: Vec<Effect>) -> Vec<Effect> {
        let (mut pending, mut others) = (std::collections::VecDeque::from(effects), Vec::new());
        while let Some(effect) = pending.pop_front() {
            match self.perform(&layout(), &effect) {
                Some(stored) => pending.extend(job.on(Input::Stored(stored))),
                None => others.push(effect),
            }
        }
        others
    }
}

/// A coordinator with the store that it is on, and stages that do as they are told.
pub(crate) struct Job {
    pub(crate) coordinator: Coordinator,
    pub(crate) recovered: Recovered,
}

impl Job {
    pub(crate) fn new(disk: &mut Disk, writer: &str) -> Self {
        Self::from(disk, writer, &RestoreFrom::Newest).unwrap()
    }

    pub(crate) fn from(disk: &mut Disk, writer: &str, from: &RestoreFrom) -> Result<Self> {
        let recovered = disk.recover(writer, from)?;
        let coordinator = Coordinator::new(layout(), pipeline(), &recovered);
        Ok(Self { coordinator, recovered })
    }

    /// Announces an epoch.
    pub(crate) fn announce(&mut self, trigger: Input) -> Epoch {
        match &self.coordinator.on(trigger)[..] {
            [Effect::Announce { epoch, .. }] => *epoch,
            other => panic!("nothing was announced: {other:?}"),
        }
    }

    /// Both stages report; the sink has something to publish.
    pub(crate) fn report(&mut self, disk: &mut Disk, epoch: Epoch) -> Vec<Effect> {
        let mut effects = self.coordinator.on(reported("source", epoch, source(epoch)));
        effects.extend(self.coordinator.on(reported("sink", epoch, sink(disk, epoch))));
        effects
    }

    /// One epoch from its trigger to its claim.
    pub(crate) fn claim(&mut self, disk: &mut Disk) -> Epoch {
        let epoch = self.announce(periodic());
        let effects = self.report(disk, epoch);
        let effects = disk.follow(&mut self.coordinator, effects);
        assert!(effects.contains(&Effect::Claimed { epoch }), "{effects:?}");
        epoch
    }

    /// One epoch from its trigger to its marker.
    pub(crate) fn commit(&mut self, disk: &mut Disk) -> Epoch {
        let epoch = self.claim(disk);
        let effects = self.published(disk, epoch);
        assert!(effects.contains(&Effect::Committed { epoch }), "{effects:?}");
        epoch
    }

    pub(crate) fn published(&mut self, disk: &mut Disk, epoch: Epoch) -> Vec<Effect> {
        let effects = self.coordinator.on(Input::Published { stage: stage("sink"), epoch });
        disk.follow(&mut self.coordinator, effects)
    }
}

pub(crate) fn reported(name: &str, epoch: Epoch, manifest: StageManifest) -> Input {
    Input::Reported { stage: stage(name), epoch, manifest: Box::new(manifest) }
}

pub(crate) fn source(epoch: Epoch) -> StageManifest {
    StageManifest { position: epoch.to_string().into(), ..StageManifest::default() }
}

/// A sink that has staged a blob for the epoch.
pub(crate) fn sink(disk: &mut Disk, epoch: Epoch) -> StageManifest {
    let key = layout().staged(epoch, &stage("sink"), 1);
    disk.blobs.insert(key.clone(), epoch.to_string().into());
    let committable = Committable { content: Bytes::new(), blobs: vec![key] };
    StageManifest {
        committables: BTreeMap::from([(epoch, committable)]),
        ..StageManifest::default()
    }
}

pub(crate) fn manifest(disk: &Disk, epoch: Epoch) -> Manifest {
    disk.read(&layout().manifest(epoch))
}
