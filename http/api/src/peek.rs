//! Peeks: what comes from a live source of a workflow, without taking it from anybody.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;
use weir_domain::{AssetName, StageId};

use crate::{InferredView, ProjectDraft, schema};

/// What a source of a workflow has is to be looked at, and its format found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PeekRequest {
    /// Without it, the only source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Name>)]
    pub source: Option<StageId>,
    /// Behind those of `project.yaml`, in this order: where two define one name, the later wins.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<schema::Name>)]
    pub environments: Vec<AssetName>,
    /// Texts that take the place of assets: an editor's, not yet written. They need the claim `project:write`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub drafts: Vec<ProjectDraft>,
    /// What the asset is to be called.
    #[serde(default = "PeekRequest::name_default")]
    #[schema(value_type = schema::Name, default = "inferred")]
    pub name: AssetName,
    /// What is known of the format, as in a Format asset, if that is not what the source says: `{"type": "csv"}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub format: Option<Map<String, Value>>,
    /// Fields that are never missing in what came must not be missing later.
    #[serde(default)]
    pub required: bool,
    /// How many records are looked at. 0: none; whether the source can be reached is all that is asked. More need
    /// the claim `stream:sniff`.
    #[serde(default = "PeekRequest::records_default")]
    #[schema(minimum = 0, maximum = 10000, default = 100)]
    pub records: u32,
    /// How many of them are shown.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 100, default = 0)]
    pub show: u32,
    /// How long records are waited for.
    #[serde(default = "PeekRequest::within_default")]
    #[schema(minimum = 1, maximum = 15000, default = 5000)]
    pub within_ms: u64,
}

impl PeekRequest {
    pub const RECORDS_MAX: u32 = 10_000;
    pub const SHOW_MAX: u32 = 100;
    pub const WITHIN_MS_MAX: u64 = 15_000;
    /// Of what is read.
    pub const BYTES_MAX: usize = 4 << 20;

    pub fn name_default() -> AssetName {
        AssetName::new("inferred").expect("it is a name")
    }

    pub fn records_default() -> u32 {
        100
    }

    pub fn within_default() -> u64 {
        5_000
    }
}

impl Default for PeekRequest {
    fn default() -> Self {
        Self {
            source: None,
            environments: Vec::new(),
            drafts: Vec::new(),
            name: Self::name_default(),
            format: None,
            required: false,
            records: Self::records_default(),
            show: 0,
            within_ms: Self::within_default(),
        }
    }
}

/// What was seen at a source. Nothing was taken from anybody.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Peek)]
pub struct PeekView {
    /// The stage.
    #[schema(value_type = schema::Name)]
    pub source: StageId,
    /// What it reads from, in the words of people.
    pub origin: String,
    /// Absent where no record was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<InferredView>,
    /// The first ones, as the format reads them, with what looks like a secret concealed.
    #[schema(value_type = Vec<Object>)]
    pub records: Vec<Map<String, Value>>,
    /// There is more, or may be.
    pub is_cut: bool,
}
