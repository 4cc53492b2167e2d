//! Why a change was refused. A refusal is an answer, not a failure.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};
use weir_domain::{DeploymentTag, Digest, NodeName, ProjectName, WorkflowName};

use super::{Limit, ROOT, Recent};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, thiserror::Error)]
pub enum Rejection {
    #[error(
        "revision {expected} is not the present one, which is {actual}: {}; look again, then decide",
        told(since)
    )]
    Changed { expected: u64, actual: u64, since: Vec<Recent> },
    #[error(
        "the claim {} is there for the project {}, and this is about the project {}",
        limit.claim,
        listed(&limit.projects),
        listed(missing)
    )]
    OutOfReach { limit: Limit, missing: BTreeSet<ProjectName> },
    #[error(
        "workflow {workflow} of deployment {tag} belongs to project {owner}, whose deployment {of} is in use: rename it, or take {of} out of use first"
    )]
    WorkflowTaken {
        tag: DeploymentTag,
        workflow: WorkflowName,
        owner: ProjectName,
        /// The owner's.
        of: DeploymentTag,
    },
    #[error("there is no deployment {tag}{}", near.as_ref().map(|it| format!(": did you mean {it}?")).unwrap_or_default())]
    Unknown { tag: DeploymentTag, near: Option<String> },
    #[error(
        "the tag {tag} is taken by a deployment of digest {digest:.12}: tags are never updated, choose another"
    )]
    TagTaken { tag: DeploymentTag, digest: Digest },
    #[error("{ROOT} is the empty deployment, which is always there: choose another tag")]
    TagReserved,
    #[error("{ROOT} can't be deleted: all deployments descend from it")]
    RootStays,
    #[error("{tag} can't be deleted: it is the default; make another deployment the default first")]
    IsDefault { tag: DeploymentTag },
    #[error("{tag} can't be deleted: it is assigned by {}; change that first", joined(uses))]
    IsAssigned { tag: DeploymentTag, uses: Vec<Use> },
    #[error("{tag} can't be deleted yet: {} still switch away from it", joined(nodes))]
    SwitchingAway { tag: DeploymentTag, nodes: Vec<NodeName> },
    #[error(
        "node {node} was never seen in this cluster{}",
        near.as_ref().map(|it| format!(": did you mean {it}?")).unwrap_or_default()
    )]
    UnknownNode { node: NodeName, near: Option<String> },
    #[error("node {node} has no rule of its own")]
    NotAssigned { node: NodeName },
    #[error("there are two rules for role {role}: the second would never apply")]
    RoleTwice { role: String },
    #[error("a role rule needs a role: rule {number} has none")]
    NoRole { number: usize },
    #[error("there is no default to go back to")]
    NothingToRollBack,
    #[error("the canary {tag} runs: promote or end it first")]
    CanaryRuns { tag: DeploymentTag },
    #[error("no canary runs")]
    NoCanary,
    #[error("{tag} is the default already: a canary of it would prove nothing")]
    CanaryOfDefault { tag: DeploymentTag },
    /// `found`: of the nodes that are up, those for which no rule of their own decides.
    #[error("the canary needs nodes that run the default, {wanted} of them, and {}", few(*found))]
    TooFewNodes { wanted: u32, found: usize },
    #[error("a canary needs at least one node and a limit of at most 1000000 errors per million")]
    CanarySenseless,
    #[error(
        "{} objects of the deployment are not stored, {} for one: send them, then store it",
        missing.len(),
        missing.first().map(|it| format!("{it:.12}")).unwrap_or_default()
    )]
    ObjectsMissing { missing: Vec<Digest> },
}

/// What assigns a deployment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Use {
    Node(NodeName),
    /// Also one that fits no node today.
    Role(String),
    Canary,
}

impl fmt::Display for Use {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Node(node) => write!(f, "the rule of node {node}"),
            Self::Role(role) => write!(f, "the rule of role {role}"),
            Self::Canary => f.write_str("the canary"),
        }
    }
}

fn few(found: usize) -> String {
    match found {
        0 => "the default runs nowhere: each node that is up has a rule of its own, or has not told yet what it \
              runs; take the rules away from as many nodes as the canary is to have"
            .to_owned(),
        found => format!(
            "of the nodes that are up {found} do: ask for {found} at most, or take rules away from others"
        ),
    }
}

fn joined<T: ToString>(all: &[T]) -> String {
    all.iter().map(T::to_string).collect::<Vec<_>>().join(", ")
}

fn listed(projects: &BTreeSet<ProjectName>) -> String {
    match projects.is_empty() {
        true => "none".to_owned(),
        false => projects.iter().map(ProjectName::as_str).collect::<Vec<_>>().join(", "),
    }
}

fn told(since: &[Recent]) -> String {
    let each = since.iter().map(|it| match it.by.is_empty() {
        true => it.what.clone(),
        false => format!("{} by {}", it.what, it.by),
    });
    match since.is_empty() {
        true => "what happened since is not known any more".to_owned(),
        false => each.collect::<Vec<_>>().join("; "),
    }
}
