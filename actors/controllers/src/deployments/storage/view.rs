//! What operators and engines see of it.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use weir_domain::{DeploymentTag, Digest, NodeName, WorkflowName};
use weir_package::RoleRule;
use weir_persistence_api::ObjectTotals;

use super::{Canary, NewDeployment, NodeState, Processed, Recent, Storage, Use, Why, root};

/// The whole of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Overview {
    pub revision: u64,
    pub default: DeploymentTag,
    /// Where a rollback would lead.
    pub previous: Option<DeploymentTag>,
    pub canary: Option<Canary>,
    /// What its nodes have processed: what those that live told last, which is kept beside the storage, and what was
    /// noted of others.
    #[serde(default)]
    pub canary_counts: Option<Processed>,
    /// In the order of storing; the root is not among them.
    pub deployments: Vec<Row>,
    pub roles: Vec<RoleRule>,
    pub rules: BTreeMap<NodeName, DeploymentTag>,
    pub nodes: BTreeMap<NodeName, (NodeState, Why)>,
    /// Of all deployments, each object counted once.
    pub objects: ObjectTotals,
    /// What they would take if each had its own.
    pub bytes_without_sharing: u64,
    /// Oldest first.
    pub recent: Vec<Recent>,
}

/// A deployment in the tree.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Row {
    pub parent: DeploymentTag,
    /// Its objects are left out.
    pub deployment: NewDeployment,
    /// Others of the same digest.
    pub same: Vec<DeploymentTag>,
    /// One that was stored before has the same digest.
    pub is_duplicate: bool,
    pub is_default: bool,
    pub uses: Vec<Use>,
    /// Nodes that should run it.
    pub nodes: Vec<NodeName>,
}

/// What a node should run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wanted {
    pub tag: DeploymentTag,
    /// Of its content, which is an object; `None`: nothing.
    pub digest: Option<Digest>,
    pub why: Why,
}

impl Storage {
    pub fn wanted(&self, node: &NodeName, roles: &BTreeSet<String>) -> Wanted {
        let (tag, why) = self.target(node, roles);
        let digest = self.by_tag.get(&tag).map(|it| it.deployment.digest);
        Wanted { tag, digest, why }
    }

    pub fn overview(&self) -> Overview {
        let before = |it: usize| self.defaults.get(it).cloned().unwrap_or_else(root);
        let previous = match self.defaults.len() {
            0 => None,
            1 => Some(root()),
            n => Some(before(n - 2)),
        };
        let node = |(name, it): (&NodeName, &NodeState)| {
            (name.clone(), (it.clone(), self.target(name, &it.roles).1))
        };
        Overview {
            revision: self.revision,
            default: self.default_tag(),
            previous,
            canary: self.canary.clone(),
            canary_counts: None,
            deployments: self.rows(),
            roles: self.roles.clone(),
            rules: self.by_node.clone(),
            nodes: self.nodes.iter().map(node).collect(),
            objects: self.objects(),
            bytes_without_sharing: self.bytes_without_sharing(),
            recent: self.recent.iter().cloned().collect(),
        }
    }

    fn rows(&self) -> Vec<Row> {
        let mut stored: Vec<_> = self.by_tag.values().collect();
        stored.sort_by_key(|it| it.number);
        let mut seen = BTreeSet::new();
        let row = |it: &super::Stored| {
            let NewDeployment { tag, digest, .. } = &it.deployment;
            let same = self
                .by_tag
                .iter()
                .filter(|(other, it)| *other != tag && it.deployment.digest == *digest);
            let nodes = self.nodes.iter().filter(|it| it.1.target == *tag);
            let mut deployment = it.deployment.clone();
            deployment.workflows = self.workflows(tag);
            Row {
                parent: it.parent.clone(),
                same: same.map(|it| it.0.clone()).collect(),
                is_duplicate: !seen.insert(*digest),
                is_default: self.default_tag() == *tag,
                uses: self.uses(tag),
                nodes: nodes.map(|it| it.0.clone()).collect(),
                deployment,
            }
        };
        stored.into_iter().map(row).collect()
    }

    /// The digest of a deployment, and its workflows.
    pub fn content(&self, tag: &DeploymentTag) -> Option<(Digest, BTreeMap<WorkflowName, Digest>)> {
        let stored = self.by_tag.get(tag)?;
        Some((stored.deployment.digest, self.workflows(tag)))
    }

    fn objects(&self) -> ObjectTotals {
        let all = self.contents.values().flat_map(|it| &it.objects);
        let sizes: BTreeMap<_, _> = all.map(|it| (it.digest, it.size)).collect();
        ObjectTotals { objects: sizes.len() as u64, bytes: sizes.values().sum() }
    }

    fn bytes_without_sharing(&self) -> u64 {
        let bytes = |digest| {
            let content = self.contents.get(digest);
            content.map_or(0, |it| it.objects.iter().map(|it| it.size).sum::<u64>())
        };
        self.by_tag.values().map(|it| bytes(&it.deployment.digest)).sum()
    }
}
