//! What went through a stage, a stream or a workflow.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use weir_domain::Counts;

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
