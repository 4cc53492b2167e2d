//! Keeping what goes to the dead letters: around the sink that writes the files.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::{Array as _, ArrayRef, AsArray, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::json::LineDelimitedWriter;
use weir_domain::{Fault, StageId};
use weir_persistence_api::BlobKey;
use weir_secrets::Opened;

use super::STORE;
use super::effect::{keep, throw_away};
use super::record::{Head, encoded};
use super::sight::shown;
use crate::layout::dead_letters_id;
use crate::{
    Action, BadRecord, Batch, Prepared, STAGED_BYTES_MAX, Sink, SinkWriter, Staging, StreamContext,
};

/// Bytes of letters that are kept of a stream, or of an epoch of a live one; the rest is in the files
/// alone. What is left of the largest blob is for the head.
const KEPT_BYTES_MAX: usize = STAGED_BYTES_MAX - (512 << 10);

/// What comes into each stage, as far as that is known.
pub(crate) type Schemas = BTreeMap<StageId, SchemaRef>;

/// Writes letters where the sink does, and keeps them.
pub(crate) struct Keeping {
    sink: Box<dyn Sink>,
    staging: Staging,
    /// What is shown of letters has none of their values.
    secrets: Opened,
    schemas: Arc<Schemas>,
}

impl Keeping {
    pub(crate) fn around(
        sink: Box<dyn Sink>,
        (staging, secrets): (Staging, Opened),
        schemas: Schemas,
    ) -> Self {
        Self { sink, staging, secrets, schemas: Arc::new(schemas) }
    }
}

impl Sink for Keeping {
    fn open(
        &mut self,
        stream: &StreamContext,
        schema: SchemaRef,
    ) -> Result<Box<dyn SinkWriter>, Fault> {
        Ok(Box::new(Writer {
            writer: self.sink.open(stream, schema)?,
            staging: self.staging.clone(),
            secrets: self.secrets.clone(),
            stream: stream.clone(),
            schemas: self.schemas.clone(),
            stages: BTreeSet::new(),
            lines: Vec::new(),
            left_out: 0,
        }))
    }

    fn target(&self) -> Option<String> {
        self.sink.target()
    }

    fn check_access(&self, schema: Option<&SchemaRef>) -> Result<(), Fault> {
        self.sink.check_access(schema)
    }

    fn discard(&self, stream: &StreamContext) -> Vec<Action> {
        let mut actions = self.sink.discard(stream);
        actions.push(throw_away(stream.stream));
        actions
    }
}

struct Writer {
    writer: Box<dyn SinkWriter>,
    staging: Staging,
    secrets: Opened,
    stream: StreamContext,
    schemas: Arc<Schemas>,
    stages: BTreeSet<StageId>,
    lines: Vec<u8>,
    left_out: u64,
}

impl Writer {
    fn keep(&mut self, batch: &Batch) -> Result<(), Fault> {
        let before = self.lines.len();
        let mut writer = LineDelimitedWriter::new(&mut self.lines);
        let records = with_shown(&batch.records, &self.secrets);
        let written = records.and_then(|it| writer.write(&it)).and_then(|()| writer.finish());
        written.map_err(|it| Fault::config(STORE, format!("letters make no JSON: {it}")))?;
        let end = fitting(&self.lines, before);
        self.left_out += lines(&self.lines[end..]);
        self.lines.truncate(end);
        let stages = batch.records.column_by_name("stage").and_then(|it| it.as_string_opt::<i32>());
        let stages = stages.into_iter().flat_map(|it| it.iter().flatten());
        self.stages.extend(stages.filter_map(|it| StageId::new(it).ok()));
        Ok(())
    }

    fn staged(&self) -> Result<BlobKey, Fault> {
        let staged = Staging::of_segment(&self.stream, &dead_letters_id())?;
        staged.below("kept").map_err(|it| Fault::config(STORE, it.to_string()))
    }

    fn content(&self) -> Vec<u8> {
        let schema = |it: &StageId| Some((it.clone(), encoded(self.schemas.get(it)?)?));
        let schemas = self.stages.iter().filter_map(schema).collect();
        let (at, left_out) = (self.stream.opened_at, self.left_out);
        let head = Head { at, left_out, is_vetted: true, schemas };
        let mut content = serde_json::to_vec(&head).expect("values with text keys become JSON");
        content.push(b'\n');
        content.extend_from_slice(&self.lines);
        content
    }
}

/// The letters, each that holds the value of a secret with what may be shown of it instead.
fn with_shown(letters: &RecordBatch, secrets: &Opened) -> Result<RecordBatch, ArrowError> {
    let texts = |name: &str| letters.column_by_name(name).and_then(|it| it.as_string_opt::<i32>());
    let (Some(raw), Some(encoded)) = (texts("raw"), texts("rawBase64")) else {
        return Ok(letters.clone());
    };
    let cut = letters.column_by_name("rawCut").and_then(|it| it.as_boolean_opt());
    let is_cut = |row: usize| cut.is_some_and(|it| it.is_valid(row) && it.value(row));
    let records = raw.iter().zip(encoded).enumerate();
    let shown: StringArray =
        records.map(|(row, record)| shown(secrets, record, is_cut(row))).collect();
    if shown.null_count() == shown.len() {
        return Ok(letters.clone());
    }
    let mut fields = letters.schema().fields().to_vec();
    fields.push(Arc::new(Field::new("shown", DataType::Utf8, true)));
    let columns = letters.columns().iter().cloned().chain([Arc::new(shown) as ArrayRef]);
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns.collect())
}

/// Where the last line ends that still fits.
fn fitting(lines: &[u8], before: usize) -> usize {
    if lines.len() <= KEPT_BYTES_MAX {
        return lines.len();
    }
    let fits = &lines[..KEPT_BYTES_MAX.max(before)];
    fits.iter().rposition(|it| *it == b'\n').map_or(0, |at| at + 1).max(before)
}

fn lines(bytes: &[u8]) -> u64 {
    bytes.iter().filter(|it| **it == b'\n').count() as u64
}

impl SinkWriter for Writer {
    fn write(&mut self, batch: &Batch) -> Result<Vec<BadRecord>, Fault> {
        let bad = self.writer.write(batch)?;
        self.keep(batch)?;
        Ok(bad)
    }

    fn store(&mut self) -> Result<(), Fault> {
        self.writer.store()?;
        if self.lines.is_empty() {
            return Ok(());
        }
        self.staging.put(&self.staged()?, self.content().into())
    }

    fn prepare(self: Box<Self>) -> Result<Prepared, Fault> {
        let kept = match self.lines.is_empty() {
            true => None,
            false => Some(keep(&self.stream, &self.staged()?)),
        };
        let mut prepared = self.writer.prepare()?;
        prepared.actions.splice(..0, kept);
        Ok(prepared)
    }

    fn bytes_written(&self) -> u64 {
        self.writer.bytes_written()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_do_not_fit_are_left_out_whole() {
        let line = |bytes: usize| [vec![b'x'; bytes - 1], vec![b'\n']].concat();
        let small = [line(10), line(20)].concat();
        assert_eq!(fitting(&small, 0), 30);
        let large = [line(10), line(KEPT_BYTES_MAX - 10), line(5)].concat();
        assert_eq!(fitting(&large, 10), KEPT_BYTES_MAX);
        let over = [line(10), line(KEPT_BYTES_MAX), line(5)].concat();
        assert_eq!((fitting(&over, 10), lines(&over[10..])), (10, 2));
    }
}
