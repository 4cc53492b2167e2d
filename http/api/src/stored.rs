//! Stored deployments: what was uploaded as packages, and what changes of it do.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use weir_domain::{DeploymentTag, Digest, NodeName, ProjectName, Timestamp, WorkflowName};

use crate::{CanaryView, DeploymentView, WhyView, schema};

/// The media type of a whole package.
pub const PACKAGE: &str = "application/vnd.weir.package";
/// Of a package without the objects that the cluster has.
pub const PARTIAL_PACKAGE: &str = "application/vnd.weir.partial-package";

/// All stored deployments. They form a tree below `DeploymentRoot`, the empty deployment, which is
/// not listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Deployments)]
pub struct DeploymentsView {
    /// Grows with every change; `if-match` takes it.
    pub revision: u64,
    /// What nodes run that no rule fits.
    #[schema(value_type = schema::Name)]
    pub default: DeploymentTag,
    /// Where a rollback would lead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Name>)]
    pub previous: Option<DeploymentTag>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub canary: Option<CanaryView>,
    /// In the order in which they were stored.
    pub items: Vec<StoredView>,
    pub objects: ObjectsView,
    /// The newest changes, oldest first.
    pub recent: Vec<RecentChangeView>,
    /// Projects that were applied from a directory. Every node runs these, too.
    pub applied: Vec<DeploymentView>,
}

/// A stored deployment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = StoredDeployment)]
pub struct StoredView {
    #[schema(value_type = schema::Name)]
    pub tag: DeploymentTag,
    /// What it is based on.
    #[schema(value_type = schema::Name)]
    pub parent: DeploymentTag,
    /// Of its content: equal content has an equal digest.
    #[schema(value_type = schema::Fingerprint)]
    pub digest: Digest,
    #[schema(value_type = schema::Name)]
    pub project: ProjectName,
    pub description: String,
    pub author: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    #[schema(value_type = schema::Timestamp)]
    pub built_at: Timestamp,
    /// The key of the server that built it.
    pub signer: String,
    /// By name.
    pub workflows: Vec<WorkflowDigestView>,
    /// Other deployments of the same digest.
    #[schema(value_type = Vec<schema::Name>)]
    pub same: Vec<DeploymentTag>,
    /// One that was stored before has the same digest.
    pub duplicate: bool,
    pub default: bool,
    /// What assigns it: nodes, roles, a canary.
    pub assigned_by: Vec<String>,
    /// Nodes that should run it.
    #[schema(value_type = Vec<schema::Name>)]
    pub nodes: Vec<NodeName>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = WorkflowDigest)]
pub struct WorkflowDigestView {
    #[schema(value_type = schema::Name)]
    pub name: WorkflowName,
    /// Of all that decides how it runs: at a switch one of the same digest goes on.
    #[schema(value_type = schema::Fingerprint)]
    pub digest: Digest,
}

/// What all stored deployments consist of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = DeploymentObjects)]
pub struct ObjectsView {
    /// Each is counted once.
    pub count: u64,
    pub bytes: u64,
    /// What they would take more if each deployment had its own.
    pub bytes_saved: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RecentChange)]
pub struct RecentChangeView {
    pub revision: u64,
    #[schema(value_type = schema::Timestamp)]
    pub at: Timestamp,
    pub by: String,
    pub what: String,
}

/// What a change did, or would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = DeploymentChange)]
pub struct ChangeView {
    /// Nothing was changed.
    pub dry_run: bool,
    /// After the change; of a dry run the one that it holds for.
    pub revision: u64,
    /// In words. Empty: there is nothing to change.
    pub changes: Vec<String>,
    /// Nodes that have to run something else, or for another reason, by name.
    pub nodes: Vec<NodeChangeView>,
}

/// What changes on a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = NodeChange)]
pub struct NodeChangeView {
    #[schema(value_type = schema::Name)]
    pub node: NodeName,
    #[schema(value_type = schema::Name)]
    pub before: DeploymentTag,
    #[schema(value_type = schema::Name)]
    pub after: DeploymentTag,
    pub why: WhyView,
    #[schema(value_type = Vec<schema::Name>)]
    pub starts: Vec<WorkflowName>,
    #[schema(value_type = Vec<schema::Name>)]
    pub stops: Vec<WorkflowName>,
    /// Drained, then started as something else.
    #[schema(value_type = Vec<schema::Name>)]
    pub restarts: Vec<WorkflowName>,
    /// Untouched.
    #[schema(value_type = Vec<schema::Name>)]
    pub stays: Vec<WorkflowName>,
}

/// Whether to change anything.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct DryRun {
    /// Only say what it would do.
    #[serde(default)]
    pub dry_run: bool,
}

/// What is to become the default.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Activate {
    #[schema(value_type = schema::Name)]
    pub tag: DeploymentTag,
    /// All rules become those that its package brings, too. If that names another default, it is that.
    #[serde(default)]
    pub assignments: bool,
}

/// A stored deployment by its tag.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TagRef {
    #[schema(value_type = schema::Name)]
    pub tag: DeploymentTag,
}

/// How a package is stored.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct UploadQuery {
    /// Instead of the tag in the package.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = Option<schema::Name>)]
    pub tag: Option<DeploymentTag>,
    /// Instead of the description in the package. Addresses have a bound that descriptions do not
    /// need to have: a long one is the first thing in the body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// So many bytes of the body, before the package, are the description, in UTF-8; 65,536 at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(maximum = 65_536)]
    pub description_bytes: Option<u32>,
    /// What it is based on; without it `DeploymentRoot`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = Option<schema::Name>)]
    pub base: Option<DeploymentTag>,
    /// Store nothing, and say which objects are missing. Then the package's head will do: all of it
    /// before its first object.
    #[serde(default)]
    pub dry_run: bool,
}

impl UploadQuery {
    /// Longest description.
    pub const DESCRIPTION_BYTES_MAX: usize = 64 << 10;
}

/// What became of an upload, or would.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Upload)]
pub struct UploadView {
    /// Nothing was stored.
    pub dry_run: bool,
    /// After it; of a dry run the present one.
    pub revision: u64,
    #[schema(value_type = schema::Name)]
    pub tag: DeploymentTag,
    #[schema(value_type = schema::Name)]
    pub base: DeploymentTag,
    #[schema(value_type = schema::Fingerprint)]
    pub digest: Digest,
    pub signer: String,
    /// Objects to send, where nothing was sent.
    #[schema(value_type = Vec<schema::Fingerprint>)]
    pub missing: Vec<Digest>,
    /// What was stored that was not there before.
    pub stored: ObjectCountView,
    /// What the deployment consists of.
    pub total: ObjectCountView,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ObjectCount)]
pub struct ObjectCountView {
    pub objects: u64,
    pub bytes: u64,
}
