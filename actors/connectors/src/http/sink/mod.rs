//! The sink `http`: requests that carry records elsewhere.

mod config;
mod deliver;
mod kind;
mod requests;
mod write;

pub use config::{Method, OnRefused, SinkConfig};
pub(super) use deliver::Sender;
pub(super) use kind::Output;
