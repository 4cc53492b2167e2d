//! What is known of nodes: what each should run, what it runs, and what went wrong.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};
use weir_domain::{DeploymentTag, Fault, NodeName, Timestamp};

use super::{Fact, Report, Storage, canary};

/// Which rule decides what a node runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Why {
    Canary,
    Node,
    /// The first role rule that fits, counted from 1.
    Role {
        number: u32,
        role: String,
    },
    Default,
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Canary => f.write_str("it takes part in the canary"),
            Self::Node => f.write_str("the node has a rule of its own"),
            Self::Role { number, role } => {
                write!(f, "role rule {number} fits: the node has role {role}")
            }
            Self::Default => f.write_str("no rule fits: it is the default"),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeState {
    pub roles: BTreeSet<String>,
    pub target: DeploymentTag,
    pub target_since: Timestamp,
    /// What it said that it runs; `None`: nothing, or it has not said.
    pub current: Option<DeploymentTag>,
    pub current_since: Option<Timestamp>,
    /// Why it does not run its target.
    pub failure: Option<ActivationFailure>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActivationFailure {
    pub target: DeploymentTag,
    pub cause: Fault,
    pub at: Timestamp,
}

impl NodeState {
    /// It has said what it runs, or why it does not, and is no member that went since.
    pub(super) fn is_member(&self) -> bool {
        self.current.is_some() || self.failure.is_some()
    }

    /// It runs what it should.
    pub fn is_settled(&self) -> bool {
        self.current.as_ref() == Some(&self.target) && self.failure.is_none()
    }
}

impl Storage {
    pub fn nodes(&self) -> impl Iterator<Item = (&NodeName, &NodeState)> {
        self.nodes.iter()
    }

    pub(super) fn see(&self, node: NodeName, roles: BTreeSet<String>) -> Vec<Fact> {
        match self.nodes.get(&node) {
            Some(known) if known.roles == roles => vec![],
            Some(_) | None => vec![Fact::NodeSeen { node, roles }],
        }
    }

    pub(super) fn miss(&self, node: NodeName) -> Vec<Fact> {
        match self.nodes.get(&node) {
            Some(known) if known.is_member() => {
                vec![Fact::NodeGone { node }]
            }
            Some(_) | None => vec![],
        }
    }

    /// What a node reports again changes nothing.
    pub(super) fn report(&self, node: NodeName, report: Report) -> Vec<Fact> {
        let Some(known) = self.nodes.get(&node) else { return vec![] };
        match report {
            Report::Running { tag } => {
                let is_known = known.current.as_ref() == Some(&tag) && known.failure.is_none();
                // A deployment that is gone meanwhile is no news that would help anybody.
                match is_known || !self.exists(&tag) {
                    true => vec![],
                    false => vec![Fact::Activated { node, tag }],
                }
            }
            Report::Failed { target, cause } => {
                let same = |it: &ActivationFailure| it.target == target && it.cause == cause;
                if known.failure.as_ref().is_some_and(same) {
                    return vec![];
                }
                let hit = self.canary.as_ref();
                let hit = hit.filter(|it| it.nodes.contains(&node) && it.plan.tag == target);
                let why = format!("node {node} could not activate it: {cause}");
                let end = hit.map(|it| canary::ended(it, why));
                let failed = Fact::ActivationFailed { node, target, cause };
                [failed].into_iter().chain(end).collect()
            }
        }
    }
}
