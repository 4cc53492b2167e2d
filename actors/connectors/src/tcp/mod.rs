//! TCP: a live source of frames that come over connections, which it listens for or makes.
//!
//! Invariants:
//! - E1: what is held is bounded: connections, the length of a frame, and frames that nobody took yet. Who
//!   sends faster waits.
//! - E2: a connection whose frames are lost is closed; what came before is good.
//!
//! Nobody answers on a connection, so nothing is read twice: what was taken and not committed is lost
//! with the engine, and so is what the kernel had (at most once).

mod codes;
mod config;
mod connections;
mod frames;
mod kind;
mod reader;

pub use config::TcpConfig;

use weir_stream::Registry;

pub const NAME: &str = "tcp";

/// Adds the source.
#[must_use]
pub fn register(registry: Registry) -> Registry {
    registry.source(kind::Tcp)
}
