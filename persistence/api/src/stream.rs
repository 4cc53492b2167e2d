//! Stream history: what ran and what became of it, with each stream's own log.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use weir_domain::{LogLine, Stream, StreamId, StreamState, WorkflowName};

use crate::{Fence, Result};

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamFilter {
    pub workflow: Option<WorkflowName>,
    pub state: Option<StreamState>,
    /// Go on after this stream: newest first, which is the order of ids downwards.
    pub before: Option<StreamId>,
    pub limit: u32,
}

/// Which streams of one item of a workflow are meant, newest first: one for each time that it was claimed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamsOfItem {
    pub workflow: WorkflowName,
    pub item: String,
    /// Go on after this stream.
    pub before: Option<StreamId>,
    pub limit: u32,
}

/// Which closed streams are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// The newest of each workflow.
    pub keep: u32,
    /// None before this one: ids are in the order of opening.
    pub first: Option<StreamId>,
}

impl From<u32> for Retention {
    fn from(keep: u32) -> Self {
        Self { keep, first: None }
    }
}

/// How long a stream's log may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogBound {
    /// With the one that tells of those that are gone.
    pub lines: u32,
    /// Of their text.
    pub bytes: u64,
}

#[async_trait]
pub trait StreamStore: Send + Sync + 'static {
    /// Writes streams as they are now, new or known, and adds lines to their logs, together. A save
    /// whose outcome is not known may be repeated: lines that are there already are not added.
    async fn stream_save(&self, fence: &Fence, changes: Vec<(Stream, Vec<LogLine>)>) -> Result<()>;

    async fn stream_load(&self, id: StreamId) -> Result<Option<Stream>>;

    async fn stream_list(&self, filter: StreamFilter) -> Result<Vec<Stream>>;

    /// Found by an index: what other items went through does not make it slower.
    async fn stream_of_item(&self, of: StreamsOfItem) -> Result<Vec<Stream>>;

    /// The stream's log in order of writing.
    async fn stream_log(&self, id: StreamId) -> Result<Vec<LogLine>>;

    /// Leaves out the oldest lines of a log that is longer than the bound; one line in their place
    /// says how many they are, over all times. Returns how many were left out now: the newest line
    /// never is.
    async fn stream_log_trim(&self, fence: &Fence, id: StreamId, bound: LogBound) -> Result<u64>;

    /// Deletes closed streams that are not to be kept; returns how many.
    async fn stream_prune(&self, fence: &Fence, retention: Retention) -> Result<u64>;
}
