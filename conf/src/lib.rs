//! Configuration: HOCON and YAML documents, located, read into typed settings.
//!
//! A text becomes a [`Document`]: a tree in which every node knows where it was written. [`read`]
//! turns a document into a typed value or into *all* findings of the document, each with file, line,
//! column, path, cause and fix. [`Settings`] is the configuration of a process.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod document;
pub mod hocon;
mod network;
mod path;
mod read;
mod secret;
pub mod settings;
pub mod yaml;

pub use document::{Document, Kind, Node, Value};
pub use network::Network;
pub use read::{read, read_at};
pub use secret::Secret;
pub use settings::Settings;
