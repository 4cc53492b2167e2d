//! Counts different values, exactly, by their hashes: each key has a bounded number of them.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Int64Array, RecordBatch};
use arrow::buffer::NullBuffer;
use arrow::error::ArrowError;
use weir_domain::Fault;
use weir_stream::state::{MultiMapTable, StateTable};

use super::Fold;
use crate::aggregate::cell::{Cell, Foreign};
use crate::keys::Keys;

pub(in crate::aggregate) struct Distinct {
    column: usize,
    limit: usize,
    values: Keys,
    /// The hashes of the values that a key had.
    there: MultiMapTable<u128, u64>,
    nulls: Option<NullBuffer>,
    hashes: Vec<u128>,
    keys: Vec<u128>,
    written: Vec<i64>,
}

impl Distinct {
    pub(in crate::aggregate) fn new(
        (column, values): (usize, Keys),
        limit: usize,
        version: u32,
    ) -> Self {
        let there = MultiMapTable::new(version);
        let (hashes, keys, written) = (Vec::new(), Vec::new(), Vec::new());
        Self { column, limit, values, there, nulls: None, hashes, keys, written }
    }

    /// The record's value, if the key did not have it yet.
    fn new_value(&self, group: usize, row: usize) -> Option<u64> {
        if self.nulls.as_ref().is_some_and(|it| it.is_null(row)) {
            return None;
        }
        let hash = self.hashes[row] as u64;
        (!self.there.get(&self.keys[group]).contains(&hash)).then_some(hash)
    }
}

impl Fold for Distinct {
    fn load(&mut self, key: u128, cell: Option<&Cell>) -> Result<(), Foreign> {
        match cell {
            Some(Cell::Distinct) => {}
            None => self.there.remove(&key),
            Some(_) => return Err(Foreign),
        }
        self.keys.push(key);
        Ok(())
    }

    fn enter(&mut self, records: &RecordBatch) -> Result<(), Fault> {
        self.nulls = records.column(self.column).logical_nulls();
        self.hashes = self.values.hashes(records)?;
        Ok(())
    }

    fn fits(&self) -> bool {
        let most = self.keys.iter().map(|it| self.there.get(it).len()).max().unwrap_or(0);
        most + self.hashes.len() <= self.limit
    }

    fn refusal(&self, group: usize, row: usize) -> Option<String> {
        let is_full = self.there.get(&self.keys[group]).len() >= self.limit;
        let is_one_more = is_full && self.new_value(group, row).is_some();
        is_one_more.then(|| format!("the key has more than {} different values", self.limit))
    }

    fn step(&mut self, group: usize, row: usize) {
        if let Some(value) = self.new_value(group, row) {
            self.there.append(self.keys[group], value);
        }
    }

    fn write(&mut self, group: usize) {
        self.written.push(self.there.get(&self.keys[group]).len() as i64);
    }

    fn leave(&mut self) -> Result<ArrayRef, ArrowError> {
        Ok(Arc::new(Int64Array::from(std::mem::take(&mut self.written))))
    }

    fn store(&self, _: usize, cell: &mut Cell) {
        *cell = Cell::Distinct;
    }

    fn clear(&mut self) {
        self.keys.clear();
        self.hashes.clear();
        self.nulls = None;
    }

    fn fresh(&self) -> Cell {
        Cell::Distinct
    }

    fn forget(&mut self, key: u128) {
        self.there.remove(&key);
    }

    fn table(&mut self) -> Option<&mut dyn StateTable> {
        Some(&mut self.there)
    }
}
