//! Three versions of an asset's text become one: field by field, and as it was written.
//!
//! Whoever edits one text with others (the workspace) and whoever brings branches together (the versions) merges here.
//! Pure: texts in, a text or conflicts out.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod fields;
mod lines;
mod path;
mod yaml;

pub use fields::{Choice, Choices, FieldConflict, Merged, merge};
pub use lines::merge_edits;
pub use path::{FieldPath, Step};
