//! Compression around a file: which one it is, and the bytes inside.
//!
//! A file is known by its first bytes, not by its name. Several gzip members or zstd, LZ4 and Snappy
//! frames one after another are one input. A failure of the file itself and damage within the compression
//! are told apart, because only the first may heal.

use std::io::{self, BufRead, BufReader, Chain, Cursor, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use flate2::bufread::MultiGzDecoder;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weir_domain::Fault;

use crate::{Content, fault};

const GZIP_MAGIC: &[u8] = &[0x1f, 0x8b];
const ZSTD_MAGIC: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];
const LZ4_MAGIC: &[u8] = &[0x04, 0x22, 0x4d, 0x18];
/// The longest.
const SNAPPY_MAGIC: &[u8] = b"\xff\x06\x00\x00sNaPpY";
/// What a decompressor takes from its file at once.
const COMPRESSED_BLOCK: usize = 128 * 1024;

/// Compression of a file as a whole.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Compression {
    /// Reading: what the first bytes say. Writing: none.
    #[default]
    Auto,
    None,
    Gzip,
    Zstd,
    /// Frames of LZ4, as the tool `lz4` writes them.
    Lz4,
    /// Snappy in its framing format. It has no end: what was cut off behind a frame is not noticed.
    Snappy,
}

impl Compression {
    /// What a file name ends with, after the format's own extension.
    pub fn suffix(self) -> &'static str {
        match self {
            Self::Auto | Self::None => "",
            Self::Gzip => ".gz",
            Self::Zstd => ".zst",
            Self::Lz4 => ".lz4",
            Self::Snappy => ".sz",
        }
    }

    fn found(magic: &[u8]) -> Self {
        if magic.starts_with(GZIP_MAGIC) {
            Self::Gzip
        } else if magic.starts_with(ZSTD_MAGIC) {
            Self::Zstd
        } else if magic.starts_with(LZ4_MAGIC) {
            Self::Lz4
        } else if magic.starts_with(SNAPPY_MAGIC) {
            Self::Snappy
        } else {
            Self::None
        }
    }
}

/// How much was taken from a file, and whether the file itself failed.
#[derive(Default)]
struct Tally {
    taken: AtomicU64,
    failed: AtomicBool,
}

struct Tallied {
    file: Box<dyn Read + Send>,
    tally: Arc<Tally>,
}

impl Read for Tallied {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer);
        match &read {
            Ok(bytes) => {
                self.tally.taken.fetch_add(*bytes as u64, Ordering::Relaxed);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => self.tally.failed.store(true, Ordering::Relaxed),
        }
        read
    }
}

/// A file as it is, with what was taken from it first.
type Plain = BufReader<Chain<Cursor<Vec<u8>>, Tallied>>;

/// A decoder that stops behind each frame: it goes on while there is anything to decode.
struct Frames<D> {
    decoder: D,
    source: fn(&mut D) -> &mut Plain,
}

impl<D: Read> Read for Frames<D> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = self.decoder.read(buffer)?;
            if read > 0
                || buffer.is_empty()
                || (self.source)(&mut self.decoder).fill_buf()?.is_empty()
            {
                return Ok(read);
            }
        }
    }
}

/// The decompressed bytes of a file.
pub(crate) struct Source {
    stream: Box<dyn Read + Send>,
    tally: Arc<Tally>,
    compression: Compression,
    given: u64,
}

impl Source {
    pub(crate) fn open(content: Content, compression: Compression) -> Result<Self, Fault> {
        let tally = Arc::new(Tally::default());
        let mut file = Tallied { file: content.stream(), tally: tally.clone() };
        let magic = magic(&mut file).map_err(|it| fault::read_failed(&it, 0))?;
        let compression = match compression {
            // An empty file is empty in every compression.
            _ if magic.is_empty() => Compression::None,
            Compression::Auto => Compression::found(&magic),
            named => named,
        };
        let whole = Cursor::new(magic).chain(file);
        let buffered = |it| BufReader::with_capacity(COMPRESSED_BLOCK, it);
        let stream: Box<dyn Read + Send> = match compression {
            Compression::Auto | Compression::None => Box::new(whole),
            Compression::Gzip => Box::new(MultiGzDecoder::new(buffered(whole))),
            Compression::Zstd => {
                let decoder = zstd::stream::read::Decoder::with_buffer(buffered(whole));
                Box::new(decoder.map_err(|it| fault::read_failed(&it, 0))?)
            }
            Compression::Lz4 => {
                let decoder = lz4_flex::frame::FrameDecoder::new(buffered(whole));
                Box::new(Frames { decoder, source: |it| it.get_mut() })
            }
            Compression::Snappy => {
                let decoder = snap::read::FrameDecoder::new(buffered(whole));
                Box::new(Frames { decoder, source: |it| it.get_mut() })
            }
        };
        Ok(Self { stream, tally, compression, given: 0 })
    }

    /// Reads until the buffer is full or the input ends.
    pub(crate) fn read_full(&mut self, buffer: &mut [u8]) -> Result<usize, Fault> {
        let mut filled = 0;
        while filled < buffer.len() {
            match self.stream.read(&mut buffer[filled..]) {
                Ok(0) => break,
                Ok(bytes) => filled += bytes,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.fault(&error, filled as u64)),
            }
        }
        self.given += filled as u64;
        Ok(filled)
    }

    /// Bytes taken from the file, compressed as they are there.
    pub(crate) fn taken(&self) -> u64 {
        self.tally.taken.load(Ordering::Relaxed)
    }

    fn fault(&self, error: &io::Error, filled: u64) -> Fault {
        let name = match self.compression {
            _ if self.tally.failed.load(Ordering::Relaxed) => None,
            Compression::Auto | Compression::None => None,
            Compression::Gzip => Some("gzip"),
            Compression::Zstd => Some("zstd"),
            Compression::Lz4 => Some("LZ4"),
            Compression::Snappy => Some("Snappy"),
        };
        match name {
            Some(name) => {
                fault::compression_damaged(name, error, self.taken(), self.given + filled)
            }
            None => fault::read_failed(error, self.taken()),
        }
    }
}

fn magic(file: &mut Tallied) -> io::Result<Vec<u8>> {
    let mut magic = Vec::with_capacity(SNAPPY_MAGIC.len());
    file.take(SNAPPY_MAGIC.len() as u64).read_to_end(&mut magic)?;
    Ok(magic)
}
