//! Savepoints of live workflows, and beginning anew: from one, or from nothing.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use weir_domain::{SavepointName, StageId, TableName, Timestamp, WorkflowName};

use crate::{FaultView, schema};

/// What a savepoint is to be called.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SavepointTake {
    #[schema(value_type = schema::Name)]
    pub name: SavepointName,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum SavepointState {
    /// Some lanes are still to take it.
    Taking,
    /// All lanes have taken it: a workflow can begin from it.
    Whole,
    /// The run of a lane ended before it took it, or what is stored can't be read.
    Failed,
}

/// A named savepoint of a workflow.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Savepoint)]
pub struct SavepointView {
    #[schema(value_type = schema::Name)]
    pub name: SavepointName,
    #[schema(value_type = schema::Name)]
    pub workflow: WorkflowName,
    pub state: SavepointState,
    /// Absent where it can't be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Timestamp>)]
    pub wanted_at: Option<Timestamp>,
    /// Who wanted it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Of all tables in all lanes, as they are stored.
    pub bytes: u64,
    /// Entries of all tables; absent where nobody has counted them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entries: Option<u64>,
    pub lanes: Vec<SavepointLaneView>,
    /// What can't be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<FaultView>,
}

/// One lane of a workflow in a savepoint.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SavepointLane)]
pub struct SavepointLaneView {
    pub lane: String,
    pub state: SavepointState,
    /// Absent until it is taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpoint: Option<CheckpointView>,
}

/// A checkpoint of one lane.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Checkpoint)]
pub struct CheckpointView {
    /// As `generation.number`.
    pub epoch: String,
    #[schema(value_type = schema::Timestamp)]
    pub taken_at: Timestamp,
    /// Of all tables, as they are stored.
    pub bytes: u64,
    /// Stages that read or remember something.
    pub stages: Vec<CheckpointStageView>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CheckpointStage)]
pub struct CheckpointStageView {
    #[schema(value_type = schema::Name)]
    pub stage: StageId,
    /// Of a source: where it reads on, by split.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub splits: BTreeMap<String, Value>,
    /// A source that has nothing more to read.
    pub is_ended: bool,
    pub tables: Vec<CheckpointTableView>,
}

/// A table that a stage remembers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CheckpointTable)]
pub struct CheckpointTableView {
    #[schema(value_type = schema::Name)]
    pub table: TableName,
    /// What kind of table it is, and the version of its rows: `map in version 1`.
    pub kind: String,
    pub bytes: u64,
    /// Absent where nobody has counted them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entries: Option<u64>,
}

/// Where the next run of a workflow is to begin. Either a savepoint is named, or `newest` is true.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct WorkflowRestore {
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Name>)]
    pub savepoint: Option<SavepointName>,
    /// Where it stands: with `allowDropped` it goes on without what no stage takes any more.
    pub newest: bool,
    /// State that no stage takes any more is given up. Without it, that is refused.
    pub allow_dropped: bool,
    /// Only say what would be done.
    pub dry_run: bool,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct WorkflowReset {
    /// Only say what would go.
    pub dry_run: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum RenewalFrom {
    Savepoint,
    Newest,
    Nothing,
}

/// Where the next run of a workflow begins, and what that means. What was published stays published,
/// also what came after the place where it begins.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Renewal)]
pub struct RenewalView {
    #[schema(value_type = schema::Name)]
    pub workflow: WorkflowName,
    /// Counts what was ordered of the workflow.
    pub order: u32,
    pub from: RenewalFrom,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Name>)]
    pub savepoint: Option<SavepointName>,
    pub lanes: Vec<RenewalLaneView>,
    /// Lanes that are worked on now: while there are any, nothing is ordered.
    pub working: Vec<String>,
    /// Stages that begin with nothing, since what is restored knows nothing of them.
    pub fresh: Vec<String>,
    /// Stages, and tables as `stage/table`, whose state is given up.
    pub dropped: Vec<String>,
    /// Why it can't be done.
    pub misfits: Vec<String>,
    /// Whether the workflow as it is deployed was looked at. Where it is not known here, what does not
    /// fit is refused when it runs.
    pub is_fit_checked: bool,
    /// Nothing was ordered.
    pub dry_run: bool,
}

/// Where a lane stands, and where it would begin; absent: nowhere.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RenewalLane)]
pub struct RenewalLaneView {
    pub lane: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stands: Option<CheckpointView>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub begins: Option<CheckpointView>,
}
