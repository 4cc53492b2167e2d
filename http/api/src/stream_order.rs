//! What operators tell open streams.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use weir_domain::{NodeName, StreamId, StreamState, WorkflowName};

use crate::schema;

/// Which open streams are told: those that are named, or all that the filter leaves.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct StreamSelection {
    /// By their ids. None: the filter decides, and must name something.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<schema::StreamId>)]
    pub ids: Vec<StreamId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Name>)]
    pub workflow: Option<WorkflowName>,
    /// Those that this node runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Name>)]
    pub node: Option<NodeName>,
    /// `open`, `paused` or `retrying`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::StreamState>)]
    pub state: Option<StreamState>,
    /// Only say which.
    pub dry_run: bool,
}

/// Which streams were told.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct StreamsTold {
    /// Those that were told, or would be.
    #[schema(value_type = Vec<schema::StreamId>)]
    pub told: Vec<StreamId>,
    /// Those that were not, since they ended meanwhile or their engine gives no answer.
    pub not_told: Vec<StreamNotTold>,
    pub dry_run: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct StreamNotTold {
    #[schema(value_type = schema::StreamId)]
    pub id: StreamId,
    pub why: String,
}
