//! What the cluster offers: its nodes, and what each could run.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{Incarnation, NodeName, WorkflowName};

/// Whether a node can be told what to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Reach {
    Up,
    /// It may be working all the same: it is not lost before it is removed.
    Unreachable,
    /// It is to be empty, since an operator wants that or it leaves the cluster.
    Draining,
}

/// A node as the scheduler sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ScheduleNode {
    pub node: Incarnation,
    pub roles: BTreeSet<String>,
    pub reach: Reach,
    /// The key of what it has deployed. `None`: it has not said yet, which is no reason to stop
    /// what runs there.
    pub deployment: Option<String>,
}

/// What a deployment contains.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Deployed {
    pub workflows: BTreeMap<WorkflowName, DeployedWorkflow>,
}

/// What a deployment says of a workflow that the schedule must know.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct DeployedWorkflow {
    /// Roles that a node must have to run it.
    pub roles: BTreeSet<String>,
    /// The target, as long as nobody has set one.
    pub instances: u32,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Landscape {
    /// All that are in the list of members and not removed, by name.
    pub nodes: BTreeMap<NodeName, ScheduleNode>,
    /// What the nodes have deployed, each content once.
    pub deployments: BTreeMap<String, Deployed>,
}

impl Landscape {
    /// What the node could run, where that is known.
    pub fn deployed(&self, node: &ScheduleNode) -> Option<&Deployed> {
        self.deployments.get(node.deployment.as_deref()?)
    }

    /// The target of each workflow for which nobody has set one. Where nodes have different
    /// deployments, the larger one: what a switch from one to the other ends with is stopped then.
    pub fn targets(&self) -> BTreeMap<&WorkflowName, u32> {
        let mut targets = BTreeMap::new();
        for (name, it) in self.deployments.values().flat_map(|it| &it.workflows) {
            let target = targets.entry(name).or_default();
            *target = it.instances.max(*target);
        }
        targets
    }
}
