//! The kind `file` of sources: what can be said of a configuration without looking at the disk.

use schemars::Schema;
use serde_json::Value;
use weir_domain::{Fault, Finding, PortName};
use weir_stream::{
    AnySource, BuildContext, Checked, ConfigError, SecretUse, SourceKind, decode_config,
};

use super::config::InputConfig;
use super::source::FileSource;
use super::{NAME, codes};
use crate::finding as error;
use crate::whole::checks::{check_pattern, check_polling, check_registry, check_schema};
use crate::whole::codes::BAD_VALUE;

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
        let kept = config.done.is_none().then_some("set done.directory, or reprocess: whenChanged");
        check_polling(config.interval, config.reprocess, kept, &mut findings);
        check_pattern(config.glob.as_deref(), config.regex.as_deref(), &mut findings);
        let declared = check_schema(&config.format, &mut findings);
        check_registry(&config.format, &mut findings);
        Checked { outputs: vec![(PortName::out(), declared)], findings, ..Checked::default() }
    }

    fn build(&self, config: &Value, cx: &BuildContext) -> Result<AnySource, Fault> {
        let config: InputConfig = cx.config(config, codes::CONFIG)?;
        Ok(AnySource::Items(Box::new(FileSource::new(config, cx)?)))
    }
}

fn check_directories(config: &InputConfig, findings: &mut Vec<Finding>) {
    check_directory("directory", &config.directory, findings);
    let moves = [("done.directory", &config.done), ("error.directory", &config.error)];
    for (path, destination) in moves {
        let Some(destination) = destination else { continue };
        check_directory(path, &destination.directory, findings);
        if is_same_path(&destination.directory, &config.directory) {
            let cause = "finished files would stay in the input directory";
            let fix = "name another directory, or leave it out to leave them where they are";
            findings.push(error(BAD_VALUE, path, cause).with_fix(fix));
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
    findings.push(error(BAD_VALUE, path, cause).with_fix(fix));
}
