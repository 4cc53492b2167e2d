//! Manifests: what an epoch consists of.
//!
//! A manifest never changes and needs no other one: all blobs that a restart from it reads, and all
//! that its commit publishes, are named in it. So garbage collection follows one step of
//! references, and a retained epoch stays restorable however old the parts are that it names.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use weir_domain::{Digest, StageId, TableName, Timestamp};
use weir_persistence_api::BlobKey;

use crate::envelope::{Content, base64_bytes};
use crate::epoch::Epoch;
use crate::table::TableSpec;

/// What a stage may put into a manifest itself, in bytes; what is larger goes into a blob.
pub const INLINE_BYTES_MAX: usize = 256 << 10;

/// Why an epoch was announced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EpochKind {
    /// In passing; the pipeline goes on.
    Periodic,
    /// The sources read nothing behind its barrier, and the pipeline stops after its commit.
    Stop,
    /// All sources have ended before it: it commits the tail, and nothing follows.
    Final,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    pub job: BlobKey,
    pub epoch: Epoch,
    pub kind: EpochKind,
    /// What of the plan decides whether its state fits.
    pub plan: Digest,
    /// The claimed epoch before it, if there is one.
    pub parent: Option<Epoch>,
    pub announced_at: Timestamp,
    pub stages: BTreeMap<StageId, StageManifest>,
}

/// What a stage reports for an epoch, once all of it is durable.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StageManifest {
    /// Of a source: where to read on. Opaque to the protocol.
    #[serde(with = "base64_bytes")]
    pub position: Bytes,
    /// A source that will read nothing more, also after a restart from here.
    pub is_ended: bool,
    pub tables: BTreeMap<TableName, TableManifest>,
    /// What is to be published for each epoch that was not yet known to be claimed. An epoch that
    /// was abandoned is so published with the next one that is claimed.
    pub committables: BTreeMap<Epoch, Committable>,
    /// Uploads that are begun and go on behind the barrier.
    pub uploads: Vec<Upload>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableManifest {
    pub spec: TableSpec,
    /// In the order in which they are applied: a base at most at the beginning.
    pub parts: Vec<PartRef>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PartKind {
    /// The whole table.
    Base,
    /// What changed since the part before.
    Delta,
}

impl PartKind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Base => "base",
            Self::Delta => "delta",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartRef {
    pub key: BlobKey,
    pub kind: PartKind,
    /// Length of the blob.
    pub bytes: u64,
    /// CRC-32 of the blob: that it is this one, and not another life's.
    pub checksum: u32,
}

/// What one stage publishes for one epoch. Committing it twice is the same as once.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Committable {
    /// Opaque to the protocol.
    #[serde(with = "base64_bytes")]
    pub content: Bytes,
    /// Staged blobs that the commit reads.
    pub blobs: Vec<BlobKey>,
}

/// Something begun elsewhere that outlives epochs, such as a multipart upload.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Upload {
    /// What the system at the other end calls it.
    pub id: String,
    /// All that is needed to go on with it or to abort it. Opaque to the protocol.
    #[serde(with = "base64_bytes")]
    pub content: Bytes,
    /// Blobs that going on with it reads. They stay as long as a retained manifest names it.
    pub blobs: Vec<BlobKey>,
}

impl StageManifest {
    /// All blobs that are named here.
    pub fn blobs(&self) -> impl Iterator<Item = &BlobKey> {
        let parts = self.tables.values().flat_map(|it| &it.parts).map(|it| &it.key);
        let staged = self.committables.values().flat_map(|it| &it.blobs);
        parts.chain(staged).chain(self.uploads.iter().flat_map(|it| &it.blobs))
    }

    /// Why this can't be part of a manifest of that epoch.
    pub(crate) fn fault(&self, epoch: Epoch) -> Option<String> {
        let uploads: usize = self.uploads.iter().map(|it| it.content.len() + it.id.len()).sum();
        let committables: usize = self.committables.values().map(|it| it.content.len()).sum();
        let inline = self.position.len() + uploads + committables;
        if inline > INLINE_BYTES_MAX {
            return Some(format!(
                "it puts {inline} bytes into the manifest, at most {INLINE_BYTES_MAX} may be: \
                 stage them as a blob and name that"
            ));
        }
        if let Some(late) = self.committables.keys().find(|it| **it > epoch) {
            return Some(format!("it would publish epoch {late}, which comes later"));
        }
        let is_base = |it: &PartRef| it.kind == PartKind::Base;
        let is_misplaced =
            |it: &TableManifest| it.parts.iter().skip_while(|it| is_base(it)).any(is_base);
        let (table, _) = self.tables.iter().find(|it| is_misplaced(it.1))?;
        Some(format!("table {table} has a base behind other parts"))
    }
}

impl Manifest {
    pub fn blobs(&self) -> BTreeSet<&BlobKey> {
        self.stages.values().flat_map(StageManifest::blobs).collect()
    }
}

impl Content for Manifest {
    const KIND: &'static str = "manifest";

    fn check(&self) -> Result<(), String> {
        if let Some(parent) = self.parent.filter(|it| *it >= self.epoch) {
            return Err(format!("epoch {} can't follow epoch {parent}", self.epoch));
        }
        let fault = |(stage, it): (&StageId, &StageManifest)| {
            it.fault(self.epoch).map(|it| format!("stage {stage}: {it}"))
        };
        self.stages.iter().find_map(fault).map_or(Ok(()), Err)
    }
}
