//! The world: virtual time, the events in their order, and the nodes that they happen to.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::time::Duration;

use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use weir_domain::NodeUid;
use weir_persistence_api::LeaseName;

use super::faults::{Planned, plan};
use super::net::Net;
use super::node::Node;
use super::store::{Answer, Call, Millis, Store};
use crate::resolver::{Strategy, Tie};
use crate::singleton::Report;

/// Between two steps of the network.
const STEP: Millis = 200;
/// The longest time between two turns of a node.
pub(super) const TURN: Millis = 500;
pub(super) const LOOK: Millis = 1_000;
pub(super) const TTL: Millis = 6_000;
/// What a node waits for an answer of the store.
pub(super) const PATIENCE: Millis = 1_500;
/// How long the cluster may take to come to rest after the last fault.
const REST: Millis = 90_000;
/// How long it has to stay at rest.
const AT_REST: Millis = 3_000;

#[derive(Debug)]
pub(super) enum Event {
    Step,
    Begin(usize),
    End(usize),
    Start(usize),
    /// To one incarnation only.
    To(NodeUid, Mail),
    /// A call reaches the store.
    Call {
        from: NodeUid,
        asked_at: Millis,
        call: Call,
    },
}

#[derive(Debug)]
pub(super) enum Mail {
    Turn,
    /// The turn that was planned for this time, unless another was planned since.
    Planned(Millis),
    Answer {
        asked_at: Millis,
        call: Call,
        answer: Answer,
    },
    /// No answer came in time.
    NoAnswer {
        call: Call,
    },
    Report {
        lease: usize,
        report: Report,
    },
    Gone(NodeUid),
    LookAtMembers,
    LookAtLeases,
}

struct Timed {
    at: Millis,
    number: u64,
    event: Box<Event>,
}

impl PartialEq for Timed {
    fn eq(&self, other: &Self) -> bool {
        (self.at, self.number) == (other.at, other.number)
    }
}

impl Eq for Timed {}

impl PartialOrd for Timed {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Timed {
    /// The next one is the greatest.
    fn cmp(&self, other: &Self) -> Ordering {
        (other.at, other.number).cmp(&(self.at, self.number))
    }
}

pub(super) struct World {
    pub(super) now: Millis,
    pub(super) net: Net,
    pub(super) store: Store,
    pub(super) nodes: Vec<Option<Node>>,
    pub(super) plan: Vec<Planned>,
    pub(super) is_harmless: bool,
    /// When a fault last began or ended, or a process did.
    pub(super) disturbed_at: Millis,
    /// By lease: the epoch and owner that wrote last.
    pub(super) written: Vec<(u64, String)>,
    pub(super) random: SmallRng,
    events: BinaryHeap<Timed>,
    next_number: u64,
    pub(super) next_uid: u128,
    pub(super) strategy: Strategy,
    pub(super) members_min: usize,
    pub(super) names: Vec<LeaseName>,
    /// What waits for those who are paused.
    pub(super) mail: Vec<Vec<Mail>>,
    pub(super) outages: u32,
    pub(super) cut_off: Vec<u32>,
    pub(super) slowness: u32,
    pub(super) pauses: Vec<u32>,
    is_told: bool,
    rests_since: Option<Millis>,
    pub(super) downed: u32,
    pub(super) forced: u32,
    pub(super) turns: u32,
}

impl World {
    pub(super) fn new(seed: u64, is_told: bool) -> Self {
        let mut random = SmallRng::seed_from_u64(seed);
        let count = random.random_range(2..=5);
        let plan = plan(&mut random, count);
        let leases = random.random_range(1..=3);
        let strategy = strategy(&mut random, count);
        let members_min = if random.random_bool(0.3) { 2 } else { 1 };
        let is_harmless = plan.iter().all(|it| it.fault.is_harmless(it.until - it.at));
        let mut world = Self {
            now: 0,
            net: Net::new(count),
            store: Store::new(leases),
            nodes: (0..count).map(|_| None).collect(),
            is_harmless,
            disturbed_at: 0,
            written: vec![(0, String::new()); leases],
            random,
            events: BinaryHeap::new(),
            next_number: 0,
            next_uid: 1,
            strategy,
            members_min,
            names: (0..leases).map(|it| LeaseName(format!("lease-{it}"))).collect(),
            mail: (0..count).map(|_| Vec::new()).collect(),
            outages: 0,
            cut_off: vec![0; count],
            slowness: 0,
            pauses: vec![0; count],
            is_told,
            rests_since: None,
            downed: 0,
            forced: 0,
            turns: 0,
            plan,
        };
        world.at(STEP, Event::Step);
        for place in 0..count {
            let at = world.random.random_range(0..2_000);
            world.at(at, Event::Start(place));
        }
        for (number, it) in world.plan.clone().iter().enumerate() {
            world.at(it.at, Event::Begin(number));
            world.at(it.until, Event::End(number));
        }
        world.tell(|it| {
            format!("{count} nodes, {leases} leases, {:?}, {:#?}", it.strategy, it.plan)
        });
        world
    }

    pub(super) fn summary(&self) -> String {
        let Self { now, downed, forced, turns, .. } = self;
        let epochs: Vec<_> = self.store.leases.iter().map(|it| it.epoch).collect();
        format!(
            "at rest after {now} ms; {downed} downed, {forced} forced, {turns} turns, epochs {epochs:?}"
        )
    }

    pub(super) fn run(&mut self) -> Result<(), String> {
        let last = self.plan.iter().map(|it| it.until).max().unwrap_or(0);
        while let Some(Timed { at, event, .. }) = self.events.pop() {
            self.now = at;
            let is_step = matches!(*event, Event::Step);
            self.happen(*event).map_err(|it| format!("at {at} ms: {it}"))?;
            if !is_step {
                continue;
            }
            self.check().map_err(|it| format!("at {at} ms: {it}"))?;
            if at > last && self.has_come_to_rest() {
                return Ok(());
            }
            if at > last + REST {
                let unrest = self.unrest().unwrap_or_default();
                return Err(format!("S6: no rest {REST} ms after the last fault: {unrest}"));
            }
        }
        Err("the events have run out".into())
    }

    fn has_come_to_rest(&mut self) -> bool {
        if self.unrest().is_some() {
            self.rests_since = None;
            return false;
        }
        self.now - *self.rests_since.get_or_insert(self.now) >= AT_REST
    }

    pub(super) fn tell(&self, text: impl FnOnce(&Self) -> String) {
        if self.is_told {
            eprintln!("{:>7} {}", self.now, text(self));
        }
    }

    pub(super) fn at(&mut self, at: Millis, event: Event) {
        self.next_number += 1;
        self.events.push(Timed { at, number: self.next_number, event: Box::new(event) });
    }

    pub(super) fn send(&mut self, after: Millis, to: NodeUid, mail: Mail) {
        self.at(self.now + after, Event::To(to, mail));
    }

    fn happen(&mut self, event: Event) -> Result<(), String> {
        match event {
            Event::Step => self.step(),
            Event::Begin(number) => self.begin(number),
            Event::End(number) => self.end(number),
            Event::Start(place) => self.start(place),
            Event::To(to, mail) => return self.deliver(to, mail),
            Event::Call { from, asked_at, call } => return self.call(from, asked_at, call),
        }
        Ok(())
    }

    fn step(&mut self) {
        self.at(self.now + STEP, Event::Step);
        let nodes = &self.nodes;
        let missing =
            |place: usize| nodes[place].as_ref().map(|it| it.missing.clone()).unwrap_or_default();
        let changes = self.net.step(self.now, &mut self.random, &missing);
        for change in changes {
            let (a, b) = change.ends;
            self.tell(|_| format!("link {a}-{b} {}", if change.is_up { "up" } else { "down" }));
            for (one, other) in [(a, b), (b, a)] {
                let (Some(one), Some(new)) = (self.net.places[one].uid, self.net.places[other].uid)
                else {
                    continue;
                };
                if change.is_up {
                    self.replaced(one, other, new);
                }
                self.send(0, one, Mail::Turn);
            }
        }
    }

    /// A link to a new incarnation proves that the older ones at its place are gone.
    fn replaced(&mut self, witness: NodeUid, place: usize, new: NodeUid) {
        let name = self.nodes[place].as_ref().map(|it| it.me.name.clone());
        let old =
            self.store.members.members.iter().filter(|it| Some(&it.node.name) == name.as_ref());
        let old: Vec<_> = old.map(|it| it.node.uid).filter(|it| *it != new).collect();
        for uid in old {
            self.send(0, witness, Mail::Gone(uid));
        }
    }
}

fn strategy(random: &mut SmallRng, nodes: usize) -> Strategy {
    match random.random_range(0..10) {
        0..5 => Strategy::KeepMajority { role: None, tie: Tie::Lease },
        5 => Strategy::KeepMajority { role: None, tie: Tie::LowestAddress },
        6 => {
            let size = u32::try_from(nodes / 2 + 1).unwrap_or(1);
            Strategy::StaticQuorum { size, role: None }
        }
        7 => Strategy::KeepOldest { down_if_alone: random.random_bool(0.7), role: None },
        8 => {
            let minority_delay = Duration::from_secs(2);
            Strategy::LeaseMajority { minority_delay, role: None }
        }
        _ => Strategy::DownAll,
    }
}
