//! Operators: what happens to records between a source and a sink.
//!
//! Each kind is a folder or file of its own: its configuration, its check against a schema, and
//! the operator itself, a function over batches without I/O. Expressions are compiled once, when
//! a workflow starts.
//!
//! Invariants:
//! - O1: every record of a batch is emitted, refused with a reason, or left out by a rule that
//!   says so.
//! - O2: a record that fails never takes the others of its batch with it.

#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod aggregate;
pub mod boundary;
mod condition;
pub mod deduplicate;
pub mod dev_null;
mod expression;
pub mod filter_route;
mod groups;
mod keys;
pub mod mapping;
mod ordered;
mod path;
mod remembered_types;
pub mod throttle;

pub use condition::conditions;

#[cfg(test)]
mod testing;
