//! Sums and averages of integers and decimals, without losing a digit: a record whose value would make
//! a sum too large is refused.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Decimal128Array, Float64Array, Int64Array, RecordBatch,
};
use arrow::datatypes::{DECIMAL128_MAX_PRECISION, DataType, Decimal128Type, Int64Type};
use arrow::error::ArrowError;
use weir_domain::Fault;

use super::Fold;
use crate::aggregate::cell::{Cell, Foreign, Sum};
use crate::aggregate::{scalar, unfit};

/// What leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::aggregate) enum Render {
    /// The sum of integers.
    Int,
    /// The average of integers.
    Ratio,
    /// The sum of decimals with so many digits behind the point.
    Decimal { scale: i8 },
    /// The average of decimals, with so many digits more than they have.
    DecimalRatio { scale: i8, more: u8 },
}

/// What a sum may be, and how that is called.
#[derive(Debug, Clone, Copy)]
pub(in crate::aggregate) struct Limit {
    pub(in crate::aggregate) least: i128,
    pub(in crate::aggregate) most: i128,
    pub(in crate::aggregate) holder: &'static str,
}

impl Render {
    pub(in crate::aggregate) fn data_type(self) -> DataType {
        match self {
            Self::Int => DataType::Int64,
            Self::Ratio => DataType::Float64,
            Self::Decimal { scale } => DataType::Decimal128(DECIMAL128_MAX_PRECISION, scale),
            Self::DecimalRatio { scale, more } => {
                DataType::Decimal128(DECIMAL128_MAX_PRECISION, scale + more as i8)
            }
        }
    }

    pub(in crate::aggregate) fn limit(self) -> Limit {
        let digits = |it: u32| 10_i128.pow(it) - 1;
        let (least, most, holder) = match self {
            Self::Int => (i64::MIN.into(), i64::MAX.into(), "an int64"),
            Self::Ratio => (i128::MIN, i128::MAX, "an average"),
            Self::Decimal { .. } => (-digits(38), digits(38), "a decimal"),
            Self::DecimalRatio { more, .. } => {
                let most = digits(38 - u32::from(more));
                (-most, most, "the average of decimals")
            }
        };
        Limit { least, most, holder }
    }

    fn column(self, sums: &[Sum<i128>]) -> Result<ArrayRef, ArrowError> {
        let of = |it: &Sum<i128>| (it.count > 0).then_some(it.sum);
        Ok(match self {
            Self::Int => {
                Arc::new(sums.iter().map(|it| of(it).map(|it| it as i64)).collect::<Int64Array>())
            }
            Self::Ratio => {
                let ratio = |it: &Sum<i128>| of(it).map(|sum| sum as f64 / it.count as f64);
                Arc::new(sums.iter().map(ratio).collect::<Float64Array>())
            }
            Self::Decimal { scale } => {
                let column: Decimal128Array = sums.iter().map(of).collect();
                Arc::new(column.with_precision_and_scale(DECIMAL128_MAX_PRECISION, scale)?)
            }
            Self::DecimalRatio { scale, more } => {
                let factor = 10_i128.pow(more.into());
                let ratio = |it: &Sum<i128>| of(it).map(|sum| divide(sum * factor, it.count));
                let column: Decimal128Array = sums.iter().map(ratio).collect();
                let scale = scale + more as i8;
                Arc::new(column.with_precision_and_scale(DECIMAL128_MAX_PRECISION, scale)?)
            }
        })
    }
}

/// Rounded to the nearest; a half away from zero.
fn divide(sum: i128, count: u64) -> i128 {
    let count = i128::from(count);
    let (whole, rest) = (sum / count, sum % count);
    if rest.abs() >= count - rest.abs() { whole + sum.signum() } else { whole }
}

enum Values {
    Int(Int64Array),
    Wide(Decimal128Array),
}

impl Values {
    fn none() -> Self {
        Self::Int(Int64Array::new_null(0))
    }

    fn of(column: &ArrayRef, class: &DataType) -> Result<Self, ArrowError> {
        let column = scalar::convert(column, class)?;
        Ok(match column.as_primitive_opt::<Int64Type>() {
            Some(values) => Self::Int(values.clone()),
            None => Self::Wide(column.as_primitive::<Decimal128Type>().clone()),
        })
    }

    fn at(&self, row: usize) -> Option<i128> {
        match self {
            Self::Int(it) => it.is_valid(row).then(|| it.value(row).into()),
            Self::Wide(it) => it.is_valid(row).then(|| it.value(row)),
        }
    }

    /// As if all of them had one sign.
    fn sum(&self) -> u128 {
        match self {
            Self::Int(it) => it.iter().flatten().map(|it| u128::from(it.unsigned_abs())).sum(),
            Self::Wide(it) => {
                let values = it.iter().flatten().map(i128::unsigned_abs);
                values.fold(0, u128::saturating_add)
            }
        }
    }
}

pub(in crate::aggregate) struct Exact {
    column: usize,
    class: DataType,
    render: Render,
    limit: Limit,
    values: Values,
    sums: Vec<Sum<i128>>,
    written: Vec<Sum<i128>>,
}

impl Exact {
    pub(in crate::aggregate) fn new(column: usize, class: DataType, render: Render) -> Self {
        let (values, limit) = (Values::none(), render.limit());
        Self { column, class, render, limit, values, sums: Vec::new(), written: Vec::new() }
    }

    fn next(&self, group: usize, row: usize) -> Option<Option<i128>> {
        let value = self.values.at(row)?;
        let next = self.sums[group].sum.checked_add(value);
        Some(next.filter(|it| (self.limit.least..=self.limit.most).contains(it)))
    }
}

impl Fold for Exact {
    fn load(&mut self, _: u128, cell: Option<&Cell>) -> Result<(), Foreign> {
        self.sums.push(match cell {
            None => Sum::default(),
            Some(Cell::Exact(sum)) => *sum,
            Some(_) => return Err(Foreign),
        });
        Ok(())
    }

    fn enter(&mut self, records: &RecordBatch) -> Result<(), Fault> {
        let values = Values::of(records.column(self.column), &self.class);
        self.values = values.map_err(|it| unfit(&it))?;
        Ok(())
    }

    /// However the records are spread over keys, and in whatever order they come.
    fn fits(&self) -> bool {
        let largest = self.sums.iter().map(|it| it.sum.unsigned_abs()).max().unwrap_or(0);
        let least = largest.saturating_add(self.values.sum());
        least <= self.limit.most.unsigned_abs()
    }

    fn refusal(&self, group: usize, row: usize) -> Option<String> {
        let Some(None) = self.next(group, row) else { return None };
        Some(format!("the sum is more than {} holds", self.limit.holder))
    }

    fn step(&mut self, group: usize, row: usize) {
        if let Some(value) = self.values.at(row) {
            let it = &mut self.sums[group];
            it.sum += value;
            it.count += 1;
        }
    }

    fn write(&mut self, group: usize) {
        self.written.push(self.sums[group]);
    }

    fn leave(&mut self) -> Result<ArrayRef, ArrowError> {
        let column = self.render.column(&self.written);
        self.written.clear();
        column
    }

    fn store(&self, group: usize, cell: &mut Cell) {
        *cell = Cell::Exact(self.sums[group]);
    }

    fn clear(&mut self) {
        self.sums.clear();
        self.values = Values::none();
    }

    fn fresh(&self) -> Cell {
        Cell::Exact(Sum::default())
    }
}
