//! Declared fields: what a person writes below `schema`, and the Arrow schema it means.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::type_name::{list_of, parse_type};

/// One declared field: a column, or a member of a nested record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FieldConfig {
    pub name: String,
    /// `string`, `boolean`, `int64`, `float64`, `decimal(10, 2)`, `date`, `timestamp(ms)`,
    /// `list<string>`, `struct` … .
    #[serde(rename = "type")]
    pub type_name: String,
    /// Whether the value may be missing. A record without a value that must be there is bad.
    #[serde(default = "yes")]
    pub nullable: bool,
    /// Members, where the type is `struct`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<FieldConfig>,
    /// What the list holds, where the type is `list`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub items: Option<Box<ItemConfig>>,
}

/// What a list holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ItemConfig {
    #[serde(rename = "type")]
    pub type_name: String,
    #[serde(default = "yes")]
    pub nullable: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<FieldConfig>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub items: Option<Box<ItemConfig>>,
}

fn yes() -> bool {
    true
}

/// What is wrong with a format's configuration, and where below it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {cause}")]
pub struct ConfigError {
    /// As `schema[2].type`.
    pub path: String,
    pub cause: String,
    /// What to do; empty where nothing better than the cause can be said.
    pub fix: String,
}

impl ConfigError {
    pub(crate) fn new(
        path: impl Into<String>,
        cause: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        Self { path: path.into(), cause: cause.into(), fix: fix.into() }
    }
}

/// The schema that the fields declare; every error goes to `errors`.
pub(crate) fn schema(fields: &[FieldConfig], errors: &mut Vec<ConfigError>) -> SchemaRef {
    Arc::new(Schema::new(resolve("schema", fields, errors)))
}

/// The fields that are declared below `path` of a configuration.
pub fn declared(path: &str, fields: &[FieldConfig]) -> Result<Fields, Vec<ConfigError>> {
    let mut errors = Vec::new();
    let resolved = resolve(path, fields, &mut errors);
    if errors.is_empty() { Ok(resolved) } else { Err(errors) }
}

fn resolve(path: &str, fields: &[FieldConfig], errors: &mut Vec<ConfigError>) -> Fields {
    if fields.is_empty() {
        let fix = "list the fields, or leave the key out";
        errors.push(ConfigError::new(path, "a schema needs at least one field", fix));
    }
    let mut resolved: Vec<Field> = Vec::with_capacity(fields.len());
    for (at, field) in fields.iter().enumerate() {
        let path = format!("{path}[{at}]");
        if field.name.is_empty() {
            errors.push(ConfigError::new(format!("{path}.name"), "the name is empty", ""));
        } else if resolved.iter().any(|it| *it.name() == field.name) {
            let cause = format!("the field \"{}\" is declared twice", field.name);
            errors.push(ConfigError::new(format!("{path}.name"), cause, "rename one of them"));
        }
        let data_type =
            resolve_type(&path, &field.type_name, &field.fields, field.items.as_deref(), errors);
        resolved.push(Field::new(&field.name, data_type, field.nullable));
    }
    resolved.into()
}

/// The type, or null where it is in error.
fn resolve_type(
    path: &str,
    name: &str,
    fields: &[FieldConfig],
    items: Option<&ItemConfig>,
    errors: &mut Vec<ConfigError>,
) -> DataType {
    match (name.trim(), fields, items) {
        ("struct", members, None) => {
            DataType::Struct(resolve(&format!("{path}.fields"), members, errors))
        }
        ("list", [], Some(item)) => {
            let path = format!("{path}.items");
            let item_type =
                resolve_type(&path, &item.type_name, &item.fields, item.items.as_deref(), errors);
            list_of(item_type, item.nullable)
        }
        (name, [], None) => parse_type(name).unwrap_or_else(|error| {
            errors.push(ConfigError::new(format!("{path}.type"), error.to_string(), error.fix));
            DataType::Null
        }),
        (name, _, _) => {
            let cause = format!("`fields` belong to a struct and `items` to a list, not to {name}");
            errors.push(ConfigError::new(path, cause, "set the type, or remove the others"));
            DataType::Null
        }
    }
}
