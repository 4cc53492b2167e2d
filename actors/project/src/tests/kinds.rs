//! Kinds of stages for tests: small, but with everything that real ones have: tagged enums, nested
//! lists, units, fields that depend on the input, ports that depend on the configuration.

#![expect(dead_code, reason = "some keys are only read, to see that they can be")]

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema as ArrowSchema, SchemaRef};
use schemars::{JsonSchema, Schema, schema_for};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use weir_domain::{Fault, Finding, Millis, Place, PortName, did_you_mean};
use weir_stream::{
    AnySource, BuildContext, BuiltOperator, Checked, ConfigError, OperatorKind, Registry,
    SecretUse, Sink, SinkKind, SourceKind, decode_config,
};

pub(super) fn registry() -> Registry {
    Registry::default().source(File).operator(Mapping).operator(Route).sink(File).sink(Nothing)
}

/// How records are written.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "camelCase")]
enum FormatConfig {
    /// Comma-separated values.
    Csv(CsvConfig),
    Json(JsonConfig),
}

#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct CsvConfig {
    /// Whether the first row has the names.
    #[serde(default)]
    header: bool,
    #[serde(default)]
    schema: Vec<FieldConfig>,
}

#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct JsonConfig {}

#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct FieldConfig {
    name: String,
    r#type: String,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct SourceConfig {
    /// Where the files arrive.
    directory: String,
    #[serde(default)]
    interval: Option<Millis>,
    #[serde(default)]
    recursive: bool,
    #[serde(default)]
    glob: Option<String>,
    /// The format of the files.
    format: FormatConfig,
    #[serde(default)]
    done: Option<DoneConfig>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct DoneConfig {
    directory: String,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct SinkConfig {
    directory: String,
    name: String,
    #[serde(default)]
    format: Option<FormatConfig>,
    #[serde(default)]
    roll_records: Option<u64>,
    #[serde(default)]
    compression: Option<String>,
    #[serde(default)]
    on_existing: Option<String>,
    #[serde(default)]
    create_directory: bool,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct MappingConfig {
    /// New fields; here an expression is the name of a field.
    #[serde(default)]
    #[schemars(with = "std::collections::BTreeMap<String, String>")]
    set: Map<String, Value>,
    #[serde(default)]
    drop: Vec<String>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RouteConfig {
    rules: Vec<Rule>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Rule {
    when: String,
    to: PortName,
}

fn finding(code: u32, path: &str, cause: String) -> Finding {
    Finding::error(code, Place::default(), path, cause)
}

fn read<T: DeserializeOwned>(config: &Value) -> T {
    decode_config(config).expect("checked after it was decoded")
}

fn check_format(format: &FormatConfig, findings: &mut Vec<Finding>) -> Option<SchemaRef> {
    let FormatConfig::Csv(csv) = format else { return None };
    let mut fields = Vec::new();
    for (index, field) in csv.schema.iter().enumerate() {
        match field.r#type.as_str() {
            "int64" => fields.push(Field::new(&field.name, DataType::Int64, true)),
            "string" => fields.push(Field::new(&field.name, DataType::Utf8, true)),
            other => findings.push(finding(
                2901,
                &format!("format.schema[{index}].type"),
                format!("there is no type {other}"),
            )),
        }
    }
    (!csv.schema.is_empty()).then(|| Arc::new(ArrowSchema::new(fields)))
}

fn check_field(name: &str, path: &str, input: &SchemaRef, findings: &mut Vec<Finding>) {
    if input.field_with_name(name).is_err() {
        let names = input.fields().iter().map(|it| it.name().as_str());
        let fix = did_you_mean(name, names).map(|it| format!("did you mean {it}?"));
        let cause = format!("there is no field {name}");
        findings.push(finding(2902, path, cause).with_fix(fix.unwrap_or_default()));
    }
}

struct File;

impl SourceKind for File {
    fn name(&self) -> &'static str {
        "file"
    }

    fn config_schema(&self) -> Schema {
        schema_for!(SourceConfig)
    }

    fn decode(&self, config: &Value) -> Result<(), ConfigError> {
        decode_config::<SourceConfig>(config).map(|_| ())
    }

    fn secret_use(&self) -> SecretUse {
        SecretUse::Plain
    }

    fn check(&self, config: &Value) -> Checked {
        let config: SourceConfig = read(config);
        let mut findings = Vec::new();
        let schema = check_format(&config.format, &mut findings);
        if config.interval.is_some_and(|it| it.0 == 0) {
            findings.push(finding(2903, "interval", "the interval must not be 0".into()));
        }
        Checked { outputs: vec![(PortName::out(), schema)], findings, ..Checked::default() }
    }

    fn build(&self, _: &Value, _: &BuildContext) -> Result<AnySource, Fault> {
        Err(Fault::config(2900, "kinds for tests are checked, never built"))
    }
}

impl SinkKind for File {
    fn name(&self) -> &'static str {
        "file"
    }

    fn config_schema(&self) -> Schema {
        schema_for!(SinkConfig)
    }

    fn decode(&self, config: &Value) -> Result<(), ConfigError> {
        decode_config::<SinkConfig>(config).map(|_| ())
    }

    fn secret_use(&self) -> SecretUse {
        SecretUse::Plain
    }

    fn check(&self, config: &Value, input: Option<&SchemaRef>) -> Checked {
        let config: SinkConfig = read(config);
        let mut findings = Vec::new();
        if let Some(format) = &config.format {
            check_format(format, &mut findings);
        }
        let field = config.name.split_once("${field:").and_then(|it| it.1.split_once('}'));
        if let (Some((field, _)), Some(input)) = (field, input) {
            check_field(field, "name", input, &mut findings);
        }
        Checked { findings, ..Checked::default() }
    }

    fn build(&self, _: &Value, _: &BuildContext) -> Result<Box<dyn Sink>, Fault> {
        Err(Fault::config(2900, "kinds for tests are checked, never built"))
    }
}

/// A sink without a configuration.
struct Nothing;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NothingConfig {}

impl SinkKind for Nothing {
    fn name(&self) -> &'static str {
        "devNull"
    }

    fn config_schema(&self) -> Schema {
        schema_for!(NothingConfig)
    }

    fn decode(&self, config: &Value) -> Result<(), ConfigError> {
        decode_config::<NothingConfig>(config).map(|_| ())
    }

    fn secret_use(&self) -> SecretUse {
        SecretUse::Plain
    }

    fn check(&self, _: &Value, _: Option<&SchemaRef>) -> Checked {
        Checked::default()
    }

    fn build(&self, _: &Value, _: &BuildContext) -> Result<Box<dyn Sink>, Fault> {
        Err(Fault::config(2900, "kinds for tests are checked, never built"))
    }
}

struct Mapping;

impl OperatorKind for Mapping {
    fn name(&self) -> &'static str {
        "mapping"
    }

    fn config_schema(&self) -> Schema {
        schema_for!(MappingConfig)
    }

    fn decode(&self, config: &Value) -> Result<(), ConfigError> {
        decode_config::<MappingConfig>(config).map(|_| ())
    }

    fn secret_use(&self) -> SecretUse {
        SecretUse::Plain
    }

    fn check(&self, config: &Value, input: Option<&SchemaRef>) -> Checked {
        let config: MappingConfig = read(config);
        let mut findings = Vec::new();
        let Some(input) = input else {
            return Checked { outputs: vec![(PortName::out(), None)], ..Checked::default() };
        };
        let mut fields: Vec<_> = input.fields().iter().map(|it| it.as_ref().clone()).collect();
        for (name, expression) in &config.set {
            let expression = expression.as_str().unwrap_or_default();
            check_field(expression, &format!("set.{name}"), input, &mut findings);
            fields.push(Field::new(name, DataType::Int64, true));
        }
        for (index, name) in config.drop.iter().enumerate() {
            check_field(name, &format!("drop[{index}]"), input, &mut findings);
        }
        let schema = Arc::new(ArrowSchema::new(fields));
        Checked { outputs: vec![(PortName::out(), Some(schema))], findings, ..Checked::default() }
    }

    fn build(&self, _: &Value, _: &SchemaRef, _: &BuildContext) -> Result<BuiltOperator, Fault> {
        Err(Fault::config(2900, "kinds for tests are checked, never built"))
    }
}

struct Route;

impl OperatorKind for Route {
    fn name(&self) -> &'static str {
        "filterRoute"
    }

    fn config_schema(&self) -> Schema {
        schema_for!(RouteConfig)
    }

    fn decode(&self, config: &Value) -> Result<(), ConfigError> {
        decode_config::<RouteConfig>(config).map(|_| ())
    }

    fn secret_use(&self) -> SecretUse {
        SecretUse::Plain
    }

    fn check(&self, config: &Value, input: Option<&SchemaRef>) -> Checked {
        let config: RouteConfig = read(config);
        let mut findings = Vec::new();
        let mut outputs = Vec::new();
        for (index, rule) in config.rules.iter().enumerate() {
            if let Some(input) = input {
                check_field(&rule.when, &format!("rules[{index}].when"), input, &mut findings);
            }
            outputs.push((rule.to.clone(), input.cloned()));
        }
        Checked { outputs, optional: BTreeSet::new(), findings }
    }

    fn build(&self, _: &Value, _: &SchemaRef, _: &BuildContext) -> Result<BuiltOperator, Fault> {
        Err(Fault::config(2900, "kinds for tests are checked, never built"))
    }
}
