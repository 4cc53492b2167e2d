//! How boundaries are written.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weir_domain::Millis;

use crate::expression::Text;

/// Cuts what flows into groups of records that follow each other, and says of each record which group it
/// is in, and where in it. A group ends by whichever of the rules comes first; at least one is needed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BoundaryConfig {
    /// Records with other values of these fields are cut on their own. Default: all are cut together.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub key: Vec<String>,
    /// A group ends after so many records.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub records: Option<u64>,
    /// A group ends with the record whose values make it so many bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub bytes: Option<u64>,
    /// A record begins a group if it comes so long after the first record of the one that is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within: Option<Millis>,
    /// A record for which this holds begins a group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<Text>,
    /// A record begins a group if one of these fields has another value than in the record before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub on_change: Vec<String>,
    /// The field for the number of the group, from 1.
    #[serde(default = "group")]
    pub number: String,
    /// The field for the record's place in its group, from 1.
    #[serde(default = "place")]
    pub place: String,
}

fn group() -> String {
    "group".into()
}

fn place() -> String {
    "place".into()
}

impl BoundaryConfig {
    pub(super) fn has_rule(&self) -> bool {
        let counts = self.records.is_some() || self.bytes.is_some() || self.within.is_some();
        counts || self.when.is_some() || !self.on_change.is_empty()
    }
}
