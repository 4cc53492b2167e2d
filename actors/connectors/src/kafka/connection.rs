//! How the brokers are reached, as people write it.

use std::fmt;

use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weir_domain::{Finding, Millis};

use super::codes;
use crate::finding;

/// The brokers of a cluster, and who Weir is to them.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "KafkaConnection")]
pub struct Connection {
    /// Some of the brokers, as `HOST:PORT`. They tell of the others.
    pub brokers: Vec<String>,
    /// Encrypts what goes between the brokers and Weir.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<Tls>,
    /// Who Weir is. Without it the brokers must let anybody in, or know Weir by its certificate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sasl: Option<Sasl>,
    /// Longest wait for an answer.
    #[serde(default = "default_timeout")]
    pub timeout: Millis,
}

/// Each as PEM, or as the whole path of a file with that on every engine.
#[derive(Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "KafkaTls")]
pub struct Tls {
    /// The certificates that the brokers' are issued by. Without them: those that the machine trusts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca: Option<String>,
    /// Weir's own certificate, where the brokers ask for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<String>,
    /// Its private key: as PEM it is a secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "KafkaSasl")]
pub struct Sasl {
    pub mechanism: Mechanism,
    pub user: String,
    /// A secret.
    pub password: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "KafkaMechanism")]
pub enum Mechanism {
    Plain,
    ScramSha256,
    ScramSha512,
}

fn default_timeout() -> Millis {
    Millis::seconds(10)
}

impl Connection {
    /// What every client of these brokers is made with.
    pub(super) fn client(&self) -> ClientConfig {
        let mut client = ClientConfig::new();
        let protocol = match (self.tls.is_some(), self.sasl.is_some()) {
            (false, false) => "plaintext",
            (true, false) => "ssl",
            (false, true) => "sasl_plaintext",
            (true, true) => "sasl_ssl",
        };
        client
            .set("bootstrap.servers", self.brokers.join(","))
            .set("security.protocol", protocol)
            .set("client.id", "weir")
            .set("socket.timeout.ms", self.timeout.0.to_string())
            .set("socket.connection.setup.timeout.ms", self.timeout.0.to_string())
            .set("socket.keepalive.enable", "true")
            .set("reconnect.backoff.max.ms", "2000")
            .set("log.connection.close", "false")
            .set("allow.auto.create.topics", "false");
        client.set_log_level(RDKafkaLogLevel::Info);
        let tls = self.tls.clone().unwrap_or_default();
        let texts = [
            (pem_or_file(&tls.ca, "ssl.ca.pem", "ssl.ca.location"), tls.ca),
            (
                pem_or_file(&tls.certificate, "ssl.certificate.pem", "ssl.certificate.location"),
                tls.certificate,
            ),
            (pem_or_file(&tls.key, "ssl.key.pem", "ssl.key.location"), tls.key),
            ("sasl.mechanism", self.sasl.as_ref().map(|it| it.mechanism.name().to_owned())),
            ("sasl.username", self.sasl.as_ref().map(|it| it.user.clone())),
            ("sasl.password", self.sasl.as_ref().map(|it| it.password.clone())),
        ];
        for (key, text) in texts {
            if let Some(text) = text {
                client.set(key, text);
            }
        }
        client
    }

    pub(super) fn findings(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        let mut wrong = |path: String, cause: &str, fix: &str| {
            findings.push(finding(codes::BAD_VALUE, path, cause).with_fix(fix));
        };
        if self.brokers.is_empty() {
            wrong("connection.brokers".into(), "there is no broker", "write one as HOST:PORT");
        }
        for (at, broker) in self.brokers.iter().enumerate() {
            if !is_address(broker) {
                let cause = "this is no address of a broker";
                wrong(format!("connection.brokers[{at}]"), cause, "write it as HOST:PORT");
            }
        }
        if !(1_000..=300_000).contains(&self.timeout.0) {
            let cause = "nobody waits so long, or so short";
            wrong("connection.timeout".into(), cause, "write a time from 1s to 5m");
        }
        let tls = self.tls.as_ref();
        if tls.is_some_and(|it| it.certificate.is_some() != it.key.is_some()) {
            let cause = "a certificate is shown with its key";
            wrong("connection.tls".into(), cause, "write both or none of them");
        }
        let files = tls
            .into_iter()
            .flat_map(|it| [("ca", &it.ca), ("certificate", &it.certificate), ("key", &it.key)]);
        for (key, text) in files.filter_map(|(key, it)| Some((key, it.as_ref()?))) {
            if !is_pem(text) && !text.starts_with('/') && !text.contains("${") {
                let cause = "this is neither PEM nor the whole path of a file";
                wrong(format!("connection.tls.{key}"), cause, "begin the path with /");
            }
        }
        findings
    }
}

fn pem_or_file(text: &Option<String>, pem: &'static str, file: &'static str) -> &'static str {
    if text.as_ref().is_some_and(|it| is_pem(it)) { pem } else { file }
}

fn is_pem(text: &str) -> bool {
    text.contains("-----BEGIN")
}

/// One that names a secret is known later.
fn is_address(text: &str) -> bool {
    let parts = text.rsplit_once(':');
    let is_one = |(host, port): (&str, &str)| {
        let is_host = !host.is_empty() && !host.contains(['/', ',', '@', ' ']);
        is_host && port.parse::<u16>().is_ok_and(|it| it > 0)
    };
    text.contains("${") || parts.is_some_and(is_one)
}

/// The brokers and the user; what is secret is left out.
impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let user = self.sasl.as_ref().map(|it| &it.user);
        f.debug_struct("Connection").field("brokers", &self.brokers).field("user", &user).finish()
    }
}

impl Mechanism {
    fn name(self) -> &'static str {
        match self {
            Self::Plain => "PLAIN",
            Self::ScramSha256 => "SCRAM-SHA-256",
            Self::ScramSha512 => "SCRAM-SHA-512",
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_address_is_a_host_and_a_port_and_no_password_is_shown() {
        let of = |brokers: &[&str], tls: serde_json::Value| {
            let sasl = json!({ "mechanism": "plain", "user": "u", "password": "not-shown" });
            let connection = json!({ "brokers": brokers, "tls": tls, "sasl": sasl });
            serde_json::from_value::<Connection>(connection).unwrap()
        };
        let paths =
            |it: Connection| it.findings().into_iter().map(|it| it.path).collect::<Vec<_>>();
        let sound = of(&["a:9092", "[::1]:9092", "${env:KAFKA}"], json!({ "ca": "/etc/ca.pem" }));
        assert!(!format!("{sound:?}").contains("not-shown"));
        assert_eq!(paths(sound), Vec::<String>::new());
        let bad = of(&["a", "a:0", "http://a:1"], json!({ "ca": "ca.pem", "key": "/k.pem" }));
        let brokers = (0..3).map(|it| format!("connection.brokers[{it}]"));
        let rest = ["connection.tls", "connection.tls.ca"].map(str::to_owned);
        assert_eq!(paths(bad), brokers.chain(rest).collect::<Vec<_>>());
    }
}
