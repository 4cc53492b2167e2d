//! The kind `tail` of sources.

use std::path::PathBuf;

use globset::{GlobBuilder, GlobMatcher};
use schemars::Schema;
use serde_json::Value;
use weir_domain::{Fault, Finding, PortName};
use weir_formats::FormatConfig;
use weir_stream::{
    AnySource, BuildContext, Checked, ConfigError, LiveReader, LiveSource, RawLetter, RecordReader,
    SecretUse, Share, SourceKind, Splits, decode_config,
};

use super::config::{TailConfig, TailStart};
use super::reader::Reader;
use super::{NAME, codes};
use crate::finding;
use crate::messages::{Attribute, Intake, reread, source_schema};

pub(super) struct Tail;

impl SourceKind for Tail {
    fn name(&self) -> &'static str {
        NAME
    }

    fn config_schema(&self) -> Schema {
        schemars::schema_for!(TailConfig)
    }

    fn decode(&self, config: &Value) -> Result<(), ConfigError> {
        decode_config::<TailConfig>(config).map(|_| ())
    }

    /// What it says of files is shown.
    fn secret_use(&self) -> SecretUse {
        SecretUse::Refused
    }

    fn check(&self, config: &Value) -> Checked {
        let Ok(config) = decode_config::<TailConfig>(config) else { return Checked::default() };
        let mut findings = wrong(&config);
        let has = [Attribute::Address, Attribute::Offset, Attribute::Timestamp];
        let (schema, more) = source_schema(&config.format, &config.attributes, &has);
        findings.extend(more);
        Checked { outputs: vec![(PortName::out(), schema)], findings, ..Checked::default() }
    }

    fn is_live(&self) -> bool {
        true
    }

    fn build(&self, config: &Value, cx: &BuildContext) -> Result<AnySource, Fault> {
        let config: TailConfig = cx.config(config, codes::CONFIG)?;
        Ok(AnySource::Live(Box::new(Source { config, cx: cx.clone() })))
    }
}

fn wrong(config: &TailConfig) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut wrong = |path: &str, cause: String, fix: &str| {
        findings.push(finding(codes::BAD_VALUE, path, cause).with_fix(fix));
    };
    if config.directory.is_empty() || config.directory.contains(['\0', '$']) {
        let cause = "that is no directory".to_owned();
        wrong("directory", cause, "write . for the project's own directory");
    }
    if config.glob.contains('/') {
        let cause = "files below other directories are not looked for".to_owned();
        wrong("glob", cause, "write a pattern of names, and a source for each directory");
    } else if let Err(cause) = matcher(&config.glob) {
        wrong("glob", cause, "write one as *.log");
    }
    if config.interval.0 == 0 {
        let cause = "it would look without a pause".to_owned();
        wrong("interval", cause, "write for instance 250ms");
    }
    if config.max_line.0 == 0 || config.max_line.0 > 16 << 20 {
        let cause = "a line has 1 byte to 16 MiB".to_owned();
        wrong("maxLine", cause, "write for instance 1MiB");
    }
    let is_binary = matches!(config.format, FormatConfig::Avro(_) | FormatConfig::Protobuf(_));
    if is_binary {
        let cause = "line breaks may stand within such a record".to_owned();
        wrong("format.type", cause, "use a format of lines, as json or raw");
    }
    findings
}

/// Decides by the name of a file.
pub(super) fn matcher(glob: &str) -> Result<GlobMatcher, String> {
    let built = GlobBuilder::new(glob).literal_separator(true).build();
    built.map(|it| it.compile_matcher()).map_err(|it| it.kind().to_string())
}

struct Source {
    config: TailConfig,
    cx: BuildContext,
}

impl LiveSource for Source {
    fn origin(&self) -> String {
        format!("{} in {}", self.config.glob, self.cx.path(&self.config.directory).display())
    }

    fn check_access(&self) -> Result<(), Fault> {
        let directory = self.cx.path(&self.config.directory);
        std::fs::read_dir(&directory).map(|_| ()).map_err(|error| {
            Fault::config(codes::DIRECTORY, format!("{}: {error}", directory.display()))
                .with_hint("make the directory, and let the engine read it")
        })
    }

    fn path_here(&self) -> Option<PathBuf> {
        Some(self.cx.path(&self.config.directory))
    }

    fn peek(&mut self, _records: usize) -> Result<Box<dyn LiveReader>, Fault> {
        let config = TailConfig { start: TailStart::Beginning, ..self.config.clone() };
        let intake = Intake::new(&config.format, &config.attributes, &self.cx.limits)?;
        Ok(Box::new(Reader::peek(&config, &self.cx, intake)?))
    }

    fn reread(&mut self, letters: Vec<RawLetter>) -> Result<Box<dyn RecordReader>, Fault> {
        let config = &self.config;
        reread(&config.format, &config.attributes, &self.cx.limits, letters)
    }

    fn open(&mut self, share: Share, from: &Splits) -> Result<Box<dyn LiveReader>, Fault> {
        let intake = Intake::new(&self.config.format, &self.config.attributes, &self.cx.limits)?;
        Ok(Box::new(Reader::open(&self.config, &self.cx, intake, (share, from))?))
    }
}
