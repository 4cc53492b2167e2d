//! A node's turn: what comes to it, what its rules make of it, and what is done about that.

use rand::Rng;
use weir_domain::{NodeStatus, NodeUid};
use weir_persistence_api::{Fence, MemberChanges};

use super::store::{Call, Millis};
use super::world::{LOOK, Mail, TTL, TURN, World};
use crate::membership::{Order, Stop};
use crate::singleton::{Action, Report, State};

impl World {
    pub(super) fn deliver(&mut self, to: NodeUid, mail: Mail) -> Result<(), String> {
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
    pub(super) fn turn_leases(&mut self, place: usize) -> Result<(), String> {
        self.see_leases(place);
        self.plan_turn(place, None);
        Ok(())
    }

    /// One turn of a node: what membership and the leases want now.
    pub(super) fn turn(&mut self, place: usize) -> Result<(), String> {
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

    pub(super) fn plan_turn(&mut self, place: usize, wake: Option<Millis>) {
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

    pub(super) fn stop(&mut self, place: usize, stop: Stop) -> Result<(), String> {
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

    pub(super) fn read_or_write(&mut self, place: usize, save: Option<(u64, MemberChanges)>) {
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

    pub(super) fn see_leases(&mut self, place: usize) {
        let Some(node) = self.nodes[place].as_mut() else { return };
        let seen: Vec<_> = (0..node.rules.len()).map(|it| node.look(self.now, it)).collect();
        for (lease, actions) in seen.into_iter().enumerate() {
            self.perform(place, lease, actions);
        }
    }

    pub(super) fn go_on_leaving(&mut self, place: usize) {
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

    pub(super) fn perform(&mut self, place: usize, lease: usize, actions: Vec<Action>) {
        let Some(uid) = self.nodes[place].as_ref().map(|it| it.me.uid) else { return };
        let ttl = TTL;
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

    pub(super) fn hint(&mut self, place: usize, mail: impl Fn() -> Mail) {
        for other in 0..self.nodes.len() {
            if let (Some(uid), true) = (self.net.places[other].uid, self.net.is_up(place, other)) {
                self.send(2, uid, mail());
            }
        }
    }
}
