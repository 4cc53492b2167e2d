//! A window on the decompressed input: the bytes that are being looked at, and where they stand.
//!
//! Offsets and lines count from the input's beginning. A byte order mark is not part of a text's data.
//! The window grows as far as its user fills it without consuming; the user sets the bound.

use memchr::memchr_iter;
use weir_domain::Fault;

use crate::compression::Source;
use crate::fault;

const UTF8_MARK: &[u8] = &[0xef, 0xbb, 0xbf];

pub(crate) struct Window {
    source: Source,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    /// Bytes before `start` in the whole input.
    offset: u64,
    /// Newlines before `start`.
    lines: u64,
    block: usize,
    is_complete: bool,
}

impl Window {
    /// Opens a window on bytes of any kind and reads the first block.
    pub(crate) fn open(source: Source, block_bytes: usize) -> Result<Self, Fault> {
        let mut window = Self {
            source,
            buffer: Vec::new(),
            start: 0,
            end: 0,
            offset: 0,
            lines: 0,
            block: block_bytes.max(1),
            is_complete: false,
        };
        window.fill()?;
        Ok(window)
    }

    /// Opens a window on text, whose encoding a mark at its beginning may tell.
    pub(crate) fn open_text(source: Source, block_bytes: usize) -> Result<Self, Fault> {
        let mut window = Self::open(source, block_bytes)?;
        while window.bytes().len() < UTF8_MARK.len() && !window.is_complete {
            window.fill()?;
        }
        if window.bytes().starts_with(UTF8_MARK) {
            window.consume(UTF8_MARK.len());
        }
        if window.bytes().starts_with(&[0xff, 0xfe]) || window.bytes().starts_with(&[0xfe, 0xff]) {
            return Err(fault::layout_wrong("the file is UTF-16 text", "convert it to UTF-8"));
        }
        Ok(window)
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    /// Whether nothing follows after the bytes in the window.
    pub(crate) fn is_complete(&self) -> bool {
        self.is_complete
    }

    /// Adds a block at the end. What was seen at an index is still there afterwards.
    pub(crate) fn fill(&mut self) -> Result<(), Fault> {
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        let wanted = self.end + self.block;
        if self.buffer.len() < wanted {
            self.buffer.resize(wanted, 0);
        }
        let read = self.source.read_full(&mut self.buffer[self.end..wanted])?;
        self.end += read;
        self.is_complete = read < self.block;
        Ok(())
    }

    /// Leaves the first bytes behind.
    pub(crate) fn consume(&mut self, bytes: usize) {
        self.lines += memchr_iter(b'\n', &self.bytes()[..bytes]).count() as u64;
        self.offset += bytes as u64;
        self.start += bytes;
    }

    /// Leaves everything behind that is in the window.
    pub(crate) fn consume_all(&mut self) {
        self.consume(self.bytes().len());
    }

    /// Offset in the whole input of the byte at `at` in the window.
    pub(crate) fn offset_of(&self, at: usize) -> u64 {
        self.offset + at as u64
    }

    /// Line in the whole input, from 1, of the byte at `at` in the window.
    pub(crate) fn line_of(&self, at: usize) -> u64 {
        1 + self.lines + memchr_iter(b'\n', &self.bytes()[..at]).count() as u64
    }

    /// Bytes taken from the file, compressed as they are there.
    pub(crate) fn taken(&self) -> u64 {
        self.source.taken()
    }
}
