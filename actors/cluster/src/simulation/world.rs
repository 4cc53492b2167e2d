//! The world: virtual time, the events in their order, and the nodes that they happen to.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::time::Duration;

use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use uuid::Uuid;
use weir_domain::{NodeStatus, NodeUid};
use weir_persistence_api::{Fence, LeaseName};

use super::faults::{Fault, Planned, plan};
use super::net::Net;
use super::node::{Node, Start};
use super::store::{Answer, Call, Millis, Store};
use crate::membership::{Order, Stop};
use crate::resolver::{Strategy, Tie};
use crate::singleton::{Action, Report, State};
use crate::testing::member;

/// Between two steps of the network.
const STEP: Millis = 200;
/// The longest time between two turns of a node.
const TURN: Millis = 500;
const LOOK: Millis = 1_000;
/// What a node waits for an answer of the store.
const PATIENCE: Millis = 1_500;
/// How long the cluster may take to come to rest after the last fault.
const REST: Millis = 90_000;
/// How long it has to stay at rest.
const AT_REST: Millis = 3_000;

#[derive(Debug)]
enum Event {
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
enum Mail {
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
    random: SmallRng,
    events: BinaryHeap<Timed>,
    next_number: u64,
    next_uid: u128,
    strategy: Strategy,
    members_min: usize,
    names: Vec<LeaseName>,
    /// What waits for those who are paused.
    mail: Vec<Vec<Mail>>,
    outages: u32,
    cut_off: Vec<u32>,
    slowness: u32,
    pauses: Vec<u32>,
    is_told: bool,
    rests_since: Option<Millis>,
    downed: u32,
    forced: u32,
    turns: u32,
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

    fn tell(&self, text: impl FnOnce(&Self) -> String) {
        if self.is_told {
            eprintln!("{:>7} {}", self.now, text(self));
        }
    }

    fn at(&mut self, at: Millis, event: Event) {
        self.next_number += 1;
        self.events.push(Timed { at, number: self.next_number, event: Box::new(event) });
    }

    fn send(&mut self, after: Millis, to: NodeUid, mail: Mail) {
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

    fn begin(&mut self, number: usize) {
        self.disturbed_at = self.now;
        let Planned { fault, until, .. } = self.plan[number].clone();
        self.tell(|_| format!("BEGIN {fault:?}"));
        match fault {
            Fault::Kill(place) => self.end_process(place, true, until),
            Fault::Crash(place) => self.end_process(place, false, until),
            Fault::Leave(place) => self.leave(place),
            other => self.switch(&other, 1),
        }
    }

    fn end(&mut self, number: usize) {
        self.disturbed_at = self.now;
        let fault = self.plan[number].fault.clone();
        self.tell(|_| format!("END {fault:?}"));
        self.switch(&fault, -1);
    }

    /// Turns a fault on or off.
    fn switch(&mut self, fault: &Fault, by: i32) {
        let add = |count: &mut u32| *count = count.checked_add_signed(by).unwrap_or(0);
        match *fault {
            Fault::Partition(left) => {
                let is_left = |place: usize| left & (1 << place) != 0;
                for a in 0..self.nodes.len() {
                    for b in 0..self.nodes.len() {
                        if is_left(a) != is_left(b) {
                            self.net.cut(a, b, by);
                        }
                    }
                }
            }
            Fault::Isolate(place) => {
                add(&mut self.cut_off[place]);
                for other in (0..self.nodes.len()).filter(|it| *it != place) {
                    self.net.cut(place, other, by);
                    self.net.cut(other, place, by);
                }
            }
            Fault::Link(a, b) => {
                self.net.cut(a, b, by);
                self.net.cut(b, a, by);
            }
            Fault::OneWay(a, b) => self.net.cut(a, b, by),
            Fault::Pause(place) => {
                add(&mut self.pauses[place]);
                self.pause(place);
            }
            Fault::Outage => add(&mut self.outages),
            Fault::CutOff(place) => add(&mut self.cut_off[place]),
            Fault::Slow => add(&mut self.slowness),
            Fault::Loss => self.net.loss = if by > 0 { 0.3 } else { 0.0 },
            Fault::Kill(_) | Fault::Crash(_) | Fault::Leave(_) => {}
        }
    }

    fn pause(&mut self, place: usize) {
        let is_paused = self.pauses[place] > 0;
        self.net.places[place].is_paused = is_paused;
        if let (Some(uid), false) = (self.net.places[place].uid, is_paused) {
            for mail in std::mem::take(&mut self.mail[place]) {
                self.send(0, uid, mail);
            }
            self.send(0, uid, Mail::Turn);
        }
    }

    fn start(&mut self, place: usize) {
        if self.nodes[place].is_some() {
            return;
        }
        self.disturbed_at = self.now;
        let uid = NodeUid(Uuid::from_u128(self.next_uid));
        self.next_uid += 1;
        let mut own = member(u8::try_from(place).unwrap_or(0) + 1, NodeStatus::Joining);
        own.node.uid = uid;
        let node = Node::new(Start {
            own,
            place,
            names: self.names.clone(),
            strategy: self.strategy.clone(),
            members_min: self.members_min,
            ahead: self.random.random_range(0..1_000_000),
            skew: self.random.random_range(-3_600_000..3_600_000),
            now: self.now,
        });
        self.tell(|_| format!("START {}", node.me));
        self.nodes[place] = Some(node);
        self.net.start(place, uid);
        self.mail[place].clear();
        self.pause(place);
        self.send(0, uid, Mail::Turn);
    }

    /// The process ends and is started again, not before `until`.
    fn end_process(&mut self, place: usize, is_host_alive: bool, until: Millis) {
        let Some(node) = self.nodes[place].take() else { return };
        self.disturbed_at = self.now;
        self.tell(|_| format!("ENDED {}", node.me));
        for witness in self.net.end(place, is_host_alive) {
            if let Some(witness) = self.net.places[witness].uid {
                let after = self.random.random_range(1..50);
                self.send(after, witness, Mail::Gone(node.me.uid));
                self.send(after, witness, Mail::Turn);
            }
        }
        let after = self.random.random_range(1_000..3_000);
        self.at(until.max(self.now + after), Event::Start(place));
    }

    fn leave(&mut self, place: usize) {
        let uptime = self.nodes[place].as_ref().map(|it| it.uptime(self.now));
        let (Some(node), Some(uptime)) = (&mut self.nodes[place], uptime) else { return };
        node.is_leaving = true;
        let uid = node.me.uid;
        node.core.order(uid, Order::Leave);
        let actions: Vec<_> =
            node.rules.iter_mut().map(|it| it.hear(uptime, Report::Leave)).collect();
        for (lease, actions) in actions.into_iter().enumerate() {
            self.perform(place, lease, actions);
        }
    }

    fn deliver(&mut self, to: NodeUid, mail: Mail) -> Result<(), String> {
        let Some(place) = self.net.places.iter().position(|it| it.uid == Some(to)) else {
            return Ok(());
        };
        if self.net.places[place].is_paused {
            self.mail[place].push(mail);
            return Ok(());
        }
        let now = self.now;
        let node = self.nodes[place].as_mut().expect("who has a place runs");
        match mail {
            Mail::Turn => {}
            Mail::Planned(at) if at != node.next_turn => return Ok(()),
            Mail::Planned(_) => node.next_turn = 0,
            Mail::Gone(uid) => {
                node.gone.insert(uid, "proven".into());
            }
            Mail::LookAtMembers => node.is_stale = true,
            Mail::LookAtLeases => node.look_at = now,
            Mail::Report { lease, report } => {
                let uptime = node.uptime(now);
                let actions = node.rules[lease].hear(uptime, report);
                self.perform(place, lease, actions);
                return self.turn_leases(place);
            }
            Mail::Answer { asked_at, call, answer } => {
                let is_of_members = matches!(call, Call::Members | Call::Save { .. });
                self.answered(place, asked_at, call, answer);
                if !is_of_members {
                    return self.turn_leases(place);
                }
            }
            Mail::NoAnswer { call } => self.not_answered(place, &call),
        }
        self.turn(place)
    }

    /// What follows from news of the leases alone.
    fn turn_leases(&mut self, place: usize) -> Result<(), String> {
        self.see_leases(place);
        self.plan_turn(place, None);
        Ok(())
    }

    /// One turn of a node: what membership and the leases want now.
    fn turn(&mut self, place: usize) -> Result<(), String> {
        let now = self.now;
        self.turns += 1;
        let Some(node) = self.nodes[place].as_mut() else { return Ok(()) };
        let reach = node.reach(now, &self.net);
        let (uptime, wall) = (node.uptime(now), node.wall(now));
        let turn = node.core.turn(uptime, wall, &reach);
        node.note_facts(reach, turn.survives);
        let wake = turn.wake.map(|it| node.virtual_time(it));
        if let Some(resolved) = &turn.resolved {
            let me = node.me.clone();
            self.tell(|_| format!("{me} resolves: {resolved}"));
        }
        if let Some(stop) = turn.stop {
            if let Some((seen, changes)) = turn.save {
                self.ask(place, Call::Save { seen, changes });
            }
            return self.stop(place, stop);
        }
        self.read_or_write(place, turn.save);
        self.see_leases(place);
        self.go_on_leaving(place);
        self.plan_turn(place, wake);
        Ok(())
    }

    fn plan_turn(&mut self, place: usize, wake: Option<Millis>) {
        let now = self.now;
        let Some(node) = self.nodes[place].as_mut() else { return };
        let due = node.rules.iter().filter_map(|it| it.due()).min().map(|it| node.virtual_time(it));
        let jitter = self.random.random_range(0..50);
        let next = [wake, due].into_iter().flatten().min().unwrap_or(Millis::MAX);
        let next = next.clamp(now + 1, now + TURN + jitter);
        // One turn is planned at any time, and an earlier one replaces it.
        if node.next_turn < now || next < node.next_turn {
            node.next_turn = next;
            let uid = node.me.uid;
            self.send(next - now, uid, Mail::Planned(next));
        }
    }

    fn stop(&mut self, place: usize, stop: Stop) -> Result<(), String> {
        let me = self.nodes[place].as_ref().map(|it| it.me.clone());
        self.tell(|_| {
            format!("{} stops: {stop:?}", me.map(|it| it.to_string()).unwrap_or_default())
        });
        match stop {
            Stop::Downed { why } => {
                self.downed += 1;
                self.check_downed(&why)?;
                self.end_process(place, true, 0);
                Ok(())
            }
            Stop::Leave { .. } => {
                self.leave(place);
                Ok(())
            }
            Stop::Duplicate { other, .. } => Err(format!("M2: {other} was taken for a namesake")),
            Stop::Forgotten => Err("a row vanished".into()),
        }
    }

    fn read_or_write(
        &mut self,
        place: usize,
        save: Option<(u64, weir_persistence_api::MemberChanges)>,
    ) {
        let now = self.now;
        let Some(node) = self.nodes[place].as_mut() else { return };
        if !node.is_saving && !node.is_reading {
            match save {
                Some((seen, changes)) if !node.is_stale => {
                    (node.is_saving, node.is_stale) = (true, true);
                    self.ask(place, Call::Save { seen, changes });
                }
                _ if node.is_stale || now >= node.look_at => {
                    (node.is_reading, node.is_stale) = (true, false);
                    self.ask(place, Call::Members);
                }
                _ => {}
            }
        }
        let Some(node) = self.nodes[place].as_mut() else { return };
        if !node.is_reading_leases && now >= node.look_at {
            node.is_reading_leases = true;
            self.ask(place, Call::Leases);
        }
        if let Some(node) = self.nodes[place].as_mut() {
            node.look_at = if now >= node.look_at { now + LOOK } else { node.look_at };
        }
    }

    fn see_leases(&mut self, place: usize) {
        let Some(node) = self.nodes[place].as_mut() else { return };
        let seen: Vec<_> = (0..node.rules.len()).map(|it| node.look(self.now, it)).collect();
        for (lease, actions) in seen.into_iter().enumerate() {
            self.perform(place, lease, actions);
        }
    }

    fn go_on_leaving(&mut self, place: usize) {
        let Some(node) = self.nodes[place].as_mut().filter(|it| it.is_leaving) else { return };
        let uid = node.me.uid;
        let is_done = node.rules.iter().all(|it| it.state() == State::Stopped);
        match node.status() {
            Some(NodeStatus::Leaving) if is_done => node.core.order(uid, Order::Exit),
            Some(NodeStatus::Exiting) => node.core.order(uid, Order::Remove),
            None | Some(NodeStatus::Removed) => self.end_process(place, true, 0),
            Some(_) => {}
        }
    }

    fn perform(&mut self, place: usize, lease: usize, actions: Vec<Action>) {
        let Some(uid) = self.nodes[place].as_ref().map(|it| it.me.uid) else { return };
        let ttl = 6_000;
        for action in actions {
            match action {
                Action::Acquire => self.ask(place, Call::Acquire { lease, ttl }),
                Action::Force { owner, epoch } => {
                    self.ask(place, Call::Force { lease, ttl, owner, epoch });
                }
                Action::Renew(Fence { epoch, .. }) => {
                    self.ask(place, Call::Renew { lease, ttl, epoch });
                }
                Action::Release(Fence { epoch, .. }) => {
                    self.ask(place, Call::Release { lease, epoch });
                }
                Action::Start(Fence { epoch, .. }) => {
                    let after = self.random.random_range(20..400);
                    let report = Report::Started { epoch };
                    self.send(after, uid, Mail::Report { lease, report });
                }
                Action::Finish { fence: Fence { epoch, .. }, .. } => {
                    let after = self.random.random_range(5..60);
                    let report = Report::Finished { epoch };
                    self.send(after, uid, Mail::Report { lease, report });
                }
                Action::Suspend | Action::Resume | Action::Abandon => {}
                Action::AnnounceTaken { .. } | Action::AnnounceReleased { .. } => {
                    self.hint(place, || Mail::LookAtLeases);
                }
            }
        }
    }

    fn hint(&mut self, place: usize, mail: impl Fn() -> Mail) {
        for other in 0..self.nodes.len() {
            if let (Some(uid), true) = (self.net.places[other].uid, self.net.is_up(place, other)) {
                self.send(2, uid, mail());
            }
        }
    }

    /// Sends a call on its way, if there is one.
    fn ask(&mut self, place: usize, call: Call) {
        let Some(from) = self.net.places[place].uid else { return };
        let way = match self.slowness {
            0 => self.random.random_range(1..15),
            _ => self.random.random_range(50..1_400),
        };
        let asked_at = self.now;
        self.at(self.now + way, Event::Call { from, asked_at, call });
    }

    /// The call is carried out, if the store can be reached at that moment. An answer that comes
    /// too late is none, though the call was carried out.
    fn call(&mut self, from: NodeUid, asked_at: Millis, call: Call) -> Result<(), String> {
        let place = self.net.places.iter().position(|it| it.uid == Some(from));
        // What a process sent before it ended is carried out all the same.
        let is_reachable = self.outages == 0 && place.is_none_or(|it| self.cut_off[it] == 0);
        if !is_reachable {
            let after = (asked_at + PATIENCE).saturating_sub(self.now);
            self.send(after, from, Mail::NoAnswer { call });
            return Ok(());
        }
        if let (Call::Force { lease, owner, epoch, .. }, Some(place)) = (&call, place) {
            let row = &self.store.leases[*lease];
            if row.owner == *owner && row.epoch == *epoch {
                self.forced += 1;
                self.check_force(place, owner)?;
            }
        }
        let owner = self.owner(from);
        let answer = self.store.call(self.now, &owner, call.clone())?;
        if matches!(answer, Answer::Granted { .. }) {
            self.tell(|_| format!("{owner}: {call:?} -> {answer:?}"));
        }
        if let (Call::Save { changes, .. }, Answer::Saved(Some(version))) = (&call, &answer) {
            let changes: Vec<_> =
                changes.save.iter().map(|it| format!("{} {}", it.node, it.status)).collect();
            self.tell(|_| format!("members v{version} by {owner}: {}", changes.join(", ")));
            if let Some(place) = place {
                self.hint(place, || Mail::LookAtMembers);
            }
        }
        let back = self.now - asked_at;
        if self.now + back >= asked_at + PATIENCE {
            let after = (asked_at + PATIENCE).saturating_sub(self.now);
            self.send(after, from, Mail::NoAnswer { call });
        } else {
            self.send(back, from, Mail::Answer { asked_at, call, answer });
        }
        Ok(())
    }

    fn owner(&self, uid: NodeUid) -> String {
        let running = self.nodes.iter().flatten().find(|it| it.me.uid == uid);
        running.map_or_else(|| format!("ended#{uid}"), |it| it.owner.clone())
    }

    fn answered(&mut self, place: usize, asked_at: Millis, call: Call, answer: Answer) {
        let now = self.now;
        let Some(node) = self.nodes[place].as_mut() else { return };
        let (uptime, asked) = (node.uptime(now), node.uptime(asked_at));
        let fence =
            |epoch| Fence { lease: LeaseName(String::new()), owner: node.owner.clone(), epoch };
        let (lease, report) = match (call, answer) {
            (Call::Members, Answer::Members(members)) => {
                node.is_reading = false;
                return node.read_members(now, members);
            }
            (Call::Save { .. }, _) => {
                node.is_saving = false;
                return;
            }
            (Call::Leases, Answer::Leases(leases)) => {
                node.is_reading_leases = false;
                return node.read_leases(now, asked_at, &leases);
            }
            (
                Call::Acquire { lease, .. } | Call::Force { lease, .. },
                Answer::Granted { epoch },
            ) => (lease, Report::Granted { fence: fence(epoch), asked_at: asked }),
            (Call::Acquire { lease, .. } | Call::Force { lease, .. }, _) => (lease, Report::Denied),
            (Call::Renew { lease, epoch, .. }, Answer::Renewed(true)) => {
                (lease, Report::Renewed { epoch, asked_at: asked })
            }
            (Call::Renew { lease, epoch, .. }, _) => (lease, Report::Lost { epoch }),
            (Call::Release { lease, epoch }, _) => (lease, Report::Released { epoch }),
            (Call::Members | Call::Leases, _) => return,
        };
        let actions = node.rules[lease].hear(uptime, report);
        self.perform(place, lease, actions);
    }

    fn not_answered(&mut self, place: usize, call: &Call) {
        let now = self.now;
        let Some(node) = self.nodes[place].as_mut() else { return };
        let uptime = node.uptime(now);
        let cause = String::new();
        let (lease, report) = match *call {
            Call::Members | Call::Save { .. } => {
                (node.is_reading, node.is_saving, node.is_stale) = (false, false, false);
                return node.core.store_lost();
            }
            Call::Leases => {
                node.is_reading_leases = false;
                return node.leases_failed();
            }
            Call::Acquire { lease, .. } | Call::Force { lease, .. } => {
                (lease, Report::NotAcquired { cause })
            }
            Call::Renew { lease, epoch, .. } => (lease, Report::NotRenewed { epoch, cause }),
            Call::Release { lease, epoch } => (lease, Report::NotReleased { epoch, cause }),
        };
        let actions = node.rules[lease].hear(uptime, report);
        self.perform(place, lease, actions);
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
