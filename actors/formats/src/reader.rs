//! Reading one file: what every format offers, and how a file is opened.

use arrow::array::{RecordBatch, UInt64Array};
use arrow::datatypes::SchemaRef;
use weir_domain::Fault;
use weir_records::{BadRecord, Positions, beginning};

use crate::compression::Source;
use crate::framing::Frames;
use crate::input::Window;
use crate::isolate::{Span, Verdict};
use crate::{
    Compression, Content, FormatConfig, arrow_ipc, avro, csv, fault, fixed_width, framed, json,
    parquet, protobuf, raw,
};

/// More than this would overflow the 32-bit offsets of a string column.
pub(crate) const RECORD_BYTES_LIMIT: usize = 512 * 1024 * 1024;

/// Bounds of reading. The defaults suit files of any size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadOptions {
    /// Most records in a chunk.
    pub batch_rows: usize,
    /// A chunk ends with the record that reaches this many bytes of input.
    pub batch_bytes: usize,
    /// A longer record is bad.
    pub max_record_bytes: usize,
    /// How much of a bad record's bytes is kept.
    pub raw_limit: usize,
    /// How much is read at once.
    pub block_bytes: usize,
}

impl Default for ReadOptions {
    fn default() -> Self {
        Self {
            batch_rows: 2048,
            batch_bytes: 1024 * 1024,
            max_record_bytes: 16 * 1024 * 1024,
            raw_limit: 64 * 1024,
            // Small enough that a batch stays in the processor's cache.
            block_bytes: 512 * 1024,
        }
    }
}

impl ReadOptions {
    pub(crate) fn bounded(&self) -> Self {
        Self {
            batch_rows: self.batch_rows.max(1),
            batch_bytes: self.batch_bytes.clamp(1, RECORD_BYTES_LIMIT),
            max_record_bytes: self.max_record_bytes.clamp(1, RECORD_BYTES_LIMIT),
            raw_limit: self.raw_limit,
            block_bytes: self.block_bytes.clamp(1, RECORD_BYTES_LIMIT),
        }
    }
}

/// A run of records as they stood in the file: the good ones as a batch, the bad ones apart.
#[derive(Debug, Clone)]
pub struct Chunk {
    pub records: RecordBatch,
    /// Where each of `records` stood.
    pub positions: Positions,
    /// In order of their positions.
    pub bad: Vec<BadRecord>,
}

/// Reads one file, chunk by chunk. After a fault nothing more may be asked of it.
pub trait Reader: Send {
    /// Of every chunk's records.
    fn schema(&self) -> SchemaRef;

    /// What stands before the records and says what they mean.
    fn header(&self) -> Option<&str> {
        None
    }

    /// The next records, or `None` at a clean end. A chunk may hold bad records only.
    fn read(&mut self) -> Result<Option<Chunk>, Fault>;

    /// Bytes taken from the file so far, compressed as they are there.
    fn bytes_read(&self) -> u64;
}

/// Opens one file for reading and finds its schema: the declared one, or one inferred from its
/// first records. Blocks. All but Parquet is read from front to back; a file of that must be a regular one.
pub fn open(
    config: &FormatConfig,
    content: impl Into<Content>,
    compression: Compression,
    options: &ReadOptions,
) -> Result<Box<dyn Reader>, Fault> {
    let file = content.into();
    let declared = config.declared_schema().map_err(|it| fault::format_invalid(&it))?;
    let options = options.bounded();
    let source = |file: Content| Source::open(file, compression);
    let text = |file| Window::open_text(source(file)?, options.block_bytes);
    let bytes = |file| Window::open(source(file)?, options.block_bytes);
    match config {
        FormatConfig::Csv(it) => csv::open(it, declared, text(file)?, options),
        FormatConfig::Json(it) => json::open(it, declared, text(file)?, options),
        FormatConfig::Parquet(_) => {
            parquet::check_compression(compression)?;
            parquet::open(file, &options)
        }
        FormatConfig::FixedWidth(it) => {
            let window = if it.begins_with_text() { text(file)? } else { bytes(file)? };
            let frames = it.frames(options.max_record_bytes);
            Ok(framed::open(frames, fixed_width::decode(it)?, window, options))
        }
        FormatConfig::Raw(it) => {
            let window = if it.begins_with_text() { text(file)? } else { bytes(file)? };
            let frames = Frames::new(it.framing, options.max_record_bytes);
            Ok(framed::open(frames, raw::decode(it), window, options))
        }
        FormatConfig::Arrow(_) => arrow_ipc::open(bytes(file)?, options),
        FormatConfig::Avro(it) => avro::open(it, bytes(file)?, options),
        FormatConfig::Protobuf(it) => {
            let frames = Frames::new(it.framing, options.max_record_bytes);
            Ok(framed::open(frames, protobuf::decode(it)?, bytes(file)?, options))
        }
    }
}

impl Chunk {
    /// Records without a fault among them.
    pub(crate) fn good(records: RecordBatch, first: u64) -> Self {
        Self { records, positions: Positions::Range { first }, bad: Vec::new() }
    }

    /// No good record, one bad.
    pub(crate) fn bad(schema: SchemaRef, bad: BadRecord) -> Self {
        Self { bad: vec![bad], ..Self::good(RecordBatch::new_empty(schema), 0) }
    }

    /// Records of which some are bad: `records` are the verdict's good ones.
    pub(crate) fn judged(
        records: RecordBatch,
        first: u64,
        verdict: Verdict,
        mut bad: impl FnMut(usize, String) -> BadRecord,
    ) -> Self {
        let positions = if verdict.bad.is_empty() {
            Positions::Range { first }
        } else {
            let at = verdict.good.iter().map(|it| first + *it as u64);
            Positions::List(UInt64Array::from_iter_values(at))
        };
        let bad = verdict.bad.into_iter().map(|(at, reason)| bad(at, reason)).collect();
        Self { records, positions, bad }
    }
}

/// A bad record of text that stands in the window; it may end with half a line break.
pub(crate) fn bad_record(
    window: &Window,
    mut span: Span,
    position: u64,
    reason: String,
    raw_limit: usize,
) -> BadRecord {
    if window.bytes()[span.clone()].ends_with(b"\r") {
        span.end -= 1;
    }
    found_record(window, span, position, reason, raw_limit)
}

/// A bad record that stands in the window, as it is.
pub(crate) fn found_record(
    window: &Window,
    span: Span,
    position: u64,
    reason: String,
    raw_limit: usize,
) -> BadRecord {
    let (raw, raw_cut) = beginning(&window.bytes()[span.clone()], raw_limit);
    BadRecord {
        position,
        line: Some(window.line_of(span.start)),
        offset: Some(window.offset_of(span.start)),
        raw,
        raw_cut,
        reason,
    }
}

/// Why a record was not even looked at.
pub(crate) fn too_long(max_record_bytes: usize) -> String {
    format!("the record is longer than {max_record_bytes} bytes")
}
