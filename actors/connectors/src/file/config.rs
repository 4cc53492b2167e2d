//! What people write about files, and nothing of how it is done.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weir_domain::{Bytes, Millis, Reprocess};
use weir_formats::{Compression, FormatConfig};

use crate::whole::{Sort, WriteCompression};

/// Reads every file of a directory, each as one stream.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "FileSource")]
pub struct InputConfig {
    /// The directory to look in, relative to the project.
    pub directory: String,
    /// Which files: `*`, `?`, `[a-z]`, `{a,b}`, `**`. Without a `/` it is matched on the file
    /// name alone, with one on the path below the directory. All files if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub glob: Option<String>,
    /// Which files, as a regular expression that matches the whole path below the directory.
    /// Instead of `glob`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub regex: Option<String>,
    /// Whether directories below are looked into as well. Hidden ones never are.
    #[serde(default)]
    pub recursive: bool,
    /// Which file comes first.
    #[serde(default)]
    pub sort: Sort,
    /// How often to look.
    #[serde(default = "default_interval")]
    pub interval: Millis,
    /// How long a file must have been left unchanged before it is read: it may be half written.
    #[serde(default = "default_stable_time")]
    pub stable_time: Millis,
    /// The format of the files.
    pub format: FormatConfig,
    /// How the files are compressed. `auto` looks at their first bytes.
    #[serde(default)]
    pub compression: Compression,
    /// What to do with a file whose name was processed before.
    #[serde(default)]
    pub reprocess: Reprocess,
    /// Whether a file that is new waits until an operator gives it clearance.
    #[serde(default)]
    pub wait_for_clearance: bool,
    /// Where a committed file is moved. Absent: it stays, and is known to be processed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub done: Option<MoveConfig>,
    /// Where a file is moved that was rolled back for good. Absent: it stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<MoveConfig>,
}

fn default_interval() -> Millis {
    Millis::seconds(5)
}

fn default_stable_time() -> Millis {
    Millis::seconds(2)
}

/// Where a finished file goes.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "FileMove")]
pub struct MoveConfig {
    /// Relative to the project. Created if it is missing.
    pub directory: String,
    /// What to do if it has a file of that name.
    #[serde(default)]
    pub on_existing: Existing,
}

/// What becomes of a finished file whose name is taken where it goes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "FileMoveExisting")]
pub enum Existing {
    /// `file.csv` becomes `file_1.csv`.
    #[default]
    Counter,
    /// The old file is overwritten.
    Replace,
}

/// Writes files that appear whole when their stream is committed.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "FileSink")]
pub struct OutputConfig {
    /// The directory to write to, relative to the project.
    pub directory: String,
    /// The file's name below it, with macros: `${item}`, `${item:stem}`, `${field:Carrier}` (a
    /// file for each value), `${date:%Y-%m-%d}` (when the stream began, UTC), `${stream}`,
    /// `${workflow}`, `${instance}`, `${roll}`.
    pub name: String,
    /// The format of the files.
    pub format: FormatConfig,
    /// How the files are compressed.
    #[serde(default)]
    pub compression: WriteCompression,
    /// What to do if there is a file of that name.
    #[serde(default)]
    pub on_existing: TargetRule,
    /// Begin the next file after this many records.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub roll_records: Option<u64>,
    /// Begin the next file once this one has about this many bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub roll_bytes: Option<Bytes>,
    /// Whether missing directories are created.
    #[serde(default)]
    pub create_directory: bool,
}

/// What to do when the file that is to be published is there already.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "FileOnExisting")]
pub enum TargetRule {
    /// Roll the stream back.
    #[default]
    Fail,
    /// Overwrite the old file.
    Replace,
    /// Give the old file a counter: `file.txt` becomes `file_1.txt`.
    RenameOld,
    /// Give the new file a counter.
    Counter,
}
