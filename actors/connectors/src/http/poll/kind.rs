//! The kind `httpPoll` of sources.

use schemars::Schema;
use serde_json::Value;
use tokio::runtime::Handle;
use weir_domain::{Fault, Finding, PortName};
use weir_stream::{
    AnySource, BuildContext, Checked, ConfigError, LiveReader, LiveSource, RawLetter, RecordReader,
    SecretUse, Share, SourceKind, Splits, decode_config,
};

use super::super::{client, codes};
use super::NAME;
use super::config::PollConfig;
use super::reader::{self, Question, Reader, SPLIT};
use crate::finding;
use crate::idle::Idle;
use crate::messages::{Attribute, Intake, reread, source_schema};
use crate::private::misplaced_secrets;

pub(in super::super) struct Poll;

impl SourceKind for Poll {
    fn name(&self) -> &'static str {
        NAME
    }

    fn config_schema(&self) -> Schema {
        schemars::schema_for!(PollConfig)
    }

    fn decode(&self, config: &Value) -> Result<(), ConfigError> {
        decode_config::<PollConfig>(config).map(|_| ())
    }

    fn secret_use(&self) -> SecretUse {
        SecretUse::Plain
    }

    fn check(&self, config: &Value) -> Checked {
        let mut findings =
            misplaced_secrets(config, &["connection", "format"], codes::SHOWN_SECRET);
        let Ok(config) = decode_config::<PollConfig>(config) else { return Checked::default() };
        findings.extend(client::findings(&config.connection));
        findings.extend(wrong(&config));
        let has = [Attribute::Timestamp, Attribute::Header];
        let (schema, more) = source_schema(&config.format, &config.attributes, &has);
        findings.extend(more);
        Checked { outputs: vec![(PortName::out(), schema)], findings, ..Checked::default() }
    }

    fn is_live(&self) -> bool {
        true
    }

    fn build(&self, config: &Value, cx: &BuildContext) -> Result<AnySource, Fault> {
        let config: PollConfig = cx.config(config, codes::CONFIG)?;
        Ok(AnySource::Live(Box::new(Source { config, cx: cx.clone() })))
    }
}

fn wrong(config: &PollConfig) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut wrong = |path: &str, cause: &str, fix: &str| {
        findings.push(finding(codes::BAD_VALUE, path, cause).with_fix(fix));
    };
    let is_pointer = |it: &str| it.is_empty() || it.starts_with('/');
    if config.records.as_deref().is_some_and(|it| !is_pointer(it)) {
        wrong("records", "that is no JSON pointer", "write one as /data/items");
    }
    if let Some(cursor) = &config.cursor {
        if !is_pointer(&cursor.pointer) {
            wrong("cursor.pointer", "that is no JSON pointer", "write one as /next");
        }
        if cursor.parameter.is_empty() {
            wrong("cursor.parameter", "it has no name", "write one as since");
        }
    }
    if !config.body.fits(&config.format) {
        let fix = "write `body: record`, or another format";
        wrong("body", "records of this format can't stand so in a body", fix);
    }
    for (path, value) in [("interval", config.interval), ("timeout", config.timeout)] {
        if value.0 == 0 {
            wrong(path, "that is no time", "write for instance 30s");
        }
    }
    if config.max_body.0 == 0 || config.max_body.0 > 256 << 20 {
        wrong("maxBody", "an answer has 1 byte to 256 MiB", "write for instance 16MiB");
    }
    findings
}

struct Source {
    config: PollConfig,
    cx: BuildContext,
}

impl LiveSource for Source {
    fn origin(&self) -> String {
        format!("answers of {}", self.config.connection.shown())
    }

    fn check_access(&self) -> Result<(), Fault> {
        let question = Question::new(&self.config)?;
        let asked = question.ask(reader::Position::default());
        Handle::current().block_on(asked).map(|_| ())
    }

    /// One question, as the first one of a workflow that has not run.
    fn peek(&mut self, _records: usize) -> Result<Box<dyn LiveReader>, Fault> {
        let intake = Intake::new(&self.config.format, &self.config.attributes, &self.cx.limits)?;
        Ok(Box::new(reader::First::open(&self.config, &self.cx, intake)?))
    }

    fn reread(&mut self, letters: Vec<RawLetter>) -> Result<Box<dyn RecordReader>, Fault> {
        let config = &self.config;
        reread(&config.format, &config.attributes, &self.cx.limits, letters)
    }

    fn open(&mut self, share: Share, from: &Splits) -> Result<Box<dyn LiveReader>, Fault> {
        let intake = Intake::new(&self.config.format, &self.config.attributes, &self.cx.limits)?;
        if !share.has(SPLIT) {
            return Ok(Box::new(Idle(intake.schema())));
        }
        Ok(Box::new(Reader::open(&self.config, &self.cx, intake, from)?))
    }
}
