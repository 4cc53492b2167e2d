//! HTTP: a server that takes records (source `http`), questions that are asked again and again (source
//! `httpPoll`), and requests that carry records elsewhere (sink `http`).
//!
//! Invariants:
//! - W1: who was answered `committed` has its records in a checkpoint, with all their effects.
//! - W2: what the server holds is bounded; who finds it full is told when to come again.
//! - W3: an answer to a question is read as a whole, and the position says what is asked next.
//! - W4: a request that is sent again carries the same idempotency key and the same records.
//!
//! Not here: TLS of the server, which a proxy before it is for; and requests that are sent to it twice are
//! two: a `deduplicate` on a field from their idempotency key makes them one.

mod body;
mod client;
mod codes;
mod json;
mod poll;
mod server;
mod sink;

pub use body::BodyConfig;
pub use client::Connection;
pub use poll::{CursorConfig, PollConfig};
pub use server::{Answer, ServerConfig};
pub use sink::{Method, OnRefused, SinkConfig};

use weir_stream::Registry;

use crate::outbox::Outgoing;

pub const NAME: &str = "http";

/// Adds sources and sink.
#[must_use]
pub fn register(registry: Registry) -> Registry {
    registry
        .source(server::Server)
        .source(poll::Poll)
        .sink(sink::Output)
        .effects(NAME, Outgoing(sink::Sender::default()))
}
