//! A batch: records with their positions; and a record that is none.

use arrow::array::{Array, BooleanArray, RecordBatch, UInt32Array};
use arrow::compute;
use arrow::error::ArrowError;
use bytes::Bytes;

use crate::Positions;

/// Records that travel together. Cheap to clone: the columns are shared.
#[derive(Debug, Clone)]
pub struct Batch {
    pub records: RecordBatch,
    pub positions: Positions,
}

impl Batch {
    pub fn new(records: RecordBatch, positions: Positions) -> Self {
        Self { records, positions }
    }

    pub fn rows(&self) -> usize {
        self.records.num_rows()
    }

    /// The same rows with other columns.
    #[must_use]
    pub fn with_records(&self, records: RecordBatch) -> Self {
        debug_assert_eq!(records.num_rows(), self.rows(), "rows of a batch keep their positions");
        Self { records, positions: self.positions.clone() }
    }

    /// The rows whose bit is set; a null bit counts as not set.
    pub fn filter(&self, mask: &BooleanArray) -> Result<Self, ArrowError> {
        let records = compute::filter_record_batch(&self.records, mask)?;
        Ok(Self { records, positions: self.positions.filter(mask)? })
    }

    #[must_use]
    pub fn slice(&self, offset: usize, length: usize) -> Self {
        Self {
            records: self.records.slice(offset, length),
            positions: self.positions.slice(offset, length),
        }
    }

    pub fn take(&self, rows: &UInt32Array) -> Result<Self, ArrowError> {
        let records = compute::take_record_batch(&self.records, rows)?;
        Ok(Self { records, positions: self.positions.take(self.rows(), rows)? })
    }

    /// Bytes of the values themselves. A slice counts only what it shows, not the buffers it
    /// shares with others; never zero, so that an empty batch too takes credit.
    pub fn size_bytes(&self) -> usize {
        let columns = self.records.columns().iter();
        let bytes = columns.map(|it| it.to_data().get_slice_memory_size().unwrap_or(0)).sum();
        1.max(bytes)
    }
}

/// The beginning of a record, at most `limit` bytes, and whether something was cut off. A text is
/// not cut inside a character.
pub fn beginning(raw: &[u8], limit: usize) -> (Bytes, bool) {
    if raw.len() <= limit {
        return (Bytes::copy_from_slice(raw), false);
    }
    let head = &raw[..limit];
    let whole = match std::str::from_utf8(head) {
        // Only a character that is cut off, not one that is wrong.
        Err(error) if error.error_len().is_none() => &head[..error.valid_up_to()],
        _ => head,
    };
    (Bytes::copy_from_slice(whole), true)
}

/// A record that could not be read, mapped or written, with all that is known of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadRecord {
    /// Number of the record in its item, counted from 1.
    pub position: u64,
    /// Line in the decompressed item, counted from 1, where it has lines.
    pub line: Option<u64>,
    /// Byte offset in the decompressed item, where it is known.
    pub offset: Option<u64>,
    /// The record as it was read, or as JSON where only its columns are left. Cut at a limit.
    pub raw: Bytes,
    /// Whether `raw` is only the beginning.
    pub raw_cut: bool,
    /// Why it is bad: one sentence.
    pub reason: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_between_characters_and_bytes_where_they_are() {
        assert_eq!(beginning("naïve".as_bytes(), 10), (Bytes::from("naïve"), false));
        assert_eq!(beginning("naïve".as_bytes(), 3), (Bytes::from("na"), true));
        assert_eq!(beginning(b"\xff\xfe\xfd", 2), (Bytes::from(&b"\xff\xfe"[..]), true));
    }
}
