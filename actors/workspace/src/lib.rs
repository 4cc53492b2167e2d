//! Projects on the configuration server's file system: directories of assets, and changing them.
//!
//! ```text
//! register: which projects there are ─► project: its assets ─► one asset: text, digest, references
//! ```
//!
//! Invariants:
//! - W1: a file is the old one or the new one, whenever the process or the machine dies: what is written is
//!   complete on the disk before it takes the name.
//! - W2: nobody's change is lost: who writes says which text was read, and is shown what others made of it
//!   meanwhile, whoever they are. Only an editor that saves in the same instant is not seen.
//! - W3: nothing outside a project's directory is read or written, whatever names and links say.
//! - W4: what is stored is an asset: a version and a kind that are known, and a name of its own. What
//!   is wrong inside of it is shown, and keeps nobody from storing it.
//! - W5: a name that others use leads somewhere: it is changed with them, and not deleted before they are.
//! - W6: people's texts stay as they wrote them: where a name is changed, nothing else is.
//!
//! The disk is asked at every question, so that what editors and Git change is seen. Everything here
//! blocks: callers run it where that is allowed. What a project means is not known here.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod archive;
mod asset_path;
mod assets;
mod disk;
mod error;
mod projects;
mod register;
mod rename;
mod scalar;
mod seen;
mod snapshot;
mod snippets;
mod stages;
mod stamp;
mod take;
mod walk;
mod watch;
mod write;

#[cfg(test)]
mod tests;

pub use assets::{Asset, Usage};
pub use error::{Conflict, Error, FieldConflict, Result};
pub use projects::{Home, NewProject, ProjectDir, Workspace};
pub use rename::Renamed;
pub use snapshot::Snapshot;
pub use snippets::{Cut, Inserted, Insertion};
pub use stamp::Stamp;
pub use take::{Copied, Taken};
pub use watch::Watch;
pub use write::Based;
