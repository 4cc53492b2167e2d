//! Raw: a record is its bytes, or its text, in one column.

mod config;
mod decode;
mod encode;

pub use config::{RawConfig, RawContent};
pub(crate) use decode::decode;
pub(crate) use encode::encode;
