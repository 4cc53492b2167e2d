//! The kind `nats` of sinks.

use arrow::datatypes::SchemaRef;
use schemars::Schema;
use serde_json::Value;
use weir_domain::Fault;
use weir_stream::{BuildContext, Checked, ConfigError, SecretUse, Sink, SinkKind, decode_config};

use super::config::SinkConfig;
use super::sink::{NatsSink, is_header_name};
use super::{NAME, client, codes};
use crate::finding;
use crate::messages::sink_findings;
use crate::private::misplaced_secrets;

pub(super) struct Output;

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
        let meant = ["connection", "format"];
        let mut findings = misplaced_secrets(config, &meant, codes::SHOWN_SECRET);
        let Ok(config) = decode_config::<SinkConfig>(config) else { return Checked::default() };
        findings.extend(client::findings(&config.connection));
        let mut wrong = |path: &str, cause: &str, fix: &str| {
            findings.push(finding(codes::BAD_VALUE, path, cause).with_fix(fix));
        };
        if config.subject.is_none() && config.subject_field.is_none() {
            wrong("subject", "messages have no subject", "write `subject` or `subjectField`");
        }
        if config.subject.as_deref().is_some_and(|it| !super::sink::is_subject(it)) {
            wrong("subject", "nothing can be published there", "write a subject as orders.new");
        }
        for name in config.headers.keys() {
            if name.starts_with("Nats-") {
                let cause = "these headers are the server's own";
                wrong(&format!("headers.{name}"), cause, "choose another name");
            } else if !is_header_name(name) {
                let cause = "that is no name of a header";
                wrong(&format!("headers.{name}"), cause, "write letters, digits and dashes");
            }
        }
        let fields = config.headers.iter().map(|(name, field)| (format!("headers.{name}"), field));
        let subject = config.subject_field.iter().map(|it| ("subjectField".to_owned(), it));
        findings.extend(sink_findings(&config.format, fields.chain(subject), input));
        Checked { findings, ..Checked::default() }
    }

    fn build(&self, config: &Value, cx: &BuildContext) -> Result<Box<dyn Sink>, Fault> {
        let config: SinkConfig = cx.config(config, codes::CONFIG)?;
        Ok(Box::new(NatsSink::new(config, cx)))
    }
}
