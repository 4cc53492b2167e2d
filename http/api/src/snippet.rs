//! Snippets: stages that are put into workflows, and made of them.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{AssetView, FindingView};

/// A snippet is to be put into a workflow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SnippetInsert {
    /// The path of the snippet, in the same project.
    pub snippet: String,
    /// The stage that feeds what the snippet leaves open, as `route` or `route.late`. Without it that stays open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// A stage that `after` feeds: the snippet feeds it instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// What the names of its stages begin with. A name that is taken is numbered, whatever it begins with.
    #[serde(default)]
    pub prefix: String,
    /// Shows what that would give, and writes nothing.
    #[serde(default)]
    pub dry_run: bool,
}

/// A workflow with the stages of a snippet in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SnippetInserted {
    /// The workflow as it is now, or would be.
    pub workflow: AssetView,
    pub stages: Vec<SnippetStage>,
    /// What is wrong with the project now and was not before: inputs and outputs that are still open, fields that
    /// are not there.
    pub findings: Vec<FindingView>,
    pub dry_run: bool,
}

/// A stage of a snippet in a workflow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SnippetStage {
    /// What it is called in the snippet.
    pub of: String,
    /// What it is called in the workflow.
    pub name: String,
}

/// Stages of a workflow are to be a snippet. The workflow stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SnippetCut {
    /// The names of the stages, one at least. What feeds them from elsewhere is left open.
    pub stages: Vec<String>,
    /// The name of the snippet, which no other one has: it is written to `snippets/NAME.yaml`.
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Shows what that would give, and writes nothing.
    #[serde(default)]
    pub dry_run: bool,
}
