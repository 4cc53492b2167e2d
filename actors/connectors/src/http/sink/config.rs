//! What people write about requests that carry records.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weir_domain::{Bytes, Millis};
use weir_formats::FormatConfig;

use super::super::body::BodyConfig;
use super::super::client::Connection;

/// Sends records over HTTP, after they were committed. What fails in passing is sent again.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "HttpSink")]
pub struct SinkConfig {
    pub connection: Connection,
    #[serde(default)]
    pub method: Method,
    /// What a body holds: one record, or as many as `maxRecords` and `maxBody` let it.
    #[serde(default)]
    pub body: BodyConfig,
    /// The most records of a request.
    #[serde(default = "max_records")]
    pub max_records: NonZeroU32,
    /// The longest body. A record that is longer is a bad one.
    #[serde(default = "max_body")]
    pub max_body: Bytes,
    /// Headers, and the fields that they have their values from: for `body: record` only. A null
    /// leaves its header out.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// The header of the key by which the other side knows a request that is sent again.
    #[serde(default = "idempotency_header")]
    pub idempotency_header: String,
    /// What to do when the other side refuses a request for what is in it: with a status of 400 to
    /// 499, but for 401, 403, 408, 425 and 429.
    #[serde(default)]
    pub on_refused: OnRefused,
    /// How long an answer may take.
    #[serde(default = "timeout")]
    pub timeout: Millis,
    /// The format of each record.
    pub format: FormatConfig,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
#[schemars(rename = "HttpMethod")]
pub enum Method {
    #[default]
    Post,
    Put,
    Patch,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "HttpOnRefused")]
pub enum OnRefused {
    /// It is sent again until it is taken: nothing behind it is sent before.
    #[default]
    Fail,
    /// Its records are left out, with a warning in the log of the stream.
    Drop,
}

fn max_records() -> NonZeroU32 {
    NonZeroU32::new(500).expect("it is not zero")
}

fn max_body() -> Bytes {
    Bytes(1 << 20)
}

fn idempotency_header() -> String {
    "Idempotency-Key".to_owned()
}

fn timeout() -> Millis {
    Millis::seconds(30)
}
