//! Reading JSON records.
//!
//! The decoder is fed one record at a time, so that a record that ends early or holds two values
//! can't swallow or shift its neighbours. Records as nearly all are go the straight way ([`Straight`]) and
//! see the decoder only where one of their batch is unusual. A batch never spans two fills of the window: if it is
//! refused, all of its records are still there to be judged one by one.

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::json::ReaderBuilder;
use arrow::json::reader::Decoder;
use memchr::memchr;
use weir_domain::Fault;

use super::infer::{Inferred, infer};
use super::split::{Disorder, Place, Scan, Splitter, Step};
use super::straight::Straight;
use super::whole::WholeNumbers;
use crate::input::Window;
use crate::isolate::{Refusal, Span, Verdict, isolate, shortened};
use crate::reader::{bad_record, too_long};
use crate::{Chunk, JsonConfig, ReadOptions, Reader, fault};

/// Most bytes that are looked at to infer a schema.
const SAMPLE_BYTES: usize = 8 * 1024 * 1024;
/// A record this long may be nested so deeply that a decoder's own error would exhaust the stack.
const DEEP_RECORD_BYTES: usize = 2048;
const DEPTH_MAX: usize = 512;

pub(crate) fn open(
    config: &JsonConfig,
    declared: Option<SchemaRef>,
    mut window: Window,
    options: ReadOptions,
) -> Result<Box<dyn Reader>, Fault> {
    let inferred = match declared {
        Some(schema) => Inferred { schema, has_mixed_scalars: config.scalars_as_text },
        None => sample(config, &mut window)?,
    };
    let Inferred { schema, has_mixed_scalars } = inferred;
    let decoding = Decoding::new(schema, has_mixed_scalars, options.max_record_bytes);
    let decoder = decoding.decoder(options.batch_rows)?;
    let splitter = Splitter::new(config.layout);
    let straight = decoding.straight();
    Ok(Box::new(JsonReader { window, splitter, decoding, straight, decoder, options, next: 1 }))
}

/// Infers the schema from the first records and leaves them in the window.
fn sample(config: &JsonConfig, window: &mut Window) -> Result<Inferred, Fault> {
    loop {
        let mut splitter = Splitter::new(config.layout);
        let (mut spans, mut at) = (Vec::new(), 0);
        // Disorder is met again, and reported, when the records are read.
        while spans.len() < config.infer_rows
            && let Ok(Step::Record { span, next }) =
                splitter.next(window.bytes(), at, window.is_complete())
        {
            spans.push(span);
            at = next;
        }
        let is_enough = spans.len() == config.infer_rows || window.bytes().len() >= SAMPLE_BYTES;
        if is_enough || window.is_complete() {
            return Ok(infer(spans.into_iter().map(|it| &window.bytes()[it])));
        }
        window.fill()?;
    }
}

struct JsonReader {
    window: Window,
    splitter: Splitter,
    decoding: Decoding,
    straight: Option<Straight>,
    decoder: Decoder,
    options: ReadOptions,
    /// Position of the next record.
    next: u64,
}

/// The records of one chunk, as far as they were looked at.
struct Gathered {
    spans: Vec<Span>,
    by: By,
    /// Where the search goes on.
    end: usize,
    then: Then,
}

/// Who has taken every one of the records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    Straight,
    Decoder,
    Nobody,
}

enum Then {
    /// The chunk is full.
    Emit,
    Fill,
    End,
}

impl Reader for JsonReader {
    fn schema(&self) -> SchemaRef {
        self.decoding.schema.clone()
    }

    fn read(&mut self) -> Result<Option<Chunk>, Fault> {
        loop {
            let gathered = self.gather()?;
            if !gathered.spans.is_empty() {
                return self.finish(gathered).map(Some);
            }
            self.window.consume(gathered.end);
            match gathered.then {
                Then::Emit => {}
                Then::End => return Ok(None),
                Then::Fill if self.window.bytes().len() > self.options.max_record_bytes => {
                    return self.skip_record().map(Some);
                }
                Then::Fill => self.window.fill()?,
            }
        }
    }

    fn bytes_read(&self) -> u64 {
        self.window.taken()
    }
}

impl JsonReader {
    /// Finds the records of the next chunk and feeds them to who takes them, until one is refused.
    fn gather(&mut self) -> Result<Gathered, Fault> {
        let bytes = self.window.bytes();
        let complete = self.window.is_complete();
        let mut spans = Vec::with_capacity(self.options.batch_rows);
        let goes_straight = self.straight.as_mut().is_some_and(Straight::begins);
        let mut by = if goes_straight { By::Straight } else { By::Decoder };
        let (mut end, mut then) = (0, Then::Emit);
        while spans.len() < self.options.batch_rows && end < self.options.batch_bytes {
            match self.splitter.next(bytes, end, complete) {
                Ok(Step::Record { span, next }) => {
                    let record = &bytes[span.clone()];
                    spans.push(span);
                    let takes = |it: &mut Straight| it.take(record);
                    by = match by {
                        By::Straight if self.straight.as_mut().is_some_and(takes) => By::Straight,
                        By::Straight => self.decoding.feed_all(&mut self.decoder, bytes, &spans),
                        By::Decoder => self.decoding.feed_all(
                            &mut self.decoder,
                            bytes,
                            &spans[spans.len() - 1..],
                        ),
                        By::Nobody => By::Nobody,
                    };
                    end = next;
                }
                Ok(Step::More { from }) => {
                    (end, then) = (from, Then::Fill);
                    break;
                }
                Ok(Step::End) => {
                    (end, then) = (bytes.len(), Then::End);
                    break;
                }
                // The records before it are delivered first; then it is met again.
                Err(_) if !spans.is_empty() => break,
                Err(disorder) => return Err(self.disorder(&disorder)),
            }
        }
        Ok(Gathered { spans, by, end, then })
    }

    fn finish(&mut self, gathered: Gathered) -> Result<Chunk, Fault> {
        let Gathered { spans, by, end, .. } = gathered;
        let first = self.next;
        self.next += spans.len() as u64;
        let batch = match by {
            By::Straight => self.finish_straight(&spans),
            By::Decoder => self.flush(&spans),
            By::Nobody => None,
        };
        let chunk = match batch {
            Some(batch) => Chunk::good(batch, first),
            None => self.judge(&spans, first)?,
        };
        self.window.consume(end);
        Ok(chunk)
    }

    fn finish_straight(&mut self, spans: &[Span]) -> Option<RecordBatch> {
        let (from, to) = (spans.first()?.start, spans.last()?.end);
        self.straight.as_mut()?.finish([&self.window.bytes()[from..to]])
    }

    /// The batch, unless one of its records is bad.
    fn flush(&mut self, spans: &[Span]) -> Option<RecordBatch> {
        let batch = self.decoder.flush().ok().flatten()?;
        let bytes = self.window.bytes();
        let (from, to) = (spans.first()?.start, spans.last()?.end);
        match &self.decoding.guard {
            Some(guard) if guard.suspects(&bytes[from..to]) => {
                let is_bad = |it: &Span| self.decoding.fraction(&bytes[it.clone()]).is_some();
                (!spans.iter().any(is_bad)).then_some(batch)
            }
            _ => Some(batch),
        }
    }

    /// Tells the good records from the bad ones.
    fn judge(&mut self, spans: &[Span], first: u64) -> Result<Chunk, Fault> {
        // A decoder that has refused something can't be used again.
        self.decoder = self.decoding.decoder(self.options.batch_rows)?;
        let bytes = self.window.bytes();
        let run = |it: std::ops::Range<usize>| it.map(|at| (at, &bytes[spans[at].clone()]));
        let verdict = isolate(spans.len(), |it| self.decoding.decode(run(it)).map(|_| ()));
        let good = verdict.good.iter().map(|at| (*at, &bytes[spans[*at].clone()]));
        let records = match self.decoding.decode(good) {
            Ok(records) => records,
            Err(Refusal::At(_, cause) | Refusal::Within(cause)) => {
                return Err(fault::records_unreadable(&cause));
            }
        };
        Ok(self.judged(records, first, verdict, spans))
    }

    fn judged(&self, records: RecordBatch, first: u64, verdict: Verdict, spans: &[Span]) -> Chunk {
        Chunk::judged(records, first, verdict, |at, reason| {
            let (span, position) = (spans[at].clone(), first + at as u64);
            bad_record(&self.window, span, position, reason, self.options.raw_limit)
        })
    }

    /// Leaves out the record at the window's beginning, which is too long to be held.
    fn skip_record(&mut self) -> Result<Chunk, Fault> {
        let span = 0..self.window.bytes().len();
        let reason = too_long(self.options.max_record_bytes);
        let bad = bad_record(&self.window, span, self.next, reason, self.options.raw_limit);
        let mut scan = Scan::default();
        loop {
            let bytes = self.window.bytes();
            let end = match &mut self.splitter {
                Splitter::Lines => memchr(b'\n', bytes).map(|it| it + 1),
                Splitter::Array(place) => scan.advance(bytes).map(|it| {
                    *place = Place::after_element(bytes[it]);
                    it + 1
                }),
            };
            match end {
                Some(end) => {
                    self.window.consume(end);
                    break;
                }
                None if self.window.is_complete() => {
                    self.window.consume_all();
                    break;
                }
                None => {
                    self.window.consume_all();
                    self.window.fill()?;
                }
            }
        }
        self.next += 1;
        Ok(Chunk::bad(self.schema(), bad))
    }

    fn disorder(&self, disorder: &Disorder) -> Fault {
        let line = self.window.line_of(disorder.at);
        let offset = self.window.offset_of(disorder.at);
        let cause = format!("{} (line {line}, byte {offset})", disorder.cause);
        fault::layout_wrong(cause, "check the format's `layout` and that the file is whole")
    }
}

/// How records are decoded: everything but the bytes.
pub(super) struct Decoding {
    schema: SchemaRef,
    /// Whether scalars of any kind are taken for strings.
    coerce: bool,
    guard: Option<WholeNumbers>,
    max_record_bytes: usize,
    /// From here on a record is looked at more closely.
    long_record_bytes: usize,
}

impl Decoding {
    pub(super) fn new(schema: SchemaRef, coerce: bool, max_record_bytes: usize) -> Self {
        Self {
            guard: WholeNumbers::of(schema.fields()),
            schema,
            coerce,
            max_record_bytes,
            long_record_bytes: DEEP_RECORD_BYTES.min(max_record_bytes),
        }
    }

    pub(super) fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    /// The straight way, where it leads to the same.
    pub(super) fn straight(&self) -> Option<Straight> {
        if self.coerce { None } else { Straight::of(&self.schema, self.max_record_bytes) }
    }

    fn feed_all(&self, decoder: &mut Decoder, bytes: &[u8], spans: &[Span]) -> By {
        let mut records = spans.iter().map(|it| &bytes[it.clone()]);
        match records.all(|it| self.feed(decoder, it).is_ok()) {
            true => By::Decoder,
            false => By::Nobody,
        }
    }

    fn decoder(&self, rows: usize) -> Result<Decoder, Fault> {
        let builder = ReaderBuilder::new(self.schema.clone())
            .with_batch_size(rows)
            .with_coerce_primitive(self.coerce);
        builder.build_decoder().map_err(|it| fault::schema_unreadable(&it.to_string()))
    }

    /// Gives one record to the decoder, which is useless after a refusal.
    #[inline]
    fn feed(&self, decoder: &mut Decoder, record: &[u8]) -> Result<(), String> {
        if record.first() != Some(&b'{') {
            return Err("it is not a JSON object".into());
        }
        if record.len() > self.long_record_bytes {
            self.check_long(record)?;
        }
        let before = decoder.len();
        let taken = decoder.decode(record).map_err(|it| text(&it))?;
        if decoder.has_partial_record() {
            return Err("it ends within a JSON value".into());
        }
        if taken < record.len() || decoder.len() != before + 1 {
            return Err("more than one JSON value stands where one should".into());
        }
        Ok(())
    }

    fn check_long(&self, record: &[u8]) -> Result<(), String> {
        if record.len() > self.max_record_bytes {
            return Err(too_long(self.max_record_bytes));
        }
        let brackets = record.iter().filter(|it| matches!(it, b'{' | b'[')).count();
        if brackets > DEPTH_MAX && depth(record) > DEPTH_MAX {
            return Err(format!("it is nested more than {DEPTH_MAX} levels deep"));
        }
        Ok(())
    }

    /// Why a record is bad that has a fraction where a whole number should be.
    fn fraction(&self, record: &[u8]) -> Option<String> {
        let guard = self.guard.as_ref()?;
        if guard.suspects(record) { guard.fault(record) } else { None }
    }

    /// Decodes some records on their own.
    pub(super) fn decode<'a>(
        &self,
        records: impl ExactSizeIterator<Item = (usize, &'a [u8])>,
    ) -> Result<RecordBatch, Refusal> {
        if records.len() == 0 {
            return Ok(RecordBatch::new_empty(self.schema.clone()));
        }
        let decoder = self.decoder(records.len());
        let mut decoder = decoder.map_err(|it| Refusal::Within(it.message))?;
        for (at, record) in records {
            self.feed(&mut decoder, record).map_err(|it| Refusal::At(at, it))?;
            if let Some(reason) = self.fraction(record) {
                return Err(Refusal::At(at, reason));
            }
        }
        let batch = decoder.flush().map_err(|it| Refusal::Within(text(&it)))?;
        batch.ok_or_else(|| Refusal::Within("it holds nothing".into()))
    }
}

/// How deep brackets are nested, strings left out.
fn depth(record: &[u8]) -> usize {
    let (mut depth, mut deepest, mut in_string, mut is_escaped) = (0_usize, 0, false, false);
    for byte in record {
        match (in_string, byte) {
            (true, _) if is_escaped => is_escaped = false,
            (true, b'\\') => is_escaped = true,
            (_, b'"') => in_string = !in_string,
            (false, b'{' | b'[') => depth += 1,
            (false, b'}' | b']') => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}

/// What the decoder says, without its own prefix and of bounded length.
fn text(error: &arrow::error::ArrowError) -> String {
    let text = error.to_string();
    let text = text.strip_prefix("Json error: ").unwrap_or(&text);
    shortened(text)
}
