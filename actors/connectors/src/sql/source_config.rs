//! What people write about reading tables, and nothing of how it is done.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weir_domain::{Finding, Millis};
use weir_formats::{FieldConfig, declared};

use super::codes;
use super::connection::ConnectionConfig;
use super::statement::Name;
use crate::finding;

/// Reads the rows of a table or of a query's answer, and those that come later, in the order of columns
/// that only increase.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "SqlSource")]
pub struct InputConfig {
    /// Where the database is.
    pub connection: ConnectionConfig,
    /// The table, maybe with its schema before it. Instead of `query`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<String>,
    /// A SELECT, without ORDER BY and LIMIT. Instead of `table`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
    /// A column that is unique and never null, and that increases from row to row: a number that the
    /// database counts up. With `updatedAt`: any unique column.
    pub increasing: String,
    /// A column that says when a row was last changed: rows that were changed are read again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<String>,
    /// How long a row may take from when its columns above got their values to when it can be seen: the
    /// longest transaction that writes them. Rows are read so much later, and none is missed.
    #[serde(default = "no_time")]
    pub lag: Millis,
    /// How often to look for new rows.
    #[serde(default = "interval")]
    pub interval: Millis,
    /// Whether the source ends when it has read what is there.
    #[serde(default)]
    pub once: bool,
    /// The columns that are read, and their types. Absent: all, as the database has them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub schema: Vec<FieldConfig>,
}

fn no_time() -> Millis {
    Millis(0)
}

fn interval() -> Millis {
    Millis::seconds(5)
}

impl InputConfig {
    pub(super) fn findings(&self) -> Vec<Finding> {
        let mut findings = self.connection.findings();
        findings.extend(either(self.table.as_deref(), self.query.as_deref()));
        let mut wrong = |path: &str, cause: &str, fix: &str| {
            findings.push(finding(codes::BAD_VALUE, path, cause).with_fix(fix));
        };
        if self.increasing.is_empty() {
            wrong("increasing", "the name of the column is missing", "write for instance id");
        }
        if self.updated_at.as_ref() == Some(&self.increasing) {
            let fix = "name a unique column in increasing, such as the primary key";
            wrong("increasing", "it tells no rows apart that were changed at the same time", fix);
        }
        if self.interval == Millis(0) {
            wrong("interval", "the database would have no rest", "write for instance 1s");
        }
        if self.once && self.lag != Millis(0) {
            wrong("lag", "what ends does not wait", "leave it out");
        }
        if !self.schema.is_empty()
            && let Err(errors) = declared("schema", &self.schema)
        {
            let finding = |it: weir_formats::ConfigError| {
                finding(codes::BAD_FIELD, it.path, it.cause).with_fix(it.fix)
            };
            findings.extend(errors.into_iter().map(finding));
        }
        findings
    }
}

/// That there is either a table or a query.
pub(super) fn either(table: Option<&str>, query: Option<&str>) -> Option<Finding> {
    let wrong = |path: &str, cause: &str, fix: &str| {
        Some(finding(codes::BAD_VALUE, path, cause).with_fix(fix))
    };
    match (table, query) {
        (Some(table), None) if Name::parse(table).is_none() => {
            wrong("table", "that is no name of a table", "write table or schema.table")
        }
        (None, Some(query)) if query.trim().is_empty() => {
            wrong("query", "the query is empty", "write a SELECT")
        }
        (Some(_), None) | (None, Some(_)) => None,
        (Some(_), Some(_)) => wrong("query", "there is a table as well", "write one of them"),
        (None, None) => wrong("table", "it says nothing of what to read", "write table or query"),
    }
}
