//! The cluster singletons, one module each: what it is asked, where it lives, and the way to it.
//!
//! Invariants:
//! - C1: whatever a controller writes carries the epoch of its lease; the store refuses an older one.
//! - C2: an answer is given only for what is durable.

#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod access;
pub mod alarms;
mod answer;
pub mod audit;
mod author;
pub mod deployments;
pub mod fleet;
mod instance;
pub mod keys;
mod line;
pub mod resources;
pub mod scheduler;
pub mod streams;
#[cfg(test)]
mod testing;
mod text;
mod transit;
pub mod users;

#[cfg(test)]
mod tests;

pub use author::{Author, Sender};
pub use text::TooLong;
