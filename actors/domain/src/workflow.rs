//! A workflow as an engine runs it.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::plan::Plan;
use crate::schedule::InstanceReport;
use crate::{Counts, Fault, ProjectName, StageId, StageTime, Timestamp, WorkflowName};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum WorkflowState {
    /// Running, with nothing to do.
    Waiting,
    /// At least one stream is open.
    Processing,
    /// An instance failed and waits to be started again; the fault says why.
    Restarting,
    /// It ran out of restarts; a person must look.
    Failed,
    /// Its streams are finishing; no new one is opened.
    Stopping,
    Stopped,
}

impl WorkflowState {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Processing => "processing",
            Self::Restarting => "restarting",
            Self::Failed => "failed",
            Self::Stopping => "stopping",
            Self::Stopped => "stopped",
        }
    }
}

impl fmt::Display for WorkflowState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Workflow {
    pub name: WorkflowName,
    pub project: ProjectName,
    pub state: WorkflowState,
    /// On this engine.
    pub instances: u32,
    /// Where each of them stands, also of those that end.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reports: Vec<InstanceReport>,
    pub open_streams: u32,
    /// Of those, the ones that an operator has paused.
    #[serde(default)]
    pub paused_streams: u32,
    /// Streams closed since the engine started, by outcome.
    pub committed: u64,
    pub committed_with_warnings: u64,
    pub rolled_back: u64,
    /// Records and bytes of all closed streams since the engine started.
    pub counts: Counts,
    /// The same by stage.
    #[serde(default)]
    pub stages: BTreeMap<StageId, Counts>,
    /// How its stages spend their time, in all pipelines since the engine started.
    #[serde(default)]
    pub times: BTreeMap<StageId, StageTime>,
    pub started_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_stream_at: Option<Timestamp>,
    /// What is wrong now: a directory that can't be listed, a restart that failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<Fault>,
    pub plan: Plan,
}
