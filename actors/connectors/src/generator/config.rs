//! What is generated, as people configure it.

use std::num::{NonZeroU32, NonZeroU64};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weir_domain::Finding;

use super::super::finding;

/// Findings of this connector: 4290. Faults: 4280.
const BAD_VALUE: u32 = 4290;
pub(super) const CONFIG: u32 = 4280;
pub(super) const POSITION: u32 = 4281;

const PARTITIONS_MAX: u32 = 10_000;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GeneratorConfig {
    /// Records in each second, by all partitions together. Without it: as fast as they are taken.
    pub rate: Option<NonZeroU32>,
    /// After so many records, in all, the source has ended. Without it: never.
    pub records: Option<NonZeroU64>,
    /// How many sequences of records there are. They are shared out among the lanes.
    #[serde(default = "one")]
    pub partitions: NonZeroU32,
    /// Another number makes other values.
    #[serde(default)]
    pub seed: u64,
    pub fields: Vec<FieldConfig>,
}

fn one() -> NonZeroU32 {
    NonZeroU32::MIN
}

/// A field, and how its values are made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "make", rename_all = "camelCase", deny_unknown_fields)]
pub enum FieldConfig {
    /// The number of the record in its partition, from 0.
    Sequence { name: String },
    /// The number of the partition, from 0.
    Partition { name: String },
    /// A whole number, all equally likely.
    Integer { name: String, min: i64, max: i64 },
    /// A number with a fraction.
    Float { name: String, min: f64, max: f64 },
    /// One of these texts.
    Choice { name: String, values: Vec<String> },
    /// A text of so many letters and digits.
    Text { name: String, length: usize },
    /// True so often out of a hundred times.
    Boolean { name: String, percent: u8 },
}

impl FieldConfig {
    pub fn name(&self) -> &str {
        match self {
            Self::Sequence { name }
            | Self::Partition { name }
            | Self::Integer { name, .. }
            | Self::Float { name, .. }
            | Self::Choice { name, .. }
            | Self::Text { name, .. }
            | Self::Boolean { name, .. } => name,
        }
    }
}

impl GeneratorConfig {
    /// About how many bytes a record has.
    pub(super) fn row_bytes(&self) -> usize {
        let bytes = |it: &FieldConfig| match it {
            FieldConfig::Text { length, .. } => length + 4,
            FieldConfig::Choice { values, .. } => {
                values.iter().map(String::len).max().unwrap_or(0) + 4
            }
            _ => 8,
        };
        self.fields.iter().map(bytes).sum::<usize>().max(1)
    }

    pub(super) fn findings(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        let mut wrong = |path: String, cause: &str, fix: &str| {
            findings.push(finding(BAD_VALUE, path, cause).with_fix(fix));
        };
        if self.partitions.get() > PARTITIONS_MAX {
            wrong("partitions".into(), "there are too many partitions", "make at most 10000");
        }
        if self.fields.is_empty() {
            wrong("fields".into(), "records would be empty", "add { name: n, make: sequence }");
        }
        for (at, field) in self.fields.iter().enumerate() {
            let path = |key: &str| format!("fields[{at}].{key}");
            let twin = self.fields[..at].iter().any(|it| it.name() == field.name());
            if twin || field.name().is_empty() {
                let cause = "each field needs a name of its own";
                wrong(path("name"), cause, "choose another name");
            }
            let (key, cause, fix) = match field {
                FieldConfig::Integer { min, max, .. } if min > max => {
                    ("max", "max is less than min", "change them over")
                }
                FieldConfig::Float { min, max, .. } if !(min <= max && (max - min).is_finite()) => {
                    ("max", "max is less than min, or one is no number", "change them over")
                }
                FieldConfig::Choice { values, .. } if values.is_empty() => {
                    ("values", "there is nothing to choose", "write at least one text")
                }
                FieldConfig::Text { length, .. } if *length > 65_536 => {
                    ("length", "the text is too long", "make it at most 65536 characters")
                }
                FieldConfig::Boolean { percent, .. } if *percent > 100 => {
                    ("percent", "more than always", "write at most 100")
                }
                _ => continue,
            };
            wrong(path(key), cause, fix);
        }
        findings
    }
}
