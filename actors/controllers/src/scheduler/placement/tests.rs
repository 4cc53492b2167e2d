//! Placement: the worked examples, one test for each rule, and what holds for any cluster.

mod examples;
mod properties;
mod rebalancing;
mod rules;

use std::collections::{BTreeMap, BTreeSet};

use weir_domain::schedule::{
    Assignments, Deployed, DeployedWorkflow, Landscape, Limit, Max, NodeVerdict, Placement, Reach,
    Reason, ScheduleNode, Scope, Settings, StopCause, Weight,
};
use weir_domain::{Incarnation, NodeName, NodeUid, WorkflowName};

use super::{Situation, explain, place};

const DEPLOYED: &str = "d";

/// A cluster on which placements are carried out.
#[derive(Debug, Clone, Default)]
pub(super) struct Lab {
    landscape: Landscape,
    settings: BTreeMap<WorkflowName, Settings>,
    current: Assignments,
}

fn node_name(name: &str) -> NodeName {
    NodeName::new(name).unwrap()
}

fn workflow(name: &str) -> WorkflowName {
    WorkflowName::new(name).unwrap()
}

fn limit(min: Option<u32>, max: Option<u32>) -> Limit {
    Limit::new(min, max.map(Max::AtMost)).unwrap()
}

impl Lab {
    /// Nodes `n1`, `n2` and so on, which all have everything deployed.
    fn of(nodes: usize) -> Self {
        let mut lab = Self::default();
        lab.landscape.deployments.insert(DEPLOYED.to_owned(), Deployed::default());
        (1..=nodes).for_each(|it| lab.join(&format!("n{it}")));
        lab
    }

    /// Another life of the node, if it is known.
    fn join(&mut self, name: &str) {
        let known =
            self.landscape.nodes.get(&node_name(name)).map_or(0, |it| it.node.uid.0.as_u128());
        let uid = NodeUid(uuid::Uuid::from_u128(known + 1));
        let node = ScheduleNode {
            node: Incarnation { name: node_name(name), uid },
            roles: BTreeSet::new(),
            reach: Reach::Up,
            deployment: Some(DEPLOYED.to_owned()),
        };
        self.landscape.nodes.insert(node_name(name), node);
    }

    fn lose(&mut self, name: &str) {
        self.landscape.nodes.remove(name).unwrap();
    }

    fn node(&mut self, name: &str) -> &mut ScheduleNode {
        self.landscape.nodes.get_mut(name).unwrap()
    }

    fn give_role(&mut self, role: &str, nodes: &[&str]) {
        for name in nodes {
            self.node(name).roles.insert(role.to_owned());
        }
    }

    /// The settings of a workflow, which is deployed from now on.
    fn want(&mut self, name: &str, target: u32) -> &mut Settings {
        let deployed = self.landscape.deployments.get_mut(DEPLOYED).unwrap();
        deployed.workflows.entry(workflow(name)).or_default();
        let settings = self.settings.entry(workflow(name)).or_default();
        settings.target = Some(target);
        settings
    }

    fn situation(&self) -> Situation<'_> {
        let Self { landscape, settings, current } = self;
        Situation { landscape, settings, current }
    }

    /// Places and carries it out.
    fn place(&mut self) -> Placement {
        let placement = place(&self.situation());
        self.current.carry_out(&placement);
        placement
    }

    /// What each node has of the workflow, by name of the node.
    fn counts(&self, name: &str) -> Vec<usize> {
        let assigned = &self.current.workflows[name].instances;
        let on = |node: &NodeName| assigned.values().filter(|it| it.node.name == *node).count();
        self.landscape.nodes.keys().map(on).collect()
    }

    fn numbers(&self, name: &str, node: &str) -> Vec<u64> {
        let assigned = self.current.workflows[name].instances.iter();
        let here = assigned.filter(|it| it.1.node.name.as_str() == node);
        here.map(|it| it.0.0).collect()
    }

    fn verdicts(&self, name: &str) -> Vec<NodeVerdict> {
        explain(&self.situation(), &workflow(name)).unwrap()
    }
}

fn loads(placement: &Placement) -> Vec<u64> {
    placement.loads.values().copied().collect()
}

fn sorted(mut counts: Vec<usize>) -> Vec<usize> {
    counts.sort_unstable();
    counts
}

fn missing(placement: &Placement, name: &str) -> u32 {
    placement.workflows[name].missing
}

fn reasons(placement: &Placement, name: &str) -> Vec<(String, u32)> {
    let reasons = placement.workflows[name].reasons.iter();
    reasons.map(|(reason, nodes)| (reason.to_string(), *nodes)).collect()
}

/// What was stopped, as `workflow/number@node`.
fn stopped(placement: &Placement) -> Vec<(String, StopCause)> {
    let stops = placement.stops.iter();
    stops.map(|it| (format!("{}/{}@{}", it.workflow, it.number, it.node.name), it.cause)).collect()
}

fn started_on(placement: &Placement) -> Vec<&str> {
    placement.starts.iter().map(|it| it.node.name.as_str()).collect()
}
