//! A stream: one item on its way through one workflow, committed or rolled back as a whole.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Code, Fault, InstanceId, Severity, StageId, StreamId, Timestamp, WorkflowName};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum StreamState {
    /// Records flow, or the outcome is being made visible.
    Open,
    /// An operator holds its source: nothing more is read.
    Paused,
    /// An attempt failed; the next one waits for its back-off.
    Retrying,
    /// Everything was published, nothing was left out.
    Committed,
    /// Everything was published but what went to the dead letters or was ignored.
    CommittedWithWarnings,
    /// Nothing was published; the fault says why.
    RolledBack,
}

impl StreamState {
    pub const ALL: [Self; 6] = [
        Self::Open,
        Self::Paused,
        Self::Retrying,
        Self::Committed,
        Self::CommittedWithWarnings,
        Self::RolledBack,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Paused => "paused",
            Self::Retrying => "retrying",
            Self::Committed => "committed",
            Self::CommittedWithWarnings => "committedWithWarnings",
            Self::RolledBack => "rolledBack",
        }
    }

    pub fn stored(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == text)
    }

    pub fn is_closed(self) -> bool {
        match self {
            Self::Open | Self::Paused | Self::Retrying => false,
            Self::Committed | Self::CommittedWithWarnings | Self::RolledBack => true,
        }
    }
}

/// What an operator may tell an open stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum StreamOrder {
    /// Reads nothing more until it is resumed.
    Pause,
    Resume,
    /// Finishes this attempt and begins no other.
    Shutdown,
    /// Is rolled back now, once its stages have stopped.
    Abort,
    /// Is rolled back now, whatever its stages do.
    Terminate,
}

impl StreamOrder {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Shutdown => "shutdown",
            Self::Abort => "abort",
            Self::Terminate => "terminate",
        }
    }
}

impl fmt::Display for StreamOrder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Display for StreamState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What went through a stage or a whole stream. Every record that came in went out (to one port
/// or several), or is in exactly one of the others.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Counts {
    pub records_in: u64,
    pub records_out: u64,
    pub bytes_in: u64,
    pub bytes_out: u64,
    pub dead_letters: u64,
    /// Bad records dropped because the stage says `onError: ignore`.
    pub ignored: u64,
    /// Records left out because a rule says so.
    pub dropped: u64,
}

impl Counts {
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            records_in: self.records_in + other.records_in,
            records_out: self.records_out + other.records_out,
            bytes_in: self.bytes_in + other.bytes_in,
            bytes_out: self.bytes_out + other.bytes_out,
            dead_letters: self.dead_letters + other.dead_letters,
            ignored: self.ignored + other.ignored,
            dropped: self.dropped + other.dropped,
        }
    }
}

/// How the time of a stage was spent, in all pipelines that had it. What is in neither of the other two it waited
/// for what comes in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct StageTime {
    /// For how long it was there.
    pub open_ms: u64,
    /// It read, computed or wrote.
    pub busy_ms: u64,
    /// It had something that those behind it did not take yet.
    pub blocked_ms: u64,
}

impl StageTime {
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            open_ms: self.open_ms + other.open_ms,
            busy_ms: self.busy_ms + other.busy_ms,
            blocked_ms: self.blocked_ms + other.blocked_ms,
        }
    }
}

/// A stream as the monitor knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Stream {
    pub id: StreamId,
    pub workflow: WorkflowName,
    pub instance: InstanceId,
    /// The node that ran it, by name.
    pub node: String,
    /// The source item, as `directory/file.csv`.
    pub item: String,
    pub state: StreamState,
    /// How many times it was begun.
    pub attempts: u32,
    pub opened_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed_at: Option<Timestamp>,
    /// Records and bytes of the last attempt: read by the source, written by the sinks.
    pub counts: Counts,
    /// The same by stage.
    #[serde(default)]
    pub stages: BTreeMap<StageId, Counts>,
    /// What was published: a path or address by output. Of a live one: the newest, and first the newest of
    /// them.
    #[serde(default)]
    pub published: Vec<String>,
    /// Why it was rolled back or is retried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<Fault>,
}

/// One line of a stream's own log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LogLine {
    pub at: Timestamp,
    /// Absent for a plain statement of progress.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity: Option<Severity>,
    pub code: Code,
    pub text: String,
}
