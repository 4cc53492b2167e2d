//! Formats that are found by looking at a sample.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;
use weir_domain::AssetName;

use crate::schema;

/// A sample of which the format is wanted: exactly one of `text` and `base64`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct InferRequest {
    /// What the asset is to be called.
    #[schema(value_type = schema::Name)]
    pub name: AssetName,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// A file, perhaps compressed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base64: Option<String>,
    /// What is known of it, as in a Format asset: `{"type": "csv", "header": false}`. Without it, it is guessed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub format: Option<Map<String, Value>>,
    /// Fields that are never missing in the sample must not be missing later.
    #[serde(default)]
    pub required: bool,
    /// How many records are looked at.
    #[serde(default = "InferRequest::records_default")]
    #[schema(minimum = 1, maximum = 100000, default = 10000)]
    pub records: u32,
}

impl InferRequest {
    pub const RECORDS_MAX: u32 = 100_000;

    pub fn records_default() -> u32 {
        10_000
    }
}

/// A format, as an asset that can be written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = InferredFormat)]
pub struct InferredView {
    /// Where such assets stand, as `formats/orders.yaml`.
    pub path: String,
    /// The text of an asset of kind Format, with what is to be known of its fields in comments.
    pub text: String,
    pub fields: Vec<InferredFieldView>,
    /// Records that were read with it.
    pub records: u64,
    /// Of them, those that it does not read, and why the first of them.
    pub bad: u64,
    pub reasons: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = InferredField)]
pub struct InferredFieldView {
    /// Members of structures as `address.city`, of what lists hold as `lines[].price`.
    pub path: String,
    /// As `string`, `int64`, `list<string>`.
    #[serde(rename = "type")]
    pub type_name: String,
    /// It has no value in some records.
    pub optional: bool,
    /// Why the type is what it is, where one may have hoped for another one.
    pub notes: Vec<String>,
}
