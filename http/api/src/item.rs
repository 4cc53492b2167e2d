//! Items of sources: what was processed, what is held, and how a history is reset.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use weir_domain::{InstanceId, ItemStatus, NamePattern, SourceName, StreamId, SweepId, Timestamp};

use crate::{Cursor, schema};

/// Which items to list: by source, and within it by name, or the newest first where they are asked
/// for by status or time. A page examines a bounded part of the history, so it may be short, and
/// still another one follows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ItemsQuery {
    /// Only items of this source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = Option<schema::SourceName>)]
    pub source: Option<SourceName>,
    /// Only items with this status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = Option<schema::ItemStatus>)]
    pub status: Option<ItemStatus>,
    /// Only items whose names match: `*` is any text, `?` one character.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = Option<String>)]
    pub pattern: Option<NamePattern>,
    /// Only items that were claimed, or first seen, at that time or later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = Option<schema::Timestamp>)]
    pub since: Option<Timestamp>,
    /// Only items that were claimed, or first seen, before that time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = Option<schema::Timestamp>)]
    pub until: Option<Timestamp>,
    /// Most items of the page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(minimum = 1, maximum = 500, default = 50)]
    pub limit: Option<u32>,
    /// `nextCursor` of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = Option<schema::Cursor>)]
    pub cursor: Option<Cursor>,
}

/// What became of an item when it was last claimed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Item)]
pub struct ItemView {
    #[schema(value_type = schema::SourceName)]
    pub source: SourceName,
    /// Unique within its source: for files, the path below the input directory.
    pub name: String,
    #[schema(value_type = schema::ItemStatus)]
    pub status: ItemStatus,
    /// Its length in bytes when it was claimed.
    pub size: u64,
    /// Its last change when it was claimed.
    #[schema(value_type = schema::Timestamp)]
    pub modified_at: Timestamp,
    /// The stream that claimed it last. Absent where it was never claimed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::StreamId>)]
    pub stream: Option<StreamId>,
    /// The incarnation of the engine that claimed it, as `node#incarnation`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// The instance of its workflow on that engine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u32>)]
    pub instance: Option<InstanceId>,
    /// When it was claimed last; where it never was, when it was first seen.
    #[schema(value_type = schema::Timestamp)]
    pub claimed_at: Timestamp,
    /// Absent while a stream holds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Timestamp>)]
    pub settled_at: Option<Timestamp>,
    /// When an operator gave it clearance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Timestamp>)]
    pub cleared_at: Option<Timestamp>,
}

/// A source, and how many items it has in each state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Source)]
pub struct SourceView {
    #[schema(value_type = schema::SourceName)]
    pub source: SourceName,
    /// By status; none where there are none.
    pub counts: BTreeMap<String, SourceCountView>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SourceCount)]
pub struct SourceCountView {
    pub count: u64,
    /// There are more: it is not counted further than that.
    pub has_more: bool,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct SourcesQuery {
    /// Most sources of the page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(minimum = 1, maximum = 500, default = 50)]
    pub limit: Option<u32>,
    /// `nextCursor` of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = Option<schema::Cursor>)]
    pub cursor: Option<Cursor>,
}

/// Which items to forget, so that they are processed again when they are found. An item that a
/// stream holds stays. All that is said must hold of an item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ItemsReset {
    #[schema(value_type = schema::SourceName)]
    pub source: SourceName,
    /// The items by name, at most 1,000; without it all items of the source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub names: Option<Vec<String>>,
    /// Only items with this status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::ItemStatus>)]
    pub status: Option<ItemStatus>,
    /// Only items whose names match: `*` is any text, `?` one character.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub pattern: Option<NamePattern>,
    /// Only items that were claimed, or first seen, at that time or later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Timestamp>)]
    pub since: Option<Timestamp>,
    /// Only items that were claimed, or first seen, before that time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Timestamp>)]
    pub until: Option<Timestamp>,
    /// Only count, and change nothing.
    #[serde(default)]
    pub dry_run: bool,
}

/// Which items that wait for clearance to give or deny it. All that is said must hold of an item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ItemsClear {
    #[schema(value_type = schema::SourceName)]
    pub source: SourceName,
    /// The items by name, at most 1,000; without it all items of the source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub names: Option<Vec<String>>,
    /// Only items whose names match: `*` is any text, `?` one character.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub pattern: Option<NamePattern>,
    /// Only items that were claimed, or first seen, at that time or later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Timestamp>)]
    pub since: Option<Timestamp>,
    /// Only items that were claimed, or first seen, before that time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Timestamp>)]
    pub until: Option<Timestamp>,
    /// Deny it: the items fail, until they are reset.
    #[serde(default)]
    pub deny: bool,
    /// Only count, and change nothing.
    #[serde(default)]
    pub dry_run: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum SweepAction {
    Reset,
    Clear,
    Deny,
}

/// How far a pass over the items of a source came. It goes on by itself until it has ended, also when
/// the Access Coordinator moves to another engine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Sweep)]
pub struct SweepView {
    /// The idempotency key that it was asked for with.
    #[schema(value_type = String, format = "uuid")]
    pub id: SweepId,
    pub action: SweepAction,
    #[schema(value_type = schema::SourceName)]
    pub source: SourceName,
    /// Whether nothing is changed.
    pub dry_run: bool,
    /// How many items are changed, or would be.
    pub count: u64,
    /// How many match, but are held by a stream.
    pub kept: u64,
    /// How many were looked at.
    pub examined: u64,
    /// Who asked for it.
    pub by: String,
    #[schema(value_type = schema::Timestamp)]
    pub begun_at: Timestamp,
    /// Absent while it goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Timestamp>)]
    pub ended_at: Option<Timestamp>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_in_a_reset_does_not_reset_the_whole_source() {
        let read = |text| serde_json::from_str::<ItemsReset>(text);
        assert!(read(r#"{"source": "w/in", "name": ["a.csv"]}"#).is_err());
        let whole = read(r#"{"source": "w/in"}"#).unwrap();
        assert_eq!((whole.names, whole.dry_run), (None, false));
        let none = read(r#"{"source": "w/in", "names": []}"#).unwrap();
        assert_eq!(none.names, Some(vec![]));
    }
}
