//! What people write about connections.

use std::net::SocketAddr;
use std::num::NonZeroU32;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weir_domain::Bytes;
use weir_formats::{FormatConfig, Framing};

use crate::messages::AttributeConfig;

/// Reads frames from TCP connections, at most once. One lane does: others of the workflow have
/// nothing to do.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "TcpSource")]
pub struct TcpConfig {
    /// Where to listen, as `0.0.0.0:5140`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub listen: Option<SocketAddr>,
    /// Where to connect to instead, as `feed.example.org:7000`. A connection that ends is made anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connect: Option<String>,
    /// What stands between records. With `none` a record is all of a connection.
    #[serde(default)]
    pub framing: Framing,
    /// The longest frame. A connection with a longer one is closed.
    #[serde(default = "max_frame")]
    pub max_frame: Bytes,
    /// How many connections there may be at a time. Others wait.
    #[serde(default = "max_connections")]
    pub max_connections: NonZeroU32,
    /// The format of each frame.
    pub format: FormatConfig,
    /// Fields that are made from what comes beside the frames: `address` (the peer's, with its port)
    /// and `timestamp` (when it came).
    #[serde(default)]
    pub attributes: Vec<AttributeConfig>,
}

fn max_frame() -> Bytes {
    Bytes(1 << 20)
}

fn max_connections() -> NonZeroU32 {
    NonZeroU32::new(256).expect("it is not zero")
}
