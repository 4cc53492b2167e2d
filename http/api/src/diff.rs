//! What differs between two deployments.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use weir_domain::DeploymentTag;

use crate::schema;

/// Which deployments to compare; `DeploymentRoot` is the empty one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct DiffQuery {
    #[param(value_type = schema::Name)]
    pub from: DeploymentTag,
    #[param(value_type = schema::Name)]
    pub to: DeploymentTag,
}

/// What must change to get from one deployment to the other.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = DeploymentDiff)]
pub struct DiffView {
    #[schema(value_type = schema::Name)]
    pub from: DeploymentTag,
    #[schema(value_type = schema::Name)]
    pub to: DeploymentTag,
    /// By item.
    pub changes: Vec<ItemChange>,
    /// Where relative paths begin, if that differs: it says where the two were built, and is none of the changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_dir: Option<MovedView>,
}

/// One thing in two places.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Moved)]
pub struct MovedView {
    pub before: String,
    pub after: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum ItemChangeKind {
    Added,
    Removed,
    Changed,
}

/// A workflow, an asset, a script … that differs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ItemChange {
    pub change: ItemChangeKind,
    /// As `workflow flights` or `asset Source files`.
    pub item: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub edits: Vec<EditView>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum EditKind {
    Added,
    Removed,
    Changed,
    /// The same keys or elements in another order.
    Reordered,
    /// Lines of a text.
    Lines,
    /// It differs, and that is all that is said: it is a secret.
    Hidden,
}

/// One field, or the lines of a text. Values that look like secrets are masked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Edit)]
pub struct EditView {
    pub edit: EditKind,
    /// The field; empty: the item itself.
    pub path: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub before: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub after: Option<Value>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<LineView>,
}

/// A line of a text that was added or removed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Line)]
pub struct LineView {
    pub added: bool,
    /// Counted from 1, in the text that has it.
    pub number: u32,
    pub text: String,
}
