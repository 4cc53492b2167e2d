//! What lists and maps hold, in the making.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::ArrayRef;

use super::decode::Rows;
use super::kind::Kind;
use super::plan::Item;
use super::values::Values;
use super::wire::{Cursor, Raw, SIZED};

pub(super) enum Items<'p> {
    Values { kind: &'p Kind, values: Values, count: usize },
    Messages(Rows<'p>),
}

impl<'p> Items<'p> {
    pub(super) fn new(item: &'p Item) -> Self {
        match item {
            Item::Value(kind) => Self::Values { kind, values: Values::new(kind), count: 0 },
            Item::Message(message) => Self::Messages(Rows::new(message)),
        }
    }

    fn wire(&self) -> u8 {
        match self {
            Self::Values { kind, .. } => kind.wire(),
            Self::Messages(_) => SIZED,
        }
    }

    /// Appends an item, or all of a run of them that are packed.
    pub(super) fn put(&mut self, wire: u8, raw: Raw<'_>, cells: &mut usize) -> Result<(), String> {
        let expected = self.wire();
        match raw {
            Raw::Bytes(run) if expected != SIZED => {
                let mut cursor = Cursor::new(run);
                while !cursor.is_empty() {
                    self.put_one(cursor.value(expected)?, cells)?;
                }
                Ok(())
            }
            raw => {
                expect(wire, expected)?;
                self.put_one(raw, cells)
            }
        }
    }

    pub(super) fn put_one(&mut self, raw: Raw<'_>, cells: &mut usize) -> Result<(), String> {
        match (self, raw) {
            (Self::Values { kind, values, count }, raw) => {
                *count += 1;
                values.put(kind, raw)
            }
            (Self::Messages(rows), Raw::Bytes(bytes)) => rows.put(bytes, cells),
            (Self::Messages(_), Raw::Bits(_)) => Err("it is of another type".into()),
        }
    }

    fn default(&self) -> Raw<'static> {
        match self {
            Self::Values { kind, .. } => kind.default(),
            Self::Messages(_) => Raw::Bytes(&[]),
        }
    }

    pub(super) fn end(&self) -> Result<i32, String> {
        let count = match self {
            Self::Values { count, .. } => *count,
            Self::Messages(rows) => rows.count,
        };
        i32::try_from(count).map_err(|_| "lists have too many items".into())
    }

    pub(super) fn finish(&mut self) -> Result<ArrayRef, String> {
        match self {
            Self::Values { values, count, .. } => {
                *count = 0;
                Ok(values.finish())
            }
            Self::Messages(rows) => Ok(Arc::new(rows.structs(None)?)),
        }
    }
}

/// The entries of a map in the order of their keys' first occurrence. Of several with one key the
/// last counts.
pub(super) fn last_entries<'b>(
    bytes: &'b [u8],
    entries: &[(usize, usize)],
    key: &Kind,
    values: &Items<'_>,
) -> Result<Vec<(Raw<'b>, Raw<'b>)>, String> {
    let mut found: Vec<(Raw<'b>, Raw<'b>)> = Vec::with_capacity(entries.len());
    let mut places: HashMap<(u64, &[u8]), usize> = HashMap::with_capacity(entries.len());
    for (start, end) in entries {
        let (mut entry_key, mut entry_value) = (key.default(), values.default());
        let mut cursor = Cursor::new(&bytes[*start..*end]);
        while !cursor.is_empty() {
            let (number, wire) = cursor.tag()?;
            match number {
                1 => {
                    expect(wire, key.wire())?;
                    entry_key = cursor.value(wire)?;
                }
                2 => {
                    expect(wire, values.wire())?;
                    entry_value = cursor.value(wire)?;
                }
                _ => cursor.skip(number, wire, 0)?,
            }
        }
        let told = match entry_key {
            Raw::Bits(bits) => (bits, &[][..]),
            Raw::Bytes(bytes) => (0, bytes),
        };
        match places.get(&told) {
            Some(place) => found[*place].1 = entry_value,
            None => {
                places.insert(told, found.len());
                found.push((entry_key, entry_value));
            }
        }
    }
    Ok(found)
}

pub(super) fn expect(wire: u8, expected: u8) -> Result<(), String> {
    match wire == expected {
        true => Ok(()),
        false => Err(format!("it has the wire type {wire}, and {expected} is expected")),
    }
}
