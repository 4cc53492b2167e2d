//! A table of values by pane and key: windows. A pane goes as a whole.

use std::collections::BTreeMap;
use std::hash::Hash;

use super::map::{Rows, write_changes};
use super::op::{Apply, Op, bucket_bytes, decode, foreign, split_bucket};
use super::{Frozen, PartError, Row, Table, TableKind, TableSpec, load};
use crate::epoch::Epoch;

#[derive(Debug, Clone)]
pub struct PaneTable<K, V> {
    version: u32,
    panes: BTreeMap<i64, Rows<K, V>>,
    /// Panes that went since the last delta, and of which it may know something.
    dropped: Vec<i64>,
}

impl<K: Row + Eq + Hash, V: Row> PaneTable<K, V> {
    pub fn new(version: u32) -> Self {
        Self { version, panes: BTreeMap::new(), dropped: Vec::new() }
    }

    pub fn get(&self, pane: i64, key: &K) -> Option<&V> {
        self.panes.get(&pane)?.get(key)
    }

    pub fn put(&mut self, pane: i64, key: K, value: V) {
        self.pane_mut(pane).put(key, value);
    }

    /// Changes a value in place; one that is not there begins fresh.
    pub fn update<R>(
        &mut self,
        pane: i64,
        key: &K,
        fresh: impl FnOnce() -> V,
        change: impl FnOnce(&mut V) -> R,
    ) -> R {
        self.pane_mut(pane).update(key, fresh, change)
    }

    /// The panes that are open, the oldest first.
    pub fn panes(&self) -> impl Iterator<Item = i64> {
        self.panes.keys().copied()
    }

    /// The values of a pane, in no order.
    pub fn pane(&self, pane: i64) -> impl Iterator<Item = (&K, &V)> {
        self.panes.get(&pane).into_iter().flat_map(Rows::iter)
    }

    /// Gives up a pane and all that is in it.
    pub fn close(&mut self, pane: i64) {
        if self.panes.remove(&pane).is_some() {
            self.dropped.push(pane);
        }
    }

    fn pane_mut(&mut self, pane: i64) -> &mut Rows<K, V> {
        self.panes.entry(pane).or_insert_with(Rows::new)
    }
}

impl<K: Row + Eq + Hash, V: Row> Table for PaneTable<K, V> {
    fn spec(&self) -> TableSpec {
        TableSpec { kind: TableKind::Pane, version: self.version }
    }

    fn bytes(&self) -> u64 {
        self.panes.values().map(Rows::bytes).sum()
    }

    fn freeze(&mut self, epoch: Epoch) -> Option<Frozen> {
        let mut dropped = std::mem::take(&mut self.dropped);
        dropped.sort_unstable();
        dropped.dedup();
        let dirty = self.panes.iter_mut().filter(|it| it.1.is_dirty());
        let changed: Vec<_> = dirty.map(|(pane, rows)| (*pane, rows.take_changes())).collect();
        if dropped.is_empty() && changed.is_empty() {
            return None;
        }
        Some(Frozen::new(self.spec(), epoch, move |writer| {
            for pane in dropped {
                writer.write(&Op::Drop { from: pane, through: pane });
            }
            for (pane, changes) in changed {
                write_changes(&bucket_bytes(pane), &changes, writer);
            }
        }))
    }

    fn load(&mut self, part: &[u8]) -> Result<(), PartError> {
        load(self.spec(), part, self)
    }
}

impl<K: Row + Eq + Hash, V: Row> Apply for PaneTable<K, V> {
    fn apply(&mut self, op: Op<'_>) -> Result<(), PartError> {
        match op {
            Op::Put { key, value } => {
                let (pane, key) = split_bucket(key)?;
                self.pane_mut(pane).load(decode(key)?, Some(decode(value)?));
            }
            Op::Delete { key } => {
                let (pane, key) = split_bucket(key)?;
                self.pane_mut(pane).load(decode(key)?, None);
            }
            Op::Drop { from, through } => self.panes.retain(|it, _| !(from..=through).contains(it)),
            Op::Append { .. } => return Err(foreign()),
        }
        Ok(())
    }
}
