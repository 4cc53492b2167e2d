//! The small things that are stored: each is created once under its key, and never changed, but for
//! one.

use serde::{Deserialize, Serialize};
use weir_domain::{Digest, SavepointName, Timestamp};

use crate::envelope::Content;
use crate::epoch::{Epoch, Generation};
use crate::manifest::EpochKind;

/// Tells apart who wrote: no two attempts to coordinate have the same. An incarnation of a node
/// with a random number will do.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Writer(pub String);

/// That this writer coordinates. Whoever finds a later one has been deposed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GenerationRecord {
    pub generation: Generation,
    pub writer: Writer,
}

impl Content for GenerationRecord {
    const KIND: &'static str = "generation";
}

/// An entry of the log. Each writer adds behind what it has read and nowhere else, so that behind a
/// takeover there is no claim of an earlier generation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "record", rename_all = "lowercase", deny_unknown_fields)]
pub enum Record {
    /// From here on this generation claims.
    Takeover(GenerationRecord),
    /// The epoch is the truth: a restart begins from it, and its output is published.
    Claim(Claim),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    pub epoch: Epoch,
    pub kind: EpochKind,
    /// Of the stored manifest, envelope and all.
    pub manifest: Digest,
    /// The newest order that it follows; 0 where none was given ([`group`](crate::group)).
    #[serde(default, skip_serializing_if = "is_none")]
    pub order: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde wants it so")]
fn is_none(order: &u32) -> bool {
    *order == 0
}

impl Record {
    pub fn generation(&self) -> Generation {
        match self {
            Self::Takeover(it) => it.generation,
            Self::Claim(it) => it.epoch.generation,
        }
    }
}

impl Content for Record {
    const KIND: &'static str = "record";
}

/// That all sinks have published a claimed epoch, and all before it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Marker {
    pub epoch: Epoch,
    pub manifest: Digest,
}

impl Content for Marker {
    const KIND: &'static str = "marker";
}

/// That this generation has cleared away what all before it had staged. A hint, and the one thing that
/// is replaced: an older one lets more be looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Cleared {
    pub(crate) generation: Generation,
}

impl Content for Cleared {
    const KIND: &'static str = "cleared";
}

/// An epoch that stays until somebody deletes its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Savepoint {
    pub name: SavepointName,
    pub epoch: Epoch,
    pub manifest: Digest,
    pub plan: Digest,
    pub taken_at: Timestamp,
}

impl Content for Savepoint {
    const KIND: &'static str = "savepoint";
}
