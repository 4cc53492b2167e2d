//! Workflows as an engine runs them.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use weir_domain::plan::{Edge, OnError, Role, Stage};
use weir_domain::{
    NodeName, PortName, ProjectName, StageId, Timestamp, Workflow, WorkflowName, WorkflowState,
};

use crate::{CountsView, FaultView, ScheduleStanding, StageTimeView, schema};

/// A workflow in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct WorkflowSummary {
    #[schema(value_type = schema::Name)]
    pub name: WorkflowName,
    #[schema(value_type = schema::Name)]
    pub project: ProjectName,
    #[schema(value_type = schema::WorkflowState)]
    pub state: WorkflowState,
    pub instances: u32,
    pub open_streams: u32,
    /// Of those, the ones that an operator has paused.
    #[serde(default)]
    pub paused_streams: u32,
    /// Streams since the engine started that were committed in full.
    pub committed: u64,
    /// Streams that were committed without some bad records.
    pub committed_with_warnings: u64,
    pub rolled_back: u64,
    /// Of all closed streams since the engine started.
    pub counts: CountsView,
    #[schema(value_type = schema::Timestamp)]
    pub started_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Timestamp>)]
    pub last_stream_at: Option<Timestamp>,
    /// What is wrong now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<FaultView>,
    /// How the whole cluster stands with it; absent where the scheduler can't say now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<ScheduleStanding>,
    /// Where it is asked for everywhere: engines that did not say what they counted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<schema::Name>)]
    pub unreached: Vec<NodeName>,
}

/// Whose workflows are asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct WorkflowsQuery {
    /// Of all engines, with the sum of what they counted; without it, of the engine that answers.
    #[serde(default)]
    pub everywhere: bool,
}

/// A workflow with its graph.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct WorkflowDetail {
    #[serde(flatten)]
    pub summary: WorkflowSummary,
    pub stages: Vec<StageView>,
    pub edges: Vec<EdgeView>,
}

/// One stage of a workflow. Its configuration stays on the engine: it may hold secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Stage)]
pub struct StageView {
    #[schema(value_type = schema::Name)]
    pub id: StageId,
    #[schema(value_type = schema::StageRole)]
    pub role: Role,
    /// `file`, `mapping`, `filterRoute` …
    pub kind: String,
    #[schema(value_type = schema::OnError)]
    pub on_error: OnError,
    /// Where it was written, as `file:line:column`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub place: String,
    /// Of all closed streams since the engine started.
    pub counts: CountsView,
    #[serde(default)]
    pub time: StageTimeView,
}

/// Data flows from an output port of one stage into another stage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Edge)]
pub struct EdgeView {
    #[schema(value_type = schema::Name)]
    pub from: StageId,
    #[schema(value_type = schema::Name)]
    pub port: PortName,
    #[schema(value_type = schema::Name)]
    pub to: StageId,
}

impl From<Workflow> for WorkflowSummary {
    fn from(it: Workflow) -> Self {
        Self {
            name: it.name,
            project: it.project,
            state: it.state,
            instances: it.instances,
            open_streams: it.open_streams,
            paused_streams: it.paused_streams,
            committed: it.committed,
            committed_with_warnings: it.committed_with_warnings,
            rolled_back: it.rolled_back,
            counts: it.counts.into(),
            started_at: it.started_at,
            last_stream_at: it.last_stream_at,
            fault: it.fault.map(Into::into),
            schedule: None,
            unreached: Vec::new(),
        }
    }
}

impl From<Workflow> for WorkflowDetail {
    fn from(it: Workflow) -> Self {
        let counts = |id: &StageId| it.stages.get(id).copied().unwrap_or_default().into();
        let time = |id: &StageId| it.times.get(id).copied().unwrap_or_default().into();
        let view = |it: &Stage| stage_view(it, counts(&it.id), time(&it.id));
        let stages = it.plan.stages.iter().map(view);
        let stages = stages.collect();
        let edges = it.plan.edges.iter().cloned().map(EdgeView::from).collect();
        Self { stages, edges, summary: it.into() }
    }
}

fn stage_view(stage: &Stage, counts: CountsView, time: StageTimeView) -> StageView {
    StageView {
        id: stage.id.clone(),
        role: stage.role,
        kind: stage.kind.clone(),
        on_error: stage.on_error,
        place: stage.place.to_string(),
        counts,
        time,
    }
}

impl From<Edge> for EdgeView {
    fn from(it: Edge) -> Self {
        Self { from: it.from, port: it.port, to: it.to }
    }
}
