//! Deployments: which projects the cluster runs, in which content.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use weir_domain::plan::Plan;
use weir_domain::{ProjectName, Timestamp, WorkflowName};

use crate::schema;

/// A project, compiled, that all engines are to run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DeploymentRequest {
    /// Of the content: equal content has an equal digest.
    pub digest: String,
    /// Where relative paths of the project begin. The same path on every engine.
    pub base_dir: String,
    /// The workflows, as the compiler makes them.
    #[schema(value_type = Vec<Object>)]
    pub plans: Vec<Plan>,
}

/// What deploying a project from its directory would do, on every node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = DeploymentPreview)]
pub struct DeploymentPreview {
    #[schema(value_type = schema::Name)]
    pub project: ProjectName,
    pub digest: String,
    #[schema(value_type = Vec<schema::Name>)]
    pub starts: Vec<WorkflowName>,
    /// Changed: they finish what is open, and start again.
    #[schema(value_type = Vec<schema::Name>)]
    pub restarts: Vec<WorkflowName>,
    #[schema(value_type = Vec<schema::Name>)]
    pub stops: Vec<WorkflowName>,
    #[schema(value_type = Vec<schema::Name>)]
    pub stays: Vec<WorkflowName>,
}

/// A project that was deployed from a directory, by its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Withdrawal {
    #[schema(value_type = schema::Name)]
    pub project: ProjectName,
}

/// What runs no more, or would not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct WithdrawalView {
    /// Nothing was changed.
    pub dry_run: bool,
    #[schema(value_type = schema::Name)]
    pub project: ProjectName,
    /// By name. Of a command that was carried out before, none: they run no more.
    #[schema(value_type = Vec<schema::Name>)]
    pub workflows: Vec<WorkflowName>,
}

/// What the cluster should run of a project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Deployment)]
pub struct DeploymentView {
    #[schema(value_type = schema::Name)]
    pub project: ProjectName,
    pub digest: String,
    pub base_dir: String,
    /// By name.
    #[schema(value_type = Vec<schema::Name>)]
    pub workflows: Vec<WorkflowName>,
    #[schema(value_type = schema::Timestamp)]
    pub deployed_at: Timestamp,
}
