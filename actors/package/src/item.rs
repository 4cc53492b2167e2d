//! The things that a deployment consists of, by the names that people know them by.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weir_domain::{AssetName, WorkflowName};

/// An asset: unique by its kind and name.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AssetId {
    /// As the front door names its kinds: `Source`, `Format` …
    pub kind: AssetName,
    pub name: AssetName,
}

impl fmt::Display for AssetId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.name)
    }
}

#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "camelCase", tag = "kind", content = "name")]
pub enum Item {
    /// Project, base directory, and the order of environments.
    Settings,
    Workflow(WorkflowName),
    Asset(AssetId),
    Script(String),
    Environment(AssetName),
    Secret(AssetName),
    Scheduler,
    Assignments,
}

impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Settings => f.write_str("the settings"),
            Self::Workflow(name) => write!(f, "workflow {name}"),
            Self::Asset(id) => write!(f, "asset {id}"),
            Self::Script(path) => write!(f, "script {path}"),
            Self::Environment(name) => write!(f, "environment {name}"),
            Self::Secret(name) => write!(f, "secret {name}"),
            Self::Scheduler => f.write_str("the scheduler settings"),
            Self::Assignments => f.write_str("the assignment settings"),
        }
    }
}
