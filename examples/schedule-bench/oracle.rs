//! A second placement that can only start: for a cluster that runs nothing, and after a loss. It
//! counts everything anew for every instance, and knows nothing of the first one.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use anyhow::ensure;
use rand::Rng as _;
use rand::rngs::StdRng;
use weir_controllers::scheduler::place;
use weir_domain::schedule::{Limit, Settings};
use weir_domain::{NodeName, WorkflowName};

use crate::clusters::Cluster;

/// How many instances of which workflow each node has.
type Counts = BTreeMap<(WorkflowName, NodeName), u32>;

/// Places one random cluster from nothing, and again after the loss of a node.
pub(crate) fn check(random: &mut StdRng) -> anyhow::Result<()> {
    let mut cluster = Cluster::small(random);
    compare(&mut cluster)?;
    cluster.lose(random.random_range(0..cluster.landscape.nodes.len()));
    compare(&mut cluster)
}

fn compare(cluster: &mut Cluster) -> anyhow::Result<()> {
    let is_member = |node: &NodeName| cluster.landscape.nodes.contains_key(node);
    let mut expected = counts(cluster);
    expected.retain(|it, _| is_member(&it.1));
    let expected = Oracle { cluster, counts: expected }.place();
    let placement = place(&cluster.situation());
    cluster.current.carry_out(&placement);
    let placed = counts(cluster);
    ensure!(placed == expected, "{placed:?}\nis not\n{expected:?}\nwith {:?}", cluster.settings);
    Ok(())
}

fn counts(cluster: &Cluster) -> Counts {
    let mut counts = Counts::new();
    for (workflow, assigned) in &cluster.current.workflows {
        for placed in assigned.instances.values() {
            *counts.entry((workflow.clone(), placed.node.name.clone())).or_default() += 1;
        }
    }
    counts
}

struct Oracle<'a> {
    cluster: &'a Cluster,
    counts: Counts,
}

impl Oracle<'_> {
    fn place(mut self) -> Counts {
        let settings = &self.cluster.settings;
        let mut order: Vec<_> = settings.iter().filter(|it| it.1.target > Some(0)).collect();
        order.sort_by_key(|it| (Reverse(it.1.weight), it.0));
        for (workflow, settings) in &order {
            for node in self.cluster.landscape.nodes.keys() {
                let bounds = self.bounds(settings, node);
                while bounds.is_explicit && self.count(workflow, node) < bounds.min {
                    self.start(workflow, node);
                }
            }
        }
        for (workflow, settings) in order {
            while let Some(node) = self.best(workflow, settings) {
                self.start(workflow, &node);
                while self.count(workflow, &node) < self.bounds(settings, &node).min {
                    self.start(workflow, &node);
                }
            }
        }
        self.counts
    }

    /// The node that gets the next instance, if one is missing and may start anywhere.
    fn best(&self, workflow: &WorkflowName, settings: &Settings) -> Option<NodeName> {
        let placed: u32 = self.counts.iter().filter(|it| it.0.0 == *workflow).map(|it| *it.1).sum();
        let missing = settings.target.unwrap_or(0).saturating_sub(placed);
        let mut allowed = Vec::new();
        for node in self.cluster.landscape.nodes.keys() {
            let (count, bounds) = (self.count(workflow, node), self.bounds(settings, node));
            let needed = if count == 0 { bounds.min.max(1) } else { 1 };
            if missing >= needed && count < bounds.max {
                allowed.push((self.load(node), count, node));
            }
        }
        allowed.into_iter().min().map(|it| it.2.clone())
    }

    fn count(&self, workflow: &WorkflowName, node: &NodeName) -> u32 {
        self.counts.get(&(workflow.clone(), node.clone())).copied().unwrap_or(0)
    }

    fn load(&self, node: &NodeName) -> u64 {
        let here = self.counts.iter().filter(|it| it.0.1 == *node);
        let weight = |it: &WorkflowName| u64::from(self.cluster.settings[it].weight.get());
        here.map(|(key, count)| weight(&key.0) * u64::from(*count)).sum()
    }

    fn start(&mut self, workflow: &WorkflowName, node: &NodeName) {
        *self.counts.entry((workflow.clone(), node.clone())).or_default() += 1;
    }

    fn bounds(&self, settings: &Settings, node: &NodeName) -> Bounds {
        let own = settings.nodes.get(node);
        let roles = &self.cluster.landscape.nodes[node].roles;
        let of_roles = || roles.iter().filter_map(|it| settings.roles.get(it));
        let max = own.and_then(Limit::max).or_else(|| of_roles().filter_map(Limit::max).min());
        let max = max.or(settings.default.max()).map_or(u32::MAX, |it| it.count());
        let min = own.and_then(Limit::min).or_else(|| of_roles().filter_map(Limit::min).max());
        let is_explicit = min.is_some();
        let min = min.or(settings.default.min()).unwrap_or(0).min(max);
        Bounds { min, max, is_explicit }
    }
}

struct Bounds {
    min: u32,
    max: u32,
    is_explicit: bool,
}
