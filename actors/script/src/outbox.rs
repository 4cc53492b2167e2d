//! What leaves by one port, record by record, until it becomes a batch.
//!
//! A record that came from the input is the number of its row; only values that the script made are
//! kept beside it. So a column that nobody set is shared with the input, or taken from it as a whole.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions, UInt32Array};
use arrow::compute::{interleave, take};
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use weir_stream::{Batch, Positions};

use crate::cell::{self, Cell};
use crate::shape::{Port, Shape};

#[derive(Default)]
pub(crate) struct Outbox {
    /// The row of the input that each record came from.
    rows: Vec<u32>,
    positions: Vec<u64>,
    columns: Vec<Made>,
    bytes: usize,
}

/// The values of one column that were made, and for which records.
#[derive(Default)]
struct Made {
    at: Vec<u32>,
    cells: Vec<Cell>,
}

impl Outbox {
    pub(crate) fn for_port(port: &Port) -> Self {
        let columns = port.columns.iter().map(|_| Made::default()).collect();
        Self { columns, ..Self::default() }
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// About how much memory the values take that were made.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Begins a record. Its columns follow: what is not put comes from the row.
    pub(crate) fn push(&mut self, row: u32, position: u64) {
        self.rows.push(row);
        self.positions.push(position);
        self.bytes += size_of::<u32>() + size_of::<u64>();
    }

    /// The value of the last record in a column.
    pub(crate) fn put(&mut self, column: usize, cell: Cell) {
        self.bytes += cell.bytes();
        let at = self.rows.len() - 1;
        self.columns[column].at.push(u32::try_from(at).unwrap_or(u32::MAX));
        self.columns[column].cells.push(cell);
    }

    /// Forgets all records from this one on.
    pub(crate) fn truncate(&mut self, length: usize) {
        self.rows.truncate(length);
        self.positions.truncate(length);
        for made in &mut self.columns {
            let kept = made.at.partition_point(|it| (*it as usize) < length);
            made.at.truncate(kept);
            made.cells.truncate(kept);
        }
    }

    /// All records as one batch; the box is empty then. `input` is what its rows are of.
    pub(crate) fn take(
        &mut self,
        port: &Port,
        shape: &Shape,
        input: &Option<Batch>,
    ) -> Result<Batch, ArrowError> {
        let Self { rows, positions, columns, .. } = std::mem::replace(self, Self::for_port(port));
        let rows_in = input.as_ref().map_or(0, Batch::rows);
        let is_all = rows.len() == rows_in && (0..).zip(&rows).all(|(at, row)| at == *row);
        let length = rows.len();
        let picked = UInt32Array::from(rows);
        let mut arrays = Vec::with_capacity(columns.len());
        for (made, &field) in columns.into_iter().zip(&port.columns) {
            let given = input.as_ref().filter(|_| field < shape.inputs);
            let given = given.map(|it| it.records.column(field));
            let data_type = shape.fields[field].data_type();
            arrays.push(match given {
                Some(given) if made.at.is_empty() && is_all => Arc::clone(given),
                Some(given) if made.at.is_empty() => take(given, &picked, None)?,
                Some(given) if made.at.len() < length => {
                    mixed(given, &picked, &made, &cell::column(data_type, &made.cells)?)?
                }
                _ => cell::column(data_type, &made.cells)?,
            });
        }
        let options = RecordBatchOptions::new().with_row_count(Some(length));
        let schema: SchemaRef = Arc::clone(&port.schema);
        let records = RecordBatch::try_new_with_options(schema, arrays, &options)?;
        Ok(Batch::new(records, Positions::List(positions.into())))
    }
}

/// Some values of the input's, some that were made.
fn mixed(
    given: &ArrayRef,
    picked: &UInt32Array,
    made: &Made,
    cells: &ArrayRef,
) -> Result<ArrayRef, ArrowError> {
    let mut from: Vec<_> = picked.values().iter().map(|row| (0, *row as usize)).collect();
    for (number, at) in made.at.iter().enumerate() {
        from[*at as usize] = (1, number);
    }
    interleave(&[given.as_ref(), cells.as_ref()], &from)
}
