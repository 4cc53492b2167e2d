//! Databases at both ends of workflows: what is written is there once, whatever is killed, on PostgreSQL,
//! MariaDB and SQLite.
//!
//! `WEIR_SEED` repeats the choices of a run, `WEIR_KILLS` sets how many kills there are.

mod enrich;
mod sample;
mod sink;
mod source;
pub(crate) mod store;
