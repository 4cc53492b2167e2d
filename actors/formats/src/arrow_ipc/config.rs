//! What people write about Arrow IPC.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Arrow IPC, which carries its own schema. Reading takes either layout and any compression.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ArrowConfig {
    /// When writing.
    pub layout: ArrowLayout,
    /// Of the columns within each message, when writing.
    pub compression: ArrowCompression,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum ArrowLayout {
    /// With a footer, as Feather version 2 has it: who reads it may begin anywhere.
    #[default]
    File,
    /// Messages only.
    Stream,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum ArrowCompression {
    #[default]
    None,
    Lz4,
    Zstd,
}
