//! Messages that come in become records.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use bytes::Bytes;
use weir_domain::{Fault, Timestamp};
use weir_formats::{FormatConfig, MessageDecoder, ReadOptions, message_decoder};
use weir_stream::{Batch, Limits, Positions, RawLetter, Read, RecordReader};

use super::CONFIG;
use super::attribute::{AttributeConfig, schema_with};

/// A message that came in.
#[derive(Debug, Clone, Default)]
pub(crate) struct Incoming {
    pub(crate) body: Bytes,
    pub(crate) key: Option<Bytes>,
    /// Shared by all messages of a request.
    pub(crate) headers: Arc<[(String, Bytes)]>,
    pub(crate) address: Option<Arc<str>>,
    pub(crate) partition: Option<i64>,
    pub(crate) offset: Option<i64>,
    pub(crate) at: Option<Timestamp>,
}

impl Incoming {
    /// About how much of memory it takes.
    pub(crate) fn bytes(&self) -> usize {
        let headers: usize = self.headers.iter().map(|it| it.0.len() + it.1.len()).sum();
        self.body.len() + self.key.as_ref().map_or(0, Bytes::len) + headers
    }
}

/// Letters of a source as messages again, each a body alone: what stood beside it is not known any more.
pub(crate) fn reread(
    format: &FormatConfig,
    attributes: &[AttributeConfig],
    limits: &Limits,
    letters: Vec<RawLetter>,
) -> Result<Box<dyn RecordReader>, Fault> {
    let intake = Intake::new(format, attributes, limits)?;
    Ok(Box::new(Rereader { intake, letters, at: 0 }))
}

/// Letters that are read at once.
const LETTERS: usize = 256;

struct Rereader {
    intake: Intake,
    letters: Vec<RawLetter>,
    at: usize,
}

impl RecordReader for Rereader {
    fn schema(&self) -> SchemaRef {
        self.intake.schema()
    }

    fn read(&mut self) -> Result<Option<Read>, Fault> {
        let letters = self.letters.iter().skip(self.at).take(LETTERS);
        let bodies = letters.map(|it| Incoming { body: it.raw.clone(), ..Incoming::default() });
        let (messages, first) = (bodies.collect::<Vec<_>>(), self.at as u64 + 1);
        if messages.is_empty() {
            return Ok(None);
        }
        self.at += messages.len();
        self.intake.read(&messages, first).map(Some)
    }
}

/// Makes records of messages.
pub(crate) struct Intake {
    decoder: MessageDecoder,
    attributes: Vec<AttributeConfig>,
    schema: SchemaRef,
}

impl Intake {
    pub(crate) fn new(
        format: &FormatConfig,
        attributes: &[AttributeConfig],
        limits: &Limits,
    ) -> Result<Self, Fault> {
        let options = ReadOptions {
            batch_rows: limits.batch_rows,
            batch_bytes: limits.batch_bytes,
            max_record_bytes: limits.record_bytes_max,
            raw_limit: limits.raw_bytes_max,
            ..ReadOptions::default()
        };
        let decoder = message_decoder(format, &options)?;
        let schema = schema_with(&decoder.schema(), attributes);
        Ok(Self { decoder, attributes: attributes.to_vec(), schema })
    }

    /// Of all batches.
    pub(crate) fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    /// The records of these messages, of which the first has the position `first`.
    pub(crate) fn read(&mut self, messages: &[Incoming], first: u64) -> Result<Read, Fault> {
        let bodies: Vec<&[u8]> = messages.iter().map(|it| it.body.as_ref()).collect();
        let chunk = self.decoder.decode(&bodies, first)?;
        let bytes = messages.iter().map(|it| it.bytes() as u64).sum();
        let rows = chunk.records.num_rows();
        let good: Vec<&Incoming> = (0..rows)
            .filter_map(|row| messages.get((chunk.positions.at(row) - first) as usize))
            .collect();
        let mut columns = chunk.records.columns().to_vec();
        columns.extend(self.attributes.iter().map(|it| it.column(&good)));
        let records = RecordBatch::try_new(self.schema.clone(), columns)
            .map_err(|error| Fault::config(CONFIG, format!("messages make no records: {error}")))?;
        Ok(Read { batch: Batch::new(records, chunk.positions), bad: chunk.bad, bytes })
    }

    /// The records of messages that have numbers of their own.
    pub(crate) fn read_numbered(
        &mut self,
        messages: &[Incoming],
        numbers: &[u64],
    ) -> Result<Read, Fault> {
        let mut read = self.read(messages, 0)?;
        let number = |at: u64| numbers.get(at as usize).copied().unwrap_or_default();
        let rows = read.batch.rows();
        let positions = (0..rows).map(|row| number(read.batch.positions.at(row)));
        read.batch.positions = Positions::List(positions.collect::<Vec<_>>().into());
        read.bad.iter_mut().for_each(|it| it.position = number(it.position));
        Ok(read)
    }
}
