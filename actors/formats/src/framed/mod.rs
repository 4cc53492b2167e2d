//! Records that are bytes of their own, whatever stands between them: one reader and one writer for
//! all formats that only say what a record's bytes mean.
//!
//! The same formats read and write the messages of brokers, which have frames already.

mod message;
mod read;
mod write;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use weir_domain::Fault;

use crate::fault;
use crate::isolate::{Refusal, Verdict, isolate};

pub(crate) use message::judge;
pub use message::{MessageDecoder, MessageEncoder, message_decoder, message_encoder};
pub(crate) use read::open;
pub(crate) use write::create;

/// What the bytes of a record mean.
pub(crate) trait Decode: Send {
    fn schema(&self) -> SchemaRef;

    /// Decodes a run of records, or says which of them is bad, counted from the run's beginning.
    /// Whether a record can be decoded does not depend on its neighbours.
    fn decode(&mut self, records: &[&[u8]]) -> Result<RecordBatch, Refusal>;

    /// Decodes what can be decoded of a run in which something is bad.
    fn judge(&mut self, records: &[&[u8]]) -> Result<(RecordBatch, Verdict), Fault> {
        let verdict = isolate(records.len(), |run| {
            let start = run.start;
            self.decode(&records[run]).map(|_| ()).map_err(|it| it.behind(start))
        });
        let good: Vec<_> = verdict.good.iter().map(|at| records[*at]).collect();
        match self.decode(&good) {
            Ok(batch) => Ok((batch, verdict)),
            Err(Refusal::At(_, cause) | Refusal::Within(cause)) => {
                Err(fault::records_unreadable(&cause))
            }
        }
    }

    /// What can't be put right by leaving a record out, such as a registry that does not answer.
    fn prepare(&mut self, _records: &[&[u8]]) -> Result<(), Fault> {
        Ok(())
    }
}

/// How a record becomes bytes.
pub(crate) trait Encode: Send {
    /// Appends the bytes of each record of the batch to `out`, and to `ends` where they end in it; or
    /// says which record can't be written, and why.
    fn encode(
        &mut self,
        batch: &RecordBatch,
        out: &mut Vec<u8>,
        ends: &mut Vec<usize>,
    ) -> Result<(), Unwritable>;
}

/// Why a batch can't be written.
pub(crate) struct Unwritable {
    /// Of the batch, from 0, where it is one record's fault.
    pub(crate) row: Option<usize>,
    pub(crate) cause: String,
}

impl Unwritable {
    pub(crate) fn row(row: usize, cause: impl Into<String>) -> Self {
        Self { row: Some(row), cause: cause.into() }
    }

    pub(crate) fn batch(cause: impl Into<String>) -> Self {
        Self { row: None, cause: cause.into() }
    }

    /// `written` records were written before this batch.
    pub(crate) fn text(&self, written: u64) -> String {
        match self.row {
            Some(row) => format!("record {}: {}", written + row as u64 + 1, self.cause),
            None => self.cause.clone(),
        }
    }
}
