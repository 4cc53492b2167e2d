//! What people write of files and of objects in the same words.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weir_formats::Compression;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "FileWriteCompression")]
pub enum WriteCompression {
    #[default]
    None,
    Gzip,
    Zstd,
    /// Frames of LZ4, as the tool `lz4` reads them.
    Lz4,
    /// Snappy in its framing format.
    Snappy,
}

impl From<WriteCompression> for Compression {
    fn from(given: WriteCompression) -> Self {
        match given {
            WriteCompression::None => Self::None,
            WriteCompression::Gzip => Self::Gzip,
            WriteCompression::Zstd => Self::Zstd,
            WriteCompression::Lz4 => Self::Lz4,
            WriteCompression::Snappy => Self::Snappy,
        }
    }
}
