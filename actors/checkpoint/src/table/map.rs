//! A table of values by key.

use std::collections::HashMap;
use std::hash::Hash;

use super::op::{Apply, Op, Writer, decode, encode, foreign};
use super::{Frozen, PartError, Row, Table, TableKind, TableSpec, load};
use crate::epoch::Epoch;

/// Changes are remembered by key, once per epoch.
#[derive(Debug, Clone)]
pub struct MapTable<K, V> {
    version: u32,
    rows: Rows<K, V>,
}

/// The rows by key, and which changed since the last delta. Windows have them too, per pane.
#[derive(Debug, Clone)]
pub(super) struct Rows<K, V> {
    rows: HashMap<K, Cell<V>>,
    dirty: Vec<K>,
    bytes: u64,
}

#[derive(Debug, Clone)]
struct Cell<V> {
    value: V,
    /// The key stands in `dirty` already.
    is_dirty: bool,
}

impl<K: Row + Eq + Hash, V: Row> Rows<K, V> {
    pub(super) fn new() -> Self {
        Self { rows: HashMap::new(), dirty: Vec::new(), bytes: 0 }
    }

    pub(super) fn get(&self, key: &K) -> Option<&V> {
        self.rows.get(key).map(|it| &it.value)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.rows.iter().map(|(key, it)| (key, &it.value))
    }

    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(super) fn is_dirty(&self) -> bool {
        !self.dirty.is_empty()
    }

    pub(super) fn put(&mut self, key: K, value: V) {
        let added = value.weight();
        match self.rows.get_mut(&key) {
            Some(cell) => {
                self.bytes = self.bytes - cell.value.weight() + added;
                cell.value = value;
                if !cell.is_dirty {
                    cell.is_dirty = true;
                    self.dirty.push(key);
                }
            }
            None => {
                self.bytes += key.weight() + added;
                self.dirty.push(key.clone());
                self.rows.insert(key, Cell { value, is_dirty: true });
            }
        }
    }

    pub(super) fn update<R>(
        &mut self,
        key: &K,
        fresh: impl FnOnce() -> V,
        change: impl FnOnce(&mut V) -> R,
    ) -> R {
        let Some(cell) = self.rows.get_mut(key) else {
            let mut value = fresh();
            let result = change(&mut value);
            self.put(key.clone(), value);
            return result;
        };
        let before = cell.value.weight();
        let result = change(&mut cell.value);
        self.bytes = self.bytes - before + cell.value.weight();
        if !cell.is_dirty {
            cell.is_dirty = true;
            self.dirty.push(key.clone());
        }
        result
    }

    pub(super) fn remove(&mut self, key: &K) -> Option<V> {
        let cell = self.rows.remove(key)?;
        self.bytes -= key.weight() + cell.value.weight();
        if !cell.is_dirty {
            self.dirty.push(key.clone());
        }
        Some(cell.value)
    }

    /// What changed: a value, or that there is none any more. In no order.
    pub(super) fn take_changes(&mut self) -> Vec<(K, Option<V>)> {
        let dirty = std::mem::take(&mut self.dirty);
        let mut changes = Vec::with_capacity(dirty.len());
        for key in dirty {
            let value = self.rows.get_mut(&key).map(|cell| {
                cell.is_dirty = false;
                cell.value.clone()
            });
            changes.push((key, value));
        }
        changes
    }

    /// From a part: it is no change.
    pub(super) fn load(&mut self, key: K, value: Option<V>) {
        match value {
            Some(value) => self.put(key, value),
            None => drop(self.remove(&key)),
        }
        for key in self.dirty.drain(..) {
            if let Some(cell) = self.rows.get_mut(&key) {
                cell.is_dirty = false;
            }
        }
    }
}

/// Writes changes in the order of their keys, each key once.
pub(super) fn write_changes<K: Row, V: Row>(
    prefix: &[u8],
    changes: &[(K, Option<V>)],
    writer: &mut Writer,
) {
    let encode_key = |key: &K| [prefix, &encode(key)].concat();
    let mut changes: Vec<_> =
        changes.iter().map(|(key, value)| (encode_key(key), value.as_ref())).collect();
    changes.sort_unstable_by(|a, b| a.0.cmp(&b.0));
    // A key that was removed and put again stands there twice, each time with its last value.
    changes.dedup_by(|a, b| a.0 == b.0);
    for (key, value) in changes {
        match value {
            Some(value) => writer.write(&Op::Put { key: &key, value: &encode(value) }),
            None => writer.write(&Op::Delete { key: &key }),
        }
    }
}

impl<K: Row + Eq + Hash, V: Row> MapTable<K, V> {
    pub fn new(version: u32) -> Self {
        Self { version, rows: Rows::new() }
    }

    pub fn get(&self, key: &K) -> Option<&V> {
        self.rows.get(key)
    }

    pub fn put(&mut self, key: K, value: V) {
        self.rows.put(key, value);
    }

    /// Changes a value in place; one that is not there begins fresh.
    pub fn update<R>(
        &mut self,
        key: &K,
        fresh: impl FnOnce() -> V,
        change: impl FnOnce(&mut V) -> R,
    ) -> R {
        self.rows.update(key, fresh, change)
    }

    pub fn remove(&mut self, key: &K) -> Option<V> {
        self.rows.remove(key)
    }

    /// In no order.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.rows.iter()
    }

    pub fn len(&self) -> usize {
        self.rows.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<K: Row + Eq + Hash, V: Row> Table for MapTable<K, V> {
    fn spec(&self) -> TableSpec {
        TableSpec { kind: TableKind::Map, version: self.version }
    }

    fn bytes(&self) -> u64 {
        self.rows.bytes()
    }

    fn freeze(&mut self, epoch: Epoch) -> Option<Frozen> {
        if !self.rows.is_dirty() {
            return None;
        }
        let changes = self.rows.take_changes();
        Some(Frozen::new(self.spec(), epoch, move |writer| write_changes(&[], &changes, writer)))
    }

    fn load(&mut self, part: &[u8]) -> Result<(), PartError> {
        load(self.spec(), part, self)
    }
}

impl<K: Row + Eq + Hash, V: Row> Apply for MapTable<K, V> {
    fn apply(&mut self, op: Op<'_>) -> Result<(), PartError> {
        match op {
            Op::Put { key, value } => self.rows.load(decode(key)?, Some(decode(value)?)),
            Op::Delete { key } => self.rows.load(decode(key)?, None),
            Op::Append { .. } | Op::Drop { .. } => return Err(foreign()),
        }
        Ok(())
    }
}
