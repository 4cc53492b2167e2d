//! Fixed width: records of text in which each column has its place.
//!
//! Places count characters. The columns of a batch are cut out as text first and then parsed as a
//! whole, so that every bad record of it is known after one pass.

mod config;
mod decode;
mod encode;
mod layout;

pub use config::{Align, FixedWidthColumn, FixedWidthConfig, PadChar, Trim};
pub(crate) use decode::decode;
pub(crate) use encode::encode;
