//! Reading framed records. A batch never spans two fills of the window: if it is refused, all of its
//! records are still there to be judged one by one.

use arrow::datatypes::SchemaRef;
use weir_domain::Fault;
use weir_records::BadRecord;

use super::Decode;
use crate::framing::{Disorder, Frames, Step};
use crate::input::Window;
use crate::isolate::Span;
use crate::reader::{found_record, too_long};
use crate::{Chunk, ReadOptions, Reader, fault};

pub(crate) fn open(
    frames: Frames,
    decode: Box<dyn Decode>,
    window: Window,
    options: ReadOptions,
) -> Box<dyn Reader> {
    Box::new(FramedReader { window, frames, decode, options, next: 1 })
}

struct FramedReader {
    window: Window,
    frames: Frames,
    decode: Box<dyn Decode>,
    options: ReadOptions,
    /// Position of the next record.
    next: u64,
}

/// The records of one chunk.
struct Gathered {
    spans: Vec<Span>,
    /// Where the search goes on.
    end: usize,
    then: Then,
}

enum Then {
    /// The chunk is full, or something is wrong behind it.
    Emit,
    Fill,
    Leave {
        length: u64,
    },
    End,
}

impl Reader for FramedReader {
    fn schema(&self) -> SchemaRef {
        self.decode.schema()
    }

    fn read(&mut self) -> Result<Option<Chunk>, Fault> {
        loop {
            let gathered = self.gather()?;
            if !gathered.spans.is_empty() {
                return self.finish(&gathered).map(Some);
            }
            self.window.consume(gathered.end);
            match gathered.then {
                Then::Emit => {}
                Then::End => return Ok(None),
                Then::Leave { length } => return self.leave(length).map(Some),
                Then::Fill if self.is_too_long() => return self.leave_unended().map(Some),
                Then::Fill => self.window.fill()?,
            }
        }
    }

    fn bytes_read(&self) -> u64 {
        self.window.taken()
    }
}

impl FramedReader {
    fn gather(&self) -> Result<Gathered, Fault> {
        let bytes = self.window.bytes();
        let complete = self.window.is_complete();
        let mut spans = Vec::with_capacity(self.options.batch_rows);
        let (mut end, mut then) = (0, Then::Emit);
        while spans.len() < self.options.batch_rows && end < self.options.batch_bytes {
            match self.frames.next(bytes, end, complete) {
                Ok(Step::Record { span, next }) => {
                    spans.push(span);
                    end = next;
                }
                Ok(Step::More { from }) => {
                    (end, then) = (from, Then::Fill);
                    break;
                }
                Ok(Step::Long { at, length }) => {
                    (end, then) = (at, Then::Leave { length });
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
        Ok(Gathered { spans, end, then })
    }

    fn finish(&mut self, gathered: &Gathered) -> Result<Chunk, Fault> {
        let (spans, first) = (&gathered.spans, self.next);
        let chunk = self.decode(spans, first)?;
        self.next += spans.len() as u64;
        self.window.consume(gathered.end);
        Ok(chunk)
    }

    fn decode(&mut self, spans: &[Span], first: u64) -> Result<Chunk, Fault> {
        let bytes = self.window.bytes();
        let records: Vec<_> = spans.iter().map(|it| &bytes[it.clone()]).collect();
        self.decode.prepare(&records)?;
        let longest = self.options.max_record_bytes;
        if records.iter().all(|it| it.len() <= longest)
            && let Ok(batch) = self.decode.decode(&records)
        {
            return Ok(Chunk::good(batch, first));
        }
        let (batch, verdict) = super::message::judge(self.decode.as_mut(), &records, longest)?;
        Ok(Chunk::judged(batch, first, verdict, |at, reason| {
            self.bad(spans[at].clone(), first + at as u64, reason)
        }))
    }

    fn bad(&self, span: Span, position: u64, reason: String) -> BadRecord {
        let bad = found_record(&self.window, span, position, reason, self.options.raw_limit);
        // What is called a line in other inputs says nothing.
        BadRecord { line: bad.line.filter(|_| self.frames.has_lines()), ..bad }
    }

    fn is_too_long(&self) -> bool {
        self.window.bytes().len() > self.options.max_record_bytes
    }

    /// Leaves out the record at the window's beginning, whose length is known.
    fn leave(&mut self, length: u64) -> Result<Chunk, Fault> {
        let prefix = self.frames.prefix_bytes(self.window.bytes());
        let offset = self.window.offset_of(0);
        self.window.consume(prefix);
        let chunk = self.bad_beginning(length);
        let mut left = length;
        loop {
            let here = (self.window.bytes().len() as u64).min(left);
            self.window.consume(here as usize);
            left -= here;
            if left == 0 {
                return Ok(chunk);
            }
            if self.window.is_complete() {
                let cause = format!("the input ends within a record of {length} bytes");
                return Err(self.lost(&cause, None, offset));
            }
            self.window.fill()?;
        }
    }

    /// Leaves out the record at the window's beginning, of which no end was found: a line, or the whole
    /// input.
    fn leave_unended(&mut self) -> Result<Chunk, Fault> {
        let chunk = self.bad_beginning(u64::MAX);
        loop {
            let line_end = memchr::memchr(b'\n', self.window.bytes());
            if let Some(end) = line_end.filter(|_| self.frames.has_lines()) {
                self.window.consume(end + 1);
                return Ok(chunk);
            }
            self.window.consume_all();
            if self.window.is_complete() {
                return Ok(chunk);
            }
            self.window.fill()?;
        }
    }

    fn bad_beginning(&mut self, length: u64) -> Chunk {
        let here = (self.window.bytes().len() as u64).min(length) as usize;
        let reason = too_long(self.options.max_record_bytes);
        let bad = BadRecord { raw_cut: true, ..self.bad(0..here, self.next, reason) };
        self.next += 1;
        Chunk::bad(self.decode.schema(), bad)
    }

    fn disorder(&self, disorder: &Disorder) -> Fault {
        let line = self.frames.has_lines().then(|| self.window.line_of(disorder.at));
        self.lost(&disorder.cause, line, self.window.offset_of(disorder.at))
    }

    fn lost(&self, cause: &str, line: Option<u64>, offset: u64) -> Fault {
        let line = line.map_or_else(String::new, |it| format!("line {it}, "));
        let cause = format!("{cause} (record {}, {line}byte {offset})", self.next);
        let fix = "check the format's `framing` and that the file is whole: no record behind \
                   this place can be found";
        fault::layout_wrong(cause, fix)
    }
}
