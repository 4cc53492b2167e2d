//! Journal, snapshots, leases, members, item history, stream history, objects and blobs on SQL.
//!
//! A dialect is a folder of statements in `schemas/sql/<dialect>` and a module here: SQLite for a
//! single host, MariaDB/MySQL and PostgreSQL for a cluster. What the servers have in common is
//! `server`. What the columns mean (`row`) and what proves a row whole (`checksum`) is shared by
//! all; what an item may become is decided by `weir_persistence_api::item_rule`.
//!
//! No SQL stands in Rust code.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod backend;
mod blob;
mod checksum;
mod mysql;
mod object;
mod postgres;
mod row;
mod said;
mod server;
pub mod sqlite;

pub use backend::{Backend, Database, Kind, migrate, open, plan, verify};
pub use server::{Password, ServerSettings, Tls};
pub use sqlite::{Settings, SqliteStore};
