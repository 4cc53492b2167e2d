//! The kind `tcp` of sources.

use std::io::ErrorKind;
use std::net::TcpListener;

use schemars::Schema;
use serde_json::Value;
use weir_domain::{Fault, Finding, PortName};
use weir_formats::{FormatConfig, Framing};
use weir_stream::{
    AnySource, BuildContext, Checked, ConfigError, LiveReader, LiveSource, RawLetter, RecordReader,
    SecretUse, Share, SourceKind, Splits, decode_config,
};

use super::config::TcpConfig;
use super::reader::{Reader, SPLIT};
use super::{NAME, codes, connections};
use crate::finding;
use crate::idle::Idle;
use crate::messages::{Attribute, Intake, reread, source_schema};

pub(super) struct Tcp;

impl SourceKind for Tcp {
    fn name(&self) -> &'static str {
        NAME
    }

    fn config_schema(&self) -> Schema {
        schemars::schema_for!(TcpConfig)
    }

    fn decode(&self, config: &Value) -> Result<(), ConfigError> {
        decode_config::<TcpConfig>(config).map(|_| ())
    }

    /// Addresses are shown.
    fn secret_use(&self) -> SecretUse {
        SecretUse::Refused
    }

    fn check(&self, config: &Value) -> Checked {
        let Ok(config) = decode_config::<TcpConfig>(config) else { return Checked::default() };
        let mut findings = wrong(&config);
        let has = [Attribute::Address, Attribute::Timestamp];
        let (schema, more) = source_schema(&config.format, &config.attributes, &has);
        findings.extend(more);
        Checked { outputs: vec![(PortName::out(), schema)], findings, ..Checked::default() }
    }

    fn is_live(&self) -> bool {
        true
    }

    fn build(&self, config: &Value, cx: &BuildContext) -> Result<AnySource, Fault> {
        let config: TcpConfig = cx.config(config, codes::CONFIG)?;
        Ok(AnySource::Live(Box::new(Source { config, cx: cx.clone() })))
    }
}

fn wrong(config: &TcpConfig) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut wrong = |path: &str, cause: &str, fix: &str| {
        findings.push(finding(codes::BAD_VALUE, path, cause).with_fix(fix));
    };
    match (&config.listen, &config.connect) {
        (None, None) => wrong("listen", "it has no connections", "write `listen` or `connect`"),
        (Some(_), Some(_)) => wrong("connect", "it listens already", "leave one of them out"),
        (None, Some(to)) if to.rsplit_once(':').is_none_or(|it| it.1.parse::<u16>().is_err()) => {
            wrong("connect", "that is no address", "write host and port, as feed.example.org:7000");
        }
        _ => {}
    }
    let is_binary = matches!(config.format, FormatConfig::Avro(_) | FormatConfig::Protobuf(_));
    if config.framing == Framing::Lines && is_binary {
        wrong(
            "framing",
            "line breaks may stand within such a record",
            "write uint32, or another one",
        );
    }
    if config.max_frame.0 == 0 || config.max_frame.0 > 64 << 20 {
        wrong("maxFrame", "a frame has 1 byte to 64 MiB", "write for instance 1MiB");
    }
    if config.max_connections.get() > 10_000 {
        wrong("maxConnections", "these are too many", "write at most 10000");
    }
    findings
}

struct Source {
    config: TcpConfig,
    cx: BuildContext,
}

impl LiveSource for Source {
    fn origin(&self) -> String {
        match (&self.config.listen, &self.config.connect) {
            (Some(bind), _) => format!("TCP connections to {bind}"),
            (None, to) => format!("a TCP connection to {}", to.as_deref().unwrap_or_default()),
        }
    }

    fn check_access(&self) -> Result<(), Fault> {
        let Some(bind) = self.config.listen else {
            let to = self.config.connect.as_deref().unwrap_or_default();
            let connected = tokio::runtime::Handle::current().block_on(connections::connect(to));
            return connected.map(|_| ());
        };
        match TcpListener::bind(bind) {
            Ok(_) => Ok(()),
            // By the version that runs now, as far as we know.
            Err(error) if error.kind() == ErrorKind::AddrInUse => Ok(()),
            Err(error) => Err(connections::not_bound(bind, &error)),
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

    #[test]
    fn what_can_not_be_is_refused_with_its_path() {
        let paths = |more: Value| {
            let mut config = json!({ "format": { "type": "raw" } });
            let more = more.as_object().unwrap().clone();
            config.as_object_mut().unwrap().extend(more);
            Tcp.decode(&config).unwrap();
            Tcp.check(&config).findings.into_iter().map(|it| it.path).collect::<Vec<_>>()
        };
        assert_eq!(paths(json!({ "listen": "127.0.0.1:0" })), Vec::<String>::new());
        assert_eq!(paths(json!({ "connect": "a.example.org:7000" })), Vec::<String>::new());
        assert_eq!(paths(json!({})), ["listen"]);
        assert_eq!(paths(json!({ "listen": "127.0.0.1:0", "connect": "a:1" })), ["connect"]);
        assert_eq!(paths(json!({ "connect": "a.example.org" })), ["connect"]);
        assert_eq!(paths(json!({ "connect": "a:1", "maxFrame": "0" })), ["maxFrame"]);
    }
}
