//! Clusters to be placed on: small ones with every kind of limit, large ones as they are run.

use std::collections::{BTreeMap, BTreeSet};

use rand::Rng as _;
use rand::rngs::StdRng;
use weir_controllers::scheduler::Situation;
use weir_domain::schedule::{
    Assignments, Deployed, DeployedWorkflow, Landscape, Limit, Max, Reach, ScheduleNode, Scope,
    Settings, Weight,
};
use weir_domain::{Incarnation, NodeName, NodeUid, WorkflowName};

const DEPLOYED: &str = "d";

pub(crate) struct Cluster {
    pub(crate) landscape: Landscape,
    pub(crate) settings: BTreeMap<WorkflowName, Settings>,
    pub(crate) current: Assignments,
}

impl Cluster {
    pub(crate) fn situation(&self) -> Situation<'_> {
        let Self { landscape, settings, current } = self;
        Situation { landscape, settings, current }
    }

    /// Ten instances for each node, in workflows of fifty; a third of the nodes in each of three
    /// roles, some workflows bound by limits of a node, of a role or by default.
    pub(crate) fn large(nodes: usize, random: &mut StdRng) -> Self {
        let workflows = (nodes / 5).max(2);
        let mut cluster = Self::new(nodes, workflows, random);
        for (n, settings) in cluster.settings.values_mut().enumerate() {
            settings.target = Some(fitting(nodes * 10 / workflows));
            match n % 10 {
                1 => settings.default = limit(Some(1), Some(5_000)),
                2 => settings.set_limit(Scope::Role("r0".into()), limit(None, Some(2))),
                3 => settings.set_limit(Scope::Node(node_name(0)), limit(Some(2), Some(3))),
                4 => settings.default = limit(Some(2), None),
                _ => {}
            }
        }
        cluster
    }

    /// Few nodes and instances, so that limits often bind.
    pub(crate) fn small(random: &mut StdRng) -> Self {
        let (nodes, workflows) = (random.random_range(1..7), random.random_range(1..5));
        let mut cluster = Self::new(nodes, workflows, random);
        for settings in cluster.settings.values_mut() {
            settings.target = Some(random.random_range(0..15));
            for _ in 0..random.random_range(0..4) {
                let min = random.random_bool(0.5).then(|| random.random_range(0..4));
                let max = random.random_bool(0.5).then(|| random.random_range(0..5));
                let Ok(limit) = Limit::new(min, max.map(Max::AtMost)) else { continue };
                let scope = match random.random_range(0..3) {
                    0 => Scope::Node(node_name(random.random_range(0..nodes))),
                    1 => Scope::Role(format!("r{}", random.random_range(0..3))),
                    _ => Scope::Default,
                };
                settings.set_limit(scope, limit);
            }
        }
        cluster
    }

    fn new(nodes: usize, workflows: usize, random: &mut StdRng) -> Self {
        let names: Vec<WorkflowName> = (0..workflows).map(workflow_name).collect();
        let all = names.iter().map(|it| (it.clone(), DeployedWorkflow::default())).collect();
        let deployments = BTreeMap::from([(DEPLOYED.to_owned(), Deployed { workflows: all })]);
        let nodes = (0..nodes).map(|it| (node_name(it), node(it)));
        let weight = |random: &mut StdRng| {
            Weight::new(random.random_range(50..=400)).expect("a weight above 0")
        };
        let settings = names
            .into_iter()
            .map(|name| (name, Settings { weight: weight(random), ..Settings::default() }));
        Self {
            settings: settings.collect(),
            landscape: Landscape { nodes: nodes.collect(), deployments },
            current: Assignments::default(),
        }
    }

    pub(crate) fn lose(&mut self, node: usize) {
        self.landscape.nodes.remove(&node_name(node));
    }
}

fn node_name(n: usize) -> NodeName {
    NodeName::new(format!("node-{n:05}")).expect("a name of a node")
}

fn workflow_name(n: usize) -> WorkflowName {
    WorkflowName::new(format!("w{n}")).expect("a name of a workflow")
}

fn node(n: usize) -> ScheduleNode {
    let uid: NodeUid = format!("00000000-0000-7000-8000-{n:012}").parse().expect("an id");
    ScheduleNode {
        node: Incarnation { name: node_name(n), uid },
        roles: BTreeSet::from([format!("r{}", n % 3)]),
        reach: Reach::Up,
        deployment: Some(DEPLOYED.to_owned()),
    }
}

fn limit(min: Option<u32>, max: Option<u32>) -> Limit {
    Limit::new(min, max.map(Max::AtMost)).expect("a limit")
}

fn fitting(count: usize) -> u32 {
    u32::try_from(count).expect("a target")
}
