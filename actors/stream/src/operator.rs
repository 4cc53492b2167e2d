//! Operators: pure functions over batches, with a place to put what comes out.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio_util::sync::CancellationToken;
use weir_domain::{Fault, TableName};

use crate::state::StateTable;
use crate::{BadRecord, Batch, StreamContext, StreamLog};

/// What an operator may know when an attempt of a stream begins.
#[derive(Debug, Clone)]
pub struct Opening {
    pub stream: Arc<StreamContext>,
    /// What it says into the stream's log.
    pub log: StreamLog,
    /// Set when the attempt is to end early: whoever works long on one batch looks at it.
    pub stop: CancellationToken,
}

/// Transforms batches. Synchronous: an operator that has to wait for the outside world is none.
pub trait Operator: Send {
    /// The stream begins. Called once, where the batches will be processed and before the first.
    fn start(&mut self, _opening: &Opening) -> Result<(), Fault> {
        Ok(())
    }

    fn process(&mut self, batch: Batch, out: &mut Outputs) -> Result<(), Fault>;

    /// What it remembers, by the names that its kind has said. A live stream that begins again begins
    /// with what they held at its newest checkpoint; another stream with nothing.
    fn tables(&mut self) -> Vec<(TableName, &mut dyn StateTable)> {
        Vec::new()
    }

    /// The end of the stream: what was held back goes out now.
    fn finish(&mut self, _out: &mut Outputs) -> Result<(), Fault> {
        Ok(())
    }
}

/// What an operator made of a batch. Ports are numbered as its kind declared them.
#[derive(Debug, Default)]
pub struct Outputs {
    pub(crate) batches: Vec<(usize, Batch)>,
    pub(crate) bad: Vec<BadRecord>,
    /// Waits, each after so many of the batches.
    pub(crate) waits: Vec<(usize, Duration)>,
    pub(crate) dropped: usize,
}

impl Outputs {
    /// Sends a batch out by a port. Empty batches go nowhere.
    pub fn emit(&mut self, port: usize, batch: Batch) {
        if batch.rows() > 0 {
            self.batches.push((port, batch));
        }
    }

    /// Refuses a row of a batch; the stage's `onError` decides what that means.
    pub fn refuse(&mut self, batch: &Batch, row: usize, reason: impl Into<String>) {
        self.bad.push(BadRecord {
            position: batch.positions.at(row),
            line: None,
            offset: None,
            raw: row_as_json(batch, row),
            raw_cut: false,
            reason: reason.into(),
        });
    }

    /// Asks the stage to wait after what was emitted so far, before it goes on.
    pub fn wait(&mut self, length: Duration) {
        self.waits.push((self.batches.len(), length));
    }

    /// Takes back what `wait` asked for: where a case of a test runs, no time passes.
    pub fn forget_waits(&mut self) {
        self.waits.clear();
    }

    /// Leaves rows out because the configuration says so. They are counted.
    pub fn drop_rows(&mut self, rows: usize) {
        self.dropped += rows;
    }

    /// What was emitted so far, for tests of operators.
    pub fn emitted(&self) -> &[(usize, Batch)] {
        &self.batches
    }

    /// What was refused so far, for tests of operators.
    pub fn refused(&self) -> &[BadRecord] {
        &self.bad
    }

    /// The wait asked for so far, for tests of operators.
    pub fn waiting(&self) -> Duration {
        self.waits.iter().map(|it| it.1).sum()
    }

    /// The rows left out so far, for tests of operators.
    pub fn dropped(&self) -> usize {
        self.dropped
    }
}

/// The row as one JSON object: what is left of a record that can be read but not mapped.
fn row_as_json(batch: &Batch, row: usize) -> Bytes {
    let mut text = Vec::new();
    let mut writer = arrow::json::LineDelimitedWriter::new(&mut text);
    let written = writer.write(&batch.records.slice(row, 1)).and_then(|()| writer.finish());
    if written.is_err() {
        return Bytes::new();
    }
    text.truncate(text.trim_ascii_end().len());
    text.into()
}
