//! Reading container files.

use arrow::datatypes::SchemaRef;
use weir_domain::Fault;
use weir_records::{BadRecord, beginning};

use super::config::AvroConfig;
use super::container::{Block, Container, block_damaged};
use super::rows::Rows;
use super::schema;
use super::shape::Miss;
use crate::framed::{Decode, judge};
use crate::input::Window;
use crate::isolate::{Refusal, Span};
use crate::{Chunk, ReadOptions, Reader, fault};

pub(crate) fn open(
    config: &AvroConfig,
    window: Window,
    options: ReadOptions,
) -> Result<Box<dyn Reader>, Fault> {
    if config.registry.is_some() {
        let cause = "a file of Avro has its schema in it, and no registry";
        return Err(fault::combination(cause, "remove the format's `registry`"));
    }
    let (container, written) = Container::open(window)?;
    let written = schema::parse(&written).map_err(|it| fault::avro_damaged(&it))?;
    let wanted = config.schema.as_ref().map(schema::text);
    let rows = Rows::new(schema::text(&written), wanted)
        .map_err(|it| fault::schema_unreadable(&format!("{it}; the file's schema is {written}")))?;
    Ok(Box::new(AvroReader { container, rows, block: Block::default(), at: 0, options, next: 1 }))
}

struct AvroReader {
    container: Container,
    rows: Rows,
    block: Block,
    /// Where the next record begins in the block.
    at: usize,
    options: ReadOptions,
    /// Position of the next record.
    next: u64,
}

impl Reader for AvroReader {
    fn schema(&self) -> SchemaRef {
        self.rows.schema.clone()
    }

    fn read(&mut self) -> Result<Option<Chunk>, Fault> {
        while self.block.count == 0 {
            if self.at < self.block.bytes.len() {
                let cause = format!("{} bytes are left", self.block.bytes.len() - self.at);
                return Err(self.lost(&cause));
            }
            match self.container.next(self.next - 1)? {
                Some(block) => (self.block, self.at) = (block, 0),
                None => return Ok(None),
            }
        }
        let spans = self.gather()?;
        let chunk = self.decode(&spans)?;
        self.next += spans.len() as u64;
        self.block.count -= spans.len() as u64;
        self.at = spans.last().map_or(self.at, |it| it.end);
        Ok(Some(chunk))
    }

    fn bytes_read(&self) -> u64 {
        self.container.window.taken()
    }
}

impl AvroReader {
    /// The next records of the block; there is one at least.
    fn gather(&self) -> Result<Vec<Span>, Fault> {
        let most = self.block.count.min(self.options.batch_rows as u64) as usize;
        let mut spans = Vec::with_capacity(most);
        let mut at = self.at;
        while spans.len() < most && at - self.at < self.options.batch_bytes {
            match self.rows.shape.end(&self.block.bytes, at) {
                Ok(end) => {
                    spans.push(at..end);
                    at = end;
                }
                // The records before it are delivered first; then it is met again.
                Err(_) if !spans.is_empty() => break,
                Err(Miss::Cut) => return Err(self.lost("the block ends within it")),
                Err(Miss::Wrong(cause)) => return Err(self.lost(&cause)),
            }
        }
        Ok(spans)
    }

    fn decode(&mut self, spans: &[Span]) -> Result<Chunk, Fault> {
        let Self { rows, block, options, next, .. } = self;
        let records: Vec<_> = spans.iter().map(|it| &block.bytes[it.clone()]).collect();
        let longest = options.max_record_bytes;
        if records.iter().all(|it| it.len() <= longest)
            && let Ok(batch) = rows.decode(&records)
        {
            return Ok(Chunk::good(batch, *next));
        }
        let (batch, verdict) = judge(rows, &records, longest)?;
        Ok(Chunk::judged(batch, *next, verdict, |at, reason| {
            let (raw, raw_cut) = beginning(records[at], options.raw_limit);
            let within = if block.is_plain { spans[at].start as u64 } else { 0 };
            BadRecord {
                position: *next + at as u64,
                line: None,
                offset: Some(block.offset + within),
                raw,
                raw_cut,
                reason,
            }
        }))
    }

    /// Nothing says where the next record begins.
    fn lost(&self, cause: &str) -> Fault {
        let cause = format!("where record {} ends can't be told: {cause}", self.next);
        block_damaged(&cause, self.block.offset, self.next - 1)
    }
}

impl Decode for Rows {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn decode(&mut self, records: &[&[u8]]) -> Result<arrow::array::RecordBatch, Refusal> {
        Rows::decode(self, records)
    }
}
