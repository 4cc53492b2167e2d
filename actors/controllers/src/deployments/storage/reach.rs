//! How far an author reaches: for who may change what belongs to some projects only.
//!
//! A change is about the deployments that it names, about those that default, rules and canary name
//! before or after it and not both, and about those that it ends on nodes. So nobody takes a node from
//! a project of others, and what is given back needs no more. It is decided here, where nothing can
//! change between the look and the change; a command that was carried out before is answered as it was
//! then. The root belongs to no project: it is for everybody.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use weir_domain::{DeploymentTag, NodeName, ProjectName, UserClaim};
use weir_package::RoleRule;

use super::{Author, Change, Event, Rejection, Storage};

/// What somebody may change who may not change everything.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reach {
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
        check(author, project)
    }

    /// What the change would do has all to be within reach.
    pub(super) fn check_reach(&self, author: &Author, events: &[Event]) -> Result<(), Rejection> {
        if author.reach.is_none() {
            return Ok(());
        }
        let mut after = self.clone();
        events.iter().for_each(|it| after.apply(it));
        let taken = self.said(&after).into_iter().chain(self.run(&after));
        check(author, taken.filter_map(|it| self.project(it)))?;
        check(author, after.said(self).into_iter().filter_map(|it| after.project(it)))
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

    /// What nodes should run here and not in the other.
    fn run<'s>(&'s self, other: &'s Self) -> impl Iterator<Item = &'s DeploymentTag> {
        let targets = self.nodes.iter().map(|(name, it)| (name, &it.target));
        let stays = |(name, target): (&NodeName, &DeploymentTag)| {
            other.nodes.get(name).is_some_and(|it| it.target == *target)
        };
        targets.filter(move |it| !stays(*it)).map(|it| it.1)
    }

    fn project(&self, tag: &DeploymentTag) -> Option<&ProjectName> {
        self.by_tag.get(tag).map(|it| &it.deployment.project)
    }
}

fn only<'s>(here: &'s [RoleRule], there: &[RoleRule]) -> impl Iterator<Item = &'s DeploymentTag> {
    here.iter().filter(|it| !there.contains(it)).map(|it| &it.tag)
}

fn unlike<'s>(
    here: &'s BTreeMap<NodeName, DeploymentTag>,
    there: &BTreeMap<NodeName, DeploymentTag>,
) -> impl Iterator<Item = &'s DeploymentTag> {
    here.iter().filter(|it| there.get(it.0) != Some(it.1)).map(|it| it.1)
}

fn check<'s>(
    author: &Author,
    about: impl IntoIterator<Item = &'s ProjectName>,
) -> Result<(), Rejection> {
    let Some(reach) = &author.reach else { return Ok(()) };
    let beyond = about.into_iter().filter(|it| !reach.projects.contains(*it));
    let missing: BTreeSet<_> = beyond.cloned().collect();
    match missing.is_empty() {
        true => Ok(()),
        false => Err(Rejection::OutOfReach { reach: reach.clone(), missing }),
    }
}
