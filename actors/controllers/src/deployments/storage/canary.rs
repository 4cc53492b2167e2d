//! A canary: a deployment that runs on a few nodes for a while before it becomes the default.
//!
//! Its time begins when all its nodes run it, and anew when one that was gone is back. It ends at once, and for the worse, when a node fails
//! to activate it or when more records fail than are accepted; and for the better when its time is
//! over. What was processed arrives from outside, as totals of each life of a node. It is noted as it grows, and outlives
//! the node and whoever counts.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use weir_domain::{DeploymentTag, Incarnation, Millis, NodeName, Timestamp};

use super::{Fact, Rejection, Storage, Why};

const MILLION: u64 = 1_000_000;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CanaryPlan {
    pub tag: DeploymentTag,
    /// On how many nodes.
    pub nodes: u32,
    /// Nodes that are up: the first of them, by name, that run the default are taken.
    pub candidates: BTreeSet<NodeName>,
    pub bake: Millis,
    /// Records that may fail, of each million.
    pub errors_per_million_max: u32,
    /// It is not promoted before that many records were processed.
    #[serde(default)]
    pub records_min: u64,
}

/// One that runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Canary {
    pub plan: CanaryPlan,
    pub nodes: BTreeSet<NodeName>,
    pub started_at: Timestamp,
    /// Since when all its nodes run it; `None`: they don't, or not any more.
    pub baking_since: Option<Timestamp>,
    /// What lives of its nodes had processed when that was last noted.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty", alias = "failed")]
    pub noted: BTreeMap<Incarnation, Processed>,
}

/// So many records, and so many of them failed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Processed {
    pub records: u64,
    pub errors: u64,
}

/// What one life of a node has processed of a canary since it began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CanaryCounts {
    /// Which canary: a count of another one says nothing.
    pub tag: DeploymentTag,
    pub started_at: Timestamp,
    pub records: u64,
    pub errors: u64,
}

/// What the lives of its nodes told of a canary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CanaryTold {
    pub tag: DeploymentTag,
    pub started_at: Timestamp,
    pub by: BTreeMap<Incarnation, Processed>,
}

impl Canary {
    fn has_too_many_errors(&self, all: Processed) -> bool {
        let limit = u128::from(self.plan.errors_per_million_max);
        u128::from(all.errors) * u128::from(MILLION) > u128::from(all.records) * limit
    }

    /// All that its nodes have processed, given what they told to whoever counts now.
    pub fn processed(&self, told: &BTreeMap<Incarnation, Processed>) -> Processed {
        let noted = self.noted.iter().filter(|it| !told.contains_key(it.0));
        told.iter().chain(noted).fold(Processed::default(), |sum, (_, it)| Processed {
            records: sum.records + it.records,
            errors: sum.errors + it.errors,
        })
    }

    /// Whether what this life has processed is to be noted. Of much, an eighth more is news, so that a long canary does
    /// not fill the journal. What went well is noted as what failed is: who counts next must know both to judge.
    fn is_news(&self, node: &Incarnation, told: Processed) -> bool {
        let noted = self.noted.get(node).copied().unwrap_or_default();
        let is_more = |now: u64, before: u64| now > before.saturating_add(before / 8);
        is_more(told.errors, noted.errors) || is_more(told.records, noted.records)
    }

    fn is_baked(&self, at: Timestamp) -> bool {
        self.baking_since.is_some_and(|it| at.since(it) >= self.plan.bake.duration())
    }
}

impl Storage {
    pub fn canary(&self) -> Option<&Canary> {
        self.canary.as_ref()
    }

    /// When the canary began that the node takes part in.
    pub fn canary_since(&self, node: &NodeName) -> Option<Timestamp> {
        self.canary.as_ref().filter(|it| it.nodes.contains(node)).map(|it| it.started_at)
    }

    pub(super) fn check_no_canary(&self) -> Result<(), Rejection> {
        match &self.canary {
            Some(canary) => Err(Rejection::CanaryRuns { tag: canary.plan.tag.clone() }),
            None => Ok(()),
        }
    }

    pub(super) fn start_canary(&self, plan: CanaryPlan) -> Result<Vec<Fact>, Rejection> {
        self.check_exists(&plan.tag)?;
        self.check_no_canary()?;
        if self.default_tag() == plan.tag {
            return Err(Rejection::CanaryOfDefault { tag: plan.tag });
        }
        if plan.nodes == 0 || u64::from(plan.errors_per_million_max) > MILLION {
            return Err(Rejection::CanarySenseless);
        }
        let wanted = usize::try_from(plan.nodes).unwrap_or(usize::MAX);
        let runs_default = |name: &&NodeName| {
            let node = self.nodes.get(*name);
            node.is_some_and(|it| self.rule(name, &it.roles).1 == Why::Default)
        };
        let nodes: BTreeSet<_> =
            plan.candidates.iter().filter(runs_default).take(wanted).cloned().collect();
        if nodes.len() < wanted {
            return Err(Rejection::TooFewNodes { wanted: plan.nodes, found: nodes.len() });
        }
        Ok(vec![Fact::CanaryStarted { plan, nodes }])
    }

    pub(super) fn promote_canary(&self) -> Result<Vec<Fact>, Rejection> {
        let canary = self.canary.as_ref().ok_or(Rejection::NoCanary)?;
        Ok(vec![promoted(canary, "by command".to_owned())])
    }

    pub(super) fn end_canary(&self) -> Result<Vec<Fact>, Rejection> {
        let canary = self.canary.as_ref().ok_or(Rejection::NoCanary)?;
        Ok(vec![ended(canary, "by command".to_owned())])
    }

    /// Whether each node that runs it has told something. Before, as after a failover, what one says of its failures
    /// would be judged without what others did well since it was noted.
    fn have_told(&self, canary: &Canary, told: &BTreeMap<Incarnation, Processed>) -> bool {
        let runs = |it: &&NodeName| {
            self.nodes.get(*it).is_some_and(|it| it.current.as_ref() == Some(&canary.plan.tag))
        };
        let mut running = canary.nodes.iter().filter(runs);
        running.all(|node| told.keys().any(|it| it.name == *node))
    }

    /// What is noted of the canary and what becomes of it, given what its nodes have processed so far.
    pub(super) fn judge_canary(&self, told: &CanaryTold, at: Timestamp) -> Vec<Fact> {
        let is_this = |it: &&Canary| it.plan.tag == told.tag && it.started_at == told.started_at;
        let Some(canary) = self.canary.as_ref().filter(is_this) else { return vec![] };
        let news = told.by.iter().filter(|(node, it)| canary.is_news(node, **it));
        let mut facts: Vec<_> = news
            .map(|(node, it)| Fact::CanaryProcessed { node: node.clone(), processed: *it })
            .collect();
        if !self.have_told(canary, &told.by) {
            return facts;
        }
        let all = canary.processed(&told.by);
        let Processed { records, errors } = all;
        if canary.has_too_many_errors(all) {
            let limit = canary.plan.errors_per_million_max;
            let why = format!(
                "{errors} of {records} records failed, more than {}% are accepted",
                f64::from(limit) / (MILLION / 100) as f64
            );
            facts.push(ended(canary, why));
        } else if canary.is_baked(at) && records >= canary.plan.records_min {
            let why = format!("{records} records in {}, {errors} of them failed", canary.plan.bake);
            facts.push(promoted(canary, why));
        }
        facts
    }
}

pub(super) fn ended(canary: &Canary, why: String) -> Fact {
    Fact::CanaryEnded { tag: canary.plan.tag.clone(), why }
}

fn promoted(canary: &Canary, why: String) -> Fact {
    Fact::CanaryPromoted { tag: canary.plan.tag.clone(), why }
}
