//! The source `httpPoll`: a question that is asked again and again.

mod config;
mod kind;
mod reader;

pub use config::{CursorConfig, PollConfig};
pub(super) use kind::Poll;

/// The kind of source.
const NAME: &str = "httpPoll";
