//! A table of one value.

use super::op::{Apply, Op, decode, encode, foreign};
use super::{Frozen, PartError, Row, Table, TableKind, TableSpec, load};
use crate::epoch::Epoch;

#[derive(Debug, Clone)]
pub struct ValueTable<V> {
    version: u32,
    value: Option<V>,
    is_dirty: bool,
}

impl<V: Row> ValueTable<V> {
    pub fn new(version: u32) -> Self {
        Self { version, value: None, is_dirty: false }
    }

    pub fn get(&self) -> Option<&V> {
        self.value.as_ref()
    }

    pub fn set(&mut self, value: V) {
        (self.value, self.is_dirty) = (Some(value), true);
    }

    /// Changes the value in place; there is one afterwards.
    pub fn update<R>(&mut self, change: impl FnOnce(&mut Option<V>) -> R) -> R {
        self.is_dirty = true;
        change(&mut self.value)
    }

    pub fn clear(&mut self) {
        self.is_dirty |= self.value.take().is_some();
    }
}

impl<V: Row> Table for ValueTable<V> {
    fn spec(&self) -> TableSpec {
        TableSpec { kind: TableKind::Value, version: self.version }
    }

    fn bytes(&self) -> u64 {
        self.value.as_ref().map_or(0, V::weight)
    }

    fn freeze(&mut self, epoch: Epoch) -> Option<Frozen> {
        if !std::mem::take(&mut self.is_dirty) {
            return None;
        }
        let value = self.value.clone();
        Some(Frozen::new(self.spec(), epoch, move |writer| match value {
            Some(value) => writer.write(&Op::Put { key: &[], value: &encode(&value) }),
            None => writer.write(&Op::Delete { key: &[] }),
        }))
    }

    fn load(&mut self, part: &[u8]) -> Result<(), PartError> {
        load(self.spec(), part, self)
    }
}

impl<V: Row> Apply for ValueTable<V> {
    fn apply(&mut self, op: Op<'_>) -> Result<(), PartError> {
        self.value = match op {
            Op::Put { key: [], value } => Some(decode(value)?),
            Op::Delete { key: [] } => None,
            Op::Put { .. } | Op::Delete { .. } | Op::Append { .. } | Op::Drop { .. } => {
                return Err(foreign());
            }
        };
        Ok(())
    }
}
