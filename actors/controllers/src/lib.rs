//! The cluster singletons: each is one actor with a lease of its own, one module each.
//!
//! Invariants:
//! - C1: whatever a controller writes carries the epoch of its lease; the store refuses an older one.
//! - C2: an answer is given only for what is durable.

pub mod access;
pub mod deployments;
mod lease;
pub mod streams;

pub use lease::{Leases, NotGranted};
