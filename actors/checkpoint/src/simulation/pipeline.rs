//! Two sources, an operator that counts by key, and two sinks that both get all of it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use bytes::Bytes;
use rand::Rng;
use rand::rngs::StdRng;
use serde::{Deserialize, Serialize};
use weir_domain::{StageId, TableName};
use weir_persistence_api::BlobKey;

use super::process::Op;
use super::world::{Store, any};
use super::{Trouble, one_in};
use crate::align::{Aligner, Move};
use crate::coordinator::{Effect, Input};
use crate::epoch::Epoch;
use crate::layout::Layout;
use crate::manifest::{Committable, EpochKind, PartKind, StageManifest};
use crate::permit::CommitPermit;
use crate::prepared::Prepared;
use crate::recover::Recovered;
use crate::table::{Chain, CompactionPolicy, MapTable, Table, compact};

pub(super) const STAGES: [&str; 5] = ["source-0", "source-1", "count", "sink-0", "sink-1"];
pub(super) const SOURCES: usize = 2;
pub(super) const SINKS: [&str; 2] = ["sink-0", "sink-1"];
const COUNT: usize = 2;
const EDGES: [(usize, usize); 4] = [(0, 2), (1, 2), (2, 3), (2, 4)];
/// Of each source.
pub(super) const RECORDS: u32 = 25;
const KEYS: u32 = 3;

/// A record as a sink publishes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Sent {
    source: u8,
    seq: u32,
    /// How many of its key there were, with this one: it is wrong if the state was.
    count: u64,
}

/// What is to be published for a record.
pub(super) fn sent(source: u8, seq: u32) -> Sent {
    Sent { source, seq, count: u64::from(seq / KEYS) + 1 }
}

pub(super) fn read_records(staged: &[u8]) -> Vec<Sent> {
    serde_json::from_slice(staged).unwrap()
}

#[derive(Debug, Clone, Copy)]
enum Flow {
    Record(Sent),
    Barrier(Epoch),
    End,
}

pub(super) enum Out {
    Input(Input),
    Op(Op),
}

enum Mail {
    Announce(Epoch, EpochKind),
    Abandon(Epoch),
    Permit(CommitPermit),
}

struct Stage {
    id: StageId,
    aligner: Aligner<usize>,
    parked: BTreeSet<usize>,
    mail: VecDeque<Mail>,
    work: Work,
    /// It has sent its end.
    is_finished: bool,
    uploads: BTreeSet<BlobKey>,
    /// Reports that wait for uploads.
    reports: Vec<(Epoch, BTreeSet<BlobKey>, StageManifest)>,
}

enum Work {
    Source { source: u8, seq: u32, stop_at: Option<Epoch>, is_stopped: bool },
    Count { table: MapTable<(u8, u32), u64>, chain: Chain, parts: BTreeMap<BlobKey, Bytes> },
    Sink { buffer: Vec<Sent>, prepared: Prepared },
}

pub(super) struct Stages {
    layout: Layout,
    stages: Vec<Stage>,
    edges: Vec<VecDeque<Flow>>,
}

fn table() -> TableName {
    TableName::new("counts").unwrap()
}

impl Stages {
    pub(super) fn restored(layout: &Layout, recovered: &Recovered, store: &Store) -> Self {
        let stage = |(at, name): (usize, &&str)| {
            let id = StageId::new(*name).unwrap();
            let manifest = recovered.manifest.as_ref().and_then(|it| it.stages.get(&id));
            let inputs = EDGES.iter().enumerate().filter(|it| it.1.1 == at).map(|it| it.0);
            let passed = recovered.manifest.as_ref().map(|it| it.epoch);
            Stage {
                aligner: Aligner::new(inputs, passed),
                parked: BTreeSet::new(),
                mail: VecDeque::new(),
                work: Work::restored(at, &id, manifest, recovered, store),
                is_finished: false,
                uploads: BTreeSet::new(),
                reports: Vec::new(),
                id,
            }
        };
        let stages = STAGES.iter().enumerate().map(stage).collect();
        Self { layout: layout.clone(), stages, edges: vec![VecDeque::new(); EDGES.len()] }
    }

    /// Whether no source has anything left.
    pub(super) fn have_ended(&self) -> bool {
        self.stages[..SOURCES].iter().all(|it| matches!(it.work, Work::Source { seq: RECORDS, .. }))
    }

    pub(super) fn tell(&mut self, effect: &Effect) {
        for stage in &mut self.stages {
            stage.mail.push_back(match effect {
                Effect::Announce { epoch, kind } => Mail::Announce(*epoch, *kind),
                Effect::Abandon { epoch, .. } => Mail::Abandon(*epoch),
                Effect::Publish(permit) => Mail::Permit(permit.clone()),
                other => panic!("no stage is told of {other:?}"),
            });
        }
    }

    pub(super) fn uploaded(&mut self, stage: usize, key: &BlobKey) -> Vec<Out> {
        let stage = &mut self.stages[stage];
        stage.uploads.remove(key);
        for (_, missing, _) in &mut stage.reports {
            missing.remove(key);
        }
        stage.due()
    }

    /// Lets one thing happen, if anything can.
    pub(super) fn step(&mut self, rng: &mut StdRng, trouble: &Trouble) -> Vec<Out> {
        let with_mail: Vec<_> =
            (0..STAGES.len()).filter(|it| !self.stages[*it].mail.is_empty()).collect();
        let is_open = |it: &usize| {
            !self.edges[*it].is_empty() && !self.stages[EDGES[*it].1].parked.contains(it)
        };
        let open: Vec<_> = (0..EDGES.len()).filter(is_open).collect();
        match rng.random_range(0..3) {
            0 => any(rng, &with_mail).map(|at| self.deliver(*at, rng, trouble)),
            1 => any(rng, &open).map(|edge| self.flow(*edge, rng, trouble)),
            _ => {
                let at = rng.random_range(0..SOURCES);
                Some(self.emit(at))
            }
        }
        .unwrap_or_default()
    }

    fn send(&mut self, at: usize, flow: Flow) {
        for (edge, _) in EDGES.iter().enumerate().filter(|it| it.1.0 == at) {
            self.edges[edge].push_back(flow);
        }
    }

    fn emit(&mut self, at: usize) -> Vec<Out> {
        let stage = &mut self.stages[at];
        let Work::Source { source, seq, is_stopped, .. } = &mut stage.work else { return vec![] };
        if *is_stopped || stage.is_finished {
            return vec![];
        }
        if *seq == RECORDS {
            stage.is_finished = true;
            let (stage, at_time) = (stage.id.clone(), weir_domain::Timestamp(0));
            self.send(at, Flow::End);
            return vec![Out::Input(Input::Ended { stage, at: at_time })];
        }
        let record = Sent { source: *source, seq: *seq, count: 0 };
        *seq += 1;
        self.send(at, Flow::Record(record));
        vec![]
    }

    fn flow(&mut self, edge: usize, rng: &mut StdRng, trouble: &Trouble) -> Vec<Out> {
        let at = EDGES[edge].1;
        let Some(flow) = self.edges[edge].pop_front() else { return vec![] };
        let stage = &mut self.stages[at];
        let moves = match flow {
            Flow::Record(record) => {
                match &mut stage.work {
                    Work::Count { table, .. } => {
                        let key = (record.source, record.seq % KEYS);
                        let count = table.update(
                            &key,
                            || 0,
                            |it| {
                                *it += 1;
                                *it
                            },
                        );
                        self.send(at, Flow::Record(Sent { count, ..record }));
                    }
                    Work::Sink { buffer, .. } => buffer.push(record),
                    Work::Source { .. } => panic!("a source has no input"),
                }
                return vec![];
            }
            Flow::Barrier(epoch) => stage.aligner.barrier(edge, epoch),
            Flow::End => stage.aligner.ended(edge),
        };
        self.moves(at, moves, rng, trouble)
    }

    fn deliver(&mut self, at: usize, rng: &mut StdRng, trouble: &Trouble) -> Vec<Out> {
        let stage = &mut self.stages[at];
        let moves = match stage.mail.pop_front() {
            Some(Mail::Announce(epoch, kind)) => {
                if let Work::Source { stop_at, .. } = &mut stage.work
                    && kind == EpochKind::Stop
                {
                    *stop_at = Some(epoch);
                }
                stage.aligner.announced(epoch)
            }
            Some(Mail::Abandon(epoch)) => stage.aligner.abandoned(epoch),
            Some(Mail::Permit(permit)) => return stage.permitted(&permit),
            None => return vec![],
        };
        self.moves(at, moves, rng, trouble)
    }

    fn moves(
        &mut self,
        at: usize,
        moves: Vec<Move<usize>>,
        rng: &mut StdRng,
        trouble: &Trouble,
    ) -> Vec<Out> {
        let mut outs = Vec::new();
        for it in moves {
            let stage = &mut self.stages[at];
            match it {
                Move::Park(edge) => drop(stage.parked.insert(edge)),
                Move::Unpark(edge) => drop(stage.parked.remove(&edge)),
                Move::Finish => {
                    stage.is_finished = true;
                    self.send(at, Flow::End);
                }
                Move::Skip(epoch) => outs.push(stage.failed(epoch)),
                Move::Snapshot(epoch) => {
                    let is_failing = one_in(rng, trouble.failed);
                    outs.extend(stage.snapshot(at, epoch, &self.layout, is_failing));
                    if !stage.is_finished {
                        self.send(at, Flow::Barrier(epoch));
                    }
                }
            }
        }
        outs
    }
}

impl Stage {
    fn failed(&self, epoch: Epoch) -> Out {
        let (stage, reason) = (self.id.clone(), "simulated".to_owned());
        Out::Input(Input::Failed { stage, epoch, reason })
    }

    /// Takes the snapshot; the report follows when all uploads that it needs are done.
    fn snapshot(&mut self, at: usize, epoch: Epoch, layout: &Layout, is_failing: bool) -> Vec<Out> {
        let mut manifest = StageManifest::default();
        let mut uploads = Vec::new();
        match &mut self.work {
            Work::Source { seq, stop_at, is_stopped, .. } => {
                manifest.position = Bytes::copy_from_slice(&seq.to_le_bytes());
                manifest.is_ended = self.is_finished;
                *is_stopped |= *stop_at == Some(epoch);
            }
            Work::Count { table, chain, parts } => {
                let policy = CompactionPolicy { deltas_max: 3, ..CompactionPolicy::default() };
                if chain.is_worth_compacting(&policy) {
                    let of = chain.parts().to_vec();
                    let contents: Vec<_> = of.iter().map(|it| parts[&it.key].clone()).collect();
                    let key =
                        |it| layout.state(epoch, &self.id, &self::table(), (PartKind::Base, it));
                    let bases = compact(&contents).unwrap().into_iter().enumerate();
                    let bases: Vec<_> = bases.map(|(at, it)| (key(at), it)).collect();
                    assert!(chain.compacted(&of, bases.clone()));
                    uploads.extend(bases);
                }
                if let Some(frozen) = table.freeze(epoch) {
                    for (at, delta) in frozen.encode().into_iter().enumerate() {
                        let part = (PartKind::Delta, at);
                        let key = layout.state(epoch, &self.id, &self::table(), part);
                        chain.push(key.clone(), &delta);
                        uploads.push((key, delta));
                    }
                }
                parts.extend(uploads.iter().cloned());
                manifest.tables.insert(self::table(), chain.manifest());
            }
            Work::Sink { buffer, prepared } => {
                if !buffer.is_empty() {
                    let staged = serde_json::to_vec(&std::mem::take(buffer)).unwrap();
                    let key = layout.staged(epoch, &self.id, 1);
                    let (content, blobs) = (Bytes::new(), vec![key.clone()]);
                    prepared.prepare(epoch, Committable { content, blobs });
                    uploads.push((key, staged.into()));
                }
                manifest.committables = prepared.report(epoch);
            }
        }
        self.uploads.extend(uploads.iter().map(|it| it.0.clone()));
        let mut outs = vec![Out::Input(Input::Aligned { stage: self.id.clone(), epoch })];
        let ops = uploads.into_iter().map(|(key, content)| Op::Upload { stage: at, key, content });
        outs.extend(ops.map(Out::Op));
        if is_failing {
            outs.push(self.failed(epoch));
        } else {
            self.reports.push((epoch, self.uploads.clone(), manifest));
        }
        outs.extend(self.due());
        outs
    }

    fn due(&mut self) -> Vec<Out> {
        let stage = &self.id;
        let due = self.reports.extract_if(.., |it| it.1.is_empty());
        let due = due.map(|(epoch, _, manifest)| {
            let manifest = Box::new(manifest);
            Out::Input(Input::Reported { stage: stage.clone(), epoch, manifest })
        });
        due.collect()
    }

    fn permitted(&mut self, permit: &CommitPermit) -> Vec<Out> {
        let Work::Sink { prepared, .. } = &mut self.work else { return vec![] };
        let entries: VecDeque<_> = prepared.accept(permit).unwrap().into();
        let (stage, epoch) = (self.id.clone(), permit.epoch());
        match entries.is_empty() {
            true => vec![],
            false => vec![Out::Op(Op::Publish { stage, epoch, entries })],
        }
    }
}

impl Work {
    fn restored(
        at: usize,
        id: &StageId,
        manifest: Option<&StageManifest>,
        recovered: &Recovered,
        store: &Store,
    ) -> Self {
        if at < SOURCES {
            let position =
                manifest.map(|it| u32::from_le_bytes(it.position[..].try_into().unwrap()));
            let (source, seq) = (at as u8, position.unwrap_or(0));
            return Self::Source { source, seq, stop_at: None, is_stopped: false };
        }
        if at > COUNT {
            let prepared = Prepared::new(id.clone(), recovered.generation);
            return Self::Sink { buffer: Vec::new(), prepared };
        }
        let mut table = MapTable::new(1);
        let stored = manifest.and_then(|it| it.tables.get(&self::table()));
        let chain = stored.map_or_else(|| Chain::new(table.spec()), Chain::restored);
        let mut parts = BTreeMap::new();
        for part in chain.parts() {
            let content =
                store.disk.blobs.get(&part.key).unwrap_or_else(|| panic!("{} is gone", part.key));
            assert_eq!(crc32fast::hash(content), part.checksum, "{}", part.key);
            table.load(content).unwrap();
            parts.insert(part.key.clone(), content.clone());
        }
        Self::Count { table, chain, parts }
    }
}
