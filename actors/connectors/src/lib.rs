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
pub mod objects;
mod outbox;
mod private;
pub mod sql;
pub mod stdout;
pub mod tail;
pub mod tcp;
pub mod timer;
mod whole;

use std::error::Error;
use std::io;
use std::net::SocketAddr;

use weir_domain::{Fault, Finding, Place};

/// A finding whose place is filled in by whoever knows it.
fn finding(code: u32, path: impl Into<String>, cause: impl Into<String>) -> Finding {
    Finding::error(code, Place::default(), path, cause)
}

/// An error with what led to it, in one line: many say their causes themselves, so each is said once.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let more = cause.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        next = cause.source();
    }
    text
}

/// Why an address can't be listened on that stands under this key.
fn not_bound(code: u32, key: &str, bind: SocketAddr, error: &io::Error) -> Fault {
    let message = format!("{bind} can't be listened on: {error}");
    match error.kind() {
        io::ErrorKind::AddrInUse => Fault::transient(code, message)
            .with_hint("another process or workflow listens there: choose another port"),
        _ => Fault::config(code, message).with_hint(format!(
            "`{key}` is an address of this machine and a port that we may have"
        )),
    }
}
