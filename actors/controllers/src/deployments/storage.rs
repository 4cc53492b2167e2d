//! The stored deployments of a cluster: which there are, and which node should run which.
//!
//! Everything here is pure: decisions are functions of what is stored, of the command, and of nothing
//! else. Time, and who asks, arrive with the command.
//!
//! Invariants:
//! - T1: a tag names one deployment, as long as that is there; a tag that exists is never updated.
//! - T2: what runs somewhere, or is to run somewhere, is not deleted; what it consists of is kept.
//! - T3: a node runs one deployment: the canary that it takes part in, or else what its own rule
//!   says, or else the first role rule that fits, or else the default.
//! - T4: each change of an administrator makes a new revision; one that was decided on the sight of
//!   an older one is refused, with what happened since. What nodes report makes none.
//! - T5: who may change what belongs to some projects only changes nothing that nodes run of others.
//! - T6: a workflow has one owner: no change has deployments of two projects in use that have a
//!   workflow of the same name.
//!
//! Objects are elsewhere: here it is known which are needed. Nothing here knows what is in them.

mod apply;
mod assign;
mod author;
mod canary;
mod command;
mod event;
mod impact;
mod node;
mod owners;
mod reach;
mod rejection;
mod scheduled;
mod stored;
mod sweep;
mod view;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};
use weir_domain::{DeploymentTag, Digest, NodeName, WorkflowName};
use weir_package::RoleRule;

pub use author::Author;
pub use canary::{Canary, CanaryCounts, CanaryPlan, CanaryTold, Processed};
pub use command::{Change, Command, NewDeployment, ObjectRef, Observation, Report};
pub use event::{Event, Fact};
pub use impact::{Impact, NodeImpact};
pub use node::{ActivationFailure, NodeState, Why};
pub use reach::{Limit, Reach};
pub use rejection::{Rejection, Use};
pub use sweep::SWEEP_AGE;
pub use view::{Overview, Row, Wanted};

/// The empty deployment, which all others descend from. It is always there.
pub const ROOT: &str = "DeploymentRoot";

/// Changes that an administrator who came too late is told.
const RECENT_MAX: usize = 100;
/// Defaults that can be rolled back to.
const DEFAULTS_MAX: usize = 100;

pub fn root() -> DeploymentTag {
    DeploymentTag::new(ROOT).expect("it is a name")
}

/// What is folded from the events.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Storage {
    /// Of the changes of administrators.
    pub(super) revision: u64,
    /// What the last of them were, oldest first.
    recent: VecDeque<Recent>,
    by_tag: BTreeMap<DeploymentTag, Stored>,
    contents: BTreeMap<Digest, Content>,
    /// The last one counts; before it, what a rollback goes back to. Empty: the root.
    defaults: Vec<DeploymentTag>,
    roles: Vec<RoleRule>,
    by_node: BTreeMap<NodeName, DeploymentTag>,
    canary: Option<Canary>,
    /// All that were ever seen.
    nodes: BTreeMap<NodeName, NodeState>,
    /// Counts what may have left objects behind; `None` when nothing has.
    garbage: Option<u64>,
    /// The revision that made the default what it is, until the scheduler has its settings.
    #[serde(default)]
    unscheduled: Option<u64>,
}

/// A deployment in the tree.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Stored {
    /// In the order of storing.
    number: u64,
    parent: DeploymentTag,
    deployment: NewDeployment,
}

/// What is known of a content, however many deployments have it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Content {
    workflows: BTreeMap<WorkflowName, Digest>,
    objects: Vec<ObjectRef>,
}

/// A change of an administrator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recent {
    pub revision: u64,
    pub at: weir_domain::Timestamp,
    pub by: String,
    pub what: String,
}

impl Storage {
    /// The events that the command leads to (none: it changes nothing), or why it is refused.
    pub fn decide(&self, command: Command) -> Result<Vec<Event>, Rejection> {
        match command {
            Command::Change { author, change } => {
                self.check_revision(&author)?;
                self.check_named(&author, &change)?;
                let facts = self.change(change)?;
                let events: Vec<_> = facts.into_iter().map(|it| author.event(it)).collect();
                let mut after = self.clone();
                events.iter().for_each(|it| after.apply(it));
                self.check_reach(&author, &after)?;
                self.check_owners(&after)?;
                Ok(events)
            }
            Command::Observe { at, observation } => {
                let facts = self.observe(observation, at);
                let event = |fact| Event { at, by: String::new(), fact };
                Ok(facts.into_iter().map(event).collect())
            }
        }
    }

    fn change(&self, change: Change) -> Result<Vec<Fact>, Rejection> {
        match change {
            Change::Store(deployment) => self.store(*deployment),
            Change::Delete { tag } => self.delete(tag),
            Change::SetDefault { tag } => self.set_default(tag),
            Change::Rollback => self.roll_back(),
            Change::Assign { node, tag } => self.assign(node, tag),
            Change::Unassign { node } => self.unassign(node),
            Change::SetRoles(rules) => self.set_roles(rules),
            Change::SetAssignments(settings) => self.set_assignments(settings),
            Change::StartCanary(plan) => self.start_canary(plan),
            Change::PromoteCanary => self.promote_canary(),
            Change::EndCanary => self.end_canary(),
        }
    }

    fn observe(&self, observation: Observation, at: weir_domain::Timestamp) -> Vec<Fact> {
        match observation {
            Observation::Seen { node, roles } => self.see(node, roles),
            Observation::Gone { node } => self.miss(node),
            Observation::Reported { node, report } => self.report(node, report),
            Observation::Canary(told) => self.judge_canary(&told, at),
            Observation::Swept { garbage } => self.swept(garbage),
            Observation::Scheduled { activation, refusal } => self.scheduled(activation, refusal),
        }
    }

    fn check_revision(&self, author: &Author) -> Result<(), Rejection> {
        match author.expected {
            Some(expected) if expected != self.revision => Err(Rejection::Changed {
                expected,
                actual: self.revision,
                since: self.recent.iter().filter(|it| it.revision > expected).cloned().collect(),
            }),
            Some(_) | None => Ok(()),
        }
    }

    /// Of the changes of administrators: what an expectation is compared with.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    pub fn default_tag(&self) -> DeploymentTag {
        self.defaults.last().cloned().unwrap_or_else(root)
    }

    fn exists(&self, tag: &DeploymentTag) -> bool {
        tag.as_str() == ROOT || self.by_tag.contains_key(tag)
    }

    fn check_exists(&self, tag: &DeploymentTag) -> Result<(), Rejection> {
        match self.exists(tag) {
            true => Ok(()),
            false => Err(self.unknown(tag)),
        }
    }

    fn unknown(&self, tag: &DeploymentTag) -> Rejection {
        let tags = self.by_tag.keys().map(DeploymentTag::as_str).chain([ROOT]);
        let near = weir_domain::did_you_mean(tag.as_str(), tags).map(str::to_owned);
        Rejection::Unknown { tag: tag.clone(), near }
    }

    /// The workflows of a deployment, with the digests that decide what goes on at a switch.
    fn workflows(&self, tag: &DeploymentTag) -> BTreeMap<WorkflowName, Digest> {
        let stored = self.by_tag.get(tag);
        let content = stored.and_then(|it| self.contents.get(&it.deployment.digest));
        content.map(|it| it.workflows.clone()).unwrap_or_default()
    }
}
