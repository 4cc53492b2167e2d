//! What people write about a question.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weir_domain::{Bytes, Millis};
use weir_formats::FormatConfig;

use super::super::body::BodyConfig;
use super::super::client::Connection;
use crate::messages::AttributeConfig;

/// Asks an address with GET, again and again, and reads what is answered. What has not changed, as
/// `ETag` or `Last-Modified` say, is not read again.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "HttpPollSource")]
pub struct PollConfig {
    pub connection: Connection,
    /// How long it is from question to question.
    pub interval: Millis,
    /// What an answer holds.
    #[serde(default)]
    pub body: BodyConfig,
    /// Where in an answer that is JSON the body is, as a JSON pointer: `/data/items`. Where there is
    /// nothing, there are no records.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub records: Option<String>,
    /// What is asked for changes with what was answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<CursorConfig>,
    /// How long an answer may take.
    #[serde(default = "timeout")]
    pub timeout: Millis,
    /// The longest answer. It is read as a whole.
    #[serde(default = "max_body")]
    pub max_body: Bytes,
    /// The format of each record.
    pub format: FormatConfig,
    /// Fields that are made from what comes beside the records: `timestamp` (when it was asked) and
    /// `header` (of the answer).
    #[serde(default)]
    pub attributes: Vec<AttributeConfig>,
}

/// A value of each answer that the next question has in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "HttpPollCursor")]
pub struct CursorConfig {
    /// The parameter of the query, as `since`.
    pub parameter: String,
    /// Where the value is in an answer, as a JSON pointer: `/next`. Where it is another and there were
    /// records, the next question follows at once. Where there is none, the same is asked again, and of an
    /// answer that begins as before only the rest is read.
    pub pointer: String,
    /// The value of the first question. The parameter is left out if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first: Option<String>,
}

fn timeout() -> Millis {
    Millis::seconds(30)
}

fn max_body() -> Bytes {
    Bytes(16 << 20)
}
