//! Projects as the configuration server knows them.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use weir_domain::{Finding, ProjectName, WorkflowName};

use crate::{FindingView, schema};

/// One project of the configuration server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProjectSummary {
    #[schema(value_type = schema::Name)]
    pub name: ProjectName,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Where its files are, on the server's machine.
    pub directory: String,
    /// Empty while the project has errors.
    #[schema(value_type = Vec<schema::Name>)]
    pub workflows: Vec<WorkflowName>,
    pub errors: u32,
    pub warnings: u32,
    /// Equal content has an equal digest. Absent while the project has errors.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// Why nothing may be done with it until somebody has looked: its directory is not there, or two have its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amiss: Option<String>,
    /// Whether it is new or changed, and looked at in the background: workflows and findings are those of before, or
    /// none at all, until it is asked for again. Only where all projects are listed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub being_looked_at: bool,
}

/// Texts that are to be judged before they are written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProjectDrafts {
    pub drafts: Vec<ProjectDraft>,
}

/// The text that an asset would have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProjectDraft {
    /// The asset's path, as `sources/orders.yaml`; there need not be one yet.
    pub path: String,
    pub text: String,
}

/// What the validation of a project found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Validation {
    /// Whether the project can run: it has no error.
    pub valid: bool,
    pub errors: u32,
    pub warnings: u32,
    /// In order of file, line and column.
    pub findings: Vec<FindingView>,
}

impl From<Vec<Finding>> for Validation {
    fn from(mut findings: Vec<Finding>) -> Self {
        findings.sort_by(|a, b| (&a.place, a.code).cmp(&(&b.place, b.code)));
        let count = |errors: bool| {
            let of_kind = findings.iter().filter(|it| it.is_error() == errors).count();
            u32::try_from(of_kind).unwrap_or(u32::MAX)
        };
        let (errors, warnings) = (count(true), count(false));
        let findings = findings.into_iter().map(FindingView::from).collect();
        Self { valid: errors == 0, errors, warnings, findings }
    }
}
