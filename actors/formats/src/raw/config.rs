//! What people write about raw records.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{ConfigError, Encoding, Framing};

/// Records of one column: what stands in each line, in each frame, or in the whole input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct RawConfig {
    /// Where one record ends and the next begins. `none`: the whole input is one record.
    pub framing: Framing,
    /// Whether the column holds text or bytes.
    pub content: RawContent,
    /// How text is written in bytes. Bytes have no encoding.
    pub encoding: Encoding,
    /// The name of the column.
    pub field: String,
}

impl Default for RawConfig {
    fn default() -> Self {
        Self {
            framing: Framing::default(),
            content: RawContent::default(),
            encoding: Encoding::default(),
            field: "value".to_owned(),
        }
    }
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum RawContent {
    #[default]
    Text,
    Bytes,
}

impl RawConfig {
    pub(crate) fn check(&self, errors: &mut Vec<ConfigError>) -> SchemaRef {
        if self.field.is_empty() {
            errors.push(ConfigError::new("field", "the name is empty", "leave the key out"));
        }
        if self.content == RawContent::Bytes && self.encoding != Encoding::default() {
            let fix = "remove `encoding`, or set `content: text`";
            errors.push(ConfigError::new("encoding", "bytes have no encoding", fix));
        }
        self.schema()
    }

    /// Whether the input may begin with a mark that tells its encoding.
    pub(crate) fn begins_with_text(&self) -> bool {
        self.content == RawContent::Text
            && self.encoding == Encoding::Utf8
            && matches!(self.framing, Framing::Lines | Framing::None)
    }

    pub(crate) fn extension(&self) -> &'static str {
        match (self.content, self.framing) {
            (RawContent::Text, Framing::Lines | Framing::None) => "txt",
            _ => "bin",
        }
    }

    pub(crate) fn schema(&self) -> SchemaRef {
        let data_type = match self.content {
            RawContent::Text => DataType::Utf8,
            RawContent::Bytes => DataType::Binary,
        };
        Arc::new(Schema::new(vec![Field::new(&self.field, data_type, false)]))
    }
}
