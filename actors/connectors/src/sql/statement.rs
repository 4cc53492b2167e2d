//! Statements that write, in the tongue of each database.
//!
//! To PostgreSQL goes one statement for any number of rows, whose parameters are arrays; to the others as
//! many rows as they take parameters for.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::catalog::TableColumn;
use super::config::Mode;
use super::connection::DatabaseKind;

/// The name of a table, maybe in a schema.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Name {
    pub(super) schema: Option<String>,
    pub(super) name: String,
}

impl Name {
    /// From `table` or `schema.table`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let parts: Vec<_> = text.split('.').collect();
        let is_good = |it: &&str| !it.is_empty() && !it.contains(['\0', '\n']);
        if !parts.iter().all(is_good) {
            return None;
        }
        match parts[..] {
            [name] => Some(Self { schema: None, name: name.to_owned() }),
            [schema, name] => Some(Self { schema: Some(schema.to_owned()), name: name.to_owned() }),
            _ => None,
        }
    }

    pub(super) fn quoted(&self, kind: DatabaseKind) -> String {
        let schema = self.schema.iter().map(|it| format!("{}.", quoted(kind, it)));
        schema.chain([quoted(kind, &self.name)]).collect()
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.schema {
            Some(schema) => write!(f, "{schema}.{}", self.name),
            None => f.write_str(&self.name),
        }
    }
}

pub(super) fn quoted(kind: DatabaseKind, name: &str) -> String {
    match kind {
        DatabaseKind::Mysql => format!("`{}`", name.replace('`', "``")),
        DatabaseKind::Postgres | DatabaseKind::Sqlite => {
            format!("\"{}\"", name.replace('"', "\"\""))
        }
    }
}

/// The n-th parameter, from 1.
pub(super) fn parameter(kind: DatabaseKind, number: usize) -> String {
    match kind {
        DatabaseKind::Postgres => format!("${number}"),
        DatabaseKind::Mysql | DatabaseKind::Sqlite => "?".to_owned(),
    }
}

/// What is to be written where.
pub(super) struct Writing<'a> {
    pub(super) kind: DatabaseKind,
    pub(super) table: &'a Name,
    pub(super) mode: Mode,
    /// In the order of the parameters.
    pub(super) columns: Vec<&'a TableColumn>,
    /// Which of them are the key.
    pub(super) key: Vec<usize>,
    /// What PostgreSQL calls the arrays of their values.
    pub(super) arrays: Vec<&'static str>,
}

impl Writing<'_> {
    /// The columns in the order in which a statement for single rows takes them.
    pub(super) fn order(&self) -> Vec<usize> {
        let rest = (0..self.columns.len()).filter(|it| !self.key.contains(it));
        match (self.kind, self.mode) {
            (DatabaseKind::Postgres, _) | (_, Mode::Insert | Mode::Upsert) => {
                (0..self.columns.len()).collect()
            }
            (_, Mode::Update) => rest.chain(self.key.iter().copied()).collect(),
            (_, Mode::Delete) => self.key.clone(),
        }
    }

    /// Whether one statement takes several rows.
    pub(super) fn takes_rows(&self) -> bool {
        self.kind == DatabaseKind::Postgres || matches!(self.mode, Mode::Insert | Mode::Upsert)
    }

    /// The statement for so many rows.
    pub(super) fn text(&self, rows: usize) -> String {
        match (self.kind, self.mode) {
            (DatabaseKind::Postgres, _) => self.postgres(),
            (_, Mode::Insert | Mode::Upsert) => self.insert(rows),
            (_, Mode::Update) => {
                let set = self.rest().map(|it| format!("{} = ?", self.name(it)));
                let set = joined(set, ", ");
                format!("UPDATE {} SET {set} WHERE {}", self.table.quoted(self.kind), self.by_key())
            }
            (_, Mode::Delete) => {
                format!("DELETE FROM {} WHERE {}", self.table.quoted(self.kind), self.by_key())
            }
        }
    }

    fn name(&self, column: usize) -> String {
        quoted(self.kind, &self.columns[column].name)
    }

    /// The columns that are no key.
    fn rest(&self) -> impl Iterator<Item = usize> {
        (0..self.columns.len()).filter(|it| !self.key.contains(it))
    }

    fn names(&self) -> String {
        joined((0..self.columns.len()).map(|it| self.name(it)), ", ")
    }

    fn by_key(&self) -> String {
        joined(self.key.iter().map(|it| format!("{} = ?", self.name(*it))), " AND ")
    }

    fn insert(&self, rows: usize) -> String {
        let row = format!("({})", joined((0..self.columns.len()).map(|_| "?".to_owned()), ", "));
        let table = self.table.quoted(self.kind);
        let rows = vec![row; rows].join(", ");
        format!("INSERT INTO {table} ({}) VALUES {rows}{}", self.names(), self.on_conflict())
    }

    fn on_conflict(&self) -> String {
        if self.mode != Mode::Upsert {
            return String::new();
        }
        let set = |value: &dyn Fn(&str) -> String| {
            let set =
                self.rest().map(|it| self.name(it)).map(|it| format!("{it} = {}", value(&it)));
            joined(set, ", ")
        };
        let key = joined(self.key.iter().map(|it| self.name(*it)), ", ");
        match (self.kind, self.rest().next()) {
            (DatabaseKind::Mysql, None) => {
                let first = self.name(self.key[0]);
                format!(" ON DUPLICATE KEY UPDATE {first} = {first}")
            }
            (DatabaseKind::Mysql, Some(_)) => {
                let set = set(&|it| format!("VALUES({it})"));
                format!(" ON DUPLICATE KEY UPDATE {set}")
            }
            (_, None) => format!(" ON CONFLICT ({key}) DO NOTHING"),
            (_, Some(_)) => {
                let set = set(&|it| format!("EXCLUDED.{it}"));
                format!(" ON CONFLICT ({key}) DO UPDATE SET {set}")
            }
        }
    }

    /// A value of an array, as the type of its column. Texts become one where they are stored, so that
    /// none is cut by a cast.
    fn value(&self, column: usize) -> String {
        match self.columns[column].type_name.as_str() {
            "text" | "name" | "character varying" | "bpchar" | "character" => {
                format!("v.c{column}")
            }
            type_name => format!("v.c{column}::{type_name}"),
        }
    }

    fn postgres(&self) -> String {
        let table = self.table.quoted(self.kind);
        let all = 0..self.columns.len();
        let arrays = self.arrays.iter().enumerate();
        let arrays = joined(arrays.map(|(at, it)| format!("${}::{it}", at + 1)), ", ");
        let names = joined(all.clone().map(|it| format!("c{it}")), ", ");
        let rows = format!("unnest({arrays}) AS v({names})");
        let by_key =
            self.key.iter().map(|it| format!("t.{} = {}", self.name(*it), self.value(*it)));
        let by_key = joined(by_key, " AND ");
        match self.mode {
            Mode::Insert | Mode::Upsert => {
                let values = joined(all.map(|it| self.value(it)), ", ");
                let (names, more) = (self.names(), self.on_conflict());
                format!("INSERT INTO {table} ({names}) SELECT {values} FROM {rows}{more}")
            }
            Mode::Update => {
                let set = self.rest().map(|it| format!("{} = {}", self.name(it), self.value(it)));
                let set = joined(set, ", ");
                format!("UPDATE {table} AS t SET {set} FROM {rows} WHERE {by_key}")
            }
            Mode::Delete => format!("DELETE FROM {table} AS t USING {rows} WHERE {by_key}"),
        }
    }
}

fn joined(parts: impl Iterator<Item = String>, by: &str) -> String {
    parts.collect::<Vec<_>>().join(by)
}
