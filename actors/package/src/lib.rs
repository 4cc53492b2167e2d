//! Packages: what a cluster is to run, as one file that says itself what is in it.
//!
//! ```text
//! parts of a project ─► Package ─► file ─► Reader ─► objects by digest, wherever they are kept
//! ```
//!
//! Invariants:
//! - K1: equal content has an equal digest, whatever its tag, description, author, time or order.
//! - K2: the bytes of a package follow from its content, its details and its signer alone.
//! - K3: nothing of a file is handed out before it was proven to be what its signer wrote.
//! - K4: reading takes the memory of the manifest and one object, whatever a file claims to hold.
//! - K5: a workflow whose digest is the same means the same to an engine: it may go on running.
//!
//! Secrets are ciphertext here: nobody in this room can read one. Where objects are kept, and which
//! deployment runs where, is no question of a package. `docs/packages.md` has the format.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod build;
mod content;
mod diff;
mod error;
mod item;
mod limits;
mod manifest;
mod package;
mod path;
mod read;
mod selection;
mod settings;
mod sign;
mod switch;
mod write;

#[cfg(test)]
mod tests;

pub use build::{Asset, Environment, Parts, Script, Secret, Workflow};
pub use content::{AssetEntry, Content, NamedEntry, ScriptEntry, WorkflowEntry};
pub use diff::{Change, Diff, Edit, Line, Moved};
pub use error::{Error, Result};
pub use item::{AssetId, Item};
pub use limits::Limits;
pub use manifest::{Details, Manifest, ObjectEntry};
pub use package::{Contents, Package};
pub use read::{Object, Reader};
pub use selection::Selection;
pub use settings::{AssignmentSettings, RoleRule};
pub use sign::{Signer, SignerKey, Trust};
pub use switch::Switch;
