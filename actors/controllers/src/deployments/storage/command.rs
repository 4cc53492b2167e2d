//! What Deployment Storage is asked to change, and what it is told.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use weir_domain::{DeploymentTag, Digest, Fault, NodeName, ProjectName, Timestamp, WorkflowName};
use weir_package::{AssignmentSettings, Manifest, RoleRule};

use super::{Author, CanaryPlan, CanaryTold};

#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// By an administrator.
    Change { author: Author, change: Change },
    /// By a machine.
    Observe { at: Timestamp, observation: Observation },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Change {
    /// Its objects must be in the object store already.
    Store(Box<NewDeployment>),
    Delete {
        tag: DeploymentTag,
    },
    /// What nodes run that no rule fits.
    SetDefault {
        tag: DeploymentTag,
    },
    /// Ends a canary that runs; otherwise back to the default before this one.
    Rollback,
    Assign {
        node: NodeName,
        tag: DeploymentTag,
    },
    Unassign {
        node: NodeName,
    },
    /// All role rules, in their order.
    SetRoles(Vec<RoleRule>),
    /// All rules together, as a package brings them; the default too, where it names one. Either
    /// all of it is done or nothing.
    SetAssignments(AssignmentSettings),
    StartCanary(CanaryPlan),
    /// Makes the canary's deployment the default, before its time.
    PromoteCanary,
    EndCanary,
}

/// A deployment that is to be stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewDeployment {
    pub tag: DeploymentTag,
    /// What it is based on.
    pub parent: DeploymentTag,
    /// Of its content, which is an object itself.
    pub digest: Digest,
    pub project: ProjectName,
    pub description: String,
    pub author: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    pub built_at: Timestamp,
    /// The key of the server that built it, as text.
    pub signer: String,
    pub workflows: BTreeMap<WorkflowName, Digest>,
    /// All that it refers to, its content too. Sorted by digest.
    pub objects: Vec<ObjectRef>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectRef {
    pub digest: Digest,
    pub size: u64,
}

impl NewDeployment {
    /// As the package says; tag and description may be overridden afterwards.
    pub fn of(manifest: &Manifest, parent: DeploymentTag, signer: String) -> Self {
        let content = manifest.content.to_object();
        let own = ObjectRef { digest: manifest.digest, size: content.len() as u64 };
        let objects = manifest.objects.iter();
        let objects = objects.map(|it| ObjectRef { digest: it.digest, size: it.size });
        let mut objects: Vec<_> = objects.chain([own]).collect();
        objects.sort_by_key(|it| it.digest);
        let details = manifest.details.clone();
        Self {
            tag: details.tag,
            parent,
            digest: manifest.digest,
            project: manifest.content.project.clone(),
            description: details.description,
            author: details.author,
            commit: details.commit,
            built_at: details.built_at,
            signer,
            workflows: manifest.content.workflow_digests(),
            objects,
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub enum Observation {
    /// A node belongs to the cluster, with these roles.
    Seen {
        node: NodeName,
        roles: BTreeSet<String>,
    },
    /// It is no member any more: nothing runs there.
    Gone {
        node: NodeName,
    },
    Reported {
        node: NodeName,
        report: Report,
    },
    /// What the nodes of the canary have processed since it began.
    Canary(CanaryTold),
    /// No object is left that nobody needs.
    Swept {
        garbage: u64,
    },
    /// The scheduler was given the settings of the default, and what it did not accept.
    Scheduled {
        activation: u64,
        refusal: Option<String>,
    },
}

/// What became of a node's activation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Report {
    /// It runs this, wholly.
    Running { tag: DeploymentTag },
    /// It could not begin to run this, and goes on with what it ran before.
    Failed { target: DeploymentTag, cause: Fault },
}
