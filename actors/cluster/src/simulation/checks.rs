//! What must hold, whatever goes wrong.
//!
//! - S1: epochs never decrease, and an epoch has one owner: what is written under a lease is.
//! - S2: a lease that expires, expires under nobody who still believes in it.
//! - S3: no lease is taken by force from a healthy holder.
//! - S4: of a cluster that stays divided one part goes on. One that was cut off from the store, too,
//!   and was succeeded by those that join, has no lease and learns of it with the store.
//! - S5: nobody loses his membership by a store that fails.
//! - S6: when nothing is wrong any more, all nodes are up and every lease is at work somewhere.

use weir_domain::NodeStatus;

use super::store::Millis;
use super::world::World;
use crate::membership::rule::SUCCEEDED;
use crate::singleton::State;

/// How long a cluster may stay divided: silence, stability, the contest, the exit, and some more.
const DIVIDED: Millis = 30_000;
/// How long two nodes must have been linked for force between them to be wrong.
const HEALTHY: Millis = 10_000;

impl World {
    /// The checks of every step.
    pub(super) fn check(&mut self) -> Result<(), String> {
        self.check_writes()?;
        self.check_beliefs()?;
        self.check_sides()
    }

    /// S1: every instance that believes itself active writes; the store takes what is fenced.
    fn check_writes(&mut self) -> Result<(), String> {
        for node in self.nodes.iter().flatten().filter(|it| !self.net.places[it.place].is_paused) {
            for (lease, rule) in node.rules.iter().enumerate() {
                let State::Active { epoch } = rule.state() else { continue };
                let row = &self.store.leases[lease];
                if row.owner != node.owner || row.epoch != epoch {
                    continue;
                }
                let written = &mut self.written[lease];
                if (epoch, &row.owner) == (written.0, &written.1) {
                    continue;
                }
                if epoch <= written.0 {
                    return Err(format!(
                        "S1: lease {lease} was written by {written:?}, then by {} under {epoch}",
                        node.me
                    ));
                }
                *written = (epoch, row.owner.clone());
            }
        }
        Ok(())
    }

    /// S2.
    fn check_beliefs(&self) -> Result<(), String> {
        for node in self.nodes.iter().flatten().filter(|it| !self.net.places[it.place].is_paused) {
            let uptime = node.uptime(self.now);
            for (lease, rule) in node.rules.iter().enumerate() {
                let row = &self.store.leases[lease];
                let State::Active { epoch } = rule.state() else { continue };
                let believes = rule.deadline().is_some_and(|it| uptime < it);
                if believes && row.epoch > epoch && row.forced <= epoch {
                    return Err(format!(
                        "S2: {} believes in epoch {epoch} of lease {lease}, which expired and is {}'s under {}",
                        node.me, row.owner, row.epoch
                    ));
                }
            }
        }
        Ok(())
    }

    /// S3, asked when force is about to be used.
    pub(super) fn check_force(&self, by: usize, owner: &str) -> Result<(), String> {
        let holder = self.nodes.iter().flatten().find(|it| it.owner == owner);
        let Some(holder) = holder else { return Ok(()) };
        let is_member = self.store.members.members.iter().any(|it| {
            it.node == holder.me && matches!(it.status, NodeStatus::Up | NodeStatus::Leaving)
        });
        let linked_for = self.now - self.disturbed_at;
        let is_healthy = is_member && !holder.has_stopped && self.net.is_up(by, holder.place);
        if is_healthy && linked_for > HEALTHY && self.net.loss == 0.0 {
            return Err(format!("S3: a lease is taken from {owner}, which is fine"));
        }
        Ok(())
    }

    /// S4.
    fn check_sides(&self) -> Result<(), String> {
        if self.now - self.disturbed_at < DIVIDED {
            return Ok(());
        }
        let at_work: Vec<_> =
            self.nodes.iter().flatten().filter(|it| self.is_at_work(it.place)).collect();
        for pair in at_work.windows(2) {
            if !self.net.is_connected(pair[0].place, pair[1].place) {
                return Err(format!(
                    "S4: {} and {} are apart and both go on",
                    pair[0].me, pair[1].me
                ));
            }
        }
        Ok(())
    }

    fn is_at_work(&self, place: usize) -> bool {
        let Some(node) = &self.nodes[place] else { return false };
        let status = node.status();
        let rows = &self.store.members.members;
        let is_succeeded = rows.iter().any(|it| it.node == node.me && it.reason == SUCCEEDED);
        let is_ignorant = is_succeeded && (self.outages > 0 || self.cut_off[place] > 0);
        !is_ignorant
            && !self.net.places[place].is_paused
            && matches!(status, Some(NodeStatus::Up | NodeStatus::Leaving))
    }

    /// S5, asked when a node is told that the cluster goes on without it.
    pub(super) fn check_downed(&self, why: &str) -> Result<(), String> {
        match self.is_harmless {
            true => Err(format!("S5: a node was downed by {:?}: {why}", self.plan)),
            false => Ok(()),
        }
    }

    /// S6: what is still missing. `None`: nothing.
    pub(super) fn unrest(&self) -> Option<String> {
        for place in 0..self.nodes.len() {
            let Some(node) = &self.nodes[place] else {
                return Some(format!("place {place} is empty"));
            };
            let row = self.store.members.members.iter().find(|it| it.node == node.me);
            if row.is_none_or(|it| it.status != NodeStatus::Up) || !self.is_at_work(place) {
                return Some(format!("{} is {:?}", node.me, row.map(|it| it.status)));
            }
        }
        for (lease, row) in self.store.leases.iter().enumerate() {
            let is_active = self.nodes.iter().flatten().any(|it| {
                it.owner == row.owner
                    && it.rules[lease].state() == State::Active { epoch: row.epoch }
            });
            if !is_active {
                let states: Vec<_> =
                    self.nodes.iter().flatten().map(|it| it.rules[lease].state()).collect();
                return Some(format!("lease {lease} is not at work: {row:?}, {states:?}"));
            }
        }
        None
    }
}
