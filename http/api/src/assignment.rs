//! Which node runs which deployment: rules, what they come to, and canaries.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use weir_domain::{DeploymentTag, NodeName, Timestamp};

use crate::{FaultView, schema};

/// The rules. A node's own comes before the first role rule that fits, and that before the default.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Assignments)]
pub struct AssignmentsView {
    /// Grows with every change; `if-match` takes it.
    pub revision: u64,
    #[schema(value_type = schema::Name)]
    pub default: DeploymentTag,
    /// In the order in which they are tried.
    pub roles: Vec<RoleAssignment>,
    /// By node.
    pub nodes: Vec<NodeAssignment>,
}

/// Nodes that have the role run this.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RoleAssignment {
    pub role: String,
    #[schema(value_type = schema::Name)]
    pub tag: DeploymentTag,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NodeAssignment {
    #[schema(value_type = schema::Name)]
    pub node: NodeName,
    #[schema(value_type = schema::Name)]
    pub tag: DeploymentTag,
}

/// All role rules, in the order in which they are tried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RoleAssignments {
    pub roles: Vec<RoleAssignment>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum DecidingRule {
    Canary,
    Node,
    Role,
    Default,
}

/// Which rule decides what a node runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Why)]
pub struct WhyView {
    pub rule: DecidingRule,
    /// Which of the role rules, counted from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// In words.
    pub text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum ActivationState {
    /// It runs what it should.
    Active,
    /// It does not run what it should yet.
    Switching,
    /// It could not begin to run what it should.
    Failed,
}

/// What a node should run, what it runs, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Activation)]
pub struct ActivationView {
    #[schema(value_type = schema::Name)]
    pub node: NodeName,
    pub roles: Vec<String>,
    pub state: ActivationState,
    #[schema(value_type = schema::Name)]
    pub target: DeploymentTag,
    #[schema(value_type = schema::Timestamp)]
    pub target_since: Timestamp,
    /// What it said that it runs; absent: nothing, or it has not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Name>)]
    pub current: Option<DeploymentTag>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Timestamp>)]
    pub current_since: Option<Timestamp>,
    pub why: WhyView,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<ActivationFailureView>,
}

/// Why a node does not run its target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ActivationFailure)]
pub struct ActivationFailureView {
    #[schema(value_type = schema::Name)]
    pub target: DeploymentTag,
    #[schema(value_type = schema::Timestamp)]
    pub at: Timestamp,
    pub cause: FaultView,
}

/// A deployment that runs on a few nodes before it becomes the default.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CanaryStart {
    #[schema(value_type = schema::Name)]
    pub tag: DeploymentTag,
    /// On how many of the nodes that run the default.
    #[schema(minimum = 1)]
    pub nodes: u32,
    /// How long it must do well before it is promoted.
    pub bake_ms: u64,
    /// Records that may fail, of each million.
    #[schema(maximum = 1_000_000)]
    pub errors_per_million_max: u32,
    /// It is not promoted before so many records were processed.
    #[serde(default)]
    pub records_min: u64,
}

/// A canary that runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Canary)]
pub struct CanaryView {
    #[schema(value_type = schema::Name)]
    pub tag: DeploymentTag,
    #[schema(value_type = Vec<schema::Name>)]
    pub nodes: Vec<NodeName>,
    #[schema(value_type = schema::Timestamp)]
    pub started_at: Timestamp,
    /// Since when all its nodes run it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Timestamp>)]
    pub baking_since: Option<Timestamp>,
    pub bake_ms: u64,
    pub errors_per_million_max: u32,
    pub records_min: u64,
}

/// The canary, if one runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CanaryStatus {
    /// Grows with every change; `if-match` takes it.
    pub revision: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub canary: Option<CanaryView>,
    /// Records that its nodes have processed since it began, together; absent until one of them has told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub records: Option<u64>,
    /// Those of them that failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub errors: Option<u64>,
    /// What its nodes do.
    pub activations: Vec<ActivationView>,
    /// What became of canaries lately, oldest first.
    pub recent: Vec<crate::RecentChangeView>,
}
