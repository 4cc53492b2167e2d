//! How a script and what surrounds it are written.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use weir_domain::{Bytes, Millis, PortName};
use weir_formats::FieldConfig;

/// Runs a script of its own for each record. The script is a module that exports `onMessage(row)`
/// and, where it wants them, `onInit`, `onStreamStart`, `onStreamEnd`, `onCommit` and `onRollback`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct JavaScriptConfig {
    pub script: Script,
    /// The ports that records leave by, and their fields. Default: the port `out`, with the fields
    /// of the input.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub outputs: BTreeMap<PortName, OutputConfig>,
    /// Given to `onInit`.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub arguments: Value,
    #[serde(default)]
    pub limits: LimitsConfig,
}

/// The fields of the records that leave by a port. Without anything: those of the input.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct OutputConfig {
    /// Fields besides those of the input.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub add: Vec<FieldConfig>,
    /// These fields and no others.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub schema: Vec<FieldConfig>,
}

/// What ends a script that takes too much.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct LimitsConfig {
    /// The longest that one call of a hook may take: `onMessage` for one record.
    pub time: Millis,
    /// The most that the script may hold, and that the records of one batch may need that it makes.
    pub memory: Bytes,
}

/// Below this not even an empty script starts.
pub(crate) const MEMORY_MIN: u64 = 4 << 20;

impl Default for LimitsConfig {
    fn default() -> Self {
        Self { time: Millis::seconds(1), memory: Bytes(64 << 20) }
    }
}

/// Where the script is.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Script {
    /// Here.
    Inline(String),
    /// In a file of the project, of which the front door puts the text in.
    File(ScriptFile),
}

/// A file of the project that holds a script.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ScriptFile {
    /// The path from the project's directory, as `scripts/delays.js`.
    pub file: String,
    /// What is in it. Put in when the project is loaded, so that engines need no file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

impl<'de> Deserialize<'de> for Script {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Written;

        impl<'de> Visitor<'de> for Written {
            type Value = Script;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a script, or the file that holds it, as { file: scripts/delays.js }")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Script, E> {
                Ok(Script::Inline(text.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Script, A::Error> {
                ScriptFile::deserialize(de::value::MapAccessDeserializer::new(map))
                    .map(Script::File)
            }
        }

        deserializer.deserialize_any(Written)
    }
}

impl JsonSchema for Script {
    fn schema_name() -> Cow<'static, str> {
        "Script".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let file = generator.subschema_for::<ScriptFile>();
        json_schema!({
            "description": "The script itself, or the file of the project that holds it.",
            "anyOf": [{ "type": "string" }, file]
        })
    }
}
