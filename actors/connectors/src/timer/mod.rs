//! The timer: a live source that makes a record at fixed times.
//!
//! Invariants:
//! - N1: which times there are depends on the configuration alone, not on when the timer began.
//! - N2: a position is the time of the last tick and how many there were: no time has two ticks.

mod codes;
mod config;
mod kind;
mod reader;
mod times;

pub use config::{Missed, TimerConfig};

use weir_stream::Registry;

pub const NAME: &str = "timer";

/// Adds the timer.
#[must_use]
pub fn register(registry: Registry) -> Registry {
    registry.source(kind::Timer)
}
