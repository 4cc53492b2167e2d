//! Writing framed records.

use std::io::Write as _;

use arrow::array::RecordBatch;
use weir_domain::Fault;

use super::{Encode, Unwritable};
use crate::output::Output;
use crate::{Framing, LineEnding, Writer};

pub(crate) fn create(
    framing: Framing,
    line_ending: LineEnding,
    encode: Box<dyn Encode>,
    output: Output,
) -> Box<dyn Writer> {
    Box::new(FramedWriter {
        framing,
        line_ending,
        encode,
        output,
        records: Vec::new(),
        ends: Vec::new(),
        framed: Vec::new(),
        written: 0,
    })
}

struct FramedWriter {
    framing: Framing,
    line_ending: LineEnding,
    encode: Box<dyn Encode>,
    output: Output,
    /// The records of a batch one after the other, and where each ends.
    records: Vec<u8>,
    ends: Vec<usize>,
    framed: Vec<u8>,
    /// Records written so far.
    written: u64,
}

impl Writer for FramedWriter {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), Fault> {
        let encoded = self.encode(batch);
        encoded.map_err(|it| self.output.fault(&it.text(self.written)))?;
        let written = self.output.write_all(&self.framed);
        written.map_err(|it| self.output.fault(&it.to_string()))?;
        self.written += batch.num_rows() as u64;
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<(), Fault> {
        self.output.finish()
    }

    fn bytes_written(&self) -> u64 {
        self.output.meter().bytes()
    }
}

impl FramedWriter {
    fn encode(&mut self, batch: &RecordBatch) -> Result<(), Unwritable> {
        self.records.clear();
        self.ends.clear();
        self.framed.clear();
        self.encode.encode(batch, &mut self.records, &mut self.ends)?;
        let mut start = 0;
        for (row, end) in self.ends.iter().enumerate() {
            let record = &self.records[start..*end];
            let put = self.framing.put(record, self.line_ending, &mut self.framed);
            put.map_err(|it| Unwritable::row(row, it))?;
            start = *end;
        }
        Ok(())
    }
}
