//! Checkpoints: what makes a pipeline's output exactly once, whatever is killed.
//!
//! ```text
//!  coordinator                     every stage                         the store of blobs
//!  announce(N) ──── mailbox ─────► source: sends barrier N
//!                                  others: align barriers, snapshot,
//!  all aligned ◄── Aligned(N) ──── barrier N goes on; data flows on
//!                                  encode, upload ───────────────────► state/…, staged/…
//!  all durable ◄── Reported(N) ───
//!  ─────────────────────────────────────────────────────────────────► manifests/N
//!  the claim: created if absent, behind all that is there ──────────► log/SLOT
//!  no later generation? ────────────────────────────────────────────► generations/G+1
//!  permit(N) ───── mailbox ──────► sinks publish; sources acknowledge
//!  all published ◄ Published(N) ──
//!  ─────────────────────────────────────────────────────────────────► committed/N
//! ```
//!
//! How a pipeline uses it: [`Checkpoints::recover`] makes it the coordinator and says what to
//! restore; [`fit`](fit::fit) whether that fits the plan; [`Coordinator`] decides from then on, and
//! whoever drives it does its effects: those on the store through [`Checkpoints::perform`], the
//! others as messages to the stages. A stage has an [`Aligner`] for its inputs, its tables
//! ([`table`]) with a [`Chain`](table::Chain) each, and, if it publishes, a [`Prepared`]. On a timer
//! the driver triggers epochs, does [`Coordinator::outstanding`] again, reports epochs as overdue,
//! and collects garbage ([`Checkpoints::collect`]).
//!
//! The modules but [`store`] are values and functions on values: no I/O, no clock, no waiting. So
//! all of the protocol is simulated, with crashes between any two of its steps.
//!
//! Jobs that are restored together, as the lanes of a workflow, are a [`group`].
//!
//! What records look like, what a connector publishes, and who sends messages to whom is no matter
//! of this room: it never sees Arrow, and no actor.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod envelope;
mod epoch;
mod error;
mod layout;
mod manifest;
mod record;

mod align;
mod permit;
mod prepared;

mod collect;
mod coordinator;
pub mod fit;
pub mod group;
mod recover;
mod view;

pub mod store;
pub mod table;

#[cfg(test)]
mod disk;
#[cfg(test)]
mod simulation;

pub use align::{Aligner, Move};
pub use collect::{Garbage, Retention, collect};
pub use coordinator::{
    Abandonment, Coordinator, Effect, Input, Pipeline, Refusal, Stored, Trigger,
};
pub use envelope::Unreadable;
pub use epoch::{Epoch, Generation, InvalidEpoch, Slot};
pub use error::{Error, Result};
pub use layout::Layout;
pub use manifest::{
    Committable, EpochKind, INLINE_BYTES_MAX, Manifest, PartKind, PartRef, StageManifest,
    TableManifest, Upload,
};
pub use permit::CommitPermit;
pub use prepared::{Deposed, Prepared};
pub use record::{Claim, GenerationRecord, Marker, Record, Savepoint, Writer};
pub use recover::{Recovered, Recovery, RestoreFrom};
pub use store::{Checkpoints, CrashPoint, Group, Retry, reach};
pub use view::{Step, View};
