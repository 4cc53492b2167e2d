//! Source items: what a source offers (a file, a partition), and what became of it.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Which content an item had when it was looked at. Two equal fingerprints of one name mean
/// that nothing was written in between.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Fingerprint {
    /// Length in bytes.
    pub size: u64,
    /// Last change, in nanoseconds since 1970.
    pub modified_ns: i64,
    /// Device and inode, where the system has them: they tell a file from its namesake.
    pub device: u64,
    pub inode: u64,
}

/// One thing that a source can process as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Item {
    /// Unique within its source: for files, the path below the input directory.
    pub name: String,
    pub fingerprint: Fingerprint,
}

/// What became of an item. `Acquired` and `Committing` are held by exactly one stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum ItemStatus {
    /// A stream reads it. If the stream's engine dies, it is free again.
    Acquired,
    /// Its outcome is decided and durable; what remains is to make it visible.
    Committing,
    /// Its records were published, once.
    Done,
    /// It was rolled back for good; nothing of it was published.
    Failed,
    /// It was given back unprocessed and may be claimed again.
    Released,
    /// It waits until an operator gives it clearance, or denies it.
    Waiting,
    /// Its source has found it, and nobody has claimed it yet; or it was given clearance, and is claimed next
    /// time it is found.
    Pending,
    /// It was denied clearance: a failure until it is reset.
    Denied,
}

impl ItemStatus {
    pub const ALL: [Self; 8] = [
        Self::Waiting,
        Self::Pending,
        Self::Acquired,
        Self::Committing,
        Self::Done,
        Self::Failed,
        Self::Denied,
        Self::Released,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Acquired => "acquired",
            Self::Committing => "committing",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Released => "released",
            Self::Waiting => "waiting",
            Self::Pending => "pending",
            Self::Denied => "denied",
        }
    }

    pub fn stored(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == text)
    }
}

impl fmt::Display for ItemStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What to do with an item whose name was processed before.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Reprocess {
    /// Leave it alone until an operator resets it.
    Never,
    /// Process it if its size or its time of change differs from what was processed.
    #[default]
    WhenChanged,
    /// Process it again whenever it is there.
    Always,
}
