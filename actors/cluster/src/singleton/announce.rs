//! Hints: what the keepers of different nodes tell each other, so that a hand-over need not wait
//! for the next look into the store. A hint is never the reason for more than trying.

use weir_domain::{Incarnation, NodeUid};
use weir_persistence_api::LeaseName;

use super::code;
use super::facts::Fate;
use super::shared::Shared;
use super::table::Row;
use super::wire::{self, Hint};

impl Shared {
    /// Tells all other members that can be reached.
    pub(super) fn announce(&self, hint: &Hint) {
        let Some(peers) = &self.peers else { return };
        let bytes = wire::write(hint).expect("a hint is plain data");
        let me = self.system.uid();
        let facts = self.facts.borrow().clone();
        let present = facts.fates.iter().filter(|(_, it)| **it == Fate::Present);
        for (&node, _) in present.filter(|(it, _)| **it != me) {
            peers.tell(node, bytes.clone());
        }
    }

    /// What another node announced.
    pub(super) fn heard(&self, from: &Incarnation, hint: &[u8]) {
        match wire::read(hint) {
            Ok(Hint::Taken { lease, epoch }) => {
                self.learn(&lease, self.row(from.to_string(), epoch));
            }
            Ok(Hint::Released { lease, epoch, to, is_leaving }) => {
                self.given_back(&lease, epoch, to, is_leaving.then_some(from.uid));
            }
            Ok(Hint::Look) => self.look.notify_one(),
            Err(cause) => {
                tracing::warn!(code = %code::HINT_UNREADABLE, %from, cause, "a message about leases can't be read: does that node have another version?");
            }
        }
    }

    pub(super) fn given_back(
        &self,
        lease: &LeaseName,
        epoch: u64,
        to: Option<NodeUid>,
        leaving: Option<NodeUid>,
    ) {
        let row = self.row(String::new(), epoch);
        self.change_table(|table| {
            table.leaving.extend(leaving);
            match to {
                Some(to) => drop(table.offers.insert(lease.clone(), (epoch, to))),
                None => drop(table.offers.remove(lease)),
            }
            // It was given back for nobody's sake: it could not be started there.
            let holder = table.rows.get(lease).filter(|it| it.epoch == epoch);
            let holder = holder.and_then(Row::holder).map(|it| it.uid);
            if let (None, None, Some(node)) = (to, leaving, holder) {
                table.declined.note(lease, node, row.read_at);
            }
            table.learn(lease.clone(), row);
        });
        self.look.notify_one();
    }

    /// A row that is true as of now; until the store has been read it holds for a whole term.
    pub(super) fn row(&self, owner: String, epoch: u64) -> Row {
        let read_at = self.now();
        Row { owner, epoch, expires_at: read_at + self.settings.lease_ttl, read_at }
    }
}
