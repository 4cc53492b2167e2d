//! What files and objects have in common: they are read as a whole, and appear as a whole.
//!
//! Which are meant and in which order, what their names are made of, when the next one begins, and what
//! can be said of all that before it runs.

pub(crate) mod checks;
pub(crate) mod codes;
mod config;
mod counter;
mod order;
mod output;
mod pattern;
mod rolling;
mod split;
mod template;

pub use config::WriteCompression;
pub(crate) use counter::numbered_path;
pub use order::Sort;
pub(crate) use order::sort;
pub(crate) use output::Staged;
pub(crate) use pattern::Pattern;
pub(crate) use rolling::{Named, Outputs, Rolling, Rules};
pub(crate) use split::Split;
pub(crate) use template::Template;

/// Where files are staged: no name of an output may lead there.
pub(crate) const HIDDEN: &str = ".weir";
