//! What people write about NATS, and nothing of how it is done.

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weir_domain::Bytes;
use weir_formats::FormatConfig;

use crate::messages::AttributeConfig;
use crate::private::Private;

/// How the servers are reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "NatsConnection")]
pub struct Connection {
    /// One or more servers of one cluster, as `nats://nats-1:4222`, or `tls://` where only TLS will do.
    pub servers: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<Private>,
    /// Instead of user and password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<Private>,
    /// With it, a server without TLS is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<Tls>,
}

/// Files in PEM.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "NatsTls")]
pub struct Tls {
    /// Who signs the servers' certificates. The authorities of the system if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca: Option<PathBuf>,
    /// Our own certificate, where the servers ask for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<PathBuf>,
    /// The key of our certificate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<PathBuf>,
}

/// Reads messages of a stream of JetStream, or of subjects of core NATS.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "NatsSource")]
pub struct SourceConfig {
    pub connection: Connection,
    /// The stream of JetStream that is read, each message once. Without it core NATS is read, at most
    /// once: it keeps nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream: Option<String>,
    /// Which subjects, as `orders.>`. All of the stream if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// Core NATS only: of all readers in one queue group, one gets each message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue_group: Option<String>,
    /// Where a workflow that has no checkpoint begins in the stream.
    #[serde(default)]
    pub deliver: Deliver,
    /// The format of each message.
    pub format: FormatConfig,
    /// Fields that are made from what comes beside the bodies: `address` (the subject), `offset`
    /// (the sequence in the stream), `timestamp`, `header`.
    #[serde(default)]
    pub attributes: Vec<AttributeConfig>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "NatsDeliver")]
pub enum Deliver {
    /// With the first message that is there.
    #[default]
    All,
    /// With the next message that comes.
    New,
    /// With the message of this sequence.
    FromSequence(u64),
}

/// Publishes a message for each record.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "NatsSink")]
pub struct SinkConfig {
    pub connection: Connection,
    /// Where messages are published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// The field that has the subject of each record. Where it is null, `subject` is taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject_field: Option<String>,
    /// Whether a stream of JetStream takes the messages, and confirms each. Otherwise they are given
    /// to the server, and whether anybody gets them is not known.
    #[serde(default = "yes")]
    pub jet_stream: bool,
    /// When messages are published.
    #[serde(default)]
    pub delivery: Delivery,
    /// Headers, and the fields that they have their values from. A null leaves its header out.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// The longest message: what the servers' `max_payload` says. A longer record is a bad one.
    #[serde(default = "one_mib")]
    pub max_payload: Bytes,
    /// The format of each message.
    pub format: FormatConfig,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "NatsDelivery")]
pub enum Delivery {
    /// Once the commit is decided.
    #[default]
    Committed,
    /// As they come, within milliseconds: what is rolled back was published all the same, and what is
    /// read again is published again.
    Immediate,
}

fn yes() -> bool {
    true
}

fn one_mib() -> Bytes {
    Bytes(1 << 20)
}
