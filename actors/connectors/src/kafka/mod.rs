//! Kafka: topics as a live source, and as a sink that sends each record once.
//!
//! Invariants:
//! - K1: a split is a partition, `TOPIC/PARTITION`, and its position the offset of the next message.
//!   Where to go on is known by the checkpoint alone; what a consumer group is told is for people.
//! - K2: partitions are assigned by hand: no group ever takes one away or gives one twice.
//! - K3: nothing is left out silently: what a broker deleted before it was read is a fault, or
//!   counted and logged where the configuration says so.

mod client;
mod codes;
mod commits;
mod config;
mod connection;
mod deliver;
mod line;
mod lookup;
mod producer;
mod reader;
mod sink;
mod sink_kind;
mod source;
mod source_kind;

pub use config::{SinkConfig, SourceConfig};
pub use connection::Connection;

use weir_stream::Registry;

use crate::outbox::Outgoing;

pub const NAME: &str = "kafka";

/// Adds the source and the sink.
#[must_use]
pub fn register(registry: Registry) -> Registry {
    registry
        .source(source_kind::Input)
        .sink(sink_kind::Output)
        .effects(NAME, Outgoing(deliver::Sender))
}
