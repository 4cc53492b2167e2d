//! Files that others append to: a live source of their lines, over rotations.
//!
//! ```text
//! app.log ─ renamed ─► app.log.1      the rest of it is read there, then app.log from its beginning
//! app.log ─ copied ──► app.log.1      truncated: the rest is read in the copy
//! ```
//!
//! Invariants:
//! - L1: a line is read once it has its end; what has none yet waits, until its file was rotated away.
//! - L2: a file is known by its inode and its first bytes, never by its name alone.
//! - L3: lines of a path are in the order in which they were written, over all of its files.
//!
//! Not here: compressed files. What was compressed before it was read is lost, and so is what was written
//! between a copy and the truncation after it; the log says that a file was gone.

mod codes;
mod config;
mod follow;
mod head;
mod kind;
mod lines;
mod reader;
mod rotated;

pub use config::{TailConfig, TailStart};

use weir_stream::Registry;

pub const NAME: &str = "tail";

/// Adds the source.
#[must_use]
pub fn register(registry: Registry) -> Registry {
    registry.source(kind::Tail)
}

#[cfg(test)]
mod tests;
