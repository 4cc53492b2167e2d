//! How an aggregate is written.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weir_domain::Millis;

/// Keeps running values for each key: how many records it had, their sum, the largest. Values that are
/// null are ignored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AggregateConfig {
    /// The fields that make records belong together. Without any, all do.
    #[serde(default)]
    pub key: Vec<String>,
    /// What is kept for each key.
    pub values: Vec<ValueConfig>,
    /// Forgets a key that no record had for so long. Default: it is remembered for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl: Option<Millis>,
    #[serde(default)]
    pub emit: Emit,
}

/// Which records leave, with the running values behind their own fields.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Emit {
    /// Every record, with the values as they are after it.
    #[default]
    Each,
    /// Of the records that are processed together, the last one of each key.
    Changed,
}

/// One running value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ValueConfig {
    /// The field that it is put into.
    pub name: String,
    pub make: Make,
    /// The field that it is made of. Only `count` can do without: then it counts records.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// Only with `countDistinct`: a record that brings a key more different values than this is bad.
    /// Default: 1000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = LIMIT_MAX))]
    pub limit: Option<usize>,
}

/// Different values of one key that are counted, unless another limit is set.
pub(super) const LIMIT: usize = 1_000;
/// Each value is compared with all that the key had.
pub(super) const LIMIT_MAX: usize = 10_000;

/// What a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Make {
    /// How many there were.
    Count,
    /// Integers give an int64; a record that exceeds it is bad. Decimals keep their digits.
    Sum,
    /// The least.
    Min,
    /// The greatest.
    Max,
    /// Of integers a float64; of decimals a decimal with four more digits behind the point.
    Avg,
    /// The one that came first.
    First,
    /// The one that came last.
    Last,
    /// How many different values there were, exactly.
    CountDistinct,
}

impl Make {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Count => "count",
            Self::Sum => "sum",
            Self::Min => "min",
            Self::Max => "max",
            Self::Avg => "avg",
            Self::First => "first",
            Self::Last => "last",
            Self::CountDistinct => "countDistinct",
        }
    }
}
