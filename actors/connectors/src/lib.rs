//! Connectors: one folder per system with config, source and sink.
//!
//! A connector knows the outside world and its traps; what a stream is, and when it commits, is
//! the pipeline's business. Adding one is a folder here and one line where the registry is built.

pub mod file;
pub mod generator;
pub mod http;
mod idle;
pub mod kafka;
pub mod messages;
pub mod nats;
mod outbox;
mod private;
pub mod sql;
pub mod stdout;
pub mod tail;
pub mod tcp;
pub mod timer;

use weir_domain::{Finding, Place};

/// A finding whose place is filled in by whoever knows it.
fn finding(code: u32, path: impl Into<String>, cause: impl Into<String>) -> Finding {
    Finding::error(code, Place::default(), path, cause)
}
