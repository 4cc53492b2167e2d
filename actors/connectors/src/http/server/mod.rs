//! The source `http`: a server that takes records.

mod config;
mod kind;
mod reader;
mod service;

pub use config::{Answer, ServerConfig};
pub(super) use kind::Server;
