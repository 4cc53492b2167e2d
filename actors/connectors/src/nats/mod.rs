//! NATS: messages of subjects (core), and of streams that keep them (JetStream).
//!
//! Invariants:
//! - J1: a stream is read by its sequence: the position alone says what comes next, and what the server
//!   remembers of a consumer decides nothing.
//! - J2: of one stream no message is read twice, and none is left out that it still has, whatever becomes of the
//!   connection. A stream that was made anew is not read as if it were the old one.
//! - J3: a message that is published again has the same `Nats-Msg-Id`: within the duplicate window of
//!   its stream it is there once. With `delivery: immediate` it has none: it is there at least once.
//!
//! Not here: core NATS keeps nothing. What a source of it had read and not committed is lost with its
//! engine, and what is published while it is away it never sees (at most once).

mod client;
mod codes;
mod config;
mod core;
mod deliver;
mod jetstream;
mod line;
mod sink;
mod sink_kind;
mod source_kind;

pub use config::{Connection, Deliver, SinkConfig, SourceConfig, Tls};

use weir_stream::Registry;

use crate::outbox::Outgoing;

pub const NAME: &str = "nats";

/// Adds source and sink.
#[must_use]
pub fn register(registry: Registry) -> Registry {
    registry
        .source(source_kind::Input)
        .sink(sink_kind::Output)
        .effects(NAME, Outgoing(deliver::Publisher))
}
