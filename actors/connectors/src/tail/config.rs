//! What people write about files that grow.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weir_domain::{Bytes, Millis};
use weir_formats::FormatConfig;

use crate::messages::AttributeConfig;

/// Reads lines that are appended to files of a directory, and follows the files when they are rotated.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "TailSource")]
pub struct TailConfig {
    /// The directory to look in, relative to the project.
    pub directory: String,
    /// Which files, by their names: `*`, `?`, `[a-z]`, `{a,b}`. Rotated files are found by themselves.
    #[serde(default = "all")]
    pub glob: String,
    /// How often to look for new files and at those that are there.
    #[serde(default = "interval")]
    pub interval: Millis,
    /// Where a workflow that has no checkpoint begins in files that are there already.
    #[serde(default)]
    pub start: TailStart,
    /// How long a file that was rotated away must have been left alone: its writer may not have noticed.
    #[serde(default = "rotate_wait")]
    pub rotate_wait: Millis,
    /// The longest line. One that is longer is a bad record.
    #[serde(default = "max_line")]
    pub max_line: Bytes,
    /// The format of each line.
    pub format: FormatConfig,
    /// Fields that are made from what comes beside the lines: `address` (the name of the file as it
    /// is matched), `offset` (the byte that the line begins at) and `timestamp` (when it was read).
    #[serde(default)]
    pub attributes: Vec<AttributeConfig>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum TailStart {
    /// With their first lines.
    #[default]
    Beginning,
    /// With the next line that is written.
    End,
}

fn all() -> String {
    "*.log".to_owned()
}

fn interval() -> Millis {
    Millis(250)
}

fn rotate_wait() -> Millis {
    Millis::seconds(2)
}

fn max_line() -> Bytes {
    Bytes(1 << 20)
}
