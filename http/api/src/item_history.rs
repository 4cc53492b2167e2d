//! What happened to one item: its runs, and the resets that forgot it.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use weir_domain::{InstanceId, SourceName, Stream, StreamId, StreamState, SweepId, Timestamp};

use crate::{CountsView, Cursor, FaultView, schema};

/// Which item is meant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ItemHistoryQuery {
    /// Its source, as `workflow/stage`.
    #[param(value_type = schema::SourceName)]
    pub source: SourceName,
    /// Its name within the source.
    pub name: String,
    /// Most entries of the page. It may be shorter, and still another one follows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(minimum = 1, maximum = 500, default = 50)]
    pub limit: Option<u32>,
    /// `nextCursor` of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = Option<schema::Cursor>)]
    pub cursor: Option<Cursor>,
}

/// Something that happened to an item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "what", rename_all = "camelCase")]
#[schema(as = ItemHappening)]
pub enum ItemHappening {
    Run(ItemRun),
    Reset(ItemForgotten),
}

/// A stream read it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ItemRun {
    /// When the stream was opened.
    #[schema(value_type = schema::Timestamp)]
    pub at: Timestamp,
    #[schema(value_type = schema::StreamId)]
    pub stream: StreamId,
    /// The instance of the workflow that ran it.
    #[schema(value_type = u64)]
    pub instance: InstanceId,
    pub node: String,
    #[schema(value_type = schema::StreamState)]
    pub state: StreamState,
    /// How many times it was begun.
    pub attempts: u32,
    /// Absent while it is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Timestamp>)]
    pub ended_at: Option<Timestamp>,
    /// Why it was rolled back or is retried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<FaultView>,
    pub counts: CountsView,
}

/// A reset forgot it, so that it is read again when it is found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ItemForgotten {
    #[schema(value_type = schema::Timestamp)]
    pub at: Timestamp,
    /// Who asked for it.
    pub by: String,
    /// The pass over the source's items that it was part of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = "uuid")]
    pub sweep: Option<SweepId>,
    /// Whether it named this item, or all that have such a name. Otherwise it was limited to a status or a time,
    /// which nobody knows of the item any more, or its list of names was too long for the audit.
    pub is_certain: bool,
}

impl ItemHappening {
    pub fn at(&self) -> Timestamp {
        match self {
            Self::Run(it) => it.at,
            Self::Reset(it) => it.at,
        }
    }
}

impl From<Stream> for ItemRun {
    fn from(it: Stream) -> Self {
        Self {
            at: it.opened_at,
            stream: it.id,
            instance: it.instance,
            node: it.node,
            state: it.state,
            attempts: it.attempts,
            ended_at: it.closed_at,
            error: it.fault.map(Into::into),
            counts: it.counts.into(),
        }
    }
}
