//! What is read: a file of this machine, or something far away that is asked for in ranges.

use std::fmt;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::sync::Arc;

use bytes::{Buf, Bytes};
use parquet::file::reader::{ChunkReader, Length};

/// How much is asked for at once by whoever reads from front to back.
const AHEAD_BYTES: u64 = 8 << 20;
/// The same for whoever only looks at what stands somewhere.
const LOOK_BYTES: u64 = 64 << 10;

/// Bytes that can be asked for wherever they stand, and stay the same while they are read. Blocks.
pub trait Ranges: Send + Sync {
    /// How many there are.
    fn length(&self) -> u64;

    /// So many from there on, all within the length.
    fn read_at(&self, offset: u64, bytes: u64) -> io::Result<Bytes>;
}

/// What [`open`](crate::open) reads.
#[derive(Clone)]
pub struct Content(Place);

#[derive(Clone)]
enum Place {
    File(Arc<File>),
    Ranges(Arc<dyn Ranges>),
}

impl From<File> for Content {
    fn from(file: File) -> Self {
        Self(Place::File(Arc::new(file)))
    }
}

impl From<Arc<dyn Ranges>> for Content {
    fn from(ranges: Arc<dyn Ranges>) -> Self {
        Self(Place::Ranges(ranges))
    }
}

impl From<Bytes> for Content {
    fn from(held: Bytes) -> Self {
        Self(Place::Ranges(Arc::new(Held(held))))
    }
}

/// What is in memory as a whole.
struct Held(Bytes);

impl Ranges for Held {
    fn length(&self) -> u64 {
        self.0.len() as u64
    }

    fn read_at(&self, offset: u64, bytes: u64) -> io::Result<Bytes> {
        let [from, bytes] = [offset, bytes].map(|it| usize::try_from(it).unwrap_or(usize::MAX));
        let to = from.checked_add(bytes).filter(|it| *it <= self.0.len());
        let to = to.ok_or_else(|| io::Error::from(io::ErrorKind::UnexpectedEof))?;
        Ok(self.0.slice(from..to))
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Content")
    }
}

impl Content {
    /// All of it from front to back; of a file, from where it stands.
    pub(crate) fn stream(self) -> Box<dyn Read + Send> {
        match self.0 {
            Place::File(file) => Box::new(SharedFile(file)),
            Place::Ranges(ranges) => Box::new(InOrder::new(ranges, 0, AHEAD_BYTES)),
        }
    }

    pub(crate) fn length(&self) -> u64 {
        match &self.0 {
            Place::File(file) => file.len(),
            Place::Ranges(ranges) => ranges.length(),
        }
    }

    /// What stands from there on.
    pub(crate) fn read_from(&self, start: u64) -> parquet::errors::Result<Box<dyn Read>> {
        Ok(match &self.0 {
            Place::File(file) => Box::new(file.get_read(start)?),
            Place::Ranges(ranges) => {
                Box::new(BufReader::new(InOrder::new(ranges.clone(), start, LOOK_BYTES)))
            }
        })
    }

    /// So many bytes from there on, all of which are there.
    pub(crate) fn bytes_at(&self, start: u64, length: usize) -> parquet::errors::Result<Bytes> {
        match &self.0 {
            Place::File(file) => file.get_bytes(start, length),
            Place::Ranges(ranges) => Ok(ranges.read_at(start, length as u64)?),
        }
    }
}

struct SharedFile(Arc<File>);

impl Read for SharedFile {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.as_ref().read(buffer)
    }
}

/// Ranges one behind the other.
struct InOrder {
    ranges: Arc<dyn Ranges>,
    /// Where the next range begins.
    next: u64,
    at_once: u64,
    /// What is left of the range before.
    rest: Bytes,
}

impl InOrder {
    fn new(ranges: Arc<dyn Ranges>, next: u64, at_once: u64) -> Self {
        Self { ranges, next, at_once, rest: Bytes::new() }
    }
}

impl Read for InOrder {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.ranges.length().saturating_sub(self.next);
        if self.rest.is_empty() && left > 0 {
            let bytes = left.min(self.at_once);
            self.rest = self.ranges.read_at(self.next, bytes)?;
            self.next += self.rest.len() as u64;
        }
        let bytes = self.rest.len().min(buffer.len());
        self.rest.copy_to_slice(&mut buffer[..bytes]);
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Numbers(u64);

    impl Ranges for Numbers {
        fn length(&self) -> u64 {
            self.0
        }

        fn read_at(&self, offset: u64, bytes: u64) -> io::Result<Bytes> {
            assert!(bytes > 0 && offset + bytes <= self.0, "{bytes} bytes at {offset}");
            Ok((offset..offset + bytes).map(|it| it as u8).collect())
        }
    }

    #[test]
    fn ranges_are_read_one_behind_the_other_to_their_end() {
        for (length, start, at_once) in [(0, 0, 3), (10, 0, 3), (9, 0, 3), (10, 4, 100), (5, 5, 2)]
        {
            let mut read = Vec::new();
            InOrder::new(Arc::new(Numbers(length)), start, at_once).read_to_end(&mut read).unwrap();
            assert_eq!(read, (start..length).map(|it| it as u8).collect::<Vec<_>>());
        }
    }
}
