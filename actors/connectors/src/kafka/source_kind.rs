//! The kind `kafka` of sources: what can be said of a configuration without asking a broker.

use std::collections::BTreeSet;

use arrow::datatypes::SchemaRef;
use regex::Regex;
use schemars::Schema;
use serde_json::Value;
use weir_domain::{Fault, Finding, PortName};
use weir_formats::{FormatConfig, ReadOptions};
use weir_stream::{
    AnySource, BuildContext, Checked, ConfigError, SecretUse, SourceKind, decode_config,
};

use super::config::SourceConfig;
use super::source::Source;
use super::{NAME, codes};
use crate::finding;
use crate::messages::{Attribute, findings, schema_with};
use crate::private::misplaced_secrets;

/// What its messages have beside their bodies.
const ATTRIBUTES: [Attribute; 7] = [
    Attribute::Key,
    Attribute::KeyBytes,
    Attribute::Address,
    Attribute::Partition,
    Attribute::Offset,
    Attribute::Timestamp,
    Attribute::Header,
];

pub(super) struct Input;

impl SourceKind for Input {
    fn name(&self) -> &'static str {
        NAME
    }

    fn config_schema(&self) -> Schema {
        schemars::schema_for!(SourceConfig)
    }

    fn decode(&self, config: &Value) -> Result<(), ConfigError> {
        decode_config::<SourceConfig>(config).map(|_| ())
    }

    /// In the connection; elsewhere `check` refuses them.
    fn secret_use(&self) -> SecretUse {
        SecretUse::Plain
    }

    fn check(&self, value: &Value) -> Checked {
        let Ok(config) = decode_config::<SourceConfig>(value) else { return Checked::default() };
        let mut wrong = config.connection.findings();
        wrong.extend(misplaced_secrets(value, &SECRETS, codes::BAD_SECRET));
        wrong.extend(check_topics(&config));
        if config.discover_every.0 < 100 {
            let cause = "the brokers would be asked all the time";
            let fix = "write a time from 100ms on";
            wrong.push(finding(codes::BAD_VALUE, "discoverEvery", cause).with_fix(fix));
        }
        let body = check_format(&config.format, &mut wrong);
        wrong.extend(findings(&config.attributes, body.as_ref(), &ATTRIBUTES));
        let schema = body.map(|it| schema_with(&it, &config.attributes));
        Checked { outputs: vec![(PortName::out(), schema)], findings: wrong, ..Checked::default() }
    }

    fn is_live(&self) -> bool {
        true
    }

    fn build(&self, config: &Value, cx: &BuildContext) -> Result<AnySource, Fault> {
        let config: SourceConfig = cx.config(config, codes::CONFIG)?;
        Ok(AnySource::Live(Box::new(Source::new(config, cx)?)))
    }
}

/// The schema of the bodies, where it can be known without asking a registry.
fn check_format(format: &FormatConfig, wrong: &mut Vec<Finding>) -> Option<SchemaRef> {
    if let Err(errors) = format.declared_schema() {
        wrong.extend(errors.into_iter().map(|it| {
            let path = format!("format.{}", it.path);
            finding(codes::BAD_FORMAT, path, it.cause).with_fix(it.fix)
        }));
        return None;
    }
    if matches!(format, FormatConfig::Avro(avro) if avro.registry.is_some()) {
        return None;
    }
    let made = weir_formats::message_decoder(format, &ReadOptions::default());
    made.map(|it| it.schema()).map_err(|fault| wrong.push(unfit(fault))).ok()
}

/// What a format's fault says, as a finding.
pub(super) fn unfit(fault: Fault) -> Finding {
    finding(codes::BAD_FORMAT, "format", fault.message).with_fix(fault.hint.unwrap_or_default())
}

/// Where secrets may stand: the format has them where a registry asks for one.
pub(super) const SECRETS: [&str; 2] = ["connection", "format"];

fn check_topics(config: &SourceConfig) -> Vec<Finding> {
    let bad =
        |path: String, cause: &str, fix: &str| finding(codes::BAD_TOPIC, path, cause).with_fix(fix);
    let mut wrong = Vec::new();
    if config.topics.is_empty() != config.pattern.is_some() {
        let cause = "either topics or a pattern say what is read";
        wrong.push(bad("topics".into(), cause, "write one of them"));
    }
    let mut seen = BTreeSet::new();
    for (at, topic) in config.topics.iter().enumerate() {
        if !is_topic(topic) {
            let fix = "use letters, digits, `.`, `_` and `-`, at most 249";
            wrong.push(bad(format!("topics[{at}]"), "this is no name of a topic", fix));
        } else if !seen.insert(topic) {
            wrong.push(bad(format!("topics[{at}]"), "the topic is named twice", "leave it out"));
        }
    }
    if let Some(Err(error)) = config.pattern.as_deref().map(whole) {
        let cause = format!("this is no regular expression: {error}");
        wrong.push(bad("pattern".into(), &cause, "mend it"));
    }
    wrong
}

/// What matches the whole of a name.
pub(super) fn whole(pattern: &str) -> Result<Regex, regex::Error> {
    Regex::new(pattern)?;
    Regex::new(&format!("^(?:{pattern})$"))
}

/// Whether the brokers take it as a topic's name.
pub(super) fn is_topic(name: &str) -> bool {
    let is_letter = |it: char| it.is_ascii_alphanumeric() || matches!(it, '.' | '_' | '-');
    !matches!(name, "" | "." | "..") && name.len() <= 249 && name.chars().all(is_letter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_are_named_as_the_brokers_take_them() {
        for good in ["a", "orders.v1", "a_b-c", "..."] {
            assert!(is_topic(good), "{good}");
        }
        for bad in ["", ".", "..", "a/b", "a b", "ä", &"x".repeat(250)] {
            assert!(!is_topic(bad), "{bad}");
        }
        assert!(whole("a|b").unwrap().is_match("b") && !whole("a|b").unwrap().is_match("ab"));
    }
}
