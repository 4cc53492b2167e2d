//! Event-sourced actors: a behaviour decides, this host does the rest.
//!
//! A behaviour is a value with three pure functions (`EventSourced`). The host recovers it from
//! its journal, and then for each command: decide, append, apply, reply, and only then act.
//!
//! Invariants:
//! - H1: an event is applied after its append is known to be durable, never before; so the state
//!   in memory is at all times the fold of what is stored, and a failed append leaves no trace.
//! - H2: commands are carried out one at a time, in order of arrival.
//! - H3: whether a write happened is never guessed: an unknown outcome is read back.
//! - H4: an event that can't be read or applied stops the controller until a person acts.
//! - H5: one effect runs at most once at a time, and runs again until the state no longer owes it.
//!
//! One command is one append. Appends of several actors share a commit inside the store, so a
//! group within one actor would gain little and would need a state that can be taken back.

mod append;
mod behaviour;
mod codec;
mod command;
mod effects;
mod handle;
mod host;
mod recovery;
mod settings;
mod snapshots;
mod status;
mod work;

pub use behaviour::{Decision, EffectHandler, EventSourced, Form, NoEffects, Retention};
pub use codec::{Stored, Unreadable};
pub use handle::HostRef;
pub use settings::{HostSettings, HostSpec};
pub use status::HostStatus;

#[cfg(test)]
mod tests;
