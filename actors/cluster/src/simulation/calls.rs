//! Calls of the store: how they get there, or not, and how their answers come back.

use rand::Rng;
use weir_domain::NodeUid;
use weir_persistence_api::{Fence, LeaseName};

use super::store::{Answer, Call, Millis};
use super::world::{Event, Mail, PATIENCE, World};
use crate::singleton::Report;

impl World {
    /// Sends a call on its way, if there is one.
    pub(super) fn ask(&mut self, place: usize, call: Call) {
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
    pub(super) fn call(
        &mut self,
        from: NodeUid,
        asked_at: Millis,
        call: Call,
    ) -> Result<(), String> {
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

    pub(super) fn owner(&self, uid: NodeUid) -> String {
        let running = self.nodes.iter().flatten().find(|it| it.me.uid == uid);
        running.map_or_else(|| format!("ended#{uid}"), |it| it.owner.clone())
    }

    pub(super) fn answered(&mut self, place: usize, asked_at: Millis, call: Call, answer: Answer) {
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

    pub(super) fn not_answered(&mut self, place: usize, call: &Call) {
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
