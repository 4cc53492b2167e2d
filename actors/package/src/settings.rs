//! Which deployment runs where: rules that a package may bring, and that a cluster keeps.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weir_domain::{DeploymentTag, NodeName};

/// Nodes that have the role run this.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RoleRule {
    pub role: String,
    pub tag: DeploymentTag,
}

/// A node's own rule comes before the first role rule that fits, and that before the default.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct AssignmentSettings {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default: Option<DeploymentTag>,
    pub roles: Vec<RoleRule>,
    pub nodes: BTreeMap<NodeName, DeploymentTag>,
}
