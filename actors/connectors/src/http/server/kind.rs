//! The kind `http` of sources.

use std::io::ErrorKind;
use std::net::TcpListener;

use hyper::Method;
use schemars::Schema;
use serde_json::Value;
use weir_domain::{Fault, Finding, PortName};
use weir_stream::{
    AnySource, BuildContext, Checked, ConfigError, LiveReader, LiveSource, RawLetter, RecordReader,
    SecretUse, Share, SourceKind, Splits, decode_config,
};

use super::super::{NAME, codes};
use super::config::ServerConfig;
use super::reader::{Reader, SPLIT};
use crate::finding;
use crate::idle::Idle;
use crate::messages::{Attribute, Intake, reread, source_schema};
use crate::private::misplaced_secrets;

pub(in super::super) struct Server;

impl SourceKind for Server {
    fn name(&self) -> &'static str {
        NAME
    }

    fn config_schema(&self) -> Schema {
        schemars::schema_for!(ServerConfig)
    }

    fn decode(&self, config: &Value) -> Result<(), ConfigError> {
        decode_config::<ServerConfig>(config).map(|_| ())
    }

    fn secret_use(&self) -> SecretUse {
        SecretUse::Plain
    }

    fn check(&self, config: &Value) -> Checked {
        let mut findings =
            misplaced_secrets(config, &["connection", "format"], codes::SHOWN_SECRET);
        let Ok(config) = decode_config::<ServerConfig>(config) else { return Checked::default() };
        findings.extend(wrong(&config));
        let has = [Attribute::Address, Attribute::Timestamp, Attribute::Header];
        let (schema, more) = source_schema(&config.format, &config.attributes, &has);
        findings.extend(more);
        Checked { outputs: vec![(PortName::out(), schema)], findings, ..Checked::default() }
    }

    fn is_live(&self) -> bool {
        true
    }

    fn build(&self, config: &Value, cx: &BuildContext) -> Result<AnySource, Fault> {
        let config: ServerConfig = cx.config(config, codes::CONFIG)?;
        Ok(AnySource::Live(Box::new(Source { config, cx: cx.clone() })))
    }
}

fn wrong(config: &ServerConfig) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut wrong = |path: String, cause: &str, fix: &str| {
        findings.push(finding(codes::BAD_VALUE, path, cause).with_fix(fix));
    };
    if config.paths.is_empty() {
        wrong("paths".into(), "nothing could be sent", "write /");
    }
    for (at, path) in config.paths.iter().enumerate() {
        if !path.starts_with('/') || path.contains(['?', '#', ' ']) {
            wrong(format!("paths[{at}]"), "that is no path", "write one as /orders");
        }
    }
    if config.methods.is_empty() {
        wrong("methods".into(), "nothing could be sent", "write POST");
    }
    for (at, method) in config.methods.iter().enumerate() {
        let known = [Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::GET];
        if !known.iter().any(|it| it.as_str() == method) {
            let fix = "write POST, PUT, PATCH, DELETE or GET";
            wrong(format!("methods[{at}]"), "that is no method", fix);
        }
    }
    if !config.body.fits(&config.format) {
        let fix = "write `body: record`, or another format";
        wrong("body".into(), "records of this format can't stand so in a body", fix);
    }
    if config.max_body.0 == 0 || config.max_body.0 > 64 << 20 {
        wrong("maxBody".into(), "a body has 1 byte to 64 MiB", "write for instance 1MiB");
    }
    if config.max_requests.get() > 10_000 {
        wrong("maxRequests".into(), "these are too many at a time", "write at most 10000");
    }
    if config.within.0 == 0 {
        wrong("within".into(), "nobody could be answered in time", "write for instance 30s");
    }
    findings
}

struct Source {
    config: ServerConfig,
    cx: BuildContext,
}

impl LiveSource for Source {
    fn origin(&self) -> String {
        format!("HTTP requests to {}", self.config.bind)
    }

    fn check_access(&self) -> Result<(), Fault> {
        match TcpListener::bind(self.config.bind) {
            Ok(_) => Ok(()),
            // By the version that runs now, as far as we know.
            Err(error) if error.kind() == ErrorKind::AddrInUse => Ok(()),
            Err(error) => Err(super::reader::not_bound(self.config.bind, &error)),
        }
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn paths(more: &Value) -> Vec<String> {
        let mut config = json!({ "bind": "127.0.0.1:0", "format": { "type": "raw" } });
        let more = more.as_object().unwrap().clone();
        config.as_object_mut().unwrap().extend(more);
        Server.decode(&config).unwrap();
        Server.check(&config).findings.into_iter().map(|it| it.path).collect()
    }

    #[test]
    fn what_can_not_be_is_refused_with_its_path() {
        assert_eq!(paths(&json!({})), Vec::<String>::new());
        assert_eq!(paths(&json!({ "paths": ["orders"] })), ["paths[0]"]);
        assert_eq!(paths(&json!({ "methods": ["post"] })), ["methods[0]"]);
        assert_eq!(paths(&json!({ "body": "array" })), ["body"]);
        assert_eq!(paths(&json!({ "maxBody": "1GiB" })), ["maxBody"]);
        assert_eq!(paths(&json!({ "within": "0s" })), ["within"]);
        assert_eq!(paths(&json!({ "paths": ["/${sec:A}"] })), ["paths"]);
        assert_eq!(paths(&json!({ "connection": { "token": "${sec:A}" } })), Vec::<String>::new());
    }
}
