//! What people write about tables, and nothing of how it is done.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weir_domain::Finding;

use super::codes;
use super::connection::ConnectionConfig;
use super::statement::Name;
use crate::finding;

/// Writes records into a table, in the transaction that says so as well.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "SqlSink")]
pub struct OutputConfig {
    /// Where the database is.
    pub connection: ConnectionConfig,
    /// The table, maybe with its schema before it: `sales.orders`.
    pub table: String,
    /// What a record does to the table.
    #[serde(default)]
    pub mode: Mode,
    /// The fields that tell which row is meant: of `upsert`, `update` and `delete`. The columns that they
    /// become must be a primary or unique key for `upsert`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub key: Vec<String>,
    /// Which field becomes which column. Absent: all fields, each the column of its name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub columns: BTreeMap<String, String>,
    /// Whether to make the table if it is missing, from the fields of the records; and of SQLite the file.
    #[serde(default)]
    pub create_table: bool,
    /// The table that says what was written last: in the same database, made if it is missing. Two
    /// installations that write with workflows of the same name need two.
    #[serde(default = "commits")]
    pub commits: String,
}

fn commits() -> String {
    "weir_commits".to_owned()
}

/// What a record does to a table.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "SqlMode")]
pub enum Mode {
    /// It becomes a new row.
    #[default]
    Insert,
    /// It becomes a new row, or replaces the columns of the row that has its key.
    Upsert,
    /// It replaces the columns of the row that has its key, if there is one.
    Update,
    /// The row that has its key is deleted, if there is one.
    Delete,
}

impl OutputConfig {
    pub(super) fn findings(&self) -> Vec<Finding> {
        let mut findings = self.connection.findings();
        let mut wrong = |path: &str, cause: String, fix: &str| {
            findings.push(finding(codes::BAD_VALUE, path, cause).with_fix(fix));
        };
        for (path, name) in [("table", &self.table), ("commits", &self.commits)] {
            if Name::parse(name).is_none() {
                let fix = "write table or schema.table";
                wrong(path, format!("\"{name}\" is no name of a table"), fix);
            }
        }
        match self.mode {
            Mode::Insert if !self.key.is_empty() && !self.create_table => {
                let fix = "leave it out, or write mode: upsert";
                wrong("key", "what is inserted needs no key".into(), fix);
            }
            Mode::Upsert | Mode::Update | Mode::Delete if self.key.is_empty() => {
                let fix = "name the fields that tell which row is meant";
                wrong("key", "the key is missing".into(), fix);
            }
            _ => {}
        }
        let mut seen = BTreeMap::new();
        for (field, column) in &self.columns {
            if let Some(other) = seen.insert(column, field) {
                let cause = format!("{other} and {field} would both become {column}");
                wrong("columns", cause, "write each column once");
            }
        }
        for field in &self.key {
            if !self.columns.is_empty() && !self.columns.contains_key(field) {
                let cause = format!("the key {field} becomes no column");
                wrong("key", cause, "write it in columns too");
            }
        }
        findings
    }
}

/// The paths of texts that name secrets where they would be stored and shown.
pub(super) fn misplaced_secrets(config: &serde_json::Value) -> Vec<Finding> {
    let mut findings = Vec::new();
    let parts = config.as_object().into_iter().flatten();
    for (key, value) in parts.filter(|it| it.0 != "connection") {
        if value.to_string().contains("${sec:") {
            let cause = "a secret would be stored and shown here";
            let fix = "name secrets in connection alone";
            findings.push(finding(codes::BAD_SECRET, key.clone(), cause).with_fix(fix));
        }
    }
    findings
}
