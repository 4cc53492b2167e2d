//! What a placement changes, what is missing afterwards, and why.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{InstanceNumber, Scope, Why};
use crate::{Incarnation, NodeName, WorkflowName};

/// What is to be changed, and how things stand once it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Placement {
    /// In the order in which they were decided.
    pub starts: Vec<Start>,
    pub stops: Vec<Stop>,
    pub workflows: BTreeMap<WorkflowName, Outcome>,
    /// Summed weights of what is assigned to each node of the cluster.
    pub loads: BTreeMap<NodeName, u64>,
    pub warnings: Vec<Warning>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Start {
    pub workflow: WorkflowName,
    pub number: InstanceNumber,
    pub node: Incarnation,
    pub why: Why,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stop {
    pub workflow: WorkflowName,
    pub number: InstanceNumber,
    pub node: Incarnation,
    pub cause: StopCause,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum StopCause {
    /// Its node is no member any more: nothing is left to be stopped.
    Lost,
    /// The workflow's target is 0.
    NoTarget,
    Draining,
    NotDeployed,
    Roles,
    /// More than the node may have.
    Max,
    /// More than the target, or as many as a minimum takes elsewhere.
    Surplus,
    /// The node would run fewer than the default minimum.
    DefaultMinimum,
    /// It is started elsewhere, since an operator asked for a rebalance.
    Rebalanced,
}

impl StopCause {
    pub fn describe(self) -> &'static str {
        match self {
            Self::Lost => "its node is no member any more",
            Self::NoTarget => "the target is 0 or unset",
            Self::Draining => "its node is drained, or leaves the cluster",
            Self::NotDeployed => "the workflow is not in its node's deployment any more",
            Self::Roles => "its node lacks a role that the workflow needs",
            Self::Max => "its node has more than a limit allows",
            Self::Surplus => "more run than are wanted, or a minimum takes it elsewhere",
            Self::DefaultMinimum => "its node would run fewer than the default minimum",
            Self::Rebalanced => "it starts on another node, to even out the loads",
        }
    }
}

/// How one workflow stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// What somebody has set, or else what the deployment says.
    pub target: u32,
    /// Instances by node, whatever state they are in.
    pub nodes: BTreeMap<NodeName, u32>,
    pub missing: u32,
    /// Where instances are missing: how many nodes can't take one more, by what stops them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub reasons: BTreeMap<Reason, u32>,
}

/// Why a node takes no more instances of a workflow. Written as a code.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// The largest number that a rule of this scope allows is reached.
    Max(Scope),
    /// A node runs none or at least the default minimum, and that is more than are missing.
    DefaultMinimum,
    Draining,
    Unreachable,
    /// It lacks a role that the workflow needs.
    Roles,
    /// What it has deployed does not contain the workflow, or is not known yet.
    NotDeployed,
    /// The cluster has no node.
    NoNodes,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Max(Scope::Node(it)) => write!(f, "max:node:{it}"),
            Self::Max(Scope::Role(it)) => write!(f, "max:role:{it}"),
            Self::Max(Scope::Default) => f.write_str("max:default"),
            Self::DefaultMinimum => f.write_str("default-min"),
            Self::Draining => f.write_str("draining"),
            Self::Unreachable => f.write_str("unreachable"),
            Self::Roles => f.write_str("roles"),
            Self::NotDeployed => f.write_str("not-deployed"),
            Self::NoNodes => f.write_str("no-nodes"),
        }
    }
}

impl Reason {
    /// What it says of a node.
    pub fn describe(&self) -> String {
        match self {
            Self::Max(scope) => format!("the rule for {scope} allows no more there"),
            Self::DefaultMinimum => "it would have to run more than are missing".to_owned(),
            Self::Draining => "it is drained, or leaves the cluster".to_owned(),
            Self::Unreachable => "nobody hears it".to_owned(),
            Self::Roles => "it lacks a role that the workflow needs".to_owned(),
            Self::NotDeployed => {
                "the workflow is not in its deployment, or it has not said yet what it has"
                    .to_owned()
            }
            Self::NoNodes => "the cluster has no node".to_owned(),
        }
    }
}

/// Why a text is no reason.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no reason that an engine of this version knows")]
pub struct UnknownReason(pub String);

impl FromStr for Reason {
    type Err = UnknownReason;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let unknown = || UnknownReason(text.to_owned());
        if let Some(node) = text.strip_prefix("max:node:") {
            return Ok(Self::Max(Scope::Node(NodeName::new(node).map_err(|_| unknown())?)));
        }
        if let Some(role) = text.strip_prefix("max:role:") {
            return Ok(Self::Max(Scope::Role(role.to_owned())));
        }
        match text {
            "max:default" => Ok(Self::Max(Scope::Default)),
            "default-min" => Ok(Self::DefaultMinimum),
            "draining" => Ok(Self::Draining),
            "unreachable" => Ok(Self::Unreachable),
            "roles" => Ok(Self::Roles),
            "not-deployed" => Ok(Self::NotDeployed),
            "no-nodes" => Ok(Self::NoNodes),
            _ => Err(unknown()),
        }
    }
}

impl Serialize for Reason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Reason {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// What was done otherwise than somebody may expect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Warning {
    /// More instances than the target, since the minimums of the nodes want them.
    AboveTarget { workflow: WorkflowName, target: u32, placed: u32 },
    /// A minimum of one rule is above the maximum of another: the maximum holds. On so many nodes,
    /// of which the first is named.
    MinAboveMax { workflow: WorkflowName, node: NodeName, nodes: u32, min: u32, max: u32 },
    /// Fewer instances than the target.
    Missing { workflow: WorkflowName, missing: u32 },
}

impl Warning {
    pub fn workflow(&self) -> &WorkflowName {
        match self {
            Self::AboveTarget { workflow, .. }
            | Self::MinAboveMax { workflow, .. }
            | Self::Missing { workflow, .. } => workflow,
        }
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AboveTarget { workflow, target, placed } => write!(
                f,
                "workflow {workflow} has {placed} instances, above its target of {target}: the minimums of its nodes want them"
            ),
            Self::MinAboveMax { workflow, node, nodes, min, max } => write!(
                f,
                "workflow {workflow} on {nodes} nodes, {node} first: one rule wants at least {min}, another at most {max}, which holds"
            ),
            Self::Missing { workflow, missing } => {
                write!(f, "workflow {workflow} misses {missing} instances of its target")
            }
        }
    }
}

/// What becomes of one node in the eyes of one workflow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeVerdict {
    pub node: NodeName,
    pub count: u32,
    pub load: u64,
    pub verdict: Verdict,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Verdict {
    /// It would take the next instance if no other node came before it. The first is 1.
    Allowed {
        rank: u32,
    },
    PassedOver(Reason),
}

/// One step of a rebalance. Loads are those before it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Move {
    pub workflow: WorkflowName,
    pub number: InstanceNumber,
    pub from: Incarnation,
    pub from_load: u64,
    pub to: Incarnation,
    pub to_load: u64,
}

impl Move {
    /// What it ends on the node that it leaves.
    pub fn stop(&self) -> Stop {
        Stop {
            workflow: self.workflow.clone(),
            number: self.number,
            node: self.from.clone(),
            cause: StopCause::Rebalanced,
        }
    }

    /// What it begins on the other, under a number of its own.
    pub fn start(&self, number: InstanceNumber) -> Start {
        let (from_load, load) = (self.from_load, self.to_load);
        let why = Why::Rebalanced { from: self.from.name.clone(), from_load, load };
        Start { workflow: self.workflow.clone(), number, node: self.to.clone(), why }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_reads_as_it_is_shown() {
        let codes = [
            "max:node:n1",
            "max:role:big",
            "max:default",
            "default-min",
            "draining",
            "unreachable",
            "roles",
            "not-deployed",
            "no-nodes",
        ];
        for code in codes {
            assert_eq!(code.parse::<Reason>().unwrap().to_string(), code);
        }
        assert!("max:node:".parse::<Reason>().is_err());
    }
}
