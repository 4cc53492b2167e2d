//! Builds, which a configuration server keeps, and deploys, which bring one to a cluster.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use weir_domain::{
    AssetName, ClusterName, CommandId, DeploymentTag, Digest, KeyFingerprint, Millis, NodeName,
    ProjectName, Timestamp, UserName, WorkflowName,
};

use crate::{ActivationView, FindingView, ObjectCountView, schema};

/// What a package is built with.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct BuildRequest {
    /// With `${build:project}`, `${build:version}`, `${build:timestamp}` and `${build:commit}` in it;
    /// without it `${build:project}-${build:timestamp}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// The project as it was in this version: a commit (or the beginning of its id), a tag or a branch.
    /// Without it, as it is now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Only these, with all that they refer to; none: all.
    #[schema(value_type = Vec<schema::Name>)]
    pub workflows: Vec<WorkflowName>,
    /// Behind those of `project.yaml`, in this order: where two define one name, the later wins.
    #[schema(value_type = Vec<schema::Name>)]
    pub environments: Vec<AssetName>,
    /// Where relative paths of the project begin on the engines; without it, at its directory on the server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base_dir: Option<String>,
    /// Seal the secrets of the project anew to these keys of clusters, and to no others. None: they stay
    /// sealed as the project has them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub seal_to: Vec<SealTo>,
    /// What the project was checked out from, where no version is named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// When that was: a package with the same moment can be built again byte by byte. Without it, now.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Timestamp>)]
    pub at: Option<Timestamp>,
}

/// A key pair of a cluster that the server knows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct SealTo {
    /// Without it the one that a deploy goes to; of a build, the default one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Name>)]
    pub cluster: Option<ClusterName>,
    /// Its alias, its fingerprint or its public key; without it the one that is current there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

/// A package that the server keeps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Build)]
pub struct BuildView {
    /// That of the operation that made it.
    #[schema(value_type = schema::Id)]
    pub id: CommandId,
    #[schema(value_type = schema::Name)]
    pub project: ProjectName,
    #[schema(value_type = schema::Name)]
    pub tag: DeploymentTag,
    pub description: String,
    /// Who built it.
    #[schema(value_type = schema::Name)]
    pub by: UserName,
    #[schema(value_type = schema::Timestamp)]
    pub at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// That were chosen for it.
    #[schema(value_type = Vec<schema::Name>)]
    pub environments: Vec<AssetName>,
    /// It was made to see what it would do; fewer of these are kept.
    #[serde(default)]
    pub for_plan: bool,
    /// Of its content: equal content has an equal digest.
    #[schema(value_type = schema::Fingerprint)]
    pub digest: Digest,
    /// The key of this server, which clusters must trust.
    pub signer: String,
    #[schema(value_type = Vec<schema::Name>)]
    pub workflows: Vec<WorkflowName>,
    /// To which keys each secret is sealed.
    pub secrets: Vec<BuildSecret>,
    pub size: ObjectCountView,
    /// What was found that is no error.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<FindingView>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BuildSecret {
    #[schema(value_type = schema::Name)]
    pub name: AssetName,
    #[schema(value_type = Vec<schema::Fingerprint>)]
    pub keys: Vec<KeyFingerprint>,
}

/// What is brought to a cluster: a package that is kept, or one that is built now.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct DeployRequest {
    /// A package that is kept; without it one is built.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Id>)]
    pub package: Option<CommandId>,
    /// How it is built.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub build: Option<BuildRequest>,
    /// The cluster's name; without it the one that the configuration names.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Name>)]
    pub cluster: Option<ClusterName>,
    /// What it is based on; without it `DeploymentRoot`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Name>)]
    pub base: Option<DeploymentTag>,
    /// Make it the default; otherwise it is stored, and nothing runs.
    pub activate: bool,
    /// Wait so long until the nodes run it; without it, it is over as soon as they are told to.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub wait: Option<Millis>,
    /// Build it, and say what would be sent, and what would start, stop and stay.
    pub dry_run: bool,
}

/// What became of a deploy, or would.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Deployed)]
pub struct DeployedView {
    /// Nothing was stored.
    pub dry_run: bool,
    #[schema(value_type = schema::Name)]
    pub tag: DeploymentTag,
    #[schema(value_type = schema::Name)]
    pub base: DeploymentTag,
    #[schema(value_type = schema::Fingerprint)]
    pub digest: Digest,
    /// What the cluster lacked, and what was sent, or would be.
    pub sent: ObjectCountView,
    /// What it consists of.
    pub total: ObjectCountView,
    /// What making it the default does, or would do, as it was foreseen.
    pub plan: Vec<DeployNodePlan>,
    /// Why the cluster would refuse to make it the default, as things stand; none: it would not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub obstacles: Vec<DeployObstacle>,
    /// It is the default.
    pub activated: bool,
    /// The nodes that had to run something else, as they were in the end.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub nodes: Vec<ActivationView>,
}

/// What stands in the way of making a deployment the default.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeployObstacle {
    pub detail: String,
    /// What takes it away.
    pub hint: String,
}

/// What changes on a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeployNodePlan {
    #[schema(value_type = schema::Name)]
    pub node: NodeName,
    #[schema(value_type = schema::Name)]
    pub before: DeploymentTag,
    #[schema(value_type = schema::Name)]
    pub after: DeploymentTag,
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

/// Which cases of a project's tests to run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct TestsRequest {
    /// Only cases whose names, as `TEST/CASE`, contain this text.
    pub filter: String,
}
