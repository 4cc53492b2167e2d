//! Picks one of the values that a key had: the least, the greatest, the first or the last.
//!
//! What was picked before stands in front of the batch's own values, so that picking is choosing a
//! place in one array.

use std::cmp::Ordering;

use arrow::array::{
    Array, ArrayRef, AsArray, DynComparator, RecordBatch, UInt32Array, make_comparator,
    new_empty_array,
};
use arrow::buffer::NullBuffer;
use arrow::compute::{SortOptions, concat, take};
use arrow::datatypes::DataType;
use arrow::error::ArrowError;
use weir_domain::Fault;

use super::Fold;
use crate::aggregate::cell::{Cell, Foreign};
use crate::aggregate::scalar::{self, Scalars};
use crate::aggregate::unfit;
use crate::groups::NONE;

/// Longer texts are not remembered: each record leaves with the one that was picked.
const BYTES_MAX: usize = 4 << 10;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::aggregate) enum By {
    Least,
    Greatest,
    First,
    Last,
}

pub(in crate::aggregate) struct Pick {
    column: usize,
    by: By,
    data_type: DataType,
    class: DataType,
    /// What was picked before, of each group.
    before: Scalars,
    /// The place of each group's value, or [`NONE`].
    picked: Vec<u32>,
    written: Vec<u32>,
    batch: Values,
    /// What is picked in the end, of each group, in its class.
    after: ArrayRef,
}

/// The groups' values from before, and the batch's own.
struct Values {
    all: ArrayRef,
    nulls: Option<NullBuffer>,
    compare: DynComparator,
    /// Where the batch's own begin.
    groups: usize,
    /// The batch's own, where they can be too long.
    bytes: Option<ArrayRef>,
}

impl Values {
    fn new(before: &ArrayRef, column: &ArrayRef, class: &DataType) -> Result<Self, ArrowError> {
        let before_in_type = scalar::convert(before, column.data_type())?;
        let all = concat(&[&before_in_type, column])?;
        let compare = make_comparator(&all, &all, SortOptions::default())?;
        let bytes = (*class == DataType::Binary).then(|| scalar::convert(column, class));
        let bytes = bytes.transpose()?;
        Ok(Self { nulls: all.logical_nulls(), all, compare, groups: before.len(), bytes })
    }

    fn none(data_type: &DataType) -> Self {
        let compare: DynComparator = Box::new(|_, _| Ordering::Equal);
        Self { all: new_empty_array(data_type), nulls: None, compare, groups: 0, bytes: None }
    }

    fn bytes_of(&self, row: usize) -> usize {
        self.bytes.as_ref().map_or(0, |it| it.as_binary::<i32>().value_length(row) as usize)
    }
}

impl Pick {
    /// Nothing, if values of this type can't be remembered.
    pub(in crate::aggregate) fn new(column: usize, by: By, data_type: &DataType) -> Option<Self> {
        let class = scalar::class(data_type)?;
        Some(Self {
            column,
            by,
            data_type: data_type.clone(),
            before: Scalars::of(&class),
            picked: Vec::new(),
            written: Vec::new(),
            batch: Values::none(data_type),
            after: new_empty_array(&class),
            class,
        })
    }

    /// The record's place, if its value is to be picked.
    fn better(&self, group: usize, row: usize) -> Option<u32> {
        let (picked, place) = (self.picked[group], self.batch.groups + row);
        if self.batch.nulls.as_ref().is_some_and(|it| it.is_null(place)) {
            return None;
        }
        let is_better = picked == NONE
            || match self.by {
                By::First => false,
                By::Last => true,
                By::Least => (self.batch.compare)(place, picked as usize).is_lt(),
                By::Greatest => (self.batch.compare)(place, picked as usize).is_gt(),
            };
        is_better.then_some(place as u32)
    }

    fn at(&self, places: &[u32]) -> Result<ArrayRef, ArrowError> {
        let places = places.iter().map(|it| (*it != NONE).then_some(*it));
        take(&self.batch.all, &places.collect::<UInt32Array>(), None)
    }
}

impl Fold for Pick {
    fn load(&mut self, _: u128, cell: Option<&Cell>) -> Result<(), Foreign> {
        let before = match cell {
            None => None,
            Some(Cell::Picked(it)) => it.as_ref(),
            Some(_) => return Err(Foreign),
        };
        let place = self.before.len() as u32;
        self.picked.push(if before.is_some() { place } else { NONE });
        if self.before.push(before) { Ok(()) } else { Err(Foreign) }
    }

    fn enter(&mut self, records: &RecordBatch) -> Result<(), Fault> {
        let column = records.column(self.column);
        let values = Values::new(&self.before.finish(), column, &self.class);
        self.batch = values.map_err(|it| unfit(&it))?;
        Ok(())
    }

    fn fits(&self) -> bool {
        let Some(bytes) = &self.batch.bytes else { return true };
        bytes.as_binary::<i32>().offsets().lengths().all(|it| it <= BYTES_MAX)
    }

    fn refusal(&self, group: usize, row: usize) -> Option<String> {
        let bytes = self.batch.bytes_of(row);
        if bytes <= BYTES_MAX || self.better(group, row).is_none() {
            return None;
        }
        Some(format!("the value has {bytes} bytes, and up to {BYTES_MAX} are remembered"))
    }

    fn step(&mut self, group: usize, row: usize) {
        if let Some(place) = self.better(group, row) {
            self.picked[group] = place;
        }
    }

    fn write(&mut self, group: usize) {
        self.written.push(self.picked[group]);
    }

    fn leave(&mut self) -> Result<ArrayRef, ArrowError> {
        self.after = scalar::convert(&self.at(&self.picked)?, &self.class)?;
        let column = self.at(&self.written);
        self.written.clear();
        column
    }

    fn store(&self, group: usize, cell: &mut Cell) {
        match cell {
            // What was picked before is in the cell already.
            Cell::Picked(Some(_)) if self.picked[group] as usize == group => {}
            Cell::Picked(slot) => scalar::assign(slot, &self.after, group),
            cell => {
                let mut slot = None;
                scalar::assign(&mut slot, &self.after, group);
                *cell = Cell::Picked(slot);
            }
        }
    }

    fn clear(&mut self) {
        self.picked.clear();
        self.batch = Values::none(&self.data_type);
        self.after = new_empty_array(&self.class);
    }

    fn fresh(&self) -> Cell {
        Cell::Picked(None)
    }
}
