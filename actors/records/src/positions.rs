//! Where in its item each record of a batch stood: its number, counted from 1.
//!
//! A record keeps its position through every stage, so that a fault far from the source can
//! still name the record. Until something is left out, a range says it without an array.

use arrow::array::{Array, BooleanArray, UInt32Array, UInt64Array};
use arrow::compute;
use arrow::error::ArrowError;

/// The positions of a batch's rows, in order of the rows.
#[derive(Debug, Clone, PartialEq)]
pub enum Positions {
    /// Consecutive: row `i` is at `first + i`.
    Range { first: u64 },
    /// One by one.
    List(UInt64Array),
}

impl Positions {
    /// The position of a row; 0 where there is no such row.
    pub fn at(&self, row: usize) -> u64 {
        match self {
            Self::Range { first } => first + row as u64,
            Self::List(list) if row < list.len() => list.value(row),
            Self::List(_) => 0,
        }
    }

    #[must_use]
    pub fn slice(&self, offset: usize, length: usize) -> Self {
        match self {
            Self::Range { first } => Self::Range { first: first + offset as u64 },
            Self::List(list) => Self::List(list.slice(offset, length)),
        }
    }

    /// The positions of the rows whose bit is set. The mask has one bit a row.
    pub fn filter(&self, mask: &BooleanArray) -> Result<Self, ArrowError> {
        let list = self.to_list(mask.len());
        let kept = compute::filter(&list, mask)?;
        Ok(Self::List(downcast(kept.as_ref())))
    }

    /// The positions of the given rows out of `rows`.
    pub fn take(&self, rows: usize, indices: &UInt32Array) -> Result<Self, ArrowError> {
        let list = self.to_list(rows);
        let taken = compute::take(&list, indices, None)?;
        Ok(Self::List(downcast(taken.as_ref())))
    }

    fn to_list(&self, rows: usize) -> UInt64Array {
        match self {
            Self::Range { first } => (*first..*first + rows as u64).collect::<Vec<_>>().into(),
            Self::List(list) => list.clone(),
        }
    }
}

fn downcast(array: &dyn Array) -> UInt64Array {
    let list = array.as_any().downcast_ref::<UInt64Array>();
    list.expect("a kernel keeps the type of its input").clone()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_keeps_its_position_whatever_is_left_out() {
        let all = Positions::Range { first: 11 };
        assert_eq!((all.at(0), all.at(4)), (11, 15));
        let odd = all.filter(&BooleanArray::from(vec![true, false, true, false, true]));
        let odd = odd.expect("a mask of five");
        assert_eq!(odd, Positions::List(UInt64Array::from(vec![11, 13, 15])));
        assert_eq!(odd.slice(1, 2).at(0), 13);
        let taken = odd.take(3, &UInt32Array::from(vec![2, 0])).expect("rows that exist");
        assert_eq!((taken.at(0), taken.at(1), taken.at(2)), (15, 11, 0));
    }
}
