//! What people write about topics, and nothing of how it is done.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weir_domain::{Bytes, Millis, Timestamp};
use weir_formats::FormatConfig;

use super::connection::Connection;
use crate::messages::AttributeConfig;

/// Reads topics without an end.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "KafkaSource")]
pub struct SourceConfig {
    pub connection: Connection,
    /// The topics to read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub topics: Vec<String>,
    /// Instead of `topics`: a regular expression that matches the whole name of a topic. Topics that
    /// appear later are read as well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
    /// The format of the messages' bodies.
    pub format: FormatConfig,
    /// What comes beside the body, as fields of the record.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attributes: Vec<AttributeConfig>,
    /// Where to begin when the workflow runs for the first time. Partitions that are found later are
    /// read from their beginning.
    #[serde(default)]
    pub begin: Begin,
    /// Which messages are read.
    #[serde(default)]
    pub isolation: Isolation,
    /// What to do where the brokers have deleted what was to be read next.
    #[serde(default)]
    pub on_lost: OnLost,
    /// What to do with messages without a body.
    #[serde(default)]
    pub tombstones: Tombstones,
    /// A consumer group that is told how far the checkpoints are, for people to watch. Nothing begins
    /// from there, and no other consumer may be in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// How often to look for new partitions, and with a pattern for new topics.
    #[serde(default = "default_discover_every")]
    pub discover_every: Millis,
}

fn default_discover_every() -> Millis {
    Millis::seconds(30)
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "KafkaBegin")]
pub enum Begin {
    /// At the oldest message that is there.
    #[default]
    Earliest,
    /// Behind the newest message.
    Latest,
    /// At the first message that is not older.
    Timestamp(Timestamp),
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "KafkaIsolation")]
pub enum Isolation {
    /// Those of transactions once they are committed.
    #[default]
    ReadCommitted,
    /// All at once, also those of transactions that come to nothing.
    ReadUncommitted,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "KafkaOnLost")]
pub enum OnLost {
    /// Stop, and say how many messages are lost.
    #[default]
    Fail,
    /// Go on with the oldest message that is there; say in the log and count how many are lost.
    Skip,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "KafkaTombstones")]
pub enum Tombstones {
    /// They are bad records: `onError` of the stage says what becomes of them.
    #[default]
    Bad,
    /// They are left out and counted.
    Skip,
}

/// Sends a message for each record.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "KafkaSink")]
pub struct SinkConfig {
    pub connection: Connection,
    /// Where messages go. The topic has to be there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topic: Option<String>,
    /// The field that has the topic of each record. Where it is null, `topic` is taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topic_field: Option<String>,
    /// The field that has the key of each message. Where it is null, the message has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Headers, and the fields that they have their values from. A null leaves its header out.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// The format of the messages' bodies.
    pub format: FormatConfig,
    /// How often a message may be there.
    #[serde(default)]
    pub delivery: Guarantee,
    /// With `delivery: exactlyOnce`: the topic that says what was sent already. It is made where it is not there
    /// and the user may do so.
    #[serde(default = "default_commits")]
    pub commits: String,
    /// With `delivery: exactlyOnce`: how long the brokers keep a transaction open. All that is sent at once has to
    /// be there within it.
    #[serde(default = "default_transaction_timeout")]
    pub transaction_timeout: Millis,
    /// Which partition a message goes to.
    #[serde(default)]
    pub partitioner: Partitioner,
    #[serde(default)]
    pub compression: Compression,
    /// The longest message: what the topic's `max.message.bytes` says. A longer record is a bad one.
    #[serde(default = "default_max_message_bytes")]
    pub max_message_bytes: Bytes,
}

fn default_commits() -> String {
    "__weir_commits".to_owned()
}

fn default_transaction_timeout() -> Millis {
    Millis::seconds(60)
}

fn default_max_message_bytes() -> Bytes {
    Bytes(1_000_000)
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "KafkaDelivery")]
pub enum Guarantee {
    /// Once: in transactions. For those who read what is committed only.
    #[default]
    ExactlyOnce,
    /// Once, and again where an engine or a connection broke down meanwhile. Without transactions.
    AtLeastOnce,
    /// As they come, within milliseconds, and not once the commit is decided: what is rolled back was
    /// sent all the same, and what is read again is sent again.
    Immediate,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "KafkaPartitioner")]
pub enum Partitioner {
    /// By the key, as the clients in Java do; without a key by turns.
    #[default]
    Murmur2,
    /// By the key, as other clients of librdkafka do; without a key by turns.
    Crc32,
    /// By turns, whatever the key.
    Random,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "KafkaCompression")]
pub enum Compression {
    None,
    Gzip,
    Snappy,
    #[default]
    Lz4,
    Zstd,
}
