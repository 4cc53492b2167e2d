//! A process: it recovers, coordinates, runs the pipeline, and collects garbage.

use std::collections::VecDeque;

use bytes::Bytes;
use rand::Rng;
use rand::rngs::StdRng;
use weir_domain::{Digest, SavepointName, StageId, Timestamp};
use weir_persistence_api::BlobKey;

use super::pipeline::{Out, STAGES, Stages};
use super::world::Store;
use super::{Trouble, one_in};
use crate::collect::{Retention, collect};
use crate::coordinator::{Coordinator, Effect, Input, Pipeline, Trigger};
use crate::epoch::Epoch;
use crate::error::Error;
use crate::layout::Layout;
use crate::manifest::Committable;
use crate::record::Writer;
use crate::recover::{Recovery, RestoreFrom};
use crate::view::View;

/// Something that a process has asked for, and that is done sooner or later.
#[derive(Debug, Clone)]
pub(super) enum Op {
    Effect(Effect),
    Upload { stage: usize, key: BlobKey, content: Bytes },
    Publish { stage: StageId, epoch: Epoch, entries: VecDeque<(Epoch, Committable)> },
    Delete(VecDeque<BlobKey>),
}

impl Op {
    /// Of a process that hears no answer.
    pub(super) fn execute_late(self, store: &mut Store) {
        match self {
            Self::Effect(effect) => {
                let layout = Layout::new(super::world::JOB).unwrap();
                store.disk.perform(&layout, &effect);
            }
            Self::Upload { key, content, .. } => drop(store.disk.blobs.insert(key, content)),
            Self::Publish { stage, entries, .. } => {
                entries.iter().for_each(|(epoch, it)| store.publish(&stage, *epoch, it));
            }
            Self::Delete(keys) => keys.iter().for_each(|it| drop(store.disk.blobs.remove(it))),
        }
    }
}

pub(super) struct Process {
    layout: Layout,
    recovery: Recovery,
    running: Option<Running>,
    ops: Vec<Op>,
    is_gone: bool,
    is_over: bool,
}

struct Running {
    coordinator: Coordinator,
    stages: Stages,
    inbox: Vec<Input>,
    collection: Option<(Retention, View)>,
}

impl Process {
    pub(super) fn new(id: u32, layout: Layout) -> Self {
        let writer = Writer(format!("process {id}"));
        Self {
            recovery: Recovery::new(layout.clone(), writer, RestoreFrom::Newest),
            layout,
            running: None,
            ops: Vec::new(),
            is_gone: false,
            is_over: false,
        }
    }

    pub(super) fn is_gone(&self) -> bool {
        self.is_gone
    }

    /// The job is done, and not only stopped.
    pub(super) fn is_over(&self) -> bool {
        self.is_over
    }

    pub(super) fn die(&mut self) {
        self.is_gone = true;
    }

    pub(super) fn into_ops(self) -> Vec<Op> {
        self.ops
    }

    pub(super) fn step(&mut self, store: &mut Store, rng: &mut StdRng, trouble: &Trouble) {
        if self.is_gone {
            return;
        }
        if self.running.is_none() {
            return self.recover(store);
        }
        match rng.random_range(0..10) {
            0..3 if !self.ops.is_empty() => self.execute(store, rng, trouble),
            3..5 => self.hear(rng),
            5 => self.collect(store),
            6 if one_in(rng, 4) => self.tick(rng, trouble),
            _ => self.flow(rng, trouble),
        }
    }

    fn recover(&mut self, store: &mut Store) {
        let step = match self.recovery.advance() {
            Ok(step) => step,
            Err(Error::Deposed { .. }) => return self.die(),
            Err(error) => panic!("{error}"),
        };
        let Some(recovered) = store.disk.look(step, self.recovery.view()) else { return };
        let stage = |it: &&str| StageId::new(*it).unwrap();
        let pipeline = Pipeline {
            plan: Digest::of(b"plan"),
            stages: STAGES.iter().map(stage).collect(),
            sources: STAGES[..super::pipeline::SOURCES].iter().map(stage).collect(),
            epochs_max: 3,
        };
        let coordinator = Coordinator::new(self.layout.clone(), pipeline, &recovered);
        let stages = Stages::restored(&self.layout, &recovered, store);
        let effects = coordinator.outstanding();
        let (inbox, collection) = (Vec::new(), None);
        self.running = Some(Running { coordinator, stages, inbox, collection });
        self.follow(effects);
    }

    /// Does one of the things that were asked for, or fails to, or loses the answer.
    fn execute(&mut self, store: &mut Store, rng: &mut StdRng, trouble: &Trouble) {
        let at = rng.random_range(0..self.ops.len());
        let op = self.ops.swap_remove(at);
        let (is_lost, is_answered) = (one_in(rng, trouble.lost), !one_in(rng, trouble.lost));
        let running = self.running.as_mut().expect("it runs");
        match op {
            Op::Effect(_) if is_lost => {}
            Op::Effect(effect) => {
                let stored = store.disk.perform(&self.layout, &effect);
                let stored = stored.filter(|_| is_answered);
                running.inbox.extend(stored.map(Input::Stored));
            }
            Op::Upload { stage, key, content } => {
                if !is_lost {
                    store.disk.blobs.insert(key.clone(), content.clone());
                }
                if is_lost || !is_answered {
                    return self.ops.push(Op::Upload { stage, key, content });
                }
                let outs = running.stages.uploaded(stage, &key);
                self.take(outs);
            }
            Op::Publish { .. } if is_lost => {}
            Op::Publish { stage, epoch, mut entries } => match entries.pop_front() {
                Some((token, committable)) => {
                    store.publish(&stage, token, &committable);
                    self.ops.push(Op::Publish { stage, epoch, entries });
                }
                None => running.inbox.push(Input::Published { stage, epoch }),
            },
            Op::Delete(mut keys) => {
                if let Some(key) = keys.pop_front() {
                    store.disk.blobs.remove(&key);
                    self.ops.push(Op::Delete(keys));
                }
            }
        }
    }

    fn hear(&mut self, rng: &mut StdRng) {
        let running = self.running.as_mut().expect("it runs");
        if running.inbox.is_empty() {
            return;
        }
        let at = rng.random_range(0..running.inbox.len());
        let input = running.inbox.swap_remove(at);
        let effects = running.coordinator.on(input);
        self.follow(effects);
    }

    fn follow(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            let running = self.running.as_mut().expect("it runs");
            match effect {
                Effect::Announce { .. } | Effect::Abandon { .. } | Effect::Publish(_) => {
                    running.stages.tell(&effect);
                }
                Effect::Over { .. } => {
                    self.is_over = running.stages.have_ended();
                    self.is_gone = true;
                }
                Effect::Deposed { .. } => self.is_gone = true,
                effect => self.ops.push(Op::Effect(effect)),
            }
        }
    }

    fn take(&mut self, outs: Vec<Out>) {
        for out in outs {
            match out {
                Out::Input(input) => self.running.as_mut().expect("it runs").inbox.push(input),
                Out::Op(op) => self.ops.push(op),
            }
        }
    }

    fn flow(&mut self, rng: &mut StdRng, trouble: &Trouble) {
        let outs = self.running.as_mut().expect("it runs").stages.step(rng, trouble);
        self.take(outs);
    }

    /// What is done on a timer.
    fn tick(&mut self, rng: &mut StdRng, trouble: &Trouble) {
        let running = self.running.as_mut().expect("it runs");
        let at = Timestamp(0);
        let input = match rng.random_range(0..12) {
            0..5 => {
                // Asked again, unless it is on its way.
                let is_asked = self.ops.iter().any(|it| !matches!(it, Op::Delete(_)));
                let effects = running.coordinator.outstanding();
                if !is_asked {
                    self.follow(effects);
                }
                return;
            }
            5 if one_in(rng, 4) => {
                let name = SavepointName::new(format!("s{}", rng.random_range(0..4))).unwrap();
                Input::Trigger(Trigger::Savepoint { at, name })
            }
            6 => match running.coordinator.under_way().map(|it| it.0).next() {
                Some(epoch) if one_in(rng, 3) => Input::Overdue { epoch },
                _ => return,
            },
            7 if one_in(rng, trouble.stop / 8) => {
                Input::Trigger(Trigger::Stop { at, savepoint: None })
            }
            _ => Input::Trigger(Trigger::Periodic { at }),
        };
        let effects = running.coordinator.on(input);
        if one_in(rng, trouble.collect) && running.collection.is_none() {
            let coordinator = &running.coordinator;
            let retention = Retention {
                epochs: 1 + usize::from(rng.random_bool(0.5)),
                generation: coordinator.generation(),
                slot: coordinator.slot(),
                pins: coordinator.pins(),
            };
            running.collection = Some((retention, View::default()));
        }
        self.follow(effects);
    }

    fn collect(&mut self, store: &mut Store) {
        let running = self.running.as_mut().expect("it runs");
        let Some((retention, view)) = &mut running.collection else { return };
        let garbage = match collect(&self.layout, retention, view) {
            Ok(step) => store.disk.look(step, view),
            Err(Error::Deposed { .. }) => {
                running.collection = None;
                return;
            }
            Err(error) => {
                // Another's collection came between; this one deletes nothing, and comes again.
                assert!(matches!(error, Error::Missing { .. }), "{error}");
                running.collection = None;
                return;
            }
        };
        if let Some(garbage) = garbage {
            assert_eq!(garbage.strange, []);
            running.collection = None;
            self.ops.push(Op::Delete(garbage.keys.into()));
        }
    }
}
