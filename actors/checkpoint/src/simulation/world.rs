//! The store, the system at the other end, and who lives.

use std::collections::{BTreeMap, BTreeSet};

use rand::Rng;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use weir_domain::StageId;

use super::pipeline::{RECORDS, SINKS, SOURCES, Sent, read_records, sent};
use super::process::{Op, Process};
use super::{Trouble, one_in};
use crate::collect::{Retention, collect};
use crate::disk::Disk;
use crate::envelope::open;
use crate::epoch::{Epoch, Generation, Slot};
use crate::layout::{Area, Layout};
use crate::manifest::{Committable, Manifest};
use crate::record::Savepoint;
use crate::view::View;

pub(super) const JOB: &str = "jobs/simulated";

/// Troubles come to an end, so that the job can.
const TROUBLES_MAX: u32 = 12;
const STEPS_MAX: u32 = 200_000;

#[derive(Default)]
pub(super) struct Store {
    pub(super) disk: Disk,
    /// What each sink has published, and for which epochs.
    published: BTreeMap<StageId, BTreeSet<Sent>>,
    tokens: BTreeSet<(StageId, Epoch)>,
}

impl Store {
    /// Publishes what was prepared for an epoch, unless its token is there.
    pub(super) fn publish(&mut self, stage: &StageId, epoch: Epoch, committable: &Committable) {
        if !self.tokens.insert((stage.clone(), epoch)) {
            return;
        }
        let published = self.published.entry(stage.clone()).or_default();
        for key in &committable.blobs {
            let staged = self.disk.blobs.get(key).unwrap_or_else(|| panic!("G1: {key} is gone"));
            for record in read_records(staged) {
                assert!(published.insert(record), "{stage} publishes {record:?} twice");
            }
        }
    }
}

pub(super) struct World {
    rng: StdRng,
    trouble: Trouble,
    troubles: u32,
    layout: Layout,
    store: Store,
    awake: Vec<Process>,
    asleep: Vec<Process>,
    /// On the way from processes that are gone.
    late: Vec<Op>,
    births: u32,
}

impl World {
    pub(super) fn new(rng: StdRng, trouble: Trouble) -> Self {
        Self {
            rng,
            trouble,
            troubles: 0,
            layout: Layout::new(JOB).unwrap(),
            store: Store::default(),
            awake: Vec::new(),
            asleep: Vec::new(),
            late: Vec::new(),
            births: 0,
        }
    }

    pub(super) fn run(&mut self) {
        for _ in 0..STEPS_MAX {
            self.disturb();
            self.bury();
            if self.awake.is_empty() {
                self.give_birth();
            }
            if !self.late.is_empty() && one_in(&mut self.rng, 20) {
                let at = self.rng.random_range(0..self.late.len());
                self.late.swap_remove(at).execute_late(&mut self.store);
            }
            let at = self.rng.random_range(0..self.awake.len());
            self.awake[at].step(&mut self.store, &mut self.rng, &self.trouble);
            if self.awake[at].is_over() {
                return self.check();
            }
        }
        panic!("the job never ended");
    }

    fn give_birth(&mut self) {
        self.births += 1;
        self.awake.push(Process::new(self.births, self.layout.clone()));
    }

    fn disturb(&mut self) {
        if self.troubles >= TROUBLES_MAX {
            self.trouble.lost = 0;
            return;
        }
        let trouble = self.trouble;
        let (rng, awake) = (&mut self.rng, self.awake.len());
        let crash = one_in(rng, trouble.crash);
        let sleep = one_in(rng, trouble.zombie);
        let wake = one_in(rng, trouble.zombie);
        let rival = one_in(rng, trouble.rival);
        self.troubles += [crash, sleep, rival].map(u32::from).iter().sum::<u32>();
        if crash && awake > 0 {
            let at = self.rng.random_range(0..awake);
            self.awake[at].die();
        } else if sleep && awake > 0 {
            let at = self.rng.random_range(0..awake);
            self.asleep.push(self.awake.swap_remove(at));
        } else if rival {
            self.give_birth();
        } else if wake && !self.asleep.is_empty() {
            let at = self.rng.random_range(0..self.asleep.len());
            self.awake.push(self.asleep.swap_remove(at));
        }
    }

    fn bury(&mut self) {
        for gone in self.awake.extract_if(.., |it| it.is_gone()) {
            let some = |_: &Op| self.rng.random_bool(0.7);
            self.late.extend(gone.into_ops().into_iter().filter(some));
        }
    }

    fn check(&mut self) {
        // Whatever is still on the way changes nothing.
        self.awake.append(&mut self.asleep);
        for mut process in std::mem::take(&mut self.awake) {
            for _ in 0..200 {
                process.step(&mut self.store, &mut self.rng, &Trouble::default());
            }
            process.die();
            self.late.extend(process.into_ops());
        }
        for op in std::mem::take(&mut self.late) {
            op.execute_late(&mut self.store);
        }
        for sink in SINKS {
            let published = &self.store.published[&StageId::new(sink).unwrap()];
            let expected =
                (0..SOURCES as u8).flat_map(|it| (0..RECORDS).map(move |seq| sent(it, seq)));
            assert_eq!(*published, expected.collect(), "{sink}");
        }
        self.check_savepoints();
        self.check_garbage();
    }

    fn manifest(&self, epoch: Epoch) -> Manifest {
        open(&self.store.disk.blobs[&self.layout.manifest(epoch)]).unwrap()
    }

    fn check_savepoints(&self) {
        let keys = self
            .store
            .disk
            .blobs
            .iter()
            .filter(|it| it.0.under(&self.layout.savepoints()).is_some());
        for (key, content) in keys {
            let savepoint: Savepoint = open(content).unwrap();
            for blob in self.manifest(savepoint.epoch).blobs() {
                assert!(self.store.disk.blobs.contains_key(blob), "{key} needs {blob}");
            }
        }
    }

    /// A collection by somebody who knows that nothing is under way leaves what is kept.
    fn check_garbage(&mut self) {
        let generations = self.layout.generations();
        let generation =
            self.store.disk.blobs.keys().filter(|it| it.under(&generations).is_some()).count();
        let generation = Generation(u32::try_from(generation).unwrap() + 1);
        let retention = Retention { epochs: 1, generation, slot: Slot(1), pins: BTreeSet::new() };
        let mut view = View::default();
        let garbage = loop {
            let step = collect(&self.layout, &retention, &view).unwrap();
            if let Some(garbage) = self.store.disk.look(step, &mut view) {
                break garbage;
            }
        };
        assert_eq!(garbage.strange, []);
        garbage.keys.iter().for_each(|it| drop(self.store.disk.blobs.remove(it)));
        let manifests: Vec<_> = garbage.kept.iter().map(|it| self.manifest(*it)).collect();
        let named: BTreeSet<_> = manifests.iter().flat_map(Manifest::blobs).collect();
        for area in [Area::State, Area::Staged] {
            let area = self.layout.area(area);
            let there = self.store.disk.blobs.keys().filter(|it| it.under(&area).is_some());
            assert!(there.into_iter().all(|it| named.contains(it)), "garbage is left");
        }
        assert!(named.iter().all(|it| self.store.disk.blobs.contains_key(*it)), "G1");
    }
}

/// Any of several things, by the seed.
pub(super) fn any<'a, T>(rng: &mut StdRng, items: &'a [T]) -> Option<&'a T> {
    items.choose(rng)
}
