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

    /// Puts bases in the place of the parts that they were compacted of, if these are still the first
    /// ones; deltas that came in the meantime stay behind them. The bases are first named by the report
    /// that comes next, and their keys are of that epoch.
    pub fn compacted(&mut self, of: &[PartRef], bases: Vec<(BlobKey, Bytes)>) -> bool {
        if of.is_empty() || !self.parts.starts_with(of) {
            return false;
        }
        let bases = bases.into_iter().map(|(key, it)| part_ref(key, PartKind::Base, &it));
        self.parts.splice(..of.len(), bases);
        true
    }
}

fn part_ref(key: BlobKey, kind: PartKind, content: &Bytes) -> PartRef {
    PartRef { key, kind, bytes: content.len() as u64, checksum: crc32fast::hash(content) }
}
