//! Objects of S3 and what speaks like it, of Google Cloud Storage and of Azure: those below a prefix,
//! read once each, and such that appear whole.
//!
//! ```text
//! write ─► parts of an upload ─ prepare ─► Publish ─ complete ─► the object is there
//!              └─► note in the staging area, with the upload's id ─► removed last
//!                                          Discard ─ abort ─────► parts are gone
//! ```
//!
//! Invariants:
//! - B1: nothing is visible before it is published: an object is uploaded in parts, which the store shows
//!   nobody until the upload is completed, by one request.
//! - B2: every action can be run any number of times. A note that is gone was published or discarded. An
//!   upload that is gone while its note is there was completed, if the object is there with the very same
//!   content; if not, somebody is told.
//! - B3: an upload is noted before its first part, so that whatever is killed, somebody gives it up.
//! - B4: with `onExisting: fail` no object is completed over one that is there.
//! - B5: all bytes that are read are of the object that was listed: by its entity tag, which every answer is
//!   compared with. What is another object by now stays where it is.
//! - B6: memory is bounded: by a part for each open output, by a range for what is read.
//!
//! It deliberately does not know the history: which objects were processed is decided elsewhere.

mod action;
mod codes;
mod config;
mod connection;
mod content;
mod effects;
mod finish;
mod identity;
mod note;
mod publish;
mod sink;
mod sink_kind;
mod source;
mod source_kind;
mod store;
#[cfg(test)]
mod tests;
mod upload;

pub use config::{Finished, InputConfig, OnExisting, OutputConfig};
pub use connection::{Azure, Connection, Gcs, S3};

use weir_stream::Registry;

/// The name of the source kind, the sink kind and the connector whose effects run the actions.
pub const NAME: &str = "objects";

/// Adds the source and the sink of objects, and their effects.
#[must_use]
pub fn register(registry: Registry) -> Registry {
    registry
        .source(source_kind::Input)
        .sink(sink_kind::Output)
        .effects(NAME, effects::ObjectEffects)
}
