//! JSON: objects on lines or in one array.
//!
//! Arrow's decoder is lenient about commas between values; a record that it reads is taken.

mod column;
mod infer;
mod message;
mod read;
mod rows;
mod split;
mod straight;
mod token;
mod whole;
mod write;

pub(crate) use infer::{Unkept, unkept};
pub(crate) use message::{decode, encode};
pub(crate) use read::open;
pub(crate) use write::create;
