//! The kind `file` of sinks: what can be said of a configuration without looking at the disk.

use arrow::datatypes::SchemaRef;
use schemars::Schema;
use serde_json::Value;
use weir_domain::{Fault, Finding};
use weir_formats::{Compression, FormatConfig};
use weir_stream::{BuildContext, Checked, ConfigError, SecretUse, Sink, SinkKind, decode_config};

use super::config::{OutputConfig, WriteCompression};
use super::sink::FileSink;
use super::source_kind::{check_directory, check_schema, error};
use super::split::Split;
use super::template::Template;
use super::{NAME, codes};

pub(super) struct Output;

impl SinkKind for Output {
    fn name(&self) -> &'static str {
        NAME
    }

    fn config_schema(&self) -> Schema {
        schemars::schema_for!(OutputConfig)
    }

    fn decode(&self, config: &Value) -> Result<(), ConfigError> {
        decode_config::<OutputConfig>(config).map(|_| ())
    }

    /// What it says of files is in their names, in journals and in logs.
    fn secret_use(&self) -> SecretUse {
        SecretUse::Refused
    }

    fn check(&self, config: &Value, input: Option<&SchemaRef>) -> Checked {
        let Ok(config) = decode_config::<OutputConfig>(config) else { return Checked::default() };
        let mut findings = Vec::new();
        check_directory("directory", &config.directory, &mut findings);
        check_name(&config, input, &mut findings);
        check_rolling(&config, &mut findings);
        check_schema(&config.format, &mut findings);
        check_format(&config, input, &mut findings);
        Checked { findings, ..Checked::default() }
    }

    fn build(&self, config: &Value, cx: &BuildContext) -> Result<Box<dyn Sink>, Fault> {
        let config: OutputConfig = cx.config(config, codes::CONFIG)?;
        Ok(Box::new(FileSink::new(config, cx)?))
    }
}

fn check_name(config: &OutputConfig, input: Option<&SchemaRef>, findings: &mut Vec<Finding>) {
    let template = match Template::parse(&config.name) {
        Ok(template) => template,
        Err(bad) => {
            findings.push(error(codes::BAD_TEMPLATE, "name", bad.cause).with_fix(bad.fix));
            return;
        }
    };
    let Some(schema) = input else { return };
    for field in template.fields() {
        if let Err(bad) = Split::new(&[field], schema) {
            findings.push(error(codes::BAD_FIELD, "name", bad.cause).with_fix(bad.fix));
        }
    }
}

fn check_rolling(config: &OutputConfig, findings: &mut Vec<Finding>) {
    let zeros = [
        ("rollRecords", config.roll_records == Some(0)),
        ("rollBytes", config.roll_bytes.is_some_and(|it| it.0 == 0)),
    ];
    for (path, _) in zeros.iter().filter(|it| it.1) {
        let cause = "a file can't be full before it has a record";
        let fix = "write a number above 0, or leave it out for files of any size";
        findings.push(error(codes::BAD_VALUE, *path, cause).with_fix(fix));
    }
}

fn check_format(config: &OutputConfig, input: Option<&SchemaRef>, findings: &mut Vec<Finding>) {
    match &config.format {
        FormatConfig::Parquet(_) if config.compression != WriteCompression::None => {
            let cause = "Parquet is compressed inside, page by page";
            let fix = "leave compression out, and set format.compression";
            findings.push(error(codes::BAD_FORMAT, "compression", cause).with_fix(fix));
        }
        FormatConfig::Csv(_) => {
            let fields = input.iter().flat_map(|it| it.fields().iter());
            for field in fields.filter(|it| it.data_type().is_nested()) {
                let cause = format!("CSV has no nested fields, and {} is one", field.name());
                let fix = "map its parts to fields of their own, or write JSON or Parquet";
                findings.push(error(codes::BAD_FORMAT, "format", cause).with_fix(fix));
            }
        }
        FormatConfig::Json(_) | FormatConfig::Parquet(_) => {}
        FormatConfig::FixedWidth(_)
        | FormatConfig::Raw(_)
        | FormatConfig::Arrow(_)
        | FormatConfig::Avro(_)
        | FormatConfig::Protobuf(_) => findings.extend(input.and_then(|it| refusal(config, it))),
    }
}

/// What the format says of the fields that it is to write. That it is wrong in itself was said.
fn refusal(config: &OutputConfig, input: &SchemaRef) -> Option<Finding> {
    config.format.declared_schema().ok()?;
    let nowhere = Box::new(std::io::sink());
    let made = weir_formats::create(&config.format, input.clone(), nowhere, Compression::None);
    let fault = made.err()?;
    let fix = fault.hint.unwrap_or_default();
    Some(error(codes::BAD_FORMAT, "format", fault.message).with_fix(fix))
}
