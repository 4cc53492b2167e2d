//! The generator: a live source that makes records up, for trying out and for measuring.
//!
//! Invariants:
//! - N1: the record of a number in a partition is the same whenever it is made: what is read again
//!   after a restart is what was read before.
//! - N2: a position is how many records of a partition were made.

mod config;
mod kind;
mod reader;
mod values;

pub use config::{FieldConfig, GeneratorConfig};

use weir_stream::Registry;

pub const NAME: &str = "generator";

/// Adds the generator.
#[must_use]
pub fn register(registry: Registry) -> Registry {
    registry.source(kind::Generator)
}
