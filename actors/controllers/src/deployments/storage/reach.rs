//! How far an author reaches: for who may change what belongs to some projects only.
//!
//! A change is about the deployments that it names, about those that default, rules and canary name
//! before or after it and not both, about those whose role rule it puts behind another one's, and about
//! those that it ends on nodes. So nobody takes a node from a project of others, also none that comes
//! later and has several roles; and what is given back needs no more. It is decided here, where nothing
//! can change between the look and the change; a command that was carried out before is answered as it
//! was then. The root belongs to no project: it is for everybody.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use weir_domain::{DeploymentTag, NodeName, ProjectName, UserClaim};
use weir_package::RoleRule;

use super::{Author, Change, Rejection, Storage};

/// What somebody may change. There is no default: who makes an author says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    Everything,
    Projects(Limit),
}

/// What belongs to these, and nothing else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limit {
    /// What the route asks for: for the refusal.
    pub claim: UserClaim,
    pub projects: BTreeSet<ProjectName>,
}

impl Storage {
    /// Before anything else is said of the deployment that the change names.
    pub(super) fn check_named(&self, author: &Author, change: &Change) -> Result<(), Rejection> {
        let project = match change {
            Change::Store(deployment) => Some(&deployment.project),
            Change::Delete { tag } | Change::SetDefault { tag } | Change::Assign { tag, .. } => {
                self.project(tag)
            }
            Change::StartCanary(plan) => self.project(&plan.tag),
            Change::Rollback
            | Change::Unassign { .. }
            | Change::SetRoles(_)
            | Change::SetAssignments(_)
            | Change::PromoteCanary
            | Change::EndCanary => None,
        };
        author.reach.check(project)
    }

    /// What the change would do has all to be within reach.
    pub(super) fn check_reach(&self, author: &Author, after: &Self) -> Result<(), Rejection> {
        let taken = self.said(after).into_iter();
        let taken = taken.chain(self.overtaken(after)).chain(self.run(after));
        author.reach.check(taken.filter_map(|it| self.project(it)))?;
        author.reach.check(after.said(self).into_iter().filter_map(|it| after.project(it)))
    }

    /// The deployments that default, rules or canary name here and not in the other.
    fn said(&self, other: &Self) -> BTreeSet<&DeploymentTag> {
        let mut tags = BTreeSet::new();
        if self.default_tag() != other.default_tag() {
            tags.extend(self.defaults.last());
        }
        tags.extend(only(&self.roles, &other.roles));
        tags.extend(unlike(&self.by_node, &other.by_node));
        let canary = |it: &Self| it.canary.as_ref().map(|it| it.plan.tag.clone());
        if canary(self) != canary(other) {
            tags.extend(self.canary.iter().map(|it| &it.plan.tag));
        }
        tags
    }

    /// The deployments whose role rules stand there behind a role that is not before them here.
    fn overtaken<'s>(&'s self, other: &'s Self) -> impl Iterator<Item = &'s DeploymentTag> {
        let stays = |it: &RoleRule| {
            before(&other.roles, &it.role).is_subset(&before(&self.roles, &it.role))
        };
        self.roles.iter().filter(move |it| !stays(it)).map(|it| &it.tag)
    }

    /// What nodes should run here and not in the other.
    fn run<'s>(&'s self, other: &'s Self) -> impl Iterator<Item = &'s DeploymentTag> {
        let targets = self.nodes.iter().map(|(name, it)| (name, &it.target));
        let stays = |(name, target): (&NodeName, &DeploymentTag)| {
            other.nodes.get(name).is_some_and(|it| it.target == *target)
        };
        targets.filter(move |it| !stays(*it)).map(|it| it.1)
    }

    pub(super) fn project(&self, tag: &DeploymentTag) -> Option<&ProjectName> {
        self.by_tag.get(tag).map(|it| &it.deployment.project)
    }
}

fn only<'s>(here: &'s [RoleRule], there: &[RoleRule]) -> impl Iterator<Item = &'s DeploymentTag> {
    here.iter().filter(|it| !there.contains(it)).map(|it| &it.tag)
}

/// The roles that decide before this one does.
fn before<'s>(rules: &'s [RoleRule], role: &str) -> BTreeSet<&'s str> {
    rules.iter().map(|it| it.role.as_str()).take_while(|it| *it != role).collect()
}

fn unlike<'s>(
    here: &'s BTreeMap<NodeName, DeploymentTag>,
    there: &BTreeMap<NodeName, DeploymentTag>,
) -> impl Iterator<Item = &'s DeploymentTag> {
    here.iter().filter(|it| there.get(it.0) != Some(it.1)).map(|it| it.1)
}

impl Reach {
    /// Refused where what is changed is about other projects.
    pub fn check<'s>(
        &self,
        about: impl IntoIterator<Item = &'s ProjectName>,
    ) -> Result<(), Rejection> {
        let Self::Projects(limit) = self else { return Ok(()) };
        let beyond = about.into_iter().filter(|it| !limit.projects.contains(*it));
        let missing: BTreeSet<_> = beyond.cloned().collect();
        match missing.is_empty() {
            true => Ok(()),
            false => Err(Rejection::OutOfReach { limit: limit.clone(), missing }),
        }
    }
}
