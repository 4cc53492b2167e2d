//! The records of a batch by key: each distinct key of the batch has a number, in the order in which
//! the keys come first.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// No record.
pub(crate) const NONE: u32 = u32::MAX;

/// Its memory is used for batch after batch.
#[derive(Default)]
pub(crate) struct Groups {
    numbers: HashMap<u128, u32, BuildHasherDefault<Hashed>>,
    /// Of each number.
    pub(crate) keys: Vec<u128>,
    /// The number of each record's key.
    pub(crate) of_row: Vec<u32>,
    /// The last record that was taken, of each number; or [`NONE`].
    pub(crate) last: Vec<u32>,
}

impl Groups {
    pub(crate) fn fill(&mut self, hashes: &[u128]) {
        self.numbers.clear();
        self.keys.clear();
        self.of_row.clear();
        for hash in hashes {
            let number = *self.numbers.entry(*hash).or_insert_with(|| {
                self.keys.push(*hash);
                (self.keys.len() - 1) as u32
            });
            self.of_row.push(number);
        }
        self.last.clear();
        self.last.resize(self.keys.len(), NONE);
    }

    /// The last record of each key that had one taken, in the order of the records: with the key's number.
    pub(crate) fn last_rows(&self) -> Vec<(u32, usize)> {
        let rows = self.last.iter().enumerate().filter(|it| *it.1 != NONE);
        let mut rows: Vec<_> = rows.map(|(group, row)| (*row, group)).collect();
        rows.sort_unstable();
        rows
    }
}

/// Keys are hashes already.
#[derive(Default)]
struct Hashed(u64);

impl Hasher for Hashed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u128(&mut self, hash: u128) {
        self.0 = hash as u64;
    }
}
