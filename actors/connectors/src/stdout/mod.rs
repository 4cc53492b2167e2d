//! Standard output: a sink that prints records as lines of JSON, for trying out.
//!
//! Invariants:
//! - U1: what is printed was committed; a crash in the middle of it prints it again (at least once).

mod deliver;
mod sink;

pub use sink::StdoutConfig;

use weir_stream::Registry;

use crate::outbox::Outgoing;

pub const NAME: &str = "stdout";

/// Adds the sink.
#[must_use]
pub fn register(registry: Registry) -> Registry {
    registry.sink(sink::Stdout).effects(NAME, Outgoing(deliver::Printer))
}
