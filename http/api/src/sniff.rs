//! Looking at live records.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;
use weir_domain::{NodeName, PortName, SniffFilter, SniffSide, StageId, StreamId};

use crate::schema;

/// What to capture of the records that pass a stage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SniffRequest {
    #[schema(value_type = schema::Name)]
    pub stage: StageId,
    /// `in`: as they come to the stage; `out`: as they leave it.
    #[serde(default)]
    #[schema(value_type = schema::SniffSide)]
    pub side: SniffSide,
    /// Only what leaves by this port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Name>)]
    pub port: Option<PortName>,
    /// Only what goes to this stage, by whichever port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Name>)]
    pub to: Option<StageId>,
    /// Only of this stream.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::StreamId>)]
    pub stream: Option<StreamId>,
    /// Only records whose field has this text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::SniffFilter>)]
    pub filter: Option<SniffFilter>,
    /// Only records for which this condition holds: an expression, as in filters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 4096)]
    pub condition: Option<String>,
    /// How many are enough.
    #[serde(default = "SniffRequest::records_default")]
    #[schema(minimum = 1, maximum = 1000, default = 20)]
    pub records: u32,
    /// How long to wait for them.
    #[serde(default = "SniffRequest::within_default")]
    #[schema(minimum = 1, maximum = 20000, default = 5000)]
    pub within_ms: u64,
}

impl SniffRequest {
    pub const RECORDS_MAX: u32 = 1_000;
    /// Less than a server takes for any request.
    pub const WITHIN_MS_MAX: u64 = 20_000;

    pub fn records_default() -> u32 {
        20
    }

    pub fn within_default() -> u64 {
        5_000
    }
}

/// What was captured on all engines.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SniffResult {
    pub records: Vec<SniffedView>,
    /// Records that passed on the engines that answered.
    pub seen: u64,
    /// Those of them that were not looked at: looking never makes a stream wait.
    pub dropped: u64,
    /// Why the condition can't be applied to the records that passed; then there are none of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wrong: Option<String>,
    /// Engines that gave no answer.
    pub unreached: Vec<SniffUnreached>,
}

/// A record, its secrets masked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SniffedRecord)]
pub struct SniffedView {
    #[schema(value_type = schema::Name)]
    pub node: NodeName,
    #[schema(value_type = schema::StreamId)]
    pub stream: StreamId,
    /// Of the record in its item, counted from 1.
    pub position: u64,
    #[schema(value_type = Object)]
    pub record: Map<String, Value>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SniffUnreached {
    #[schema(value_type = schema::Name)]
    pub node: NodeName,
    pub why: String,
}
