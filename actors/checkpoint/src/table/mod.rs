//! State tables: what a stage remembers, and how it becomes blobs.
//!
//! ```text
//! the stage changes rows ─► freeze(epoch): what changed, taken in the barrier ─► encode, off the
//! stage's thread ─► a delta part ─► a chain of parts ─► compacted into a base every few epochs
//! ```
//!
//! | kind | holds | for |
//! |---|---|---|
//! | [`ValueTable`] | one value | counters, positions |
//! | [`MapTable`] | a value by key | aggregates, deduplication |
//! | [`AppendTable`] | rows by bucket of time | buffers that expire as a whole |
//! | [`PaneTable`] | a value by pane and key | windows |
//! | [`MultiMapTable`] | rows by key | joins |
//!
//! Rows are Rust values in memory and MessagePack in parts. All kinds write the same few operations
//! (`op`), so that parts are compacted without their types.
//!
//! Invariants:
//! - T1: a base and the deltas behind it, applied in order, give the table as it was frozen last.
//! - T2: compaction changes no row.
//! - T3: equal changes give equal bytes, in whatever order they were made.
//! - T4: what a build can't read, it refuses, and says which table, what is there and what it reads.

mod append;
mod chain;
mod compact;
mod map;
mod multimap;
mod op;
mod pane;
mod part;
mod value;
mod weigh;

use std::fmt;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::epoch::Epoch;
use crate::manifest::PartKind;

pub use append::AppendTable;
pub use chain::{Chain, CompactionPolicy};
pub use compact::{compact, entries};
pub use map::MapTable;
pub use multimap::MultiMapTable;
pub use pane::PaneTable;
pub use part::{Part, PartError};
pub use value::ValueTable;
pub use weigh::Weigh;

use op::{Apply, Writer};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TableKind {
    Value,
    Map,
    Append,
    Pane,
    MultiMap,
}

impl TableKind {
    fn as_str(self) -> &'static str {
        match self {
            Self::Value => "value",
            Self::Map => "map",
            Self::Append => "append",
            Self::Pane => "pane",
            Self::MultiMap => "multimap",
        }
    }
}

/// What must be equal for a table to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableSpec {
    pub kind: TableKind,
    /// Counts up whenever the stage's rows change so that older ones can't be read any more.
    pub version: u32,
}

impl fmt::Display for TableSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in version {}", self.kind.as_str(), self.version)
    }
}

/// What can stand in a table.
pub trait Row: Serialize + DeserializeOwned + Weigh + Clone + Send + 'static {}

impl<T: Serialize + DeserializeOwned + Weigh + Clone + Send + 'static> Row for T {}

/// The changes of one epoch, out of reach of the stage: encode them on another thread.
pub struct Frozen {
    spec: TableSpec,
    epoch: Epoch,
    encode: Box<dyn FnOnce(&mut Writer) + Send>,
}

impl Frozen {
    fn new(
        spec: TableSpec,
        epoch: Epoch,
        encode: impl FnOnce(&mut Writer) + Send + 'static,
    ) -> Self {
        Self { spec, epoch, encode: Box::new(encode) }
    }

    /// The deltas, as they are stored: one, unless it would be too large.
    pub fn encode(self) -> Vec<bytes::Bytes> {
        let mut writer = Writer::new(self.spec, PartKind::Delta, self.epoch);
        (self.encode)(&mut writer);
        writer.finish()
    }
}

/// What all kinds of tables can do.
pub trait Table: Sized {
    fn spec(&self) -> TableSpec;

    /// What the rows take in memory, roughly.
    fn bytes(&self) -> u64;

    /// Takes what changed since the last time, in the barrier; nothing, if nothing did.
    fn freeze(&mut self, epoch: Epoch) -> Option<Frozen>;

    /// Applies one part; parts are loaded in the order of their chain, before anything changes.
    fn load(&mut self, part: &[u8]) -> Result<(), PartError>;
}

/// Reads a part into a table.
fn load(spec: TableSpec, part: &[u8], table: &mut impl Apply) -> Result<(), PartError> {
    let part = Part::open(part)?;
    part.check(spec)?;
    for op in part.ops() {
        table.apply(op?)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
