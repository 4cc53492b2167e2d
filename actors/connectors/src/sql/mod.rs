//! SQL databases: PostgreSQL, MySQL and MariaDB, and SQLite.
//!
//! ```text
//! write ─► judged by the catalog ─► outbox ─ publish ─► one transaction: lock the job's row, rows, note ─► commit
//! ```
//!
//! Invariants:
//! - Q1: the rows of an outbox and the note that they were written are one transaction.
//! - Q2: who delivers an outbox that was written, or that later ones of its job have followed, changes
//!   nothing.
//! - Q3: no secret is in what is stored or said: of a connection only the database, its host and the user.
//! - Q4: values reach the database as parameters, names quoted.
//!
//! It deliberately does not change tables, but for making one that is missing where that is asked for.

mod answer;
mod catalog;
mod codes;
mod commits;
mod config;
mod connection;
mod create;
mod deliver;
mod enrich;
mod enrich_config;
mod entry;
mod error;
mod fit;
mod kind;
mod lookup;
mod query;
mod reader;
mod rows;
mod session;
mod sink;
mod source;
mod source_config;
mod statement;
mod table;
#[cfg(test)]
mod tests;
mod value;

pub use config::{Mode, OutputConfig};
pub use connection::{ConnectionConfig, DatabaseKind, Hidden, TlsMode};
pub use enrich_config::{CacheConfig, EnrichConfig, Missing};
pub use source_config::InputConfig;

use weir_stream::Registry;

use crate::outbox::Outgoing;

/// The name of the source kind, the sink kind and of the connector whose effects run the actions.
pub const NAME: &str = "sql";

/// Adds the SQL source, the operator that looks rows up, the SQL sink and its effects.
#[must_use]
pub fn register(registry: Registry) -> Registry {
    let sessions = session::Sessions::default();
    let writer = deliver::Writer { sessions: sessions.clone() };
    let source = source::Input { sessions: sessions.clone() };
    let enrich = enrich::Enrich { sessions: sessions.clone() };
    let registry = registry.source(source).operator(enrich);
    registry.sink(kind::Output { sessions }).effects(NAME, Outgoing(writer))
}
