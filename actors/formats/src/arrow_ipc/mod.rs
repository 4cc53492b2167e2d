//! Arrow IPC: batches as Arrow keeps them in memory, one message after the other.
//!
//! A file differs from a stream by what stands around the messages: a magic before, a footer and the
//! magic behind. Both are read from front to back, so that either may be compressed as a whole.

mod config;
mod read;
mod write;

pub use config::{ArrowCompression, ArrowConfig, ArrowLayout};
pub(crate) use read::open;
pub(crate) use write::create;

/// What a file begins with, filled up to eight bytes, and ends with.
const MAGIC: &[u8] = b"ARROW1";
