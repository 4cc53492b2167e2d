//! The kind `kafka` of sinks: what can be said of a configuration without asking a broker.

use arrow::datatypes::SchemaRef;
use schemars::Schema;
use serde_json::Value;
use weir_domain::{Fault, Finding};
use weir_stream::{
    BuildContext, Checked, ConfigError, SecretUse, Sink as StreamSink, SinkKind, decode_config,
};

use super::config::SinkConfig;
use super::sink::Sink;
use super::source_kind::{SECRETS, is_topic, unfit};
use super::{NAME, codes};
use crate::finding;
use crate::private::misplaced_secrets;

/// Longest message that fits into an outbox, with what stands beside it.
const MESSAGE_BYTES_MAX: u64 = 4_000_000;

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

    /// In the connection; elsewhere `check` refuses them.
    fn secret_use(&self) -> SecretUse {
        SecretUse::Plain
    }

    fn check(&self, value: &Value, input: Option<&SchemaRef>) -> Checked {
        let Ok(config) = decode_config::<SinkConfig>(value) else { return Checked::default() };
        let mut findings = config.connection.findings();
        findings.extend(misplaced_secrets(value, &SECRETS, codes::BAD_SECRET));
        check_topics(&config, &mut findings);
        check_bounds(&config, &mut findings);
        check_fields(&config, input, &mut findings);
        if let Some(Err(fault)) =
            input.map(|it| weir_formats::message_encoder(&config.format, it).map(|_| ()))
        {
            findings.push(unfit(fault));
        }
        Checked { findings, ..Checked::default() }
    }

    fn build(&self, config: &Value, cx: &BuildContext) -> Result<Box<dyn StreamSink>, Fault> {
        let config: SinkConfig = cx.config(config, codes::CONFIG)?;
        Ok(Box::new(Sink::new(config, cx)))
    }
}

fn check_topics(config: &SinkConfig, findings: &mut Vec<Finding>) {
    let named = config.topic.iter().map(|it| ("topic", it));
    for (path, topic) in named.chain([("commits", &config.commits)]) {
        if !is_topic(topic) {
            let fix = "use letters, digits, `.`, `_` and `-`, at most 249";
            let cause = "this is no name of a topic";
            findings.push(finding(codes::BAD_TOPIC, path, cause).with_fix(fix));
        }
    }
    if config.topic.is_none() && config.topic_field.is_none() {
        let cause = "nothing says where the messages go";
        let fix = "write topic, topicField or both";
        findings.push(finding(codes::BAD_TOPIC, "topic", cause).with_fix(fix));
    }
    if config.topic.as_ref() == Some(&config.commits) {
        let cause = "this topic says what was sent, and takes no messages";
        findings.push(finding(codes::BAD_TOPIC, "topic", cause).with_fix("name another topic"));
    }
}

fn check_bounds(config: &SinkConfig, findings: &mut Vec<Finding>) {
    let mut wrong = |path: &str, cause: &str, fix: &str| {
        findings.push(finding(codes::BAD_VALUE, path, cause).with_fix(fix));
    };
    if !(1_000..=900_000).contains(&config.transaction_timeout.0) {
        let cause = "the brokers keep no transaction for so long, or so short";
        wrong("transactionTimeout", cause, "write a time from 1s to 15m");
    }
    if !(1_000..=MESSAGE_BYTES_MAX).contains(&config.max_message_bytes.0) {
        let cause = "messages can't be so long, or are always longer";
        wrong("maxMessageBytes", cause, "write a size from 1000 to 4000000");
    }
}

fn check_fields(config: &SinkConfig, input: Option<&SchemaRef>, findings: &mut Vec<Finding>) {
    let Some(input) = input else { return };
    let beside = [("topicField", &config.topic_field), ("key", &config.key)];
    let beside = beside.into_iter().filter_map(|(path, it)| Some((path.to_owned(), it.as_ref()?)));
    let headers = config.headers.iter().map(|(header, it)| (format!("headers.{header}"), it));
    for (path, field) in beside.chain(headers) {
        let (cause, fix) = match input.field_with_name(field) {
            Err(_) => (format!("there is no field {field}"), "name a field that the records have"),
            Ok(it) if it.data_type().is_nested() => (
                format!("the field {field} has no text: it is {}", it.data_type()),
                "map what is needed of it to a field of its own",
            ),
            Ok(_) => continue,
        };
        findings.push(finding(codes::BAD_FIELD, path, cause).with_fix(fix));
    }
}
