//! Folds: how a value goes on from record to record, over the columns of a batch.
//!
//! ```text
//! load, for each key of the batch ─► enter ─► step and write, record by record ─► leave ─► store, for
//! each key that a record was taken of
//! ```

mod count;
mod distinct;
mod exact;
mod float;
mod pick;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::error::ArrowError;
use weir_domain::Fault;
use weir_stream::state::StateTable;

pub(super) use count::Count;
pub(super) use distinct::Distinct;
pub(super) use exact::{Exact, Render};
pub(super) use float::Float;
pub(super) use pick::{By, Pick};

use super::cell::{Cell, Foreign};

/// Groups are the numbers of keys in the batch.
pub(super) trait Fold: Send {
    /// One key more, with what is remembered of it.
    fn load(&mut self, key: u128, cell: Option<&Cell>) -> Result<(), Foreign>;

    /// All keys are loaded, and these are the records.
    fn enter(&mut self, records: &RecordBatch) -> Result<(), Fault>;

    /// Whether all records can certainly be taken: then nobody asks for refusals.
    fn fits(&self) -> bool {
        true
    }

    /// Why a record can't be taken, if so.
    fn refusal(&self, _group: usize, _row: usize) -> Option<String> {
        None
    }

    /// Takes a record.
    fn step(&mut self, group: usize, row: usize);

    /// Writes down the value as it is now.
    fn write(&mut self, group: usize);

    /// Takes all records, and writes after each if so told. One call for a batch.
    fn run(&mut self, groups: &[u32], write_each: bool) {
        for (row, group) in groups.iter().enumerate() {
            self.step(*group as usize, row);
            if write_each {
                self.write(*group as usize);
            }
        }
    }

    /// What was written down, as a column.
    fn leave(&mut self) -> Result<ArrayRef, ArrowError>;

    fn store(&self, group: usize, cell: &mut Cell);

    /// The batch is done.
    fn clear(&mut self);

    /// What a key begins with.
    fn fresh(&self) -> Cell;

    /// A key is forgotten.
    fn forget(&mut self, _key: u128) {}

    /// What it remembers beside its cells.
    fn table(&mut self) -> Option<&mut dyn StateTable> {
        None
    }
}
