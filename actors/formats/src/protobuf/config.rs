//! What people write about protobuf.

use arrow::datatypes::SchemaRef;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::plan::Message;
use crate::{ConfigError, Framing};

/// Protobuf messages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProtobufConfig {
    /// The descriptors of all files that the message needs, in base64: what
    /// `protoc --include_imports --descriptor_set_out=x.desc x.proto && base64 -w0 x.desc` gives.
    pub descriptors: String,
    /// The full name of the message that each record is, as `org.example.Order`.
    pub message: String,
    /// Where one record ends and the next begins. `none`: the whole input is one record.
    #[serde(default = "varint")]
    pub framing: Framing,
}

fn varint() -> Framing {
    Framing::Varint
}

impl ProtobufConfig {
    pub(crate) fn check(&self, errors: &mut Vec<ConfigError>) -> Option<SchemaRef> {
        if self.framing == Framing::Lines {
            let cause = "protobuf is no text: line breaks may stand within a record";
            errors.push(ConfigError::new("framing", cause, "leave it out, or set another one"));
        }
        match self.plan() {
            Ok(message) => Some(message.schema()),
            Err(error) => {
                errors.push(error);
                None
            }
        }
    }

    pub(super) fn plan(&self) -> Result<Message, ConfigError> {
        let text: String = self.descriptors.split_ascii_whitespace().collect();
        let bytes = STANDARD.decode(text).map_err(|it| {
            let fix = "write the file that protoc made through `base64 -w0`";
            ConfigError::new("descriptors", format!("it is no base64: {it}"), fix)
        })?;
        Message::of(&bytes, &self.message)
    }
}
