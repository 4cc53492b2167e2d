//! The workflow front door: a directory of YAML assets becomes plans.
//!
//! ```text
//! files -> assets -> made whole -> environment values put in -> references resolved -> plans -> checked
//!                                                                            with their assets -> parts of a package
//! ```
//!
//! Invariants:
//! - P1: one pass reports everything that is wrong, each thing once, where a person wrote it.
//! - P2: a project exists only when nothing is wrong with it; warnings do not count.
//! - P3: equal content has an equal digest, wherever in the files it stands.
//! - P4: nothing outside the project directory is read, whatever links lie in it.
//!
//! What a stage's configuration means is known to its kind, in the registry; this crate carries it.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod asset;
mod case;
mod check;
mod config;
mod dead_letters;
mod decode;
mod digest;
mod environment;
mod files;
mod inherit;
mod library;
mod load;
mod parts;
mod path;
mod references;
mod schema;
mod secrets;
mod spec;
mod substitute;
mod survey;
mod targets;
mod workflow;

#[cfg(test)]
mod tests;

pub use asset::AssetKind;
pub use case::{Case, Expected, ExpectedRecords, Fields, Given, Order, Outlet, Piece, Row, Test};
pub use digest::digest;
pub use files::{Drafts, PROJECT_FILE};
pub use load::{Loaded, Project, load, load_drafts, load_drafts_in, load_in, load_with, name};
pub use parts::UnknownWorkflow;
pub use schema::json_schemas;
pub use survey::{
    Effective, Frame, Reference, Spelling, Survey, Surveyed, effective, excluded, read_text,
    survey, survey_text,
};
