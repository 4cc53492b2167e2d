//! The kind `nats` of sources.

use schemars::Schema;
use serde_json::Value;
use weir_domain::{Fault, Finding, PortName};
use weir_stream::{
    AnySource, BuildContext, Checked, ConfigError, LiveReader, LiveSource, RawLetter, RecordReader,
    SecretUse, Share, SourceKind, Splits, decode_config,
};

use super::client::{self, wait};
use super::config::{Deliver, SourceConfig};
use super::{NAME, codes, core, jetstream};
use crate::finding;
use crate::idle::Idle;
use crate::messages::{Attribute, Intake, reread, source_schema};
use crate::private::misplaced_secrets;

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

    fn secret_use(&self) -> SecretUse {
        SecretUse::Plain
    }

    fn check(&self, config: &Value) -> Checked {
        let meant = ["connection", "format"];
        let mut findings = misplaced_secrets(config, &meant, codes::SHOWN_SECRET);
        let Ok(config) = decode_config::<SourceConfig>(config) else { return Checked::default() };
        findings.extend(client::findings(&config.connection));
        findings.extend(combination(&config));
        let has: &[Attribute] = match config.stream {
            Some(_) => {
                &[Attribute::Address, Attribute::Offset, Attribute::Timestamp, Attribute::Header]
            }
            None => &[Attribute::Address, Attribute::Timestamp, Attribute::Header],
        };
        let (schema, wrong) = source_schema(&config.format, &config.attributes, has);
        findings.extend(wrong);
        Checked { outputs: vec![(PortName::out(), schema)], findings, ..Checked::default() }
    }

    fn is_live(&self) -> bool {
        true
    }

    fn build(&self, config: &Value, cx: &BuildContext) -> Result<AnySource, Fault> {
        let config: SourceConfig = cx.config(config, codes::CONFIG)?;
        Ok(AnySource::Live(Box::new(Source { config, cx: cx.clone() })))
    }
}

/// Keys that don't go together.
fn combination(config: &SourceConfig) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut wrong = |path: &str, cause: &str, fix: &str| {
        findings.push(finding(codes::BAD_VALUE, path, cause).with_fix(fix));
    };
    match &config.stream {
        Some(_) if config.queue_group.is_some() => {
            let cause = "a stream is read by one reader, in order";
            wrong("queueGroup", cause, "leave it out");
        }
        Some(name) if name.is_empty() || name.contains(['.', '*', '>', ' ', '/']) => {
            wrong(
                "stream",
                "that is no name of a stream",
                "write the name that `nats stream ls` shows",
            );
        }
        None if config.subject.is_none() => {
            let cause = "it reads nothing";
            wrong("subject", cause, "write a subject of core NATS, or a `stream` of JetStream");
        }
        None if config.deliver != Deliver::All => {
            let cause = "core NATS keeps no messages";
            wrong("deliver", cause, "leave it out, or name a `stream`");
        }
        _ => {}
    }
    if config.subject.as_deref().is_some_and(|it| !is_pattern(it)) {
        wrong("subject", "that is no subject", "write one as orders.> or orders.*.new");
    }
    findings
}

/// Whether it is a subject, which may have wildcards.
fn is_pattern(subject: &str) -> bool {
    let tokens: Vec<_> = subject.split('.').collect();
    let last = tokens.len() - 1;
    tokens.iter().enumerate().all(|(at, token)| {
        let is_open = *token == ">" && at == last;
        let is_plain = !token.contains(|it: char| it.is_whitespace() || matches!(it, '*' | '>'));
        !token.is_empty() && (is_open || *token == "*" || is_plain)
    })
}

struct Source {
    config: SourceConfig,
    cx: BuildContext,
}

impl LiveSource for Source {
    fn origin(&self) -> String {
        let (at, subject) = (&self.config.connection.servers, self.config.subject.as_deref());
        match &self.config.stream {
            Some(stream) => format!("stream {stream} of NATS at {}", at.join(", ")),
            None => format!("subject {} of NATS at {}", subject.unwrap_or("?"), at.join(", ")),
        }
    }

    fn check_access(&self) -> Result<(), Fault> {
        wait(async {
            let client = client::connect(&self.config.connection, "connection test").await?;
            match &self.config.stream {
                Some(stream) => jetstream::look(&client, stream).await.map(|_| ()),
                None => Ok(()),
            }
        })
    }

    fn peek(&mut self, records: usize) -> Result<Box<dyn LiveReader>, Fault> {
        let limits = &self.cx.limits;
        let intake = Intake::new(&self.config.format, &self.config.attributes, limits)?;
        Ok(match &self.config.stream {
            Some(stream) => {
                let spec = jetstream::Spec::of(&self.config, stream, &self.cx).peeking(records);
                Box::new(jetstream::Reader::open(spec, intake, &Splits::new())?)
            }
            None => {
                // In a group it would get what another one is to get.
                let config = SourceConfig { queue_group: None, ..self.config.clone() };
                Box::new(core::Reader::open(&config, &self.cx, intake)?)
            }
        })
    }

    fn reread(&mut self, letters: Vec<RawLetter>) -> Result<Box<dyn RecordReader>, Fault> {
        let config = &self.config;
        reread(&config.format, &config.attributes, &self.cx.limits, letters)
    }

    fn open(&mut self, share: Share, from: &Splits) -> Result<Box<dyn LiveReader>, Fault> {
        let (config, limits) = (&self.config, &self.cx.limits);
        let intake = Intake::new(&config.format, &config.attributes, limits)?;
        Ok(match &config.stream {
            Some(stream) if share.has(stream) => {
                let source = jetstream::Spec::of(config, stream, &self.cx);
                Box::new(jetstream::Reader::open(source, intake, from)?)
            }
            // Each reader of a queue group gets its own share.
            None if config.queue_group.is_some() || share.has(core::SPLIT) => {
                Box::new(core::Reader::open(config, &self.cx, intake)?)
            }
            Some(_) | None => Box::new(Idle(intake.schema())),
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn paths(more: &Value) -> Vec<String> {
        let mut config = json!({
            "connection": { "servers": ["nats://localhost:4222"] },
            "format": { "type": "raw" },
        });
        let more = more.as_object().unwrap().clone();
        config.as_object_mut().unwrap().extend(more);
        Input.decode(&config).unwrap();
        Input.check(&config).findings.into_iter().map(|it| it.path).collect()
    }

    #[test]
    fn what_does_not_go_together_is_refused_with_its_path() {
        assert_eq!(paths(&json!({ "stream": "orders" })), Vec::<String>::new());
        assert_eq!(paths(&json!({ "subject": "a.*.>", "queueGroup": "q" })), Vec::<String>::new());
        assert_eq!(paths(&json!({})), ["subject"]);
        assert_eq!(paths(&json!({ "stream": "a.b" })), ["stream"]);
        assert_eq!(paths(&json!({ "stream": "a", "queueGroup": "q" })), ["queueGroup"]);
        assert_eq!(paths(&json!({ "subject": "a", "deliver": "new" })), ["deliver"]);
        assert_eq!(paths(&json!({ "subject": "a..b" })), ["subject"]);
        assert_eq!(paths(&json!({ "subject": "a.>.b" })), ["subject"]);
        assert_eq!(paths(&json!({ "subject": "${sec:S}" })), ["subject"]);
        let offset = json!([{ "name": "n", "from": "offset" }]);
        assert_eq!(paths(&json!({ "subject": "a", "attributes": offset })), ["attributes[0].from"]);
        let user = json!({ "servers": ["nats://u:p@localhost"], "user": "u" });
        let both = ["connection.servers[0]", "connection.user"];
        assert_eq!(paths(&json!({ "subject": "a", "connection": user })), both);
        let twice = json!({ "servers": [], "user": "u", "password": "p", "token": "t" });
        let both = ["connection.servers", "connection.token"];
        assert_eq!(paths(&json!({ "subject": "a", "connection": twice })), both);
    }
}
