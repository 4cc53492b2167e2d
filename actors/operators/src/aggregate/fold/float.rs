//! Sums and averages of floats, by the rules of IEEE 754: what is too large becomes infinite.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float64Array, RecordBatch};
use arrow::datatypes::{DataType, Float64Type};
use arrow::error::ArrowError;
use weir_domain::Fault;

use super::Fold;
use crate::aggregate::cell::{Cell, Foreign, Sum};
use crate::aggregate::{scalar, unfit};

pub(in crate::aggregate) struct Float {
    column: usize,
    is_average: bool,
    values: Float64Array,
    sums: Vec<Sum<f64>>,
    written: Vec<Sum<f64>>,
}

impl Float {
    pub(in crate::aggregate) fn new(column: usize, is_average: bool) -> Self {
        let values = Float64Array::new_null(0);
        Self { column, is_average, values, sums: Vec::new(), written: Vec::new() }
    }
}

impl Fold for Float {
    fn load(&mut self, _: u128, cell: Option<&Cell>) -> Result<(), Foreign> {
        self.sums.push(match cell {
            None => Sum::default(),
            Some(Cell::Float(sum)) => *sum,
            Some(_) => return Err(Foreign),
        });
        Ok(())
    }

    fn enter(&mut self, records: &RecordBatch) -> Result<(), Fault> {
        let values = scalar::convert(records.column(self.column), &DataType::Float64);
        self.values = values.map_err(|it| unfit(&it))?.as_primitive::<Float64Type>().clone();
        Ok(())
    }

    fn step(&mut self, group: usize, row: usize) {
        if self.values.is_valid(row) {
            let it = &mut self.sums[group];
            it.sum += self.values.value(row);
            it.count += 1;
        }
    }

    fn write(&mut self, group: usize) {
        self.written.push(self.sums[group]);
    }

    fn leave(&mut self) -> Result<ArrayRef, ArrowError> {
        let of = |it: Sum<f64>| match (it.count, self.is_average) {
            (0, _) => None,
            (_, false) => Some(it.sum),
            (count, true) => Some(it.sum / count as f64),
        };
        let column: Float64Array = self.written.iter().map(|it| of(*it)).collect();
        self.written.clear();
        Ok(Arc::new(column))
    }

    fn store(&self, group: usize, cell: &mut Cell) {
        *cell = Cell::Float(self.sums[group]);
    }

    fn clear(&mut self) {
        self.sums.clear();
        self.values = Float64Array::new_null(0);
    }

    fn fresh(&self) -> Cell {
        Cell::Float(Sum::default())
    }
}
