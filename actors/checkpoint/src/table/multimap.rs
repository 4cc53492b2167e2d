//! A table of rows by key: the sides of joins.

use std::collections::HashMap;
use std::hash::Hash;

use super::op::{Apply, Op, decode, encode, foreign};
use super::{Frozen, PartError, Row, Table, TableKind, TableSpec, load};
use crate::epoch::Epoch;

#[derive(Debug, Clone)]
pub struct MultiMapTable<K, V> {
    version: u32,
    keys: HashMap<K, Rows<V>>,
    /// Keys that changed since the last delta.
    dirty: Vec<K>,
    bytes: u64,
}

#[derive(Debug, Clone)]
struct Rows<V> {
    rows: Vec<V>,
    /// So many of them are in a delta already.
    stored: usize,
    /// What deltas hold of the key is no longer so: it is written anew.
    is_rewritten: bool,
    is_dirty: bool,
}

/// A change of one key: whether what was stored goes, and the rows that come.
type Change<K, V> = (K, bool, Vec<V>);

impl<K: Row + Eq + Hash, V: Row> MultiMapTable<K, V> {
    pub fn new(version: u32) -> Self {
        Self { version, keys: HashMap::new(), dirty: Vec::new(), bytes: 0 }
    }

    /// The rows of a key, in the order in which they came.
    pub fn get(&self, key: &K) -> &[V] {
        self.keys.get(key).map_or(&[], |it| &it.rows)
    }

    pub fn append(&mut self, key: K, row: V) {
        self.bytes += row.weight();
        if !self.keys.contains_key(&key) {
            self.bytes += key.weight();
        }
        let fresh = || Rows { rows: Vec::new(), stored: 0, is_rewritten: false, is_dirty: false };
        let rows = self.keys.entry(key.clone()).or_insert_with(fresh);
        rows.rows.push(row);
        if !std::mem::replace(&mut rows.is_dirty, true) {
            self.dirty.push(key);
        }
    }

    /// Keeps the rows of a key that fulfil the condition.
    pub fn retain(&mut self, key: &K, keep: impl FnMut(&V) -> bool) {
        let Some(rows) = self.keys.get_mut(key) else { return };
        let (before, length) = (weight(&rows.rows), rows.rows.len());
        rows.rows.retain(keep);
        if rows.rows.len() == length {
            return;
        }
        self.bytes = self.bytes - before + weight(&rows.rows);
        rows.is_rewritten = true;
        if !std::mem::replace(&mut rows.is_dirty, true) {
            self.dirty.push(key.clone());
        }
    }

    pub fn remove(&mut self, key: &K) {
        self.retain(key, |_| false);
    }

    /// All keys that have rows, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &[V])> {
        self.keys.iter().filter(|it| !it.1.rows.is_empty()).map(|(key, it)| (key, &it.rows[..]))
    }

    fn take_change(&mut self, key: K) -> Option<Change<K, V>> {
        let rows = self.keys.get_mut(&key)?;
        let from = if rows.is_rewritten { 0 } else { rows.stored };
        let added = rows.rows[from..].to_vec();
        let is_rewritten = rows.is_rewritten && rows.stored > 0;
        if rows.rows.is_empty() {
            self.bytes -= key.weight();
            self.keys.remove(&key);
        } else {
            rows.stored = rows.rows.len();
            (rows.is_rewritten, rows.is_dirty) = (false, false);
        }
        Some((key, is_rewritten, added))
    }
}

fn weight<V: Row>(rows: &[V]) -> u64 {
    rows.iter().map(V::weight).sum()
}

impl<K: Row + Eq + Hash, V: Row> Table for MultiMapTable<K, V> {
    fn spec(&self) -> TableSpec {
        TableSpec { kind: TableKind::MultiMap, version: self.version }
    }

    fn bytes(&self) -> u64 {
        self.bytes
    }

    fn freeze(&mut self, epoch: Epoch) -> Option<Frozen> {
        let dirty = std::mem::take(&mut self.dirty);
        let changes = dirty.into_iter().filter_map(|key| self.take_change(key));
        let changes: Vec<_> = changes.filter(|it| it.1 || !it.2.is_empty()).collect();
        if changes.is_empty() {
            return None;
        }
        Some(Frozen::new(self.spec(), epoch, move |writer| {
            let changes = changes.iter().map(|(key, is_rewritten, rows)| {
                (encode(key), *is_rewritten, rows.iter().map(encode).collect::<Vec<_>>())
            });
            let mut changes: Vec<_> = changes.collect();
            changes.sort_unstable();
            for (key, is_rewritten, rows) in &changes {
                if *is_rewritten {
                    writer.write(&Op::Delete { key });
                }
                if !rows.is_empty() {
                    let values = rows.iter().map(Vec::as_slice).collect();
                    writer.write(&Op::Append { key, values });
                }
            }
        }))
    }

    fn load(&mut self, part: &[u8]) -> Result<(), PartError> {
        load(self.spec(), part, self)
    }
}

impl<K: Row + Eq + Hash, V: Row> Apply for MultiMapTable<K, V> {
    fn apply(&mut self, op: Op<'_>) -> Result<(), PartError> {
        match op {
            Op::Delete { key } => self.remove(&decode(key)?),
            Op::Append { key, values } => {
                let key: K = decode(key)?;
                for value in values {
                    self.append(key.clone(), decode(value)?);
                }
            }
            Op::Put { .. } | Op::Drop { .. } => return Err(foreign()),
        }
        // It is no change.
        for key in std::mem::take(&mut self.dirty) {
            self.take_change(key);
        }
        Ok(())
    }
}
