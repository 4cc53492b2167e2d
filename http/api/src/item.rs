//! Items of sources: what was processed, what is held, and how a history is reset.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use weir_domain::{ItemStatus, SourceName, StreamId, Timestamp};

use crate::{Cursor, schema};

/// Which items to list, by source and name.
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
    /// The stream that claimed it.
    #[schema(value_type = schema::StreamId)]
    pub stream: StreamId,
    /// The incarnation of the engine that claimed it, as `node#incarnation`.
    pub owner: String,
    #[schema(value_type = schema::Timestamp)]
    pub claimed_at: Timestamp,
    /// Absent while a stream holds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Timestamp>)]
    pub settled_at: Option<Timestamp>,
}

/// Which items to forget, so that they are processed again when they are found. An item that a
/// stream holds stays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ItemsReset {
    #[schema(value_type = schema::SourceName)]
    pub source: SourceName,
    /// The items by name; without it all items of the source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub names: Option<Vec<String>>,
    /// Only count, and change nothing.
    #[serde(default)]
    pub dry_run: bool,
}

/// What a reset did, or would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ItemsResetResult {
    #[schema(value_type = schema::SourceName)]
    pub source: SourceName,
    /// How many items are forgotten.
    pub count: u64,
    /// Whether nothing was changed.
    pub dry_run: bool,
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
