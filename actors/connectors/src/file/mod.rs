//! Files: a directory whose files are read once each, and a directory that files appear in whole.
//!
//! Invariants:
//! - F1: a published name never shows a file that is not whole: files are written under
//!   `.weir/`, made durable there, and get their name by one rename.
//! - F2: every action is a value and can be run any number of times: a staged file that is gone
//!   was published, an input file that is gone was moved, if it is gone from the very directory
//!   that it was in.
//! - F3: nothing that is not part of this connector is overwritten, but where `replace` says so.
//! - F4: nothing hidden is left behind: what a stream staged is published or discarded, and
//!   `.weir/` goes with the last file in it.
//! - F5: no name from the data leads out of the output directory, no symbolic link out of the
//!   input directory.
//!
//! It deliberately does not know the history: which files were processed is decided elsewhere.

mod action;
mod codes;
mod config;
mod disk;
mod effects;
mod identity;
mod listing;
mod output;
mod publish;
mod relocate;
mod reread;
mod settling;
mod sink;
mod sink_kind;
mod source;
mod source_kind;
mod staging;
mod target;
#[cfg(test)]
mod tests;
mod writer;

pub use config::{Existing, InputConfig, MoveConfig, OutputConfig, TargetRule};

use weir_stream::Registry;

pub use crate::whole::{Sort, WriteCompression};

/// The name of the source kind, the sink kind and the connector whose effects run the actions.
pub const NAME: &str = "file";

/// Adds the file source, the file sink and their effects.
#[must_use]
pub fn register(registry: Registry) -> Registry {
    registry.source(source_kind::Input).sink(sink_kind::Output).effects(NAME, effects::FileEffects)
}
