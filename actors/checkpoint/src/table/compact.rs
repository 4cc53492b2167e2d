//! Compaction: the parts of a chain become one base, without knowing the types of the rows.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::op::{Apply, BUCKET, Op, Writer, bucket_bytes};
use super::{Part, PartError, TableSpec};
use crate::manifest::PartKind;

/// Rows of one key that are written together: more may go into another part.
const ROWS_AT_ONCE: usize = 10_000;

/// The bases that are together equal to these parts, in the order of their chain: one, unless it would be too
/// large. At least one part is needed.
pub fn compact(parts: &[Bytes]) -> Result<Vec<Bytes>, PartError> {
    let Some(last) = parts.last() else {
        return Err(PartError::Malformed("there is no part to compact".into()));
    };
    let (spec, epoch) = {
        let last = Part::open(last)?;
        (last.spec(), last.epoch())
    };
    let rows = Rows::of(spec, parts)?;
    let mut writer = Writer::new(spec, PartKind::Base, epoch);
    for (key, row) in &rows.0 {
        match row {
            Row::One(value) => writer.write(&Op::Put { key, value }),
            Row::Many(rows) => {
                for rows in rows.chunks(ROWS_AT_ONCE) {
                    let values = rows.iter().map(Vec::as_slice).collect();
                    writer.write(&Op::Append { key, values });
                }
            }
        }
    }
    Ok(writer.finish())
}

/// How many keys a table of these parts has.
pub fn entries(parts: &[Bytes]) -> Result<u64, PartError> {
    let Some(last) = parts.last() else { return Ok(0) };
    Ok(Rows::of(Part::open(last)?.spec(), parts)?.0.len() as u64)
}

/// A table of any kind, as bytes.
#[derive(Default)]
struct Rows(BTreeMap<Vec<u8>, Row>);

impl Rows {
    fn of(spec: TableSpec, parts: &[Bytes]) -> Result<Self, PartError> {
        let mut rows = Self::default();
        for bytes in parts {
            super::load(spec, bytes, &mut rows)?;
        }
        Ok(rows)
    }
}

enum Row {
    One(Vec<u8>),
    Many(Vec<Vec<u8>>),
}

impl Apply for Rows {
    fn apply(&mut self, op: Op<'_>) -> Result<(), PartError> {
        match op {
            Op::Put { key, value } => {
                self.0.insert(key.to_vec(), Row::One(value.to_vec()));
            }
            Op::Delete { key } => {
                self.0.remove(key);
            }
            Op::Append { key, values } => {
                let row = self.0.entry(key.to_vec()).or_insert_with(|| Row::Many(Vec::new()));
                let Row::Many(rows) = row else {
                    return Err(PartError::Malformed("rows are appended to a value".into()));
                };
                rows.extend(values.into_iter().map(<[u8]>::to_vec));
            }
            Op::Drop { from, through } => {
                let range = bucket_bytes(from)..=bucket_bytes(through);
                self.0.retain(|key, _| {
                    key.first_chunk::<BUCKET>().is_none_or(|it| !range.contains(it))
                });
            }
        }
        Ok(())
    }
}
