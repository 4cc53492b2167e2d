//! Chains: which parts a table consists of now, and when they are worth compacting.

use bytes::Bytes;
use weir_persistence_api::BlobKey;

use super::TableSpec;
use crate::manifest::{PartKind, PartRef, TableManifest};

/// When parts are compacted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CompactionPolicy {
    /// So many deltas are too many to read at a restart.
    pub deltas_max: usize,
    /// Deltas that have together this share of the base's bytes, in percent, hold much that is
    /// out of date.
    pub garbage_percent_max: u64,
}

impl Default for CompactionPolicy {
    fn default() -> Self {
        Self { deltas_max: 8, garbage_percent_max: 50 }
    }
}

/// Fewer deltas than this are not compacted for their bytes alone: a base is a write too.
const DELTAS_MIN: usize = 4;

#[derive(Debug, Clone, PartialEq)]
pub struct Chain {
    spec: TableSpec,
    parts: Vec<PartRef>,
}

impl Chain {
    pub fn new(spec: TableSpec) -> Self {
        Self { spec, parts: Vec::new() }
    }

    /// After a restart.
    pub fn restored(manifest: &TableManifest) -> Self {
        Self { spec: manifest.spec, parts: manifest.parts.clone() }
    }

    pub fn parts(&self) -> &[PartRef] {
        &self.parts
    }

    /// What the next report names, once all of it is durable.
    pub fn manifest(&self) -> TableManifest {
        TableManifest { spec: self.spec, parts: self.parts.clone() }
    }

    /// A delta that is to be stored under this key, behind all others.
    pub fn push(&mut self, key: BlobKey, content: &Bytes) {
        self.parts.push(part_ref(key, PartKind::Delta, content));
    }

    pub fn is_worth_compacting(&self, policy: &CompactionPolicy) -> bool {
        let bytes = |kind| self.parts.iter().filter(|it| it.kind == kind).map(|it| it.bytes).sum();
        let (base, deltas): (u64, u64) = (bytes(PartKind::Base), bytes(PartKind::Delta));
        let count = self.parts.iter().filter(|it| it.kind == PartKind::Delta).count();
        count >= policy.deltas_max
            || (count >= DELTAS_MIN && base > 0 && deltas * 100 > base * policy.garbage_percent_max)
    }

    /// Puts a base in the place of the parts that it was compacted of, if they are still the first
    /// ones; deltas that came in the meantime stay behind it. The base is first named by the report
    /// that comes next, and its key is of that epoch.
    pub fn compacted(&mut self, of: &[PartRef], key: BlobKey, content: &Bytes) -> bool {
        if of.is_empty() || !self.parts.starts_with(of) {
            return false;
        }
        let base = part_ref(key, PartKind::Base, content);
        self.parts.splice(..of.len(), [base]);
        true
    }
}

fn part_ref(key: BlobKey, kind: PartKind, content: &Bytes) -> PartRef {
    PartRef { key, kind, bytes: content.len() as u64, checksum: crc32fast::hash(content) }
}
