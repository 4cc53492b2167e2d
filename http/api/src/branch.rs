//! Branches of a project, and how two of them become one.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Branch)]
pub struct BranchView {
    /// With the remote's name before it, if it is one of a remote.
    pub name: String,
    /// Its newest version.
    pub head: String,
    /// Whether the project is on it.
    pub is_current: bool,
    /// As a remote had it when it was asked last; it can be merged, and nothing else.
    pub is_remote: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BranchCreate {
    pub name: String,
    /// A version or a branch; without it where the project is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BranchRename {
    pub name: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct BranchDelete {
    /// Even if it has versions that the project's branch has not: they are lost. `if-match` says then
    /// which version was seen as its newest.
    #[serde(default)]
    pub force: bool,
}

/// What is to be merged into the branch that the project is on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MergeRequest {
    /// Here, or of a remote: `origin/main`.
    pub branch: String,
    /// Without it one that says what was merged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The author's address, as Git wants one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// What was decided about conflicts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decisions: Option<MergeDecisions>,
}

/// They hold for the two versions that they were made for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MergeDecisions {
    pub ours: String,
    pub theirs: String,
    #[serde(default)]
    pub conflicts: Vec<MergeDecision>,
}

/// What is to become of a conflict.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MergeDecision {
    /// The file.
    pub path: String,
    /// The field, as the conflict names it; absent where the file as a whole is in conflict.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    pub take: MergeTake,
    /// With `take: value`: of a field any value, of a file its text.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    #[schema(value_type = Option<Object>)]
    pub value: Value,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum MergeTake {
    Ours,
    Theirs,
    Value,
}

/// What a merge came to, or would come to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = MergeResult)]
pub struct MergeView {
    pub outcome: MergeOutcome,
    /// The version that the branch is at now; absent where nothing was changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The two versions that the conflicts are of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ours: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub theirs: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conflicts: Vec<MergeConflict>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum MergeOutcome {
    /// The branch has all of it already.
    Nothing,
    /// The branch had nothing of its own: it goes where the other one is.
    FastForward,
    Merged,
    /// Nothing was changed: send it again with a decision for each.
    Conflicts,
}

/// What both sides changed to something else. Values that are absent are not there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MergeConflict {
    /// The file.
    pub path: String,
    /// As `spec.stages[read].source`; absent: the file as a whole, whose texts the values are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// Why it can't be merged by fields.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub base: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub ours: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub theirs: Option<Value>,
}
