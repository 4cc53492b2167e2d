//! The scheduler settings that a deployment brings: they are to hold once it is the default, and once
//! for each time that it is made that. What an operator sets later stays.
//!
//! It is owed until the scheduler has answered, and the scheduler knows by the activation's number
//! what it has done: so a fail-over of either in between does it neither twice nor never.

use std::collections::BTreeMap;

use weir_domain::{DeploymentTag, Digest, WorkflowName};

use super::{Fact, Storage};

impl Storage {
    /// The activation whose settings the scheduler does not have yet, and the deployment.
    pub fn unscheduled(&self) -> Option<(u64, Digest)> {
        let activation = self.unscheduled?;
        let stored = self.by_tag.get(&self.default_tag())?;
        Some((activation, stored.deployment.digest))
    }

    pub(super) fn scheduled(&self, activation: u64, refusal: Option<String>) -> Vec<Fact> {
        match self.unscheduled == Some(activation) {
            true => vec![Fact::Scheduled { activation, refusal }],
            // It is about another activation by now.
            false => vec![],
        }
    }

    /// The workflows of all deployments that some node runs or is to run, by rule or by default.
    pub fn used(&self) -> BTreeMap<WorkflowName, DeploymentTag> {
        let rules = self.by_node.values().chain(self.roles.iter().map(|it| &it.tag));
        let canary = self.canary.iter().map(|it| &it.plan.tag);
        let default = self.default_tag();
        let tags = rules.chain(canary).chain([&default]);
        let used = tags.flat_map(|tag| {
            self.workflows(tag).into_keys().map(|workflow| (workflow, tag.clone()))
        });
        used.collect()
    }
}
