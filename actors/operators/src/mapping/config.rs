//! How a mapping is written.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::expression::Text;
use crate::ordered::Ordered;

/// Computes, renames and drops fields. In this order: `rename`, `set`, then `drop`, so that
/// expressions see the new names and may use fields that are dropped afterwards.
///
/// A name with dots is a path: `origin.city` is the field `city` inside `origin`. A name that has
/// a dot itself stands in double quotes inside the text: `'"a.b"'`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct MappingConfig {
    pub mode: Mode,
    /// Only with `mode: select`: input fields to keep, in this order.
    pub keep: Vec<String>,
    /// Old name to new name. A new path elsewhere moves the field: `origin.city: city`.
    pub rename: Ordered<String>,
    /// Field to expression, computed in this order; a later one may use an earlier one. An
    /// existing field is replaced in its place, a new one is appended.
    pub set: Ordered<Text>,
    /// Fields to leave out. A record that loses its last field disappears with it.
    pub drop: Vec<String>,
}

/// Which fields a mapping hands on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Mode {
    /// All of them, and what was set.
    #[default]
    Extend,
    /// Only those that `keep`, `rename` and `set` name, in this order.
    Select,
}
