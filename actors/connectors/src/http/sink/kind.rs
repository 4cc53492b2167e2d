//! The kind `http` of sinks.

use arrow::datatypes::SchemaRef;
use schemars::Schema;
use serde_json::Value;
use weir_domain::{Fault, Finding};
use weir_stream::{BuildContext, Checked, ConfigError, SecretUse, Sink, SinkKind, decode_config};

use super::super::body::BodyConfig;
use super::super::{NAME, client, codes};
use super::config::SinkConfig;
use super::write::HttpSink;
use crate::finding;
use crate::messages::sink_findings;
use crate::outbox::ENTRY_BYTES_MAX;
use crate::private::misplaced_secrets;

pub(in super::super) struct Output;

impl SinkKind for Output {
    fn name(&self) -> &'static str {
        NAME
    }

    fn config_schema(&self) -> Schema {
        schemars::schema_for!(SinkConfig)
    }

    fn decode(&self, config: &Value) -> Result<(), ConfigError> {
        decode_config::<SinkConfig>(config).map(|_| ())
    }

    fn secret_use(&self) -> SecretUse {
        SecretUse::Plain
    }

    fn check(&self, config: &Value, input: Option<&SchemaRef>) -> Checked {
        let mut findings =
            misplaced_secrets(config, &["connection", "format"], codes::SHOWN_SECRET);
        let Ok(config) = decode_config::<SinkConfig>(config) else { return Checked::default() };
        findings.extend(client::findings(&config.connection));
        findings.extend(wrong(&config));
        let fields = config.headers.iter().map(|(name, field)| (format!("headers.{name}"), field));
        findings.extend(sink_findings(&config.format, fields, input));
        Checked { findings, ..Checked::default() }
    }

    fn build(&self, config: &Value, cx: &BuildContext) -> Result<Box<dyn Sink>, Fault> {
        let config: SinkConfig = cx.config(config, codes::CONFIG)?;
        Ok(Box::new(HttpSink { config, cx: cx.clone() }))
    }
}

fn wrong(config: &SinkConfig) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut wrong = |path: String, cause: String, fix: &str| {
        findings.push(finding(codes::BAD_VALUE, path, cause).with_fix(fix));
    };
    if config.body != BodyConfig::Record && !config.headers.is_empty() {
        let cause = "headers are of one record, and a request has several".to_owned();
        wrong("headers".into(), cause, "write `body: record`, or leave them out");
    }
    if !config.body.fits(&config.format) {
        let cause = "records of this format can't stand so in a body".to_owned();
        wrong("body".into(), cause, "write `body: record`, or another format");
    }
    let own = config.headers.keys().map(|it| (format!("headers.{it}"), it));
    let key = ("idempotencyHeader".to_owned(), &config.idempotency_header);
    for (path, name) in own.chain([key]) {
        if let Err(cause) = client::header(name, "") {
            wrong(path, cause, "write letters, digits and dashes");
        }
    }
    if config.max_body.0 == 0 || config.max_body.0 > ENTRY_BYTES_MAX as u64 {
        let cause = format!("a body has 1 to {ENTRY_BYTES_MAX} bytes");
        wrong("maxBody".into(), cause, "write for instance 1MiB");
    }
    if config.timeout.0 == 0 {
        wrong("timeout".into(), "that is no time".into(), "write for instance 30s");
    }
    findings
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn paths(more: &Value) -> Vec<String> {
        let mut config = json!({
            "connection": { "url": "https://example.org/${sec:PATH}" },
            "format": { "type": "json" },
        });
        let more = more.as_object().unwrap().clone();
        config.as_object_mut().unwrap().extend(more);
        Output.decode(&config).unwrap();
        Output.check(&config, None).findings.into_iter().map(|it| it.path).collect()
    }

    #[test]
    fn what_can_not_be_is_refused_with_its_path() {
        assert_eq!(paths(&json!({})), Vec::<String>::new());
        let headers = json!({ "X-A": "a" });
        assert_eq!(paths(&json!({ "headers": headers })), Vec::<String>::new());
        assert_eq!(paths(&json!({ "headers": headers, "body": "lines" })), ["headers"]);
        assert_eq!(paths(&json!({ "headers": { "x y": "a" } })), ["headers.x y"]);
        assert_eq!(paths(&json!({ "body": "array", "format": { "type": "raw" } })), ["body"]);
        assert_eq!(paths(&json!({ "maxBody": "1GiB" })), ["maxBody"]);
        assert_eq!(paths(&json!({ "connection": { "url": "ftp://a" } })), ["connection.url"]);
        let user = json!({ "url": "http://u:p@a" });
        assert_eq!(paths(&json!({ "connection": user })), ["connection.url"]);
        assert_eq!(paths(&json!({ "idempotencyHeader": "${sec:A}" })).len(), 2);
    }
}
