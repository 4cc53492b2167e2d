//! What people write about the server.

use std::net::SocketAddr;
use std::num::NonZeroU32;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weir_domain::{Bytes, Millis};
use weir_formats::FormatConfig;

use super::super::body::BodyConfig;
use crate::messages::AttributeConfig;
use crate::private::Private;

/// Takes records over HTTP. One lane listens: others of the workflow have nothing to do.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "HttpSource")]
pub struct ServerConfig {
    /// Where to listen, as `0.0.0.0:8088`.
    #[schemars(with = "String")]
    pub bind: SocketAddr,
    /// The paths that records are sent to.
    #[serde(default = "root")]
    pub paths: Vec<String>,
    #[serde(default = "post")]
    pub methods: Vec<String>,
    /// What a body holds.
    #[serde(default)]
    pub body: BodyConfig,
    /// When a request is answered.
    #[serde(default)]
    pub answer: Answer,
    /// How long a request may wait for its answer. Then it is answered with 503, and may be sent again.
    #[serde(default = "within")]
    pub within: Millis,
    /// The longest body.
    #[serde(default = "max_body")]
    pub max_body: Bytes,
    /// How many requests there may be at a time. Others are answered with 503.
    #[serde(default = "max_requests")]
    pub max_requests: NonZeroU32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connection: Option<Admission>,
    /// The format of each record.
    pub format: FormatConfig,
    /// Fields that are made from what comes beside the bodies: `address` (the path), `timestamp`, and
    /// `header`, where `:method`, `:query` and `:peer` are headers as well.
    #[serde(default)]
    pub attributes: Vec<AttributeConfig>,
}

/// Who may send records.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "HttpAdmission")]
pub struct Admission {
    /// Whoever sends it as a bearer token.
    pub token: Private,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "HttpAnswer")]
pub enum Answer {
    /// With 202 once the workflow has taken it. It is lost if the engine crashes before the next
    /// checkpoint.
    #[default]
    Accepted,
    /// With 200 once it is in a checkpoint: nothing is lost any more.
    Committed,
}

fn root() -> Vec<String> {
    vec!["/".to_owned()]
}

fn post() -> Vec<String> {
    vec!["POST".to_owned()]
}

fn within() -> Millis {
    Millis::seconds(30)
}

fn max_body() -> Bytes {
    Bytes(1 << 20)
}

fn max_requests() -> NonZeroU32 {
    NonZeroU32::new(256).expect("it is not zero")
}
