//! What holds for any cluster, and that the fast placement is the slow one.

use proptest::prelude::*;

use super::super::{rebalance, reference};
use super::*;

/// A change of the cluster or of what is wanted.
#[derive(Debug, Clone)]
enum Change {
    Join(u8),
    Lose(u8),
    Reach(u8, Reach),
    Roles(u8, Vec<u8>),
    Deployment(u8, Option<u8>),
    Target(u8, Option<u32>),
    Weight(u8, u32),
    Rule(u8, Option<u8>, Option<u8>, Option<u32>, Option<Option<u32>>),
}

fn changes() -> impl Strategy<Value = Change> {
    let reach = prop_oneof![
        3 => Just(Reach::Up),
        1 => Just(Reach::Unreachable),
        1 => Just(Reach::Draining)
    ];
    let bound = || proptest::option::of(proptest::option::of(0..5u32));
    let rule = (0..4u8, proptest::option::of(0..6u8), proptest::option::of(0..2u8));
    prop_oneof![
        2 => (0..6u8).prop_map(Change::Join),
        1 => (0..6u8).prop_map(Change::Lose),
        2 => (0..6u8, reach).prop_map(|(node, reach)| Change::Reach(node, reach)),
        1 => (0..6u8, proptest::collection::vec(0..2u8, 0..3)).prop_map(|(n, r)| Change::Roles(n, r)),
        1 => (0..6u8, proptest::option::of(0..3u8)).prop_map(|(n, d)| Change::Deployment(n, d)),
        4 => (0..4u8, proptest::option::weighted(0.9, 0..12u32)).prop_map(|(w, t)| Change::Target(w, t)),
        1 => (0..4u8, 1..200u32).prop_map(|(w, weight)| Change::Weight(w, weight)),
        4 => (rule, proptest::option::of(0..4u32), bound())
            .prop_map(|((w, node, role), min, max)| Change::Rule(w, node, role, min, max)),
    ]
}

/// Deployments: 0 has all, 1 half of it, 2 has a workflow that needs a role.
fn empty() -> Lab {
    let mut lab = Lab::of(0);
    let needs = |role: Option<u8>| role.map(|it| format!("r{it}")).into_iter().collect();
    let says = |w: u8, role| DeployedWorkflow { roles: needs(role), instances: u32::from(w) * 2 };
    let of = |all: &[(u8, Option<u8>)]| Deployed {
        workflows: all.iter().map(|(w, r)| (workflow(&format!("w{w}")), says(*w, *r))).collect(),
    };
    let all = of(&[(0, None), (1, None), (2, None), (3, None)]);
    let deployments = &mut lab.landscape.deployments;
    deployments.insert(DEPLOYED.to_owned(), all.clone());
    deployments.insert("d0".to_owned(), all);
    deployments.insert("d1".to_owned(), of(&[(0, None), (1, None)]));
    deployments.insert("d2".to_owned(), of(&[(0, Some(0)), (2, Some(1)), (3, None)]));
    lab
}

impl Lab {
    fn change(&mut self, change: &Change) {
        let node = |it: u8| format!("n{it}");
        match change {
            Change::Join(it) => self.join(&node(*it)),
            Change::Lose(it) => drop(self.landscape.nodes.remove(node(*it).as_str())),
            Change::Reach(it, reach) => self.each(*it, |node| node.reach = *reach),
            Change::Roles(it, roles) => self.each(*it, |node| {
                node.roles = roles.iter().map(|it| format!("r{it}")).collect();
            }),
            Change::Deployment(it, deployment) => self.each(*it, |node| {
                node.deployment = deployment.map(|it| format!("d{it}"));
            }),
            Change::Target(w, target) => self.settings(*w).target = *target,
            Change::Weight(w, weight) => self.settings(*w).weight = Weight::new(*weight).unwrap(),
            Change::Rule(w, node_at, role, min, max) => {
                let max = max.map(|it| it.map_or(Max::Unlimited, Max::AtMost));
                let Ok(limit) = Limit::new(*min, max) else { return };
                let scope = match (node_at, role) {
                    (Some(it), _) => Scope::Node(node_name(&node(*it))),
                    (None, Some(it)) => Scope::Role(format!("r{it}")),
                    (None, None) => Scope::Default,
                };
                self.settings(*w).set_limit(scope, limit);
            }
        }
    }

    fn each(&mut self, node: u8, change: impl Fn(&mut ScheduleNode)) {
        self.landscape.nodes.get_mut(format!("n{node}").as_str()).into_iter().for_each(change);
    }

    fn settings(&mut self, w: u8) -> &mut Settings {
        self.settings.entry(workflow(&format!("w{w}"))).or_default()
    }

    fn instances(&self) -> Vec<reference::Instance> {
        let all = self.current.workflows.iter().flat_map(|(workflow, assigned)| {
            let instances = assigned.instances.iter();
            instances.map(|(number, it)| (workflow.clone(), number.0, it.node.name.clone()))
        });
        let mut all: Vec<_> = all.collect();
        all.sort();
        all
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_fast_placement_is_the_one_that_the_rules_say(
        steps in proptest::collection::vec(proptest::collection::vec(changes(), 1..8), 1..6)
    ) {
        let mut lab = empty();
        (0..3).for_each(|it| lab.join(&format!("n{it}")));
        for step in steps {
            step.iter().for_each(|it| lab.change(it));
            let wanted = reference::place(lab.situation());
            let placement = lab.place();
            prop_assert_eq!(lab.instances(), wanted);
            holds(&lab, &placement)?;
            let again = place(&lab.situation());
            prop_assert!(again.starts.is_empty() && again.stops.is_empty(), "{:?}", again);
            prop_assert_eq!(again.workflows, placement.workflows);
        }
    }

    #[test]
    fn loads_differ_by_no_more_than_the_heaviest_weight_where_no_limit_binds(
        nodes in 1..8usize,
        wanted in proptest::collection::vec((0..9u32, 1..300u32), 1..8),
        lost in 1..8usize,
    ) {
        let mut lab = Lab::of(nodes);
        for (n, (target, weight)) in wanted.iter().enumerate() {
            lab.want(&format!("w{n}"), *target).weight = Weight::new(*weight).unwrap();
        }
        let heaviest = wanted.iter().map(|it| u64::from(it.1)).max().unwrap();
        let is_even = |placement: &Placement| {
            let loads = loads(placement);
            loads.iter().max().unwrap() - loads.iter().min().unwrap() <= heaviest
        };
        prop_assert!(is_even(&lab.place()));
        if lost < nodes {
            lab.lose(&format!("n{lost}"));
            let placement = lab.place();
            prop_assert!(is_even(&placement));
            prop_assert!(placement.stops.iter().all(|it| it.cause == StopCause::Lost));
            prop_assert_eq!(placement.stops.len(), placement.starts.len());
        }
    }

    #[test]
    fn a_rebalance_has_an_end_breaks_no_limit_and_lowers_the_largest_load(
        steps in proptest::collection::vec(proptest::collection::vec(changes(), 1..8), 1..4)
    ) {
        let mut lab = empty();
        for step in steps {
            step.iter().for_each(|it| lab.change(it));
            lab.place();
        }
        let before = place(&lab.situation());
        for step in rebalance(&lab.situation()) {
            let placed = lab.current.stop(&step.workflow, step.number).unwrap();
            prop_assert_eq!(&placed.node, &step.from);
            let assigned = lab.current.workflows.get_mut(&step.workflow).unwrap();
            assigned.last += 1;
            let number = weir_domain::schedule::InstanceNumber(assigned.last);
            let placed = weir_domain::schedule::Placed { node: step.to, ..placed };
            assigned.instances.insert(number, placed);
        }
        let after = place(&lab.situation());
        prop_assert!(after.starts.is_empty() && after.stops.is_empty(), "{:?}", after);
        prop_assert!(loads(&after).iter().max() <= loads(&before).iter().max());
    }
}

/// Limits hold, the books are right, and a shortfall has a reason on every node.
fn holds(lab: &Lab, placement: &Placement) -> Result<(), TestCaseError> {
    for (name, outcome) in &placement.workflows {
        let counts = lab.counts_of(name);
        prop_assert_eq!(&outcome.nodes, &counts);
        let placed: u32 = counts.values().sum();
        prop_assert_eq!(outcome.missing, outcome.target.saturating_sub(placed));
        let explained: u32 = outcome.reasons.values().sum();
        let nodes = if outcome.missing > 0 { lab.landscape.nodes.len() } else { 0 };
        prop_assert_eq!(explained as usize, nodes, "{:?}", outcome);
    }
    Ok(())
}

impl Lab {
    fn counts_of(&self, workflow: &WorkflowName) -> BTreeMap<NodeName, u32> {
        let mut counts = BTreeMap::new();
        for placed in
            self.current.workflows.get(workflow).iter().flat_map(|it| it.instances.values())
        {
            *counts.entry(placed.node.name.clone()).or_default() += 1;
        }
        counts
    }
}
