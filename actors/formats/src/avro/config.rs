//! What people write about Avro.

use std::fmt;

use arrow::datatypes::SchemaRef;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{registry, rows, schema};
use crate::ConfigError;

/// Avro. A container file carries the schema that it was written with; a message names it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct AvroConfig {
    /// The Avro schema of the records, as JSON. When reading, what was written with another version of
    /// it is brought to this one; absent: as it was written. When writing, fields are found by name;
    /// absent: the schema that fits the records.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schema: Option<Value>,
    /// Of the blocks within a file, when writing. Reading takes any of these.
    pub codec: AvroCodec,
    /// Where the schemas of messages are kept. Absent: all messages have the schema `schema`, and
    /// nothing before it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub registry: Option<RegistryConfig>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum AvroCodec {
    None,
    Deflate,
    Snappy,
    #[default]
    Zstd,
}

/// A schema registry that speaks Confluent's protocol. Messages begin with a zero and the number of
/// their schema in four bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RegistryConfig {
    /// As `https://registry.example.org:8081`.
    pub url: String,
    /// Under which name the schemas of these messages are kept, as `orders-value`. Reading without a
    /// `schema` brings messages to its latest version; writing puts the schema there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// Of the user. Name a secret here: `${sec:NAME}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<Password>,
    /// A bearer token, instead of user and password. Name a secret here: `${sec:NAME}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<Password>,
}

/// A text that is not shown.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Password(pub(super) String);

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

impl AvroConfig {
    /// The schema of records that are read, where it is known before the first of them.
    pub(crate) fn check(&self, errors: &mut Vec<ConfigError>) -> Option<SchemaRef> {
        if let Some(registry) = &self.registry {
            check_registry(registry, errors);
        }
        let wanted = schema::text(self.schema.as_ref()?);
        match rows::arrow_schema(&wanted) {
            Ok(schema) => Some(schema),
            Err(cause) => {
                let fix = "write a record schema, as {type: record, name: Order, fields: […]}";
                errors.push(ConfigError::new("schema", cause, fix));
                None
            }
        }
    }
}

fn check_registry(config: &RegistryConfig, errors: &mut Vec<ConfigError>) {
    if let Err(cause) = registry::base(&config.url) {
        let fix = "write it as https://registry.example.org:8081";
        errors.push(ConfigError::new("registry.url", cause, fix));
    }
    if config.username.is_some() != config.password.is_some() {
        let cause = "a user has a name and a password";
        errors.push(ConfigError::new("registry.username", cause, "set both, or neither"));
    }
    if config.username.is_some() && config.token.is_some() {
        let cause = "a token stands instead of a user";
        errors.push(ConfigError::new("registry.token", cause, "remove one of them"));
    }
}
