//! What engines and servers log, as they remember it.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use weir_domain::{Code, NodeName, StageId, StreamId, Timestamp, WorkflowName};

use crate::{Cursor, schema};

/// How much it matters: `error` is the most.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

impl LogLevel {
    /// The one that matters most first.
    pub const ALL: [Self; 5] = [Self::Error, Self::Warn, Self::Info, Self::Debug, Self::Trace];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }
}

/// In which order lines are listed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogOrder {
    #[default]
    Newest,
    Oldest,
}

/// Which lines are meant. What is not said does not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LogFilter {
    /// Lines of this level, or that matter more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<LogLevel>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workflow: Option<WorkflowName>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage: Option<StageId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream: Option<StreamId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<Code>,
    /// What the line has in its text or in a field, whatever the case of its letters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Not before then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// Before then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

/// Which lines of the log to list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct LogsQuery {
    /// Only lines of this level, or that matter more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<LogLevel>,
    /// Only lines about this workflow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = Option<schema::Name>)]
    pub workflow: Option<WorkflowName>,
    /// Only lines about this stage.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = Option<schema::Name>)]
    pub stage: Option<StageId>,
    /// Only lines about this stream.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = Option<schema::StreamId>)]
    pub stream: Option<StreamId>,
    /// Only lines of this node. Absent: those of all nodes of the cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = Option<schema::Name>)]
    pub node: Option<NodeName>,
    /// Only lines with this code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = Option<schema::Code>)]
    pub code: Option<Code>,
    /// Only lines that have this in their text, their logger or a field, whatever the case of its letters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(max_length = 256)]
    pub text: Option<String>,
    /// Only lines that were logged then or later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = Option<schema::Timestamp>)]
    pub since: Option<Timestamp>,
    /// Only lines that were logged before then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = Option<schema::Timestamp>)]
    pub until: Option<Timestamp>,
    /// Only lines with a greater number, which need a node: each life of each node counts for itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<u64>,
    /// Only lines with a smaller number, which need a node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<u64>,
    /// The newest first, or the oldest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(inline)]
    pub order: Option<LogOrder>,
    /// Most lines of the page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(minimum = 1, maximum = 500, default = 50)]
    pub limit: Option<u32>,
    /// `nextCursor` of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = Option<schema::Cursor>)]
    pub cursor: Option<Cursor>,
}

impl LogsQuery {
    /// Longest text to look for.
    pub const TEXT_MAX: usize = 256;

    pub fn filter(&self) -> LogFilter {
        let Self { level, workflow, stage, stream, code, text, since, until, .. } = self.clone();
        LogFilter { level, workflow, stage, stream, code, text, since, until }
    }
}

/// Which lines to follow.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct LogTailQuery {
    /// Only lines of this level, or that matter more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<LogLevel>,
    /// Only lines about this workflow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = Option<schema::Name>)]
    pub workflow: Option<WorkflowName>,
    /// Only lines about this stage.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = Option<schema::Name>)]
    pub stage: Option<StageId>,
    /// Only lines about this stream.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = Option<schema::StreamId>)]
    pub stream: Option<StreamId>,
    /// Only lines of this node. Absent: those of all nodes of the cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = Option<schema::Name>)]
    pub node: Option<NodeName>,
    /// Only lines with this code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = Option<schema::Code>)]
    pub code: Option<Code>,
    /// Only lines that have this in their text, their logger or a field, whatever the case of its letters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(max_length = 256)]
    pub text: Option<String>,
    /// Begin with lines that were logged then or later: for who comes back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = Option<schema::Timestamp>)]
    pub since: Option<Timestamp>,
    /// Begin with so many lines that were logged before, of all nodes together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(minimum = 0, maximum = 1000, default = 50)]
    pub tail: Option<u32>,
}

impl LogTailQuery {
    pub const TAIL_MAX: u32 = 1_000;
    pub const TAIL_DEFAULT: u32 = 50;

    pub fn filter(&self) -> LogFilter {
        let Self { level, workflow, stage, stream, code, text, since, .. } = self.clone();
        LogFilter { level, workflow, stage, stream, code, text, since, until: None }
    }
}

/// One line of the log of an engine or a server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LogEntry {
    /// Ascends within one life of its process.
    pub number: u64,
    #[schema(value_type = schema::Timestamp)]
    pub at: Timestamp,
    pub level: LogLevel,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Code>)]
    pub code: Option<Code>,
    /// Who speaks, as `weir_stream::report`.
    pub target: String,
    pub message: String,
    /// What else the line says.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<LogField>,
    /// The node that logged it. Absent: it is no engine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Name>)]
    pub node: Option<NodeName>,
    /// Which life of the process: with the number, what tells lines apart.
    #[serde(default)]
    pub life: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workflow: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream: Option<String>,
    /// The request that it was done for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<String>,
}

/// What a line says beside its text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LogField {
    pub name: String,
    pub value: String,
}

/// A node that gave no answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LogUnreached {
    #[schema(value_type = schema::Name)]
    pub node: NodeName,
    pub why: String,
}

/// One page of lines, as they were remembered.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LogPage {
    pub items: Vec<LogEntry>,
    /// Ask again with this cursor for what follows. Absent on the last page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Cursor>)]
    pub next_cursor: Option<Cursor>,
    /// Nodes whose lines are not among them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unreached: Vec<LogUnreached>,
}

/// What who follows a log is told: one JSON object in each message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "camelCase")]
pub enum LogTail {
    /// Lines in the order in which their node logged them.
    Lines { lines: Vec<LogEntry> },
    /// Whoever follows was too slow: so many lines of the node were forgotten before they were looked at.
    Missed {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schema(value_type = Option<schema::Name>)]
        node: Option<NodeName>,
        count: u64,
    },
    /// A node gives no answer.
    Lost {
        #[schema(value_type = schema::Name)]
        node: NodeName,
        why: String,
    },
    /// A node is followed, for the first time or again.
    Followed {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schema(value_type = Option<schema::Name>)]
        node: Option<NodeName>,
    },
    /// Nothing more comes over this connection.
    Ended { why: LogTailEnd },
}

/// Why a tail ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum LogTailEnd {
    /// The server ends. It is worth coming again.
    Closing,
    /// The session ended or a right was taken away.
    Barred,
}

/// What is said of the WebSocket where it is opened, and what who follows names beside it.
pub const LOG_PROTOCOL: &str = "weir.logs.v1";
/// Before a session or token, for who can't set a header.
pub const BEARER_PROTOCOL: &str = "weir.bearer.";
