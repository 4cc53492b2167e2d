//! YAML as a person wrote it: what it says, and where each part of it stands.
//!
//! `weir_conf` decides whether a text is YAML at all and what it means; this room only remembers the
//! spans, so that a field can be changed and everything around it stays as it is.

mod edit;
mod emit;
mod scan;
mod tree;

pub(crate) use edit::{Edit, Source, apply};
pub(crate) use tree::{Node, Tree, alike, identity, in_order, items_by_identity, same};

/// A text that says this value.
#[cfg(test)]
pub(crate) fn whole(value: &serde_json::Value) -> String {
    emit::block(value, 0) + "\n"
}
