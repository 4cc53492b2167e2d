//! Operations: what the parts of all kinds of tables consist of.
//!
//! Keys and values are MessagePack here. A key that belongs to a bucket (a time, a pane) begins with
//! it, as eight bytes that have the order of the numbers, so that buckets are dropped without
//! knowing the keys.
//!
//! ```text
//! 1 put     key value       the key has this value
//! 2 delete  key             the key has nothing
//! 3 append  key n value…    the key has these further rows
//! 4 drop    from through    all keys of the buckets from one through another have nothing
//! ```
//!
//! Within a part, drops come first, then the keys in order; of one key, a delete comes first.

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{PartError, TableSpec, part};
use crate::epoch::Epoch;
use crate::manifest::PartKind;

/// Bytes of a bucket before a key.
pub(super) const BUCKET: usize = 8;

/// A part has about so many bytes of operations at most, and less than a part may have that is read. Few in
/// tests: their tables are small.
const PART_BYTES: usize = if cfg!(test) { 64 } else { 256 << 20 };

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Op<'a> {
    Put { key: &'a [u8], value: &'a [u8] },
    Delete { key: &'a [u8] },
    Append { key: &'a [u8], values: Vec<&'a [u8]> },
    Drop { from: i64, through: i64 },
}

/// What operations are applied to.
pub(super) trait Apply {
    fn apply(&mut self, op: Op<'_>) -> Result<(), PartError>;
}

/// Writes operations into parts, as many as it takes for each to stay within what is read.
pub(super) struct Writer {
    of: (TableSpec, PartKind, Epoch),
    full: Vec<Bytes>,
    bytes: Vec<u8>,
    ops: u64,
}

impl Writer {
    pub(super) fn new(spec: TableSpec, kind: PartKind, epoch: Epoch) -> Self {
        let (full, bytes) = (Vec::new(), Vec::new());
        Self { of: (spec, kind, epoch), full, bytes, ops: 0 }
    }

    /// The parts, in the order in which they are applied: at least one.
    pub(super) fn finish(mut self) -> Vec<Bytes> {
        if self.ops > 0 || self.full.is_empty() {
            self.cut();
        }
        self.full
    }

    fn cut(&mut self) {
        let (spec, kind, epoch) = self.of;
        self.full.push(part::seal(spec, kind, epoch, (&self.bytes, self.ops)));
        self.bytes.clear();
        self.ops = 0;
    }

    pub(super) fn write(&mut self, op: &Op<'_>) {
        self.write_whole(op);
        if self.bytes.len() >= PART_BYTES {
            self.cut();
        }
    }

    fn write_whole(&mut self, op: &Op<'_>) {
        self.ops += 1;
        match op {
            Op::Put { key, value } => {
                self.bytes.push(1);
                self.field(key);
                self.field(value);
            }
            Op::Delete { key } => {
                self.bytes.push(2);
                self.field(key);
            }
            Op::Append { key, values } => {
                self.bytes.push(3);
                self.field(key);
                self.number(values.len() as u64);
                values.iter().for_each(|it| self.field(it));
            }
            Op::Drop { from, through } => {
                self.bytes.push(4);
                self.bytes.extend_from_slice(&from.to_le_bytes());
                self.bytes.extend_from_slice(&through.to_le_bytes());
            }
        }
    }

    fn field(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        self.bytes.extend_from_slice(bytes);
    }

    /// Seven bits at a time, the lowest first.
    fn number(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.bytes.push(number as u8 | 0x80);
            number >>= 7;
        }
        self.bytes.push(number as u8);
    }
}

/// Reads operations until the bytes end.
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Iterator for Reader<'a> {
    type Item = Result<Op<'a>, PartError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let op = self.op();
        if op.is_none() {
            self.0 = &[];
        }
        Some(op.ok_or_else(|| PartError::Malformed("an operation is cut off or unknown".into())))
    }
}

impl<'a> Reader<'a> {
    fn op(&mut self) -> Option<Op<'a>> {
        match self.take(1)?[0] {
            1 => Some(Op::Put { key: self.field()?, value: self.field()? }),
            2 => Some(Op::Delete { key: self.field()? }),
            3 => {
                let key = self.field()?;
                let rows = self.number()?;
                // As many as are there: a number that lies reserves nothing.
                let values = (0..rows).map(|_| self.field()).collect::<Option<_>>()?;
                Some(Op::Append { key, values })
            }
            4 => Some(Op::Drop { from: self.bucket()?, through: self.bucket()? }),
            _ => None,
        }
    }

    fn bucket(&mut self) -> Option<i64> {
        Some(i64::from_le_bytes(self.take(BUCKET)?.try_into().ok()?))
    }

    fn field(&mut self) -> Option<&'a [u8]> {
        let length = self.number()?;
        self.take(usize::try_from(length).ok()?)
    }

    fn number(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.take(1)?[0];
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(number);
            }
        }
        None
    }

    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }
}

/// Fields go by their places, not by their names: rows are many.
pub(super) fn encode<T: Serialize>(value: &T) -> Vec<u8> {
    rmp_serde::to_vec(value).expect("rows become MessagePack")
}

pub(super) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, PartError> {
    rmp_serde::from_slice(bytes)
        .map_err(|it| PartError::Malformed(format!("a row can't be read: {it}")))
}

/// Eight bytes that have the order of the numbers.
pub(super) fn bucket_bytes(bucket: i64) -> [u8; BUCKET] {
    (bucket.cast_unsigned() ^ 1 << 63).to_be_bytes()
}

pub(super) fn split_bucket(key: &[u8]) -> Result<(i64, &[u8]), PartError> {
    let (bucket, rest) = key
        .split_first_chunk::<BUCKET>()
        .ok_or_else(|| PartError::Malformed("a key has no bucket".into()))?;
    Ok(((u64::from_be_bytes(*bucket) ^ 1 << 63).cast_signed(), rest))
}

/// For an operation that a kind of table never writes.
pub(super) fn foreign() -> PartError {
    PartError::Malformed("it holds an operation that this kind of table has not".into())
}
