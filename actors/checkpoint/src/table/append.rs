//! A table of rows by bucket of time. Rows only come, and go by the bucket.

use std::collections::BTreeMap;

use super::op::{Apply, Op, bucket_bytes, decode, encode, foreign, split_bucket};
use super::{Frozen, PartError, Row, Table, TableKind, TableSpec, load};
use crate::epoch::Epoch;

#[derive(Debug, Clone)]
pub struct AppendTable<V> {
    version: u32,
    buckets: BTreeMap<i64, Bucket<V>>,
    /// All up to this went since the last delta.
    expired: Option<i64>,
    bytes: u64,
}

#[derive(Debug, Clone)]
struct Bucket<V> {
    rows: Vec<V>,
    /// So many of them are in a delta already.
    stored: usize,
}

impl<V: Row> AppendTable<V> {
    pub fn new(version: u32) -> Self {
        Self { version, buckets: BTreeMap::new(), expired: None, bytes: 0 }
    }

    pub fn append(&mut self, bucket: i64, row: V) {
        self.bytes += row.weight();
        self.bucket_mut(bucket).rows.push(row);
    }

    /// The rows of the buckets from there on, the oldest bucket first.
    pub fn since(&self, bucket: i64) -> impl Iterator<Item = (i64, &[V])> {
        self.buckets.range(bucket..).map(|(bucket, it)| (*bucket, &it.rows[..]))
    }

    /// Gives up all buckets before this one.
    pub fn expire_before(&mut self, bucket: i64) {
        let kept = self.buckets.split_off(&bucket);
        let gone = std::mem::replace(&mut self.buckets, kept);
        if !gone.is_empty() {
            self.bytes -= gone.values().flat_map(|it| &it.rows).map(V::weight).sum::<u64>();
            self.expired = self.expired.max(bucket.checked_sub(1));
        }
    }

    fn bucket_mut(&mut self, bucket: i64) -> &mut Bucket<V> {
        self.buckets.entry(bucket).or_insert(Bucket { rows: Vec::new(), stored: 0 })
    }
}

impl<V: Row> Table for AppendTable<V> {
    fn spec(&self) -> TableSpec {
        TableSpec { kind: TableKind::Append, version: self.version }
    }

    fn bytes(&self) -> u64 {
        self.bytes
    }

    fn freeze(&mut self, epoch: Epoch) -> Option<Frozen> {
        let expired = self.expired.take();
        let grown = self.buckets.iter_mut().filter(|it| it.1.stored < it.1.rows.len());
        let grown = grown.map(|(bucket, it)| {
            let rows = it.rows[it.stored..].to_vec();
            it.stored = it.rows.len();
            (*bucket, rows)
        });
        let grown: Vec<_> = grown.collect();
        if expired.is_none() && grown.is_empty() {
            return None;
        }
        Some(Frozen::new(self.spec(), epoch, move |writer| {
            if let Some(through) = expired {
                writer.write(&Op::Drop { from: i64::MIN, through });
            }
            for (bucket, rows) in grown {
                let rows: Vec<_> = rows.iter().map(encode).collect();
                let values = rows.iter().map(Vec::as_slice).collect();
                writer.write(&Op::Append { key: &bucket_bytes(bucket), values });
            }
        }))
    }

    fn load(&mut self, part: &[u8]) -> Result<(), PartError> {
        load(self.spec(), part, self)
    }
}

impl<V: Row> Apply for AppendTable<V> {
    fn apply(&mut self, op: Op<'_>) -> Result<(), PartError> {
        match op {
            Op::Append { key, values } => {
                let (bucket, _) = split_bucket(key)?;
                for value in values {
                    self.append(bucket, decode(value)?);
                }
                let bucket = self.bucket_mut(bucket);
                bucket.stored = bucket.rows.len();
            }
            Op::Drop { through, .. } => {
                self.buckets.retain(|it, _| *it > through);
                self.bytes = self.buckets.values().flat_map(|it| &it.rows).map(V::weight).sum();
            }
            Op::Put { .. } | Op::Delete { .. } => return Err(foreign()),
        }
        Ok(())
    }
}
