//! Test runs: a workflow on a sample, and what each of its stages made of it.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;
use weir_domain::plan::{OnError, Role};
use weir_domain::{AssetName, PortName, ProjectName, StageId, WorkflowName};

use crate::{EdgeView, FaultView, FindingView, ProjectDraft, schema};

/// A workflow is to be run on samples, which take the place of what its sources would read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TestRunRequest {
    pub samples: Vec<TestRunSample>,
    /// Behind those of `project.yaml`, in this order: where two define one name, the later wins.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<schema::Name>)]
    pub environments: Vec<AssetName>,
    /// Texts that take the place of assets: an editor's, not yet written.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub drafts: Vec<ProjectDraft>,
    /// How many records of each stage are shown; all are counted.
    #[serde(default = "TestRunRequest::records_default")]
    #[schema(minimum = 1, maximum = 500, default = 50)]
    pub records: u32,
    /// Until when it must be done.
    #[serde(default = "TestRunRequest::within_default")]
    #[schema(minimum = 1, maximum = 15000, default = 10000)]
    pub within_ms: u64,
}

impl TestRunRequest {
    pub const RECORDS_MAX: u32 = 500;
    /// Less than a server takes for any request, with what stopping may take.
    pub const WITHIN_MS_MAX: u64 = 15_000;
    /// Of all samples together, decoded.
    pub const SAMPLE_BYTES_MAX: usize = 4 << 20;

    pub fn records_default() -> u32 {
        50
    }

    pub fn within_default() -> u64 {
        10_000
    }
}

/// What takes the place of a source's input: exactly one of `text`, `base64` and `records`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct TestRunSample {
    /// Without it, the only source.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Name>)]
    pub source: Option<StageId>,
    /// What the item is called, as a file's name; without it `sample-1` and so on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub item: Option<String>,
    /// In the format of the source.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// A file in the format of the source, perhaps compressed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base64: Option<String>,
    /// Records, whatever the format of the source is.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<Object>>)]
    pub records: Option<Vec<Map<String, Value>>>,
}

/// What came of a test run. Nothing was written, and secrets are concealed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = TestRun)]
pub struct TestRunView {
    #[schema(value_type = schema::Name)]
    pub project: ProjectName,
    #[schema(value_type = schema::Name)]
    pub workflow: WorkflowName,
    pub ending: TestRunEnding,
    /// Why it was not committed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<FaultView>,
    /// Why it could not be run: errors of the project, or what of a sample does not fit.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<FindingView>,
    /// In the order in which data reaches them.
    pub stages: Vec<TestRunStage>,
    pub edges: Vec<EdgeView>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum TestRunEnding {
    /// All would have been committed.
    Committed,
    /// All or some would have been rolled back.
    Failed,
    /// It was not done in time, and was stopped.
    Late,
    /// It could not be run.
    Invalid,
}

/// What was seen at a stage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TestRunStage {
    #[schema(value_type = schema::Name)]
    pub stage: StageId,
    #[schema(value_type = schema::StageRole)]
    pub role: Role,
    /// `file`, `mapping`, `filterRoute` …
    pub kind: String,
    /// What becomes of records that fail here.
    #[schema(value_type = schema::OnError)]
    pub on_error: OnError,
    /// Where it was written, as `file:line:column`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub place: String,
    /// Records that came in. Of a source: none.
    pub came: u64,
    /// Records that went out, by port.
    pub left: Vec<TestRunPort>,
    pub failed: u64,
    /// Left out because the configuration says so.
    pub dropped: u64,
    /// The first of them, in the order in which they came.
    pub records: Vec<TestRunRecord>,
    /// There are more than those.
    pub is_cut: bool,
    /// What a sink would write, from its beginning, where it is text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Why the stage itself could not go on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<FaultView>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TestRunPort {
    #[schema(value_type = schema::Name)]
    pub port: PortName,
    pub records: u64,
}

/// A record at a stage, before and after. Fields that are null are left out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TestRunRecord {
    /// Of which item; empty in live workflows.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub item: String,
    /// Which record of the sample it is, or was made of; from 1.
    pub position: u64,
    /// As it came in; absent where it begins here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub before: Option<Map<String, Value>>,
    /// As it went out: once, never, or several times.
    pub after: Vec<TestRunOutput>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<TestRunFailure>,
    /// It went out when the input had ended: what was held back, or made of several records.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_of_end: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TestRunOutput {
    #[schema(value_type = schema::Name)]
    pub port: PortName,
    #[schema(value_type = Object)]
    pub record: Map<String, Value>,
}

/// Why a record failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TestRunFailure {
    /// With line and column of the script, where one failed.
    pub reason: String,
    /// Of the sample, where it has lines.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// The record as it was read, or as JSON.
    pub raw: String,
}
