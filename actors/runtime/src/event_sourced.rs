//! Event-sourced actors: a behaviour decides, this host does the rest.
//!
//! A behaviour is a value with three pure functions (`EventSourced`). The host recovers it from
//! its journal, and then for each command: decide, append, apply, reply, and only then act.
//!
//! Invariants:
//! - H1: an event is applied after its append is known to be durable, never before; so the state
//!   in memory is at all times the fold of what is stored, and a failed append leaves no trace.
//! - H2: commands are decided one at a time, in order of arrival, each on the state that those
//!   before it lead to.
//! - H3: whether a write happened is never guessed: an unknown outcome is read back.
//! - H4: an event that can't be read or applied stops the controller until a person acts.
//! - H5: one effect runs at most once at a time, and runs again until the state no longer owes it.
//! - H6: a command whose id is in the journal is not decided again; its answer is where it stands.
//! - H7: while it is held from outside (its lease may have passed on) it takes no command, begins
//!   no effect and cancels those that run; it goes on from the state that it has.
//! - H8: on a journal that lost what this process knows to be durable nothing is built, neither by
//!   this host (no event, no snapshot) nor by one that is started anew.
//!
//! The commands that wait together are one append. Appends of several actors share a commit
//! inside the store.

mod append;
mod behaviour;
mod codec;
mod command;
mod commands;
mod effects;
mod group;
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
