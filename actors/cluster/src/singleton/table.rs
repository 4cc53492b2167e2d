//! The leases as this node knows them: from the store, a little earlier from its own keepers, and
//! from what other nodes announce. Bookkeeping only.
//!
//! A row with a higher epoch is newer, whoever brought it; within one epoch a lease can only be
//! given back. So news in whatever order lead to the same table.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use weir_domain::{Incarnation, NodeName, NodeUid};
use weir_persistence_api::{LeaseName, LeaseRow};

use super::declined::Declined;

/// A lease as of a moment of this node's uptime.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// `node-name#incarnation`; empty when nobody has it.
    pub owner: String,
    pub epoch: u64,
    /// When it expires, unless it is renewed, as far as that can be told from here.
    pub expires_at: Duration,
    /// When the reading of it began.
    pub read_at: Duration,
}

impl Row {
    pub fn is_free(&self) -> bool {
        self.owner.is_empty()
    }

    /// Who has it. `None` when nobody has, or somebody who is no node.
    pub fn holder(&self) -> Option<Incarnation> {
        self.owner.parse().ok()
    }
}

/// Who has a lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    pub node: Incarnation,
    pub epoch: u64,
}

/// Who has which lease. Those that nobody has are missing.
pub type Owners = BTreeMap<LeaseName, Owner>;

/// The store can't be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Trouble {
    /// Since when, of this node's uptime.
    pub(super) since: Duration,
    pub(super) cause: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Table {
    pub(super) rows: BTreeMap<LeaseName, Row>,
    pub(super) pins: BTreeMap<LeaseName, NodeName>,
    /// The first good read after the last bad one; absent while reads fail, and before the first.
    pub(super) good_since: Option<Duration>,
    pub(super) trouble: Option<Trouble>,
    /// Nodes that said that they are about to leave: nothing goes to them.
    pub(super) leaving: BTreeSet<NodeUid>,
    /// Leases that their holder gave back at an epoch, for a certain node to take.
    pub(super) offers: BTreeMap<LeaseName, (u64, NodeUid)>,
    /// Nodes that could not keep or take a lease, though they are there.
    pub(super) declined: Declined,
}

impl Table {
    /// Takes over what a read that began at `read_at` found.
    pub(super) fn read(&mut self, read_at: Duration, rows: Vec<LeaseRow>) {
        self.good_since.get_or_insert(read_at);
        self.trouble = None;
        let pins = std::mem::take(&mut self.pins);
        for row in rows {
            if let Some(node) = row.pinned {
                self.pins.insert(row.name.clone(), node);
            }
            let expires_at = read_at + row.left;
            let seen = Row { owner: row.owner, epoch: row.epoch, expires_at, read_at };
            self.learn(row.name, seen);
        }
        // An administrator who says where it should be wants it to be tried.
        if self.pins.iter().any(|(name, it)| pins.get(name) != Some(it)) {
            self.declined = Declined::default();
        }
    }

    pub(super) fn failed(&mut self, now: Duration, cause: String) {
        self.good_since = None;
        let since = self.trouble.as_ref().map_or(now, |it| it.since);
        self.trouble = Some(Trouble { since, cause });
    }

    pub(super) fn learn(&mut self, name: LeaseName, row: Row) {
        let is_news = match self.rows.get(&name) {
            None => true,
            Some(known) if row.epoch != known.epoch => row.epoch > known.epoch,
            Some(known) if row.is_free() != known.is_free() => row.is_free(),
            Some(known) => row.read_at >= known.read_at,
        };
        if is_news {
            self.note_change(&name, &row);
            self.rows.insert(name, row);
        }
    }

    /// Takes note of who did not take what it was offered, and of who lost what it had without
    /// giving it back: it may not reach the store, though others reach it.
    fn note_change(&mut self, name: &LeaseName, new: &Row) {
        let Some(old) = self.rows.get(name).filter(|it| it.epoch < new.epoch) else { return };
        let Some(taker) = new.holder().map(|it| it.uid) else { return };
        let offered = self.offers.remove(name).filter(|it| it.0 == old.epoch).map(|it| it.1);
        let meant = offered.or(old.holder().map(|it| it.uid)).filter(|it| *it != taker);
        if let Some(node) = meant {
            self.declined.note(name, node, new.read_at);
        }
    }

    /// Whether a node should not be offered a lease for now. One that has others is known to
    /// reach the store, so that only what became of this very lease counts against it.
    pub(super) fn declines(&self, name: &LeaseName, node: NodeUid, now: Duration) -> bool {
        let has = |it: &Row| it.holder().is_some_and(|it| it.uid == node);
        if self.rows.get(name).is_some_and(has) {
            return false;
        }
        let has_any = self.rows.values().any(has);
        self.declined.is_noted(name, node, now) || !has_any && self.declined.is_any(node, now)
    }

    /// Who should take a lease that was given back a moment ago.
    pub(super) fn offer(&self, name: &LeaseName) -> Option<NodeUid> {
        let (row, &(epoch, to)) = (self.rows.get(name)?, self.offers.get(name)?);
        (row.is_free() && row.epoch == epoch).then_some(to)
    }

    pub(super) fn owners(&self) -> Owners {
        let owner = |(name, row): (&LeaseName, &Row)| {
            let node = row.holder()?;
            Some((name.clone(), Owner { node, epoch: row.epoch }))
        };
        self.rows.iter().filter_map(owner).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::member;
    use weir_domain::NodeStatus;

    fn name() -> LeaseName {
        LeaseName("access".into())
    }

    fn row(owner: u8, epoch: u64, read_at: u64) -> Row {
        let owner = match owner {
            0 => String::new(),
            n => member(n, NodeStatus::Up).node.to_string(),
        };
        let read_at = Duration::from_secs(read_at);
        Row { owner, epoch, expires_at: read_at, read_at }
    }

    #[test]
    fn news_lead_to_the_same_table_in_whatever_order_they_come() {
        let news = [row(1, 1, 0), row(0, 1, 2), row(1, 1, 3), row(2, 2, 1), row(2, 2, 5)];
        let fold = |news: Vec<&Row>| {
            let mut table = Table::default();
            news.into_iter().for_each(|it| table.learn(name(), it.clone()));
            table
        };
        let table = fold(news.iter().collect());
        assert_eq!(table.rows[&name()], news[4]);
        assert_eq!(fold(news.iter().rev().collect()), table);
        let given_back = fold(news[..3].iter().collect());
        assert!(given_back.rows[&name()].is_free(), "a late read of the same epoch is no news");
        assert_eq!(given_back.owners(), Owners::new());
    }

    #[test]
    fn trouble_begins_with_the_first_failure_and_ends_with_a_good_read() {
        let mut table = Table::default();
        let at = Duration::from_secs;
        table.read(at(1), vec![]);
        table.read(at(2), vec![]);
        assert_eq!(table.good_since, Some(at(1)));
        table.failed(at(3), "away".into());
        table.failed(at(4), "still away".into());
        assert_eq!(table.trouble, Some(Trouble { since: at(3), cause: "still away".into() }));
        assert_eq!(table.good_since, None);
        table.read(at(9), vec![]);
        assert_eq!((table.good_since, table.trouble), (Some(at(9)), None));
    }
}
