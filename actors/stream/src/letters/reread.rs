//! Letters as records again: of a stage, from the JSON that is left of them; of a source, by the source.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use arrow::json::ReaderBuilder;
use bytes::Bytes;
use weir_domain::Fault;

use super::UNFIT;
use super::record::Line;
use crate::{BadRecord, Batch, Positions, Read, RecordReader};

/// Letters that are read at once.
const ROWS: usize = 1_024;

/// A record that a source could not read.
#[derive(Debug, Clone)]
pub struct RawLetter {
    /// What stood before the records of its item, if something did.
    pub header: Option<String>,
    pub raw: Bytes,
}

/// Reads what came into a stage and was refused there.
pub(super) struct Rows {
    schema: SchemaRef,
    letters: Arc<Vec<Line>>,
    at: usize,
}

impl Rows {
    pub(super) fn new(schema: SchemaRef, letters: Arc<Vec<Line>>) -> Self {
        Self { schema, letters, at: 0 }
    }

    /// A letter that does not fit what comes into the stage now takes none of the others along.
    fn row(&self, raw: &[u8]) -> Result<RecordBatch, String> {
        let decoded = || -> Result<Option<RecordBatch>, ArrowError> {
            // What was a number may be a text now.
            let builder = ReaderBuilder::new(self.schema.clone()).with_coerce_primitive(true);
            let mut decoder = builder.build_decoder()?;
            let taken = decoder.decode(raw)?;
            if taken < raw.len() || decoder.has_partial_record() {
                return Ok(None);
            }
            decoder.flush()
        };
        let unfit =
            |why: &str| format!("the record does not fit what comes into the stage now: {why}");
        match decoded() {
            Ok(Some(row)) if row.num_rows() == 1 => Ok(row),
            Ok(_) => Err(unfit("it is no single record")),
            Err(error) => Err(unfit(&error.to_string())),
        }
    }
}

impl RecordReader for Rows {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn read(&mut self) -> Result<Option<Read>, Fault> {
        let end = self.letters.len().min(self.at + ROWS);
        if self.at == end {
            return Ok(None);
        }
        let (mut rows, mut positions, mut bad, mut bytes) = (Vec::new(), Vec::new(), Vec::new(), 0);
        for at in self.at..end {
            let (raw, position) = (self.letters[at].bytes(), at as u64 + 1);
            bytes += raw.len() as u64;
            match self.row(&raw) {
                Ok(row) => {
                    rows.push(row);
                    positions.push(position);
                }
                Err(reason) => {
                    let (line, offset, raw_cut) = (None, None, false);
                    bad.push(BadRecord { position, line, offset, raw, raw_cut, reason });
                }
            }
        }
        self.at = end;
        let records = concat_batches(&self.schema, &rows)
            .map_err(|it| Fault::config(UNFIT, format!("the letters make no records: {it}")))?;
        let batch = Batch::new(records, Positions::List(positions.into()));
        Ok(Some(Read { batch, bad, bytes }))
    }
}
