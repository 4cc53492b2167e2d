//! One stage at a time, then whole graphs: in each, a snapshot is a consistent cut.

use std::collections::VecDeque;

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};

use super::Move::*;
use super::*;

fn e(number: u32) -> Epoch {
    Epoch::new(1, number)
}

fn two() -> Aligner<u8> {
    Aligner::new([1, 2], None)
}

#[test]
fn a_source_takes_what_is_announced_at_once() {
    let mut source = Aligner::<u8>::new([], None);
    assert_eq!(source.announced(e(1)), [Snapshot(e(1))]);
    assert_eq!(source.announced(e(1)), [], "once");
    assert_eq!(source.announced(e(3)), [Snapshot(e(3))]);
    assert_eq!(source.announced(e(2)), [], "never backwards");
}

#[test]
fn a_stage_with_one_input_takes_each_barrier_as_it_comes() {
    let mut stage = Aligner::new([1], None);
    assert_eq!(stage.announced(e(1)), []);
    assert_eq!(stage.barrier(1, e(1)), [Park(1), Snapshot(e(1)), Unpark(1)]);
    // The barrier may overtake the announcement.
    assert_eq!(stage.barrier(1, e(2)), [Park(1), Snapshot(e(2)), Unpark(1)]);
    assert_eq!(stage.announced(e(2)), []);
}

#[test]
fn an_input_waits_for_the_others() {
    let mut stage = Aligner::new([1, 2, 3], None);
    assert_eq!(stage.barrier(2, e(1)), [Park(2)]);
    assert_eq!(stage.barrier(1, e(1)), [Park(1)]);
    assert_eq!(stage.waiting().collect::<Vec<_>>(), [(e(1), vec![3])]);
    let moves = [Park(3), Snapshot(e(1)), Unpark(1), Unpark(2), Unpark(3)];
    assert_eq!(stage.barrier(3, e(1)), moves);
    assert_eq!(stage.waiting().count(), 0);
}

#[test]
fn epochs_are_pipelined() {
    let mut stage = two();
    stage.announced(e(1));
    stage.announced(e(2));
    assert_eq!(stage.barrier(1, e(1)), [Park(1)]);
    assert_eq!(stage.barrier(2, e(1)), [Park(2), Snapshot(e(1)), Unpark(1), Unpark(2)]);
    assert_eq!(stage.barrier(2, e(2)), [Park(2)]);
    assert_eq!(stage.barrier(1, e(2)), [Park(1), Snapshot(e(2)), Unpark(1), Unpark(2)]);
}

#[test]
fn the_end_of_an_input_is_the_barrier_of_all_later_epochs() {
    let mut stage = two();
    assert_eq!(stage.barrier(1, e(1)), [Park(1)]);
    assert_eq!(stage.ended(2), [Snapshot(e(1)), Unpark(1)]);
    assert_eq!(stage.barrier(1, e(2)), [Park(1), Snapshot(e(2)), Unpark(1)]);
    stage.announced(e(3));
    assert_eq!(stage.ended(1), [Finish, Snapshot(e(3))], "the tail is put out first");
    assert_eq!(stage.announced(e(4)), [Snapshot(e(4))], "like a source");
}

#[test]
fn an_epoch_that_one_input_has_passed_over_is_given_up() {
    let mut stage = two();
    stage.announced(e(1));
    assert_eq!(stage.barrier(1, e(1)), [Park(1)]);
    assert_eq!(stage.barrier(2, e(2)), [Skip(e(1)), Unpark(1), Park(2)]);
    assert_eq!(stage.barrier(1, e(2)), [Park(1), Snapshot(e(2)), Unpark(1), Unpark(2)]);
}

#[test]
fn a_barrier_behind_which_another_input_waits_is_given_up() {
    let mut stage = two();
    assert_eq!(stage.barrier(1, e(2)), [Park(1)]);
    assert_eq!(stage.barrier(2, e(1)), [Skip(e(1))]);
    assert_eq!(stage.announced(e(1)), []);
    assert_eq!(stage.barrier(2, e(2)), [Park(2), Snapshot(e(2)), Unpark(1), Unpark(2)]);
    let mut stage = two();
    assert_eq!(stage.barrier(1, e(2)), [Park(1)]);
    assert_eq!(stage.announced(e(1)), [Skip(e(1))], "an announcement that comes late");
}

#[test]
fn an_abandoned_epoch_frees_its_inputs_and_its_barriers_are_ignored() {
    let mut stage = two();
    stage.announced(e(1));
    assert_eq!(stage.barrier(1, e(1)), [Park(1)]);
    assert_eq!(stage.abandoned(e(1)), [Unpark(1)]);
    assert_eq!(stage.barrier(2, e(1)), []);
    assert_eq!(stage.barrier(2, e(2)), [Park(2)]);
    assert_eq!(stage.barrier(1, e(2)), [Park(1), Snapshot(e(2)), Unpark(1), Unpark(2)]);
    assert_eq!(stage.abandoned(e(2)), [], "too late: it was taken");
}

#[test]
fn after_a_restart_nothing_up_to_the_restored_epoch_is_taken() {
    let mut stage = Aligner::new([1], Some(e(7)));
    assert_eq!(stage.announced(e(7)), []);
    assert_eq!(stage.barrier(1, e(7)), []);
    let next = Epoch::new(2, 1);
    assert_eq!(stage.barrier(1, next), [Park(1), Snapshot(next), Unpark(1)]);
}

#[test]
fn what_makes_no_sense_moves_nothing() {
    let mut stage = two();
    assert_eq!(stage.barrier(9, e(1)), []);
    assert_eq!(stage.ended(9), []);
    assert_eq!(stage.barrier(1, e(1)), [Park(1)]);
    assert_eq!(stage.ended(1), [], "it is parked, and nobody has read its end");
    assert_eq!(stage.barrier(1, e(2)), []);
}

/// What flows over an edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flow {
    Record,
    Barrier(Epoch),
    End,
}

/// What a stage had received and sent on every edge when it took a snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Cut {
    received: BTreeMap<usize, u64>,
    sent: u64,
}

struct Stage {
    aligner: Aligner<usize>,
    outputs: Vec<usize>,
    parked: BTreeSet<usize>,
    cut: Cut,
    cuts: BTreeMap<Epoch, Cut>,
    skipped: BTreeSet<Epoch>,
    is_finished: bool,
    /// Of a source: how many records it still has.
    left: Option<u32>,
    /// Announcements and abandonments that have not arrived.
    mail: VecDeque<(bool, Epoch)>,
}

/// A pipeline in which every stage sends each record that it receives to all its outputs.
struct Graph {
    stages: Vec<Stage>,
    edges: Vec<VecDeque<Flow>>,
    ends: Vec<(usize, usize)>,
}

impl Graph {
    fn new(stages: usize, ends: &[(usize, usize)], rng: &mut StdRng) -> Self {
        let stages = (0..stages).map(|id| {
            let inputs = ends.iter().enumerate().filter(|it| it.1.1 == id).map(|it| it.0);
            let outputs = ends.iter().enumerate().filter(|it| it.1.0 == id).map(|it| it.0);
            let inputs: Vec<_> = inputs.collect();
            let received = inputs.iter().map(|it| (*it, 0)).collect();
            Stage {
                left: inputs.is_empty().then(|| rng.random_range(0..60)),
                is_finished: false,
                aligner: Aligner::new(inputs, None),
                outputs: outputs.collect(),
                parked: BTreeSet::new(),
                cut: Cut { received, sent: 0 },
                cuts: BTreeMap::new(),
                skipped: BTreeSet::new(),
                mail: VecDeque::new(),
            }
        });
        Self {
            stages: stages.collect(),
            edges: vec![VecDeque::new(); ends.len()],
            ends: ends.to_vec(),
        }
    }

    fn send(&mut self, from: usize, flow: Flow) {
        self.stages[from].cut.sent += u64::from(flow == Flow::Record);
        for edge in self.stages[from].outputs.clone() {
            self.edges[edge].push_back(flow);
        }
    }

    fn moves(&mut self, id: usize, moves: Vec<Move<usize>>) {
        for it in moves {
            let stage = &mut self.stages[id];
            match it {
                Park(edge) => assert!(stage.parked.insert(edge)),
                Unpark(edge) => assert!(stage.parked.remove(&edge)),
                Skip(epoch) => assert!(stage.skipped.insert(epoch)),
                Finish => {
                    assert!(!stage.is_finished);
                    stage.is_finished = true;
                    // What an operator has held back.
                    self.send(id, Flow::Record);
                    self.send(id, Flow::End);
                }
                Snapshot(epoch) => {
                    assert!(stage.cuts.keys().all(|it| *it < epoch), "A1: {epoch}");
                    stage.cuts.insert(epoch, stage.cut.clone());
                    if !stage.is_finished {
                        self.send(id, Flow::Barrier(epoch));
                    }
                }
            }
        }
    }

    /// Lets one thing happen that can; `false` if nothing can.
    fn tick(&mut self, rng: &mut StdRng) -> bool {
        let mail = (0..self.stages.len()).filter(|it| !self.stages[*it].mail.is_empty());
        let mail: Vec<_> = mail.collect();
        let edges = (0..self.edges.len()).filter(|it| {
            !self.edges[*it].is_empty() && !self.stages[self.ends[*it].1].parked.contains(it)
        });
        let edges: Vec<_> = edges.collect();
        let sources = (0..self.stages.len())
            .filter(|it| self.stages[*it].left.is_some() && !self.stages[*it].is_finished);
        let sources: Vec<_> = sources.collect();
        let choices = [!mail.is_empty(), !edges.is_empty(), !sources.is_empty()];
        let choices: Vec<_> = (0..3).filter(|it| choices[*it]).collect();
        match choices.choose(rng) {
            None => return false,
            Some(0) => {
                let id = *mail.choose(rng).unwrap();
                let (is_announced, epoch) = self.stages[id].mail.pop_front().unwrap();
                let aligner = &mut self.stages[id].aligner;
                let moves = match is_announced {
                    true => aligner.announced(epoch),
                    false => aligner.abandoned(epoch),
                };
                self.moves(id, moves);
            }
            Some(1) => {
                let edge = *edges.choose(rng).unwrap();
                let (id, flow) = (self.ends[edge].1, self.edges[edge].pop_front().unwrap());
                let moves = match flow {
                    Flow::Record => {
                        *self.stages[id].cut.received.get_mut(&edge).unwrap() += 1;
                        self.send(id, Flow::Record);
                        Vec::new()
                    }
                    Flow::Barrier(epoch) => self.stages[id].aligner.barrier(edge, epoch),
                    Flow::End => self.stages[id].aligner.ended(edge),
                };
                self.moves(id, moves);
            }
            Some(_) => {
                let id = *sources.choose(rng).unwrap();
                match self.stages[id].left.unwrap() {
                    0 => {
                        self.stages[id].is_finished = true;
                        self.send(id, Flow::End);
                    }
                    left => {
                        self.stages[id].left = Some(left - 1);
                        self.send(id, Flow::Record);
                    }
                }
            }
        }
        true
    }

    fn tell(&mut self, is_announced: bool, epoch: Epoch) {
        self.stages.iter_mut().for_each(|it| it.mail.push_back((is_announced, epoch)));
    }

    /// A2: on every edge, what was received is what had been sent.
    fn check(&self, epoch: Epoch) {
        for (edge, (from, to)) in self.ends.iter().enumerate() {
            let (from, to) = (&self.stages[*from], &self.stages[*to]);
            if let (Some(from), Some(to)) = (from.cuts.get(&epoch), to.cuts.get(&epoch)) {
                assert_eq!(from.sent, to.received[&edge], "A2: edge {edge}, epoch {epoch}");
            }
        }
    }
}

/// Runs a graph to its end, with epochs announced and abandoned on the way.
fn run(name: &str, stages: usize, ends: &[(usize, usize)], seed: u64) {
    let rng = &mut StdRng::seed_from_u64(seed);
    let mut graph = Graph::new(stages, ends, rng);
    let (mut number, mut abandoned) = (0, BTreeSet::new());
    loop {
        if number < 8 && rng.random_ratio(1, 12) {
            number += 1;
            graph.tell(true, e(number));
        }
        if number > 0 && rng.random_ratio(1, 60) {
            let epoch = e(rng.random_range(1..=number));
            if abandoned.insert(epoch) {
                graph.tell(false, epoch);
            }
        }
        if !graph.tick(rng) {
            break;
        }
    }
    graph.tell(true, e(number + 1));
    while graph.tick(rng) {}
    for number in 1..=number + 1 {
        let epoch = e(number);
        graph.check(epoch);
        for (id, stage) in graph.stages.iter().enumerate() {
            let is_taken = stage.cuts.contains_key(&epoch);
            assert!(
                is_taken || abandoned.contains(&epoch),
                "A4: {name}, seed {seed}: stage {id} never took epoch {epoch}"
            );
            assert!(stage.parked.is_empty(), "A3: {name}, seed {seed}: stage {id}");
            assert!(abandoned.is_superset(&stage.skipped), "{name}, seed {seed}: stage {id}");
        }
    }
}

#[test]
fn snapshots_of_every_shape_of_graph_are_consistent_cuts() {
    type Edges = &'static [(usize, usize)];
    let shapes: [(&str, usize, Edges); 7] = [
        ("line", 3, &[(0, 1), (1, 2)]),
        ("fan-out", 4, &[(0, 1), (0, 2), (0, 3)]),
        ("fan-in", 4, &[(0, 3), (1, 3), (2, 3)]),
        ("diamond", 4, &[(0, 1), (0, 2), (1, 3), (2, 3)]),
        ("short and long way", 4, &[(0, 1), (1, 2), (2, 3), (0, 3)]),
        ("two edges between two stages", 2, &[(0, 1), (0, 1)]),
        ("crossed", 6, &[(0, 2), (1, 2), (0, 3), (1, 3), (2, 4), (3, 4), (3, 5)]),
    ];
    for (name, stages, ends) in shapes {
        (0..300).for_each(|seed| run(name, stages, ends, seed));
    }
}

#[test]
fn snapshots_of_random_graphs_are_consistent_cuts() {
    for seed in 0..1_500 {
        let rng = &mut StdRng::seed_from_u64(seed);
        let stages = rng.random_range(2..8);
        let pairs = (1..stages).flat_map(|to| (0..to).map(move |from| (from, to)));
        let ends: Vec<_> = pairs.filter(|_| rng.random_ratio(2, 5)).collect();
        run("random", stages, &ends, seed);
    }
}
