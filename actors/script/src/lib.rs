//! Scripts: the processor `javascript`, which runs a script of its author's for each record.
//!
//! ```text
//! batch ─► row objects, read lazily ─► onMessage ─► emit, return ─► batches by port
//! ```
//!
//! The interpreter is QuickJS, within the process, and a script reaches nothing but its records and
//! the log: no files, no network, no modules. Each has a limit of time and one of memory; what goes
//! wrong in it is said with file, line and column. What values become is in docs/scripts.md.
//!
//! An engine lives from stream to stream of its instance, so that a script can keep what is costly to
//! make. It is no place for what must not be lost: it ends with its instance.

#![cfg_attr(test, allow(clippy::unwrap_used))]
#![allow(elided_lifetimes_in_paths, reason = "`derive(JsLifetime)` writes them so")]

mod ceiling;
mod cell;
mod config;
mod console;
mod engine;
mod from_js;
mod kind;
mod operator;
mod outbox;
mod program;
mod row;
mod shape;
mod thrown;
mod to_js;
mod watch;
mod work;

#[cfg(test)]
mod tests;

pub use ceiling::{Ceiling, JavaScriptWithin};
pub use config::{JavaScriptConfig, LimitsConfig, OutputConfig, Script, ScriptFile};
pub use kind::JavaScriptKind;
