//! What people write about objects, and nothing of how it is done.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weir_domain::{Bytes, Millis, Reprocess};
use weir_formats::{Compression, FormatConfig};

use super::connection::Connection;
use crate::whole::{Sort, WriteCompression};

/// Reads every object below a prefix, each as one stream.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "ObjectsSource")]
pub struct InputConfig {
    pub connection: Connection,
    /// Where to look, as a directory: `in` is for `in/a.csv` and `in/b/c.csv`, not for `input.csv`. All of
    /// the bucket if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// Which objects: `*`, `?`, `[a-z]`, `{a,b}`, `**`. Without a `/` it is matched on what stands behind
    /// the last `/` of a key, with one on all below the prefix. All objects if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub glob: Option<String>,
    /// Which objects, as a regular expression that matches all of the key below the prefix. Instead of
    /// `glob`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub regex: Option<String>,
    /// Which object comes first.
    #[serde(default)]
    pub sort: Sort,
    /// How often to list them.
    #[serde(default = "default_interval")]
    pub interval: Millis,
    /// The format of the objects.
    pub format: FormatConfig,
    /// How the objects are compressed. `auto` looks at their first bytes.
    #[serde(default)]
    pub compression: Compression,
    /// What to do with an object whose key was processed before.
    #[serde(default)]
    pub reprocess: Reprocess,
    /// Whether an object that is new waits until an operator gives it clearance.
    #[serde(default)]
    pub wait_for_clearance: bool,
    /// What becomes of a committed object. Absent: it stays, and is known to be processed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub done: Option<Finished>,
    /// What becomes of an object that was rolled back for good. Absent: it stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Finished>,
}

fn default_interval() -> Millis {
    Millis::seconds(30)
}

/// What becomes of a finished object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "ObjectsFinished")]
pub enum Finished {
    /// It is deleted.
    Delete,
    /// It is copied below this prefix of the same bucket, in place of what has its name there, and deleted
    /// then.
    Move(String),
}

/// Writes objects that appear whole when their stream is committed.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "ObjectsSink")]
pub struct OutputConfig {
    pub connection: Connection,
    /// What stands before all names, as a directory. Nothing if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// The object's key below the prefix, with macros: `${item}`, `${item:stem}`, `${field:Carrier}` (an
    /// object for each value), `${date:%Y-%m-%d}` (when the stream began, UTC), `${stream}`,
    /// `${workflow}`, `${instance}`, `${roll}`.
    pub name: String,
    /// The format of the objects.
    pub format: FormatConfig,
    /// How the objects are compressed.
    #[serde(default)]
    pub compression: WriteCompression,
    /// What to do if there is an object of that key.
    #[serde(default)]
    pub on_existing: OnExisting,
    /// Begin the next object after this many records.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub roll_records: Option<u64>,
    /// Begin the next object once this one has about this many bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub roll_bytes: Option<Bytes>,
    /// How much is sent at once, and held in memory for each object that is being written. An object has
    /// at most 10000 parts.
    #[serde(default = "default_part_bytes")]
    pub part_bytes: Bytes,
}

fn default_part_bytes() -> Bytes {
    Bytes(8 << 20)
}

/// What to do when there is an object of that key.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "ObjectsOnExisting")]
pub enum OnExisting {
    /// Roll the stream back.
    #[default]
    Fail,
    /// Put the new object in its place.
    Replace,
}
