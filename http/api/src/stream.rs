//! Streams: what runs, what ran, and each stream's own log.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use weir_domain::{
    Code, InstanceId, LogLine, Severity, StageId, Stream, StreamId, StreamState, Timestamp,
    WorkflowName,
};

use crate::{CountsView, Cursor, FaultView, schema};

/// Which streams to list, newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct StreamsQuery {
    /// Only streams of this workflow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = Option<schema::Name>)]
    pub workflow: Option<WorkflowName>,
    /// Only streams that stand here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = Option<schema::StreamState>)]
    pub state: Option<StreamState>,
    /// Most items of the page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(minimum = 1, maximum = 500, default = 50)]
    pub limit: Option<u32>,
    /// `nextCursor` of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = Option<schema::Cursor>)]
    pub cursor: Option<Cursor>,
}

/// A stream in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct StreamSummary {
    #[schema(value_type = schema::StreamId)]
    pub id: StreamId,
    #[schema(value_type = schema::Name)]
    pub workflow: WorkflowName,
    /// The number of the instance of the workflow that ran it.
    #[schema(value_type = u64)]
    pub instance: InstanceId,
    pub node: String,
    /// The source item, as `directory/file.csv`.
    pub item: String,
    #[schema(value_type = schema::StreamState)]
    pub state: StreamState,
    /// How many times it was begun.
    pub attempts: u32,
    #[schema(value_type = schema::Timestamp)]
    pub opened_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Timestamp>)]
    pub closed_at: Option<Timestamp>,
    pub counts: CountsView,
    /// Why it was rolled back or is retried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<FaultView>,
}

/// A stream with all that is known of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct StreamDetail {
    #[serde(flatten)]
    pub summary: StreamSummary,
    /// What went through each stage, by the stage's name.
    #[schema(value_type = BTreeMap<String, CountsView>)]
    pub stages: BTreeMap<StageId, CountsView>,
    /// What was published: a path or address by output. Of a live stream: the newest 50, the newest first.
    pub published: Vec<String>,
}

impl From<Stream> for StreamSummary {
    fn from(it: Stream) -> Self {
        StreamDetail::from(it).summary
    }
}

impl From<Stream> for StreamDetail {
    fn from(it: Stream) -> Self {
        let summary = StreamSummary {
            id: it.id,
            workflow: it.workflow,
            instance: it.instance,
            node: it.node,
            item: it.item,
            state: it.state,
            attempts: it.attempts,
            opened_at: it.opened_at,
            closed_at: it.closed_at,
            counts: it.counts.into(),
            fault: it.fault.map(Into::into),
        };
        let stages = it.stages.into_iter().map(|(id, counts)| (id, counts.into())).collect();
        Self { summary, stages, published: it.published }
    }
}

/// A stream's own log, oldest line first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct StreamLog {
    #[schema(value_type = schema::StreamId)]
    pub id: StreamId,
    pub lines: Vec<LogLineView>,
}

/// One line of a stream's log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = LogLine)]
pub struct LogLineView {
    #[schema(value_type = schema::Timestamp)]
    pub at: Timestamp,
    /// Absent for a plain statement of progress.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Severity>)]
    pub severity: Option<Severity>,
    #[schema(value_type = schema::Code)]
    pub code: Code,
    pub text: String,
}

impl From<LogLine> for LogLineView {
    fn from(it: LogLine) -> Self {
        Self { at: it.at, severity: it.severity, code: it.code, text: it.text }
    }
}
