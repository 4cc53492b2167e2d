//! What went through a stage, a stream or a workflow.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use weir_domain::{Counts, StageTime};

/// Records and bytes that went through.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Counts)]
pub struct CountsView {
    pub records_in: u64,
    pub records_out: u64,
    pub bytes_in: u64,
    pub bytes_out: u64,
    /// Bad records that went to the dead letters.
    pub dead_letters: u64,
    /// Bad records that were dropped because the stage says so.
    pub ignored: u64,
    /// Records left out because a rule says so.
    pub dropped: u64,
}

impl From<Counts> for CountsView {
    fn from(it: Counts) -> Self {
        Self {
            records_in: it.records_in,
            records_out: it.records_out,
            bytes_in: it.bytes_in,
            bytes_out: it.bytes_out,
            dead_letters: it.dead_letters,
            ignored: it.ignored,
            dropped: it.dropped,
        }
    }
}

/// How the time of a stage was spent, in all pipelines that had it since the engine started. What is in neither of
/// the other two it waited for what comes in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
#[schema(as = StageTime)]
pub struct StageTimeView {
    #[schema(required)]
    /// For how long it was there, summed over pipelines that had it at the same time.
    pub open_ms: u64,
    #[schema(required)]
    /// It read, computed or wrote. Of sources that read live data, only what they do besides waiting.
    pub busy_ms: u64,
    #[schema(required)]
    /// It had something that those behind it did not take yet: backpressure.
    pub blocked_ms: u64,
}

impl From<StageTime> for StageTimeView {
    fn from(StageTime { open_ms, busy_ms, blocked_ms }: StageTime) -> Self {
        Self { open_ms, busy_ms, blocked_ms }
    }
}

impl From<StageTimeView> for StageTime {
    fn from(StageTimeView { open_ms, busy_ms, blocked_ms }: StageTimeView) -> Self {
        Self { open_ms, busy_ms, blocked_ms }
    }
}
