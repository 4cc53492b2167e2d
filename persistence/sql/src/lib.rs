//! Journal, snapshots, leases, item history and stream history on SQL.
//!
//! A dialect is a module here and a folder of statements in `schemas/sql/<dialect>`. What the
//! columns mean (`row`) and what proves a row whole (`checksum`) is shared by all dialects;
//! what an item may become is decided by `weir_persistence_api::item_rule`.
//!
//! No SQL stands in Rust code.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod checksum;
mod row;
pub mod sqlite;

pub use sqlite::{Settings, SqliteStore};
