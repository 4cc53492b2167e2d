//! Counts records, or the values of a field.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Int64Array, RecordBatch};
use arrow::buffer::NullBuffer;
use arrow::error::ArrowError;
use weir_domain::Fault;

use super::Fold;
use crate::aggregate::cell::{Cell, Foreign};

#[derive(Default)]
pub(in crate::aggregate) struct Count {
    /// Without one, records count.
    column: Option<usize>,
    nulls: Option<NullBuffer>,
    counts: Vec<i64>,
    written: Vec<i64>,
}

impl Count {
    pub(in crate::aggregate) fn new(column: Option<usize>) -> Self {
        Self { column, ..Self::default() }
    }
}

impl Fold for Count {
    fn load(&mut self, _: u128, cell: Option<&Cell>) -> Result<(), Foreign> {
        self.counts.push(match cell {
            None => 0,
            Some(Cell::Count(count)) => *count,
            Some(_) => return Err(Foreign),
        });
        Ok(())
    }

    fn enter(&mut self, records: &RecordBatch) -> Result<(), Fault> {
        self.nulls = self.column.and_then(|it| records.column(it).logical_nulls());
        Ok(())
    }

    fn step(&mut self, group: usize, row: usize) {
        let counts = self.nulls.as_ref().is_none_or(|it| it.is_valid(row));
        self.counts[group] += i64::from(counts);
    }

    fn write(&mut self, group: usize) {
        self.written.push(self.counts[group]);
    }

    fn leave(&mut self) -> Result<ArrayRef, ArrowError> {
        Ok(Arc::new(Int64Array::from(std::mem::take(&mut self.written))))
    }

    fn store(&self, group: usize, cell: &mut Cell) {
        *cell = Cell::Count(self.counts[group]);
    }

    fn clear(&mut self) {
        self.counts.clear();
        self.nulls = None;
    }

    fn fresh(&self) -> Cell {
        Cell::Count(0)
    }
}
