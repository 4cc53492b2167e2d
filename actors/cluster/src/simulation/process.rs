//! Processes: how they start, are paused, leave and end, and what the faults do to them.

use rand::Rng;
use uuid::Uuid;
use weir_domain::{NodeStatus, NodeUid};

use super::faults::{Fault, Planned};
use super::node::{Node, Start};
use super::store::Millis;
use super::world::{Event, Mail, World};
use crate::membership::Order;
use crate::singleton::Report;
use crate::testing::member;

impl World {
    pub(super) fn begin(&mut self, number: usize) {
        self.disturbed_at = self.now;
        let Planned { fault, until, .. } = self.plan[number].clone();
        self.tell(|_| format!("BEGIN {fault:?}"));
        match fault {
            Fault::Kill(place) => self.end_process(place, true, until),
            Fault::Crash(place) => self.end_process(place, false, until),
            Fault::Leave(place) => self.leave(place),
            Fault::Reject(left) => {
                self.reject(left);
                self.switch(&fault, 1);
            }
            other => self.switch(&other, 1),
        }
    }

    /// Resets the links between two groups, whose members then seem gone to each other.
    fn reject(&mut self, left: u32) {
        let is_left = |place: usize| left & (1 << place) != 0;
        for a in 0..self.nodes.len() {
            for b in (0..self.nodes.len()).filter(|b| is_left(a) && !is_left(*b)) {
                if !self.net.reset(a, b) {
                    continue;
                }
                for (one, other) in [(a, b), (b, a)] {
                    let (one, other) = (self.net.places[one].uid, self.net.places[other].uid);
                    if let (Some(one), Some(other)) = (one, other) {
                        self.send(1, one, Mail::Gone(other));
                    }
                }
            }
        }
    }

    pub(super) fn end(&mut self, number: usize) {
        self.disturbed_at = self.now;
        let fault = self.plan[number].fault.clone();
        self.tell(|_| format!("END {fault:?}"));
        self.switch(&fault, -1);
    }

    /// Turns a fault on or off.
    pub(super) fn switch(&mut self, fault: &Fault, by: i32) {
        let add = |count: &mut u32| *count = count.checked_add_signed(by).unwrap_or(0);
        match *fault {
            Fault::Partition(left) | Fault::Reject(left) => {
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

    pub(super) fn pause(&mut self, place: usize) {
        let is_paused = self.pauses[place] > 0;
        self.net.places[place].is_paused = is_paused;
        if let (Some(uid), false) = (self.net.places[place].uid, is_paused) {
            for mail in std::mem::take(&mut self.mail[place]) {
                self.send(0, uid, mail);
            }
            self.send(0, uid, Mail::Turn);
        }
    }

    pub(super) fn start(&mut self, place: usize) {
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
    pub(super) fn end_process(&mut self, place: usize, is_host_alive: bool, until: Millis) {
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

    pub(super) fn leave(&mut self, place: usize) {
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
}
