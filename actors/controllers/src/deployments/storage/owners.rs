//! Whose a workflow is (T6). Streams, claims, the history of items and the schedule go by its name in
//! all of the cluster: a project whose workflow has the name of another one's would go on with what is
//! not its own.
//!
//! A change is refused that brings a further owner, and not what has several already: so that what mends
//! it step by step is accepted.

use std::collections::{BTreeMap, BTreeSet};

use weir_domain::{DeploymentTag, Digest, ProjectName, WorkflowName};

use super::{Rejection, Storage};

/// With one of its deployments that are in use.
type Owners = BTreeMap<ProjectName, DeploymentTag>;

impl Storage {
    /// The workflows of all deployments that some node runs or is to run, by rule or by default.
    pub fn used(&self) -> BTreeMap<WorkflowName, DeploymentTag> {
        self.workflows_in_use().collect()
    }

    /// The contents that members of the cluster are to run: that of the default first, if one of them is to.
    /// With no member known, that of the default.
    pub fn run_by_members(&self) -> Vec<Digest> {
        let members = self.nodes.values().filter(|it| it.is_member());
        let mut tags: Vec<_> = members.map(|it| it.target.clone()).collect();
        if tags.is_empty() {
            tags.push(self.default_tag());
        }
        let default = self.default_tag();
        tags.sort_by_key(|it| (*it != default, it.clone()));
        tags.dedup();
        let digests = tags.iter().filter_map(|it| Some(self.by_tag.get(it)?.deployment.digest));
        digests.collect()
    }

    pub(super) fn check_owners(&self, after: &Self) -> Result<(), Rejection> {
        let before = self.owners();
        for (workflow, owners) in after.owners() {
            let was = before.get(&workflow);
            let (old, new): (Vec<_>, Vec<_>) = owners
                .into_iter()
                .partition(|(project, _)| was.is_some_and(|it| it.contains_key(project)));
            let mut new = new.into_iter();
            let Some((_, tag)) = new.next() else { continue };
            if let Some((owner, of)) = old.into_iter().chain(new).next() {
                return Err(Rejection::WorkflowTaken { tag, workflow, owner, of });
            }
        }
        Ok(())
    }

    fn owners(&self) -> BTreeMap<WorkflowName, Owners> {
        let mut owners: BTreeMap<_, Owners> = BTreeMap::new();
        for (workflow, tag) in self.workflows_in_use() {
            let Some(project) = self.project(&tag).cloned() else { continue };
            owners.entry(workflow).or_default().insert(project, tag);
        }
        owners
    }

    /// Each workflow with each deployment in use that has it.
    fn workflows_in_use(&self) -> impl Iterator<Item = (WorkflowName, DeploymentTag)> {
        self.tags_in_use().into_iter().flat_map(|tag| {
            self.workflows(&tag).into_keys().map(move |workflow| (workflow, tag.clone()))
        })
    }

    fn tags_in_use(&self) -> BTreeSet<DeploymentTag> {
        let rules = self.by_node.values().chain(self.roles.iter().map(|it| &it.tag));
        let canary = self.canary.iter().map(|it| &it.plan.tag);
        rules.chain(canary).cloned().chain([self.default_tag()]).collect()
    }
}
