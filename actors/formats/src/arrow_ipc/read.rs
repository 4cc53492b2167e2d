//! Reading Arrow IPC. Its records can't be bad one by one: what is damaged damages the file.
//!
//! Messages are found here and decoded by Arrow. A length in the input is believed only as far as
//! bytes follow, and what a message would take once it is decompressed is added up before it is.

use arrow::array::RecordBatch;
use arrow::buffer::Buffer;
use arrow::datatypes::SchemaRef;
use arrow::ipc::reader::StreamDecoder;
use arrow::ipc::{Message, RecordBatch as BatchHeader, root_as_message};
use weir_domain::Fault;

use super::MAGIC;
use crate::guard::guarded;
use crate::input::Window;
use crate::reader::RECORD_BYTES_LIMIT;
use crate::{Chunk, ReadOptions, Reader, fault};

/// Stands before the length of a message; before version 0.15 nothing did.
const CONTINUATION: [u8; 4] = [0xff; 4];
/// What a length of four bytes, and the mark before it, take.
const PREFIX_BYTES: usize = 8;
/// Columns without values take no bytes however many there are of them.
const BATCH_ROWS_MAX: i64 = i32::MAX as i64;

pub(crate) fn open(window: Window, options: ReadOptions) -> Result<Box<dyn Reader>, Fault> {
    let mut messages = Messages {
        window,
        decoder: StreamDecoder::new(),
        is_file: false,
        is_ended: false,
        records: 0,
    };
    messages.begin()?;
    let mut pending = None;
    let schema = loop {
        if let Some(schema) = messages.decoder.schema() {
            break schema;
        }
        match messages.next()? {
            Some(batch) => pending = Some(batch),
            None if messages.is_ended => return Err(messages.damaged("it holds no schema")),
            None => {}
        }
    };
    Ok(Box::new(ArrowReader { messages, schema, pending, options, next: 1 }))
}

struct ArrowReader {
    messages: Messages,
    schema: SchemaRef,
    /// What is left of the batch that was read last.
    pending: Option<RecordBatch>,
    options: ReadOptions,
    /// Position of the next record.
    next: u64,
}

impl Reader for ArrowReader {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn read(&mut self) -> Result<Option<Chunk>, Fault> {
        loop {
            if let Some(batch) = self.pending.take().filter(|it| it.num_rows() > 0) {
                return Ok(Some(self.chunk(&batch)));
            }
            if self.messages.is_ended {
                return Ok(None);
            }
            self.pending = self.messages.next()?;
        }
    }

    fn bytes_read(&self) -> u64 {
        self.messages.window.taken()
    }
}

impl ArrowReader {
    /// As much of the batch as fills a chunk.
    fn chunk(&mut self, batch: &RecordBatch) -> Chunk {
        let rows = batch.num_rows();
        let record_bytes = (batch.get_array_memory_size() / rows).max(1);
        let most = (self.options.batch_bytes / record_bytes).clamp(1, self.options.batch_rows);
        let now = rows.min(most);
        self.pending = (now < rows).then(|| batch.slice(now, rows - now));
        let first = self.next;
        self.next += now as u64;
        Chunk::good(batch.slice(0, now), first)
    }
}

struct Messages {
    window: Window,
    decoder: StreamDecoder,
    is_file: bool,
    is_ended: bool,
    /// How many were in the messages so far.
    records: u64,
}

/// A whole message at the window's beginning.
struct Found {
    metadata: std::ops::Range<usize>,
    end: usize,
}

impl Messages {
    fn begin(&mut self) -> Result<(), Fault> {
        self.need(PREFIX_BYTES, "it is too short")?;
        self.is_file = self.window.bytes().starts_with(MAGIC);
        if !self.is_file {
            return Ok(());
        }
        self.window.consume(PREFIX_BYTES);
        // Some fill up what is before the first message further than to eight bytes.
        loop {
            self.need(PREFIX_BYTES, "it ends before its schema")?;
            if self.window.bytes()[..PREFIX_BYTES] != [0; PREFIX_BYTES] {
                return Ok(());
            }
            self.window.consume(PREFIX_BYTES);
        }
    }

    /// Decodes the next message; not every one is a batch.
    fn next(&mut self) -> Result<Option<RecordBatch>, Fault> {
        let Some(found) = self.find()? else {
            self.end()?;
            return Ok(None);
        };
        let bytes = &self.window.bytes()[..found.end];
        check(bytes, &found).map_err(|it| self.damaged(&it))?;
        let mut buffer = Buffer::from(bytes);
        let mut decoder = std::mem::take(&mut self.decoder);
        let decoded = guarded(|it| self.damaged(it), || decoder.decode(&mut buffer))?;
        self.decoder = decoder;
        let batch = decoded.map_err(|it| self.damaged(&it.to_string()))?;
        self.records += batch.as_ref().map_or(0, |it| it.num_rows() as u64);
        self.window.consume(found.end);
        Ok(batch)
    }

    /// Fills the window with the next message, if there is one.
    fn find(&mut self) -> Result<Option<Found>, Fault> {
        while self.window.bytes().len() < PREFIX_BYTES && !self.window.is_complete() {
            self.window.fill()?;
        }
        if self.window.bytes().is_empty() && !self.is_file {
            return Ok(None);
        }
        self.need(4, "it ends between two messages")?;
        let prefix = if self.window.bytes().starts_with(&CONTINUATION) { PREFIX_BYTES } else { 4 };
        self.need(prefix, "it ends within the length of a message")?;
        let length = self.window.bytes()[prefix - 4..prefix].first_chunk().copied();
        let length = length.map_or(0, u32::from_le_bytes) as usize;
        if length == 0 {
            self.window.consume(prefix);
            return Ok(None);
        }
        let metadata = prefix..self.within(prefix, length as u64)?;
        self.need(metadata.end, "it ends within a message")?;
        let message = message(&self.window.bytes()[metadata.clone()]);
        let body = message.map_err(|it| self.damaged(&it))?.bodyLength();
        let body =
            u64::try_from(body).map_err(|_| self.damaged("a message has a length below 0"))?;
        let end = self.within(metadata.end, body)?;
        self.need(end, "it ends within a message")?;
        Ok(Some(Found { metadata, end }))
    }

    fn within(&self, start: usize, length: u64) -> Result<usize, Fault> {
        let end = usize::try_from(length).ok().and_then(|it| it.checked_add(start));
        end.filter(|it| *it <= RECORD_BYTES_LIMIT).ok_or_else(|| {
            self.damaged(&format!(
                "a message is said to have {length} bytes, and {RECORD_BYTES_LIMIT} are the most"
            ))
        })
    }

    fn need(&mut self, bytes: usize, cause: &str) -> Result<(), Fault> {
        while self.window.bytes().len() < bytes {
            if self.window.is_complete() {
                return Err(self.damaged(cause));
            }
            self.window.fill()?;
        }
        Ok(())
    }

    /// A file has a footer behind its messages, a stream nothing.
    fn end(&mut self) -> Result<(), Fault> {
        self.is_ended = true;
        while !self.window.is_complete() {
            let known = self.window.bytes().len();
            if known > MAGIC.len() {
                self.window.consume(known - MAGIC.len());
            }
            self.window.fill()?;
        }
        match (self.is_file, self.window.bytes()) {
            (true, bytes) if !bytes.ends_with(MAGIC) => Err(self.damaged("its footer is cut off")),
            (false, bytes) if !bytes.is_empty() => {
                Err(self.damaged("something follows behind its end"))
            }
            _ => Ok(()),
        }
    }

    fn damaged(&self, cause: &str) -> Fault {
        let (byte, record) = (self.window.offset_of(0), self.records);
        fault::arrow_damaged(&format!("{cause} (byte {byte}, after record {record})"))
    }
}

fn message(metadata: &[u8]) -> Result<Message<'_>, String> {
    root_as_message(metadata).map_err(|it| format!("a message has no sound header: {it}"))
}

/// Whether a message says nothing that would take more memory than it may.
fn check(bytes: &[u8], found: &Found) -> Result<(), String> {
    let message = message(&bytes[found.metadata.clone()])?;
    let dictionary = message.header_as_dictionary_batch().and_then(|it| it.data());
    let Some(batch) = message.header_as_record_batch().or(dictionary) else { return Ok(()) };
    let rows = batch.length();
    if !(0..=BATCH_ROWS_MAX).contains(&rows) {
        return Err(format!("a batch is said to have {rows} records"));
    }
    if batch.compression().is_none() {
        return Ok(());
    }
    let taken = decompressed(batch, &bytes[found.metadata.end..])?;
    if taken > RECORD_BYTES_LIMIT as u64 {
        return Err(format!(
            "a message is said to hold {taken} bytes, and {RECORD_BYTES_LIMIT} are the most"
        ));
    }
    Ok(())
}

/// Bytes that the buffers of a batch say they take once they are decompressed.
fn decompressed(batch: BatchHeader<'_>, body: &[u8]) -> Result<u64, String> {
    let mut taken = 0_u64;
    let buffers = batch.buffers().into_iter().flat_map(|it| it.iter());
    for buffer in buffers.filter(|it| it.length() != 0) {
        let start = usize::try_from(buffer.offset()).ok();
        let stated = start.and_then(|it| body.get(it..)?.first_chunk());
        match stated.map(|it| i64::from_le_bytes(*it)) {
            // It is not compressed.
            Some(-1) => {}
            Some(stated) => taken = taken.saturating_add(stated.unsigned_abs()),
            None => return Err("a buffer stands outside of its message".into()),
        }
    }
    Ok(taken)
}
