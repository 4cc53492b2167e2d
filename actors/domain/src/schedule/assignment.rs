//! Which instance runs where, and why there.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Placement, Scope, Start};
use crate::{Incarnation, NodeName, WorkflowName};

/// An instance of a workflow in the cluster. Numbers of one workflow are never used again; a
/// higher one is younger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct InstanceNumber(pub u64);

impl fmt::Display for InstanceNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// All instances of all workflows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Assignments {
    pub workflows: BTreeMap<WorkflowName, Assigned>,
}

impl Assignments {
    pub fn start(&mut self, start: &Start) {
        let Start { workflow, number, node, why } = start;
        let placed = Placed { node: node.clone(), why: why.clone() };
        let assigned = self.workflows.entry(workflow.clone()).or_default();
        assigned.last = assigned.last.max(number.0);
        assigned.instances.insert(*number, placed);
    }

    /// The numbers of a workflow without instances are remembered.
    pub fn stop(&mut self, workflow: &WorkflowName, number: InstanceNumber) -> Option<Placed> {
        self.workflows.get_mut(workflow)?.instances.remove(&number)
    }

    pub fn carry_out(&mut self, placement: &Placement) {
        for stop in &placement.stops {
            self.stop(&stop.workflow, stop.number);
        }
        placement.starts.iter().for_each(|it| self.start(it));
    }
}

/// The instances of one workflow.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assigned {
    /// The highest number that was ever given.
    pub last: u64,
    pub instances: BTreeMap<InstanceNumber, Placed>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Placed {
    pub node: Incarnation,
    pub why: Why,
}

/// Why an instance was put where it is. Loads are those before it came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Why {
    /// The node must have so many.
    Minimum { scope: Scope, min: u32 },
    /// A node that runs the workflow runs at least so many.
    DefaultMinimum { min: u32 },
    /// It had the least load of the nodes that were allowed.
    LeastLoad(Comparison),
    /// An operator asked for a rebalance, and the load of the node it came from was this.
    Rebalanced { from: NodeName, from_load: u64, load: u64 },
}

/// The load of the node that was chosen, and the next best one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Comparison {
    pub load: u64,
    /// Instances of the same workflow on it: what decides between equal loads.
    pub count: u32,
    /// `None`: no other node was allowed.
    pub next: Option<NodeName>,
    #[serde(default)]
    pub next_load: u64,
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Minimum { scope, min } => {
                write!(f, "the rule for {scope} wants at least {min} there")
            }
            Self::DefaultMinimum { min } => {
                write!(f, "a node that runs the workflow runs at least {min}")
            }
            Self::LeastLoad(Comparison { load, next: None, .. }) => {
                write!(f, "it was the only node allowed, with load {load}")
            }
            Self::LeastLoad(Comparison { load, next: Some(next), next_load, .. })
                if load == next_load =>
            {
                write!(f, "none had less load, {load}; {next} had as much")
            }
            Self::LeastLoad(Comparison { load, next: Some(next), next_load, .. }) => {
                write!(f, "it had the least load, {load}; next was {next} with {next_load}")
            }
            Self::Rebalanced { from, from_load, load } => {
                write!(f, "rebalanced: load {load} here, {from_load} on {from}")
            }
        }
    }
}
