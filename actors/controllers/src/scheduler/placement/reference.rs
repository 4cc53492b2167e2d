//! Placement as the rules say it, and as slow as that may be: every question is answered by going
//! through all that is assigned. It shares nothing with the real one but the values.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use weir_domain::schedule::{Limit, Max, Reach, ScheduleNode};
use weir_domain::{NodeName, WorkflowName};

use super::Situation;

/// An instance: workflow, number, node.
pub(super) type Instance = (WorkflowName, u64, NodeName);

struct Reference<'a> {
    situation: Situation<'a>,
    at: Vec<Instance>,
    last: BTreeMap<WorkflowName, u64>,
}

/// Everything that is assigned afterwards, sorted.
pub(super) fn place(situation: Situation<'_>) -> Vec<Instance> {
    let (mut at, mut last) = (Vec::new(), BTreeMap::new());
    for (workflow, assigned) in &situation.current.workflows {
        last.insert(workflow.clone(), assigned.last);
        for (number, placed) in &assigned.instances {
            // Lost is who is not there in the same incarnation.
            let node = situation.landscape.nodes.get(&placed.node.name);
            if node.is_some_and(|it| it.node == placed.node) {
                at.push((workflow.clone(), number.0, placed.node.name.clone()));
            }
        }
    }
    let mut it = Reference { situation, at, last };
    let deployed = situation.landscape.deployments.values().flat_map(|it| it.workflows.keys());
    let known: BTreeSet<WorkflowName> =
        situation.settings.keys().chain(deployed).cloned().collect();
    let mut workflows: Vec<WorkflowName> = known.iter().cloned().collect();
    workflows.sort_by_key(|w| (Reverse(it.weight(w)), w.clone()));
    it.at.retain(|(w, ..)| known.contains(w));
    workflows.iter().for_each(|w| it.release(w));
    workflows.iter().for_each(|w| it.minimums(w));
    workflows.iter().for_each(|w| it.settle(w));
    workflows.iter().for_each(|w| it.missing(w));
    it.at.sort();
    it.at
}

impl<'a> Reference<'a> {
    fn weight(&self, w: &WorkflowName) -> u64 {
        self.situation.settings.get(w).map_or(100, |it| it.weight.get().into())
    }

    fn target(&self, w: &WorkflowName) -> usize {
        let set = self.situation.settings.get(w).and_then(|it| it.target);
        let deployments = self.situation.landscape.deployments.values();
        let says = deployments.filter_map(|it| it.workflows.get(w)).map(|it| it.instances).max();
        set.or(says).unwrap_or(0) as usize
    }

    fn nodes(&self) -> Vec<&'a ScheduleNode> {
        self.situation.landscape.nodes.values().collect()
    }

    fn total(&self, w: &WorkflowName) -> usize {
        self.at.iter().filter(|it| it.0 == *w).count()
    }

    fn count(&self, w: &WorkflowName, n: &ScheduleNode) -> usize {
        self.at.iter().filter(|it| it.0 == *w && it.2 == n.node.name).count()
    }

    fn load(&self, n: &ScheduleNode) -> u64 {
        self.at.iter().filter(|it| it.2 == n.node.name).map(|it| self.weight(&it.0)).sum()
    }

    fn rank(&self, w: &WorkflowName, n: &ScheduleNode) -> (u64, usize, NodeName) {
        (self.load(n), self.count(w, n), n.node.name.clone())
    }

    /// Rules that are for the node, narrowest scope first.
    fn rules(&self, w: &WorkflowName, n: &ScheduleNode) -> [Vec<Limit>; 3] {
        let Some(settings) = self.situation.settings.get(w) else { return Default::default() };
        let roles = settings.roles.iter().filter(|it| n.roles.contains(it.0)).map(|it| *it.1);
        let node = settings.nodes.get(&n.node.name).copied();
        [node.into_iter().collect(), roles.collect(), vec![settings.default]]
    }

    fn max(&self, w: &WorkflowName, n: &ScheduleNode) -> usize {
        let maxs = self.rules(w, n).map(|rules| rules.iter().filter_map(Limit::max).min());
        match maxs.into_iter().flatten().next() {
            None | Some(Max::Unlimited) => usize::MAX,
            Some(Max::AtMost(it)) => it as usize,
        }
    }

    /// The least number, and whether the default says it.
    fn min(&self, w: &WorkflowName, n: &ScheduleNode) -> (usize, bool) {
        let mins = self.rules(w, n).map(|rules| rules.iter().filter_map(Limit::min).max());
        let scope = mins.iter().position(Option::is_some);
        let min = scope.and_then(|it| mins[it]).unwrap_or(0) as usize;
        (min.min(self.max(w, n)), scope.is_none_or(|it| it == 2))
    }

    fn explicit(&self, w: &WorkflowName, n: &ScheduleNode) -> usize {
        let (min, is_default) = self.min(w, n);
        if is_default { 0 } else { min }
    }

    fn default(&self, w: &WorkflowName, n: &ScheduleNode) -> usize {
        let (min, is_default) = self.min(w, n);
        if is_default { min } else { 0 }
    }

    fn may_start(&self, w: &WorkflowName, n: &ScheduleNode) -> bool {
        let needed = self.situation.landscape.deployed(n).and_then(|it| it.workflows.get(w));
        n.reach == Reach::Up && needed.is_some_and(|it| it.roles.is_subset(&n.roles))
    }

    fn may_stay(&self, w: &WorkflowName, n: &ScheduleNode) -> bool {
        let is_silent = self.situation.landscape.deployed(n).is_none();
        n.reach == Reach::Unreachable
            || (n.reach == Reach::Up && (is_silent || self.may_start(w, n)))
    }

    fn stop_youngest(&mut self, w: &WorkflowName, n: &ScheduleNode) {
        let mine = self.at.iter().enumerate().filter(|it| it.1.0 == *w && it.1.2 == n.node.name);
        let youngest = mine.max_by_key(|it| it.1.1).map(|it| it.0);
        self.at.remove(youngest.unwrap());
    }

    fn empty(&mut self, w: &WorkflowName, n: &ScheduleNode) {
        self.at.retain(|it| !(it.0 == *w && it.2 == n.node.name));
    }

    fn start(&mut self, w: &WorkflowName, n: &ScheduleNode) {
        let last = self.last.entry(w.clone()).or_insert(0);
        *last += 1;
        self.at.push((w.clone(), *last, n.node.name.clone()));
    }

    fn release(&mut self, w: &WorkflowName) {
        for n in self.nodes() {
            if self.target(w) == 0 || !self.may_stay(w, n) {
                self.empty(w, n);
            }
            while self.count(w, n) > self.max(w, n) {
                self.stop_youngest(w, n);
            }
        }
    }

    fn minimums(&mut self, w: &WorkflowName) {
        for n in self.nodes() {
            while self.target(w) > 0
                && self.may_start(w, n)
                && self.count(w, n) < self.explicit(w, n)
            {
                self.start(w, n);
            }
        }
    }

    /// A node that could give one away, and would run none or enough afterwards.
    fn can_spare(&self, w: &WorkflowName, n: &ScheduleNode) -> bool {
        let count = self.count(w, n);
        let left = count.saturating_sub(1);
        count > self.explicit(w, n)
            && (left >= self.default(w, n) || (left == 0 && self.default(w, n) <= 1))
    }

    fn settle(&mut self, w: &WorkflowName) {
        let target = self.target(w);
        loop {
            let is_short = |n: &&ScheduleNode| {
                let count = self.count(w, n);
                self.may_start(w, n) && count > 0 && count < self.default(w, n)
            };
            let mut short: Vec<_> = self.nodes().into_iter().filter(is_short).collect();
            short.sort_by_key(|n| (Reverse(self.count(w, n)), self.load(n), n.node.name.clone()));
            let (Some(fullest), Some(emptiest)) = (short.first(), short.last()) else { break };
            let needed = self.default(w, fullest) - self.count(w, fullest);
            let mut elsewhere = 0;
            for n in self.nodes() {
                let (count, explicit, default) =
                    (self.count(w, n), self.explicit(w, n), self.default(w, n));
                let floor = if default > 1 { default } else { explicit };
                elsewhere += count.saturating_sub(floor);
            }
            if self.total(w) + needed <= target + elsewhere {
                (0..needed).for_each(|_| self.start(w, fullest));
            } else {
                self.empty(w, emptiest);
            }
        }
        while self.total(w) > target && self.stop_one(w) {}
        while self.total(w) > target {
            let free = |n: &&ScheduleNode| self.count(w, n) > 0 && self.explicit(w, n) == 0;
            let nodes = self.nodes().into_iter().filter(free);
            let Some(n) = nodes.max_by_key(|n| self.rank(w, n)) else { break };
            self.empty(w, n);
        }
    }

    fn stop_one(&mut self, w: &WorkflowName) -> bool {
        let nodes = self.nodes().into_iter().filter(|n| self.can_spare(w, n));
        let Some(n) = nodes.max_by_key(|n| self.rank(w, n)) else { return false };
        self.stop_youngest(w, n);
        true
    }

    fn missing(&mut self, w: &WorkflowName) {
        while self.total(w) < self.target(w) {
            let missing = self.target(w) - self.total(w);
            let allowed = |n: &&ScheduleNode| {
                let count = self.count(w, n);
                let opens = count == 0 && self.default(w, n) > missing;
                self.may_start(w, n) && count < self.max(w, n) && !opens
            };
            let nodes = self.nodes().into_iter().filter(allowed);
            let Some(n) = nodes.min_by_key(|n| self.rank(w, n)) else { break };
            self.start(w, n);
            while self.count(w, n) < self.default(w, n) {
                self.start(w, n);
            }
        }
    }
}
