//! The dry run of a change: what it would start, stop and leave alone on which node.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use weir_domain::{DeploymentTag, NodeName};
use weir_package::Switch;
use weir_persistence_api::ObjectTotals;

use super::{Event, Fact, Storage, Why};

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Impact {
    /// The revision that this holds for: the change may be asked for with it.
    pub revision: u64,
    /// What would happen, in words. Empty: nothing.
    pub changes: Vec<String>,
    /// Only nodes that would have to run something else, or for another reason.
    pub nodes: BTreeMap<NodeName, NodeImpact>,
    /// What would be stored that is not there yet.
    pub new: ObjectTotals,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeImpact {
    pub before: DeploymentTag,
    pub after: DeploymentTag,
    /// Why it would run that.
    pub why: Why,
    pub switch: Switch,
}

impl Storage {
    /// What events would do that a change leads to.
    pub fn impact(&self, events: &[Event]) -> Impact {
        let mut after = self.clone();
        events.iter().for_each(|it| after.apply(it));
        let new = events.iter().find_map(|it| match &it.fact {
            Fact::Stored { new, .. } => Some(*new),
            _ => None,
        });
        Impact {
            revision: self.revision,
            changes: events.iter().map(|it| it.fact.to_string()).collect(),
            nodes: self.moved(&after),
            new: new.unwrap_or_default(),
        }
    }

    fn moved(&self, after: &Self) -> BTreeMap<NodeName, NodeImpact> {
        let mut moved = BTreeMap::new();
        for (name, node) in &self.nodes {
            let (old, old_why) = self.target(name, &node.roles);
            let (new, why) = after.target(name, &node.roles);
            if old == new && old_why == why {
                continue;
            }
            let switch = Switch::between(&self.workflows(&old), &after.workflows(&new));
            moved.insert(name.clone(), NodeImpact { before: old, after: new, why, switch });
        }
        moved
    }
}
