//! What people write about looking up rows, and nothing of how it is done.

use std::collections::BTreeMap;

use arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weir_domain::{Finding, Millis};
use weir_formats::{FieldConfig, declared};
use weir_stream::type_name;

use super::codes;
use super::connection::ConnectionConfig;
use super::kind::unknown;
use super::source_config::either;
use crate::finding;

/// Looks up the row of each record in a database, and adds fields of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "EnrichOperator")]
pub struct EnrichConfig {
    /// Where the database is.
    pub connection: ConnectionConfig,
    /// The table, maybe with its schema before it. Instead of `query`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<String>,
    /// A SELECT, without ORDER BY and LIMIT. Instead of `table`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
    /// Which row is a record's: columns, and the fields that they equal. Together they are unique.
    pub on: BTreeMap<String, String>,
    /// The columns that are taken, as fields, with their types.
    pub take: Vec<FieldConfig>,
    /// What the names of the new fields begin with.
    #[serde(default)]
    pub prefix: String,
    /// What becomes of a record that has no row. Null, as `missing: null` reads, is `null`.
    #[serde(default)]
    pub missing: Option<Missing>,
    #[serde(default)]
    pub cache: CacheConfig,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "EnrichMissing")]
pub enum Missing {
    /// Its new fields are null.
    #[default]
    Null,
    /// It is dropped, and counted.
    Drop,
    /// It is a bad record: the stage's `onError` decides.
    DeadLetter,
}

/// What is remembered of rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[schemars(rename = "EnrichCache")]
pub struct CacheConfig {
    /// Of how many keys. 0: of none.
    pub entries: usize,
    /// For how long a row is taken for what it was.
    pub ttl: Millis,
    /// The same for a key that has no row.
    pub missing_ttl: Millis,
}

impl Default for CacheConfig {
    fn default() -> Self {
        Self { entries: 10_000, ttl: Millis::seconds(60), missing_ttl: Millis::seconds(10) }
    }
}

const ENTRIES_MAX: usize = 1_000_000;

impl EnrichConfig {
    pub(super) fn findings(&self, input: Option<&SchemaRef>) -> Vec<Finding> {
        let mut findings = self.connection.findings();
        findings.extend(either(self.table.as_deref(), self.query.as_deref()));
        let mut wrong = |path: &str, cause: String, fix: &str| {
            findings.push(finding(codes::BAD_VALUE, path, cause).with_fix(fix));
        };
        if self.on.is_empty() {
            wrong("on", "it says nothing of which row is a record's".into(), "write COLUMN: FIELD");
        }
        if self.cache.entries > ENTRIES_MAX {
            let cause = "so many rows would fill the memory".to_owned();
            wrong("cache.entries", cause, "write at most 1000000");
        }
        if let Err(errors) = declared("take", &self.take) {
            let finding = |it: weir_formats::ConfigError| {
                finding(codes::BAD_FIELD, it.path, it.cause).with_fix(it.fix)
            };
            findings.extend(errors.into_iter().map(finding));
        }
        if let Some(input) = input {
            findings.extend(self.on.values().filter_map(|it| unknown("on", it, input)));
            findings.extend(self.twins(input));
            findings.extend(self.on.values().filter_map(|it| unfit(it, input)));
        }
        findings
    }

    fn twins(&self, input: &SchemaRef) -> Vec<Finding> {
        let names = self.take.iter().map(|it| format!("{}{}", self.prefix, it.name));
        let twins = names.filter(|it| input.field_with_name(it).is_ok());
        let cause = |it| format!("the records have a field {it} already");
        let twin = |it| finding(codes::BAD_FIELD, "take", cause(it)).with_fix("write a prefix");
        twins.map(twin).collect()
    }

    pub(super) fn missing(&self) -> Missing {
        self.missing.unwrap_or_default()
    }

    /// The fields that are added.
    pub(super) fn fields(&self) -> Option<Fields> {
        let declared = declared("take", &self.take).ok()?;
        let named = declared.iter().map(|it| {
            let name = format!("{}{}", self.prefix, it.name());
            let may_be_null = it.is_nullable() || self.missing() == Missing::Null;
            Field::new(name, it.data_type().clone(), may_be_null)
        });
        Some(named.collect())
    }

    pub(super) fn output(&self, input: &SchemaRef) -> Option<SchemaRef> {
        let added = self.fields()?;
        let fields = input.fields().iter().chain(added.iter()).cloned();
        Some(std::sync::Arc::new(Schema::new(fields.collect::<Fields>())))
    }
}

/// That a field is no key, if it is none.
fn unfit(field: &str, input: &SchemaRef) -> Option<Finding> {
    let data_type = input.field_with_name(field).ok()?.data_type();
    if is_key(data_type) {
        return None;
    }
    let cause = format!("{field} is {}, by which no row is looked up", type_name(data_type));
    let fix = "cast it to a text or a whole number in a mapping before this";
    Some(finding(codes::BAD_FIELD, "on", cause).with_fix(fix))
}

/// Whether its values are written in one way only.
pub(super) fn is_key(data_type: &DataType) -> bool {
    match data_type {
        DataType::Dictionary(_, value) => is_key(value),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Date32 => true,
        other => other.is_integer(),
    }
}
