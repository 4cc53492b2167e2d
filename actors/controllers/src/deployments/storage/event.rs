//! What happened: stored for ever.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};
use weir_domain::{DeploymentTag, Fault, Incarnation, NodeName, Timestamp};
use weir_package::RoleRule;
use weir_persistence_api::ObjectTotals;

use super::{CanaryPlan, NewDeployment, Processed};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    pub at: Timestamp,
    /// Empty where no administrator did it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub by: String,
    pub fact: Fact,
}

/// Add variants and optional fields; never change the meaning of one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Fact {
    Stored {
        deployment: Box<NewDeployment>,
        /// What no deployment had before.
        new: ObjectTotals,
    },
    Deleted {
        tag: DeploymentTag,
    },
    DefaultSet {
        tag: DeploymentTag,
    },
    RolledBack {
        from: DeploymentTag,
        to: DeploymentTag,
    },
    Assigned {
        node: NodeName,
        tag: DeploymentTag,
    },
    Unassigned {
        node: NodeName,
    },
    RolesSet {
        rules: Vec<RoleRule>,
    },
    CanaryStarted {
        plan: CanaryPlan,
        nodes: BTreeSet<NodeName>,
    },
    CanaryPromoted {
        tag: DeploymentTag,
        why: String,
    },
    CanaryEnded {
        tag: DeploymentTag,
        why: String,
    },
    /// This life of a node has processed an eighth more, or an eighth more has failed. It was noted only where something
    /// had failed once, and called so.
    #[serde(alias = "CanaryFailures")]
    CanaryProcessed {
        node: Incarnation,
        /// In all, since the canary began.
        processed: Processed,
    },
    NodeSeen {
        node: NodeName,
        roles: BTreeSet<String>,
    },
    NodeGone {
        node: NodeName,
    },
    Activated {
        node: NodeName,
        tag: DeploymentTag,
    },
    ActivationFailed {
        node: NodeName,
        target: DeploymentTag,
        cause: Fault,
    },
    /// The scheduler has the settings of the default, or has refused them.
    Scheduled {
        activation: u64,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        refusal: Option<String>,
    },
    Swept,
}

impl Event {
    /// Whether it changes what administrators see and decide on.
    pub fn is_change(&self) -> bool {
        self.fact.is_change()
    }
}

impl Fact {
    /// Whether it changes what administrators see and decide on.
    pub(super) fn is_change(&self) -> bool {
        match self {
            Self::Stored { .. }
            | Self::Deleted { .. }
            | Self::DefaultSet { .. }
            | Self::RolledBack { .. }
            | Self::Assigned { .. }
            | Self::Unassigned { .. }
            | Self::RolesSet { .. }
            | Self::CanaryStarted { .. }
            | Self::CanaryPromoted { .. }
            | Self::CanaryEnded { .. } => true,
            Self::CanaryProcessed { .. }
            | Self::NodeSeen { .. }
            | Self::NodeGone { .. }
            | Self::Activated { .. }
            | Self::ActivationFailed { .. }
            | Self::Scheduled { .. }
            | Self::Swept => false,
        }
    }
}

impl fmt::Display for Fact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stored { deployment, .. } => write!(f, "{} was stored", deployment.tag),
            Self::Deleted { tag } => write!(f, "{tag} was deleted"),
            Self::DefaultSet { tag } => write!(f, "{tag} was made the default"),
            Self::RolledBack { from, to } => {
                write!(f, "the default was rolled back from {from} to {to}")
            }
            Self::Assigned { node, tag } => write!(f, "{tag} was assigned to node {node}"),
            Self::Unassigned { node } => write!(f, "the rule of node {node} was removed"),
            Self::RolesSet { rules } => {
                write!(f, "the role rules were set, {} of them", rules.len())
            }
            Self::CanaryStarted { plan, nodes } => {
                let nodes: Vec<_> = nodes.iter().map(NodeName::as_str).collect();
                write!(f, "a canary of {} was started on {}", plan.tag, nodes.join(", "))
            }
            Self::CanaryPromoted { tag, why } => write!(f, "the canary {tag} was promoted: {why}"),
            Self::CanaryEnded { tag, why } => write!(f, "the canary {tag} was ended: {why}"),
            Self::CanaryProcessed { node, processed: Processed { records, errors } } => {
                write!(f, "{errors} of {records} records of the canary failed on {node}")
            }
            Self::NodeSeen { node, .. } => write!(f, "node {node} was seen"),
            Self::NodeGone { node } => write!(f, "node {node} is gone"),
            Self::Activated { node, tag } => write!(f, "node {node} runs {tag}"),
            Self::ActivationFailed { node, target, .. } => {
                write!(f, "node {node} could not activate {target}")
            }
            Self::Scheduled { refusal: None, .. } => {
                f.write_str("the scheduler has the settings of the default")
            }
            Self::Scheduled { refusal: Some(why), .. } => {
                write!(f, "the scheduler refused the settings of the default: {why}")
            }
            Self::Swept => f.write_str("objects that nobody needs were deleted"),
        }
    }
}
