//! The kind `file` of sources: what can be said of a configuration without looking at the disk.

use schemars::Schema;
use serde_json::Value;
use weir_domain::{Fault, Finding, Place, PortName, Reprocess};
use weir_formats::FormatConfig;
use weir_stream::{
    AnySource, BuildContext, Checked, ConfigError, SecretUse, SourceKind, decode_config,
};

use super::config::InputConfig;
use super::pattern::Pattern;
use super::source::FileSource;
use super::{NAME, codes};

pub(super) struct Input;

impl SourceKind for Input {
    fn name(&self) -> &'static str {
        NAME
    }

    fn config_schema(&self) -> Schema {
        schemars::schema_for!(InputConfig)
    }

    fn decode(&self, config: &Value) -> Result<(), ConfigError> {
        decode_config::<InputConfig>(config).map(|_| ())
    }

    /// What it says of files is in their names, in journals and in logs.
    fn secret_use(&self) -> SecretUse {
        SecretUse::Refused
    }

    fn check(&self, config: &Value) -> Checked {
        let Ok(config) = decode_config::<InputConfig>(config) else { return Checked::default() };
        let mut findings = Vec::new();
        check_directories(&config, &mut findings);
        check_polling(&config, &mut findings);
        if let Err(bad) = Pattern::new(&config) {
            findings.push(error(codes::BAD_PATTERN, bad.key, bad.cause));
        }
        let declared = check_schema(&config.format, &mut findings);
        check_registry(&config.format, &mut findings);
        Checked { outputs: vec![(PortName::out(), declared)], findings, ..Checked::default() }
    }

    fn build(&self, config: &Value, cx: &BuildContext) -> Result<AnySource, Fault> {
        let config: InputConfig = cx.config(config, codes::CONFIG)?;
        Ok(AnySource::Items(Box::new(FileSource::new(config, cx)?)))
    }
}

pub(super) use crate::finding as error;

fn check_directories(config: &InputConfig, findings: &mut Vec<Finding>) {
    check_directory("directory", &config.directory, findings);
    let moves = [("done.directory", &config.done), ("error.directory", &config.error)];
    for (path, destination) in moves {
        let Some(destination) = destination else { continue };
        check_directory(path, &destination.directory, findings);
        if is_same_path(&destination.directory, &config.directory) {
            let cause = "finished files would stay in the input directory";
            let fix = "name another directory, or leave it out to leave them where they are";
            findings.push(error(codes::BAD_VALUE, path, cause).with_fix(fix));
        }
    }
}

/// The same path but for `.`, doubled and final slashes. Links can't be seen from here.
fn is_same_path(a: &str, b: &str) -> bool {
    use std::path::{Component, Path};
    let parts = |text| {
        let components = Path::new(text).components();
        components.filter(|it| *it != Component::CurDir).collect::<Vec<_>>()
    };
    parts(a) == parts(b)
}

pub(super) fn check_directory(path: &str, directory: &str, findings: &mut Vec<Finding>) {
    let (cause, fix) = if directory.is_empty() {
        ("the directory is empty", "write . for the project's own directory")
    } else if directory.contains('\0') {
        ("a path can't have a NUL character", "remove it")
    } else if directory.contains("${") {
        ("a directory has no macros", "a sink's name may have them, with directories in it")
    } else {
        return;
    };
    findings.push(error(codes::BAD_VALUE, path, cause).with_fix(fix));
}

fn check_polling(config: &InputConfig, findings: &mut Vec<Finding>) {
    if config.interval.0 == 0 {
        let cause = "the directory would be listed without a pause";
        findings.push(error(codes::BAD_VALUE, "interval", cause).with_fix("write for instance 5s"));
    }
    if config.reprocess == Reprocess::Always && config.done.is_none() {
        let cause = "every file is processed again each time it is listed";
        let fix = "set done.directory, or reprocess: whenChanged";
        findings.push(
            Finding::warning(codes::ENDLESS, Place::default(), "reprocess", cause).with_fix(fix),
        );
    }
}

/// A registry is for the messages of brokers.
fn check_registry(format: &FormatConfig, findings: &mut Vec<Finding>) {
    if let FormatConfig::Avro(avro) = format
        && avro.registry.is_some()
    {
        let cause = "a file of Avro has its schema in it, and no registry";
        findings.push(
            error(codes::BAD_FORMAT, "format.registry", cause).with_fix("remove the registry"),
        );
    }
}

/// The declared schema, or what is wrong with it.
pub(super) fn check_schema(
    format: &FormatConfig,
    findings: &mut Vec<Finding>,
) -> Option<arrow::datatypes::SchemaRef> {
    match format.declared_schema() {
        Ok(declared) => declared,
        Err(errors) => {
            findings.extend(errors.into_iter().map(|it| {
                let path = format!("format.{}", it.path);
                error(codes::BAD_SCHEMA, path, it.cause).with_fix(it.fix)
            }));
            None
        }
    }
}
