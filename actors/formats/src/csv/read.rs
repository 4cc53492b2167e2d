//! Reading CSV records.
//!
//! The decoder finds the boundaries of records as it goes, and its batches end at them; the bytes
//! of a batch stay in the window until it is accepted. When it is refused, or a record does not
//! end within the bounds, the same bytes are split and judged record by record.

use arrow::array::{AsArray as _, RecordBatch};
use arrow::csv::ReaderBuilder;
use arrow::csv::reader::Decoder;
use arrow::datatypes::{DataType, Float32Type, Float64Type, SchemaRef};
use arrow::error::ArrowError;
use memchr::memchr;
use weir_domain::Fault;

use super::columns::Columns;
use super::dialect::Dialect;
use super::split::{Splitter, Step};
use crate::input::Window;
use crate::isolate::{Refusal, Span, isolate};
use crate::reader::{bad_record, too_long};
use crate::{Chunk, CsvConfig, ReadOptions, Reader, fault};
use weir_records::type_name;

pub(crate) fn open(
    config: &CsvConfig,
    declared: Option<SchemaRef>,
    mut window: Window,
    options: ReadOptions,
) -> Result<Box<dyn Reader>, Fault> {
    let dialect = Dialect::new(config)?;
    let columns = Columns::find(config, &dialect, declared, &mut window, options.max_record_bytes)?;
    let splitter = Splitter::new(&dialect);
    let decoding = Decoding { dialect, columns };
    let rows = rows_expected(&window, &options);
    let decoder = decoding.decoder(rows);
    Ok(Box::new(CsvReader { window, splitter, decoding, decoder, rows, fed: 0, options, next: 1 }))
}

/// How many records fill a chunk, going by the lines in the window.
fn rows_expected(window: &Window, options: &ReadOptions) -> usize {
    let bytes = window.bytes();
    let lines = memchr::memchr_iter(b'\n', bytes).count().max(1);
    rows_within(bytes.len() / lines, options)
}

fn rows_within(record_bytes: usize, options: &ReadOptions) -> usize {
    (options.batch_bytes / record_bytes.max(1)).clamp(1, options.batch_rows)
}

struct CsvReader {
    window: Window,
    splitter: Splitter,
    decoding: Decoding,
    decoder: Decoder,
    /// After how many records the decoder stops.
    rows: usize,
    /// How much of the window the decoder has taken.
    fed: usize,
    options: ReadOptions,
    /// Position of the next record.
    next: u64,
}

enum Fed {
    /// The decoder holds a batch that ends with a record.
    Batch,
    /// Something is wrong, or too long: each record has to be looked at.
    Doubt,
    End,
}

impl Reader for CsvReader {
    fn schema(&self) -> SchemaRef {
        self.decoding.columns.schema.clone()
    }

    fn header(&self) -> Option<&str> {
        self.decoding.columns.header.as_deref()
    }

    fn read(&mut self) -> Result<Option<Chunk>, Fault> {
        if self.decoding.columns.width() == 0 {
            return Ok(None);
        }
        loop {
            let chunk = match self.feed()? {
                Fed::Batch => match self.accept() {
                    Some(chunk) => Some(chunk),
                    None => self.judge()?,
                },
                Fed::Doubt => self.judge()?,
                Fed::End => return Ok(None),
            };
            if chunk.is_some() {
                return Ok(chunk);
            }
        }
    }

    fn bytes_read(&self) -> u64 {
        self.window.taken()
    }
}

impl CsvReader {
    /// Feeds the decoder until it holds a batch.
    fn feed(&mut self) -> Result<Fed, Fault> {
        loop {
            let rest = &self.window.bytes()[self.fed..];
            if !rest.is_empty() {
                match self.decoder.decode(rest) {
                    Ok(taken) => self.fed += taken,
                    Err(_) => return Ok(Fed::Doubt),
                }
                if self.decoder.capacity() == 0 {
                    return Ok(Fed::Batch);
                }
            } else if self.window.is_complete() {
                return Ok(self.feed_end());
            } else if self.fed > self.options.max_record_bytes {
                return Ok(Fed::Doubt);
            } else {
                self.window.fill()?;
            }
        }
    }

    fn feed_end(&mut self) -> Fed {
        // The decoder would close a quote that the file leaves open.
        if self.ends_within_quotes() || self.decoder.decode(&[]).is_err() {
            return Fed::Doubt;
        }
        if self.decoder.capacity() == self.rows { Fed::End } else { Fed::Batch }
    }

    fn ends_within_quotes(&mut self) -> bool {
        let bytes = self.window.bytes();
        if memchr(self.decoding.dialect.quote, bytes).is_none() {
            return false;
        }
        let mut at = 0;
        loop {
            match self.splitter.next(bytes, at, true) {
                Step::Record { next, .. } => at = next,
                Step::Unclosed { .. } => return true,
                Step::More { .. } | Step::End => return false,
            }
        }
    }

    /// The decoder's batch as a chunk, unless one of its records is bad.
    fn accept(&mut self) -> Option<Chunk> {
        let bytes = &self.window.bytes()[..self.fed];
        // The decoder joins cells before it looks at them: halves of a character in neighbouring
        // cells would pass for one. With the delimiter between them they don't.
        if bytes.len() > self.options.max_record_bytes || std::str::from_utf8(bytes).is_err() {
            return None;
        }
        let batch = self.decoder.flush().ok()??;
        let batch = batch.with_schema(self.decoding.columns.schema.clone()).ok()?;
        if has_infinite(&batch) && self.has_overflow() {
            return None;
        }
        let rows = batch.num_rows();
        let chunk = Chunk::good(batch, self.next);
        self.next += rows as u64;
        self.window.consume(self.fed);
        let record_bytes = self.fed / rows;
        self.fed = 0;
        self.adapt(record_bytes);
        Some(chunk)
    }

    /// Whether a number that became infinite was not written so: a column of `inf` is as good as any other.
    fn has_overflow(&mut self) -> bool {
        let bytes = &self.window.bytes()[..self.fed];
        let (mut records, mut at) = (Vec::new(), 0);
        loop {
            match self.splitter.next(bytes, at, true) {
                Step::Record { span, next, .. } => {
                    records.push(&bytes[span]);
                    at = next;
                }
                Step::End => break,
                Step::More { .. } | Step::Unclosed { .. } => return true,
            }
        }
        self.decoding.overflow(records.into_iter()).is_some()
    }

    /// Keeps chunks within their bound of bytes when records grow or shrink.
    fn adapt(&mut self, record_bytes: usize) {
        let rows = rows_within(record_bytes, &self.options);
        if rows < self.rows / 2 || rows / 2 > self.rows {
            self.rows = rows;
            self.decoder = self.decoding.decoder(rows);
        }
    }

    /// Looks at every record at the window's beginning. `None`: there is no whole one yet.
    fn judge(&mut self) -> Result<Option<Chunk>, Fault> {
        // A decoder that has refused something can't be used again.
        self.decoder = self.decoding.decoder(self.rows);
        self.fed = 0;
        let (mut records, mut at) = (Vec::new(), 0);
        let (bytes, complete) = (self.window.bytes(), self.window.is_complete());
        while records.len() < self.options.batch_rows && at < self.options.batch_bytes {
            match self.splitter.next(bytes, at, complete) {
                Step::Record { span, cells, next } => {
                    records.push((span, cells));
                    at = next;
                }
                Step::More { from } | Step::Unclosed { from } if records.is_empty() => {
                    return self.wait(from, complete);
                }
                Step::More { .. } | Step::Unclosed { .. } => break,
                Step::End => {
                    at = bytes.len();
                    break;
                }
            }
        }
        if records.is_empty() {
            self.window.consume(at);
            return Ok(None);
        }
        let chunk = self.judged(&records)?;
        self.next += records.len() as u64;
        self.window.consume(at);
        self.adapt(at / records.len());
        Ok(Some(chunk))
    }

    fn judged(&self, records: &[(Span, usize)]) -> Result<Chunk, Fault> {
        let bytes = self.window.bytes();
        let record = |at: usize| &bytes[records[at].0.clone()];
        let faults: Vec<_> = records.iter().map(|it| self.fault(it)).collect();
        let verdict = isolate(records.len(), |run| {
            if let Some((at, reason)) = run.clone().find_map(|at| Some((at, faults[at].clone()?))) {
                return Err(Refusal::At(at, reason));
            }
            let first = run.start;
            let batch = self.decoding.decode(run.clone().map(record));
            let batch = batch.map_err(|it| Refusal::Within(self.decoding.explain(&it)))?;
            match has_infinite(&batch).then(|| self.decoding.overflow(run.map(record))).flatten() {
                Some((at, reason)) => Err(Refusal::At(first + at, reason)),
                None => Ok(()),
            }
        });
        let batch = self.decoding.decode(verdict.good.iter().map(|at| record(*at)));
        let batch = batch.map_err(|it| fault::records_unreadable(&it.to_string()))?;
        Ok(Chunk::judged(batch, self.next, verdict, |at, reason| {
            let (span, position) = (records[at].0.clone(), self.next + at as u64);
            bad_record(&self.window, span, position, reason, self.options.raw_limit)
        }))
    }

    /// What is wrong with a record whatever its columns hold.
    fn fault(&self, (span, cells): &(Span, usize)) -> Option<String> {
        let width = self.decoding.columns.width();
        let may_miss = self.decoding.dialect.allows_missing_columns && *cells < width;
        if span.len() > self.options.max_record_bytes {
            return Some(too_long(self.options.max_record_bytes));
        }
        if *cells != width && !may_miss {
            let plural = if *cells == 1 { "" } else { "s" };
            return Some(format!("it has {cells} column{plural} where {width} are expected"));
        }
        let text = std::str::from_utf8(&self.window.bytes()[span.clone()]);
        text.err().map(|it| format!("it is not UTF-8 after {} bytes", it.valid_up_to()))
    }

    /// There is no whole record: reads on, or gives it up.
    fn wait(&mut self, from: usize, complete: bool) -> Result<Option<Chunk>, Fault> {
        self.window.consume(from);
        let is_too_long = self.window.bytes().len() > self.options.max_record_bytes;
        if complete || is_too_long {
            return self.give_up(is_too_long).map(Some);
        }
        self.window.fill()?;
        Ok(None)
    }

    /// Leaves out the line at the window's beginning: its quotes are never closed, or too late.
    /// What they swallowed is read again, line by line.
    fn give_up(&mut self, is_too_long: bool) -> Result<Chunk, Fault> {
        let bytes = self.window.bytes();
        let line = memchr(b'\n', bytes);
        let reason = if line.is_none() && is_too_long {
            too_long(self.options.max_record_bytes)
        } else if is_too_long {
            format!("a quote is not closed within {} bytes", self.options.max_record_bytes)
        } else {
            "a quote is never closed".to_owned()
        };
        let span = 0..line.unwrap_or(bytes.len());
        let bad = bad_record(&self.window, span, self.next, reason, self.options.raw_limit);
        self.next += 1;
        self.skip_line()?;
        Ok(Chunk::bad(self.schema(), bad))
    }

    fn skip_line(&mut self) -> Result<(), Fault> {
        loop {
            if let Some(end) = memchr(b'\n', self.window.bytes()) {
                self.window.consume(end + 1);
                return Ok(());
            }
            self.window.consume_all();
            if self.window.is_complete() {
                return Ok(());
            }
            self.window.fill()?;
        }
    }
}

/// How records are decoded: everything but the bytes.
struct Decoding {
    dialect: Dialect,
    columns: Columns,
}

impl Decoding {
    fn decoder(&self, rows: usize) -> Decoder {
        ReaderBuilder::new(self.columns.in_file.clone())
            .with_format(self.dialect.format())
            .with_projection(self.columns.projection.clone())
            .with_batch_size(rows)
            .build_decoder()
    }

    /// Decodes some records on their own.
    fn decode<'a>(
        &self,
        records: impl ExactSizeIterator<Item = &'a [u8]>,
    ) -> Result<RecordBatch, ArrowError> {
        let schema = self.columns.schema.clone();
        let mut decoder = self.decoder(records.len().max(1));
        for record in records {
            decoder.decode(record)?;
            decoder.decode(b"\n")?;
        }
        match decoder.flush()? {
            Some(batch) => batch.with_schema(schema),
            None => Ok(RecordBatch::new_empty(schema)),
        }
    }

    /// The first record with a number that became infinite, which the decoder takes for one.
    fn overflow<'a>(&self, records: impl Iterator<Item = &'a [u8]>) -> Option<(usize, String)> {
        let mut splitter = Splitter::new(&self.dialect);
        let fields = self.columns.in_file.fields();
        for (at, record) in records.enumerate() {
            for (field, cell) in fields.iter().zip(splitter.cells(record)) {
                let text = String::from_utf8_lossy(&cell);
                if is_beyond(&text, field.data_type()) {
                    let (name, kind) = (field.name(), type_name(field.data_type()));
                    return Some((at, format!("column '{name}': '{text}' is beyond {kind}")));
                }
            }
        }
        None
    }

    /// What the decoder says of a single record, with the column's name for its number.
    fn explain(&self, error: &ArrowError) -> String {
        let text = match error {
            ArrowError::ParseError(text)
            | ArrowError::CsvError(text)
            | ArrowError::InvalidArgumentError(text) => text.clone(),
            other => other.to_string(),
        };
        let text = text.split(". Row data").next().unwrap_or_default();
        let Some(number) = column_number(text) else {
            return text.to_owned();
        };
        let Some(field) = self.columns.in_file.fields().get(number) else {
            return text.to_owned();
        };
        let (name, kind) = (field.name(), type_name(field.data_type()));
        match text.split('\'').nth(1) {
            Some(value) if text.starts_with("Error while parsing value") => {
                format!("column '{name}': '{value}' is not of type {kind}")
            }
            _ => {
                let cause = text.rsplit_once(": ").map_or(text, |it| it.1);
                format!("column '{name}' is not of type {kind}: {cause}")
            }
        }
    }
}

fn has_infinite(batch: &RecordBatch) -> bool {
    batch.columns().iter().any(|column| match column.data_type() {
        DataType::Float64 => {
            column.as_primitive::<Float64Type>().values().iter().any(|it| it.is_infinite())
        }
        DataType::Float32 => {
            column.as_primitive::<Float32Type>().values().iter().any(|it| it.is_infinite())
        }
        _ => false,
    })
}

/// Whether digits became infinity, which may also be written out.
fn is_beyond(text: &str, data_type: &DataType) -> bool {
    let has_digits = || text.bytes().any(|it| it.is_ascii_digit());
    match data_type {
        DataType::Float64 => has_digits() && text.parse().is_ok_and(f64::is_infinite),
        DataType::Float32 => has_digits() && text.parse().is_ok_and(f32::is_infinite),
        _ => false,
    }
}

/// The number after the last "column ", as the decoder counts: from 0.
fn column_number(text: &str) -> Option<usize> {
    let (_, after) = text.rsplit_once("column ")?;
    let end = after.find(|it: char| !it.is_ascii_digit()).unwrap_or(after.len());
    after[..end].parse().ok()
}
