//! The settings of a process: everything below `weir { … }`.
//!
//! All defaults stand in `reference.conf` and nowhere else: a key that is missing there does not read.
//! Settings are read once, at start; what is wrong is refused with the place and the key's path.

mod check;
mod checkpoint_store;
mod cluster;
mod packages;
mod persistence;
mod remotes;
mod runs;
mod secrets;
mod users;

use std::collections::{BTreeMap, HashMap};
use std::fmt::Display;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use config::{Config, ConfigError, File};
use serde::{Deserialize, Deserializer, Serialize};
use weir_domain::{ClusterName, Digest, Finding, Millis, NodeName, Place};

use crate::document::{Document, Kind};
use crate::hocon::{self, Hocon, Refused};
use crate::{Network, Secret, read_at, secret};
use weir_domain::Bytes;

pub use checkpoint_store::{
    CheckpointAzure, CheckpointGcs, CheckpointS3, CheckpointStore, CheckpointStoreKind,
};
pub use cluster::{
    Canonical, Cluster, Discovery, FailureDetector, Heartbeat, KeepMajority, KeepOldest,
    LeaseMajority, Message, Reconnect, Singleton, SplitBrainResolver, StaticQuorum, Strategy, Tie,
    Tls,
};
pub use packages::Packages;
pub use persistence::{
    DatabaseServer, DatabaseTls, Journal, JournalPlugin, Migrate, Persistence, Schema, Sqlite,
    StreamHistory, TlsMode,
};
pub use remotes::Remotes;
pub use runs::Runs;
pub use secrets::{MasterKey, Secrets};
pub use users::{GroupRoles, Groups, Ldap, LdapScope, Oidc, Users};

/// The name and text of the built-in layer.
const REFERENCE: (&str, &str) = ("reference.conf", include_str!("../reference.conf"));
const ROOT: &str = "weir";
/// What is a configuration server's alone, in the data directory.
pub const CONFIG_SERVER_DIR: &str = "config-server";

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Settings {
    pub node: Node,
    pub data_dir: PathBuf,
    pub cluster: Cluster,
    pub config_server: ConfigServer,
    pub rest_server: RestServer,
    pub management: Management,
    pub metrics: Metrics,
    pub packages: Packages,
    pub persistence: Persistence,
    pub secrets: Secrets,
    pub stream: Stream,
    pub supervision: Supervision,
    pub shutdown: Shutdown,
    pub logging: Logging,
    pub users: Users,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Node {
    /// None: the name of the host.
    #[serde(deserialize_with = "empty_is_none")]
    pub name: Option<NodeName>,
    pub roles: Vec<String>,
}

/// Where a server listens.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Bind {
    pub host: String,
    /// 0 takes any free port.
    pub port: u16,
}

impl Bind {
    /// Whether it is reached from this machine only, as far as its text tells.
    pub fn is_loopback(&self) -> bool {
        let host = self.host.trim_matches(['[', ']']);
        host == "localhost" || host.parse::<IpAddr>().is_ok_and(|it| it.is_loopback())
    }
}

/// What a server shows to its clients: both or neither, which is clear text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ServerTls {
    pub certificate: Option<PathBuf>,
    pub key: Option<PathBuf>,
}

impl ServerTls {
    pub fn scheme(&self) -> &'static str {
        if self.certificate.is_some() { "https" } else { "http" }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ConfigServer {
    pub bind: Bind,
    pub tls: ServerTls,
    /// As it was written; [`Settings::in_data_dir`] makes it a path.
    pub projects_dir: PathBuf,
    /// URLs of the engines to ask, the first that answers; none: the one of these settings.
    pub engines: Vec<String>,
    /// Who signed the engines' certificates; none: those that this machine trusts.
    pub ca: Option<PathBuf>,
    /// What clusters call it that trust it.
    pub name: ClusterName,
    /// None: one in the data directory, made when it is needed for the first time.
    pub signing_key: Option<PathBuf>,
    /// Files with private keys that open the secrets of projects, as they were written.
    pub project_keys: Vec<PathBuf>,
    /// Where its users, its audit and its clusters are kept.
    pub persistence: Journal,
    /// Other repositories that projects exchange versions with.
    pub remotes: Remotes,
    /// What its users may let it run.
    pub runs: Runs,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct RestServer {
    pub bind: Bind,
    pub tls: ServerTls,
    pub canonical: Canonical,
    pub request_timeout: Millis,
    pub max_body: Bytes,
    /// What one address may ask for; 0: any number.
    pub max_requests_per_second: u32,
    /// Streams of events that one address may have open.
    pub max_streams_per_client: u32,
    /// What whoever is on this machine may do without a log-in.
    pub trust_local: TrustLocal,
    /// Who did not log in sees what runs.
    pub anonymous_reads: bool,
    /// Who is believed when they say for whom they pass a request on.
    pub trusted_proxies: Vec<Network>,
    /// Configuration servers that are believed when they vouch for their users.
    pub trusted_servers: Vec<TrustedServer>,
}

/// A configuration server, and what it signs with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct TrustedServer {
    pub name: ClusterName,
    /// Its public key, which looks like a digest.
    pub key: Digest,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TrustLocal {
    /// Everything with `weir dev`; else seeing what runs, and resetting items.
    Auto,
    All,
    None,
}

/// Health, members, leases: what operators and probes ask an engine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Management {
    pub enabled: bool,
    pub bind: Bind,
    pub tls: ServerTls,
    pub read_only: bool,
    /// There is one where changes are allowed.
    pub token: Option<Secret>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Metrics {
    pub enabled: bool,
    pub bind: Bind,
    pub tls: ServerTls,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Stream {
    pub edge_bytes: Bytes,
    pub batch_rows: NonZeroU32,
    pub batch_bytes: Bytes,
    pub max_record_bytes: Bytes,
    pub checkpoint_interval: Millis,
    pub max_unpublished_checkpoints: NonZeroU32,
    pub max_unpublished: Bytes,
    pub checkpoint_store: CheckpointStore,
    pub dead_letter: DeadLetter,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct DeadLetter {
    pub max_raw_bytes: Bytes,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Supervision {
    pub min_backoff: Millis,
    pub max_backoff: Millis,
    pub reset_after: Millis,
    pub max_restarts: u32,
    pub progress_timeout: Millis,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Shutdown {
    pub drain_timeout: Millis,
    pub phase_timeout: Millis,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Logging {
    pub level: Level,
    pub levels: BTreeMap<String, Level>,
    pub format: LogFormat,
    pub short_logger_names: bool,
    pub show_codes: bool,
    /// None: standard error.
    pub file: Option<PathBuf>,
    pub keep: LogKeep,
}

/// What stays in memory of the log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct LogKeep {
    pub lines: NonZeroU32,
    pub bytes: Bytes,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

impl Level {
    /// The word for it, as a filter of `tracing` reads it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LogFormat {
    Text,
    Json,
}

impl Settings {
    /// The defaults, then `file`, then `overrides` (`key=value` each), with the process's environment
    /// behind `${NAME}`.
    pub fn load(file: Option<&Path>, overrides: &[String]) -> Result<Self, Vec<Finding>> {
        Self::load_with(file, overrides, None)
    }

    /// The settings in force, with secrets covered, to be shown to operators.
    pub fn effective(&self) -> serde_json::Value {
        let mut value = serde_json::to_value(self).expect("settings hold nothing but plain values");
        secret::mask(&mut value);
        value
    }

    /// Whether engines share a store, so that there can be several. An engine on SQLite is a
    /// cluster of one and has no peers to listen to.
    pub fn has_peers(&self) -> bool {
        self.persistence.journal.server().is_some()
    }

    /// These settings as a configuration server's own store sees them, and its peers: those that share
    /// the store are a cluster of their own, which no engine can be taken for.
    #[must_use]
    pub fn of_config_server(&self) -> Self {
        let mut own = self.clone();
        let has_peers = self.config_server.persistence.server().is_some();
        own.persistence.journal = self.config_server.persistence.clone();
        own.data_dir = self.in_data_dir(CONFIG_SERVER_DIR);
        let name = |it: &ClusterName| {
            ClusterName::new(format!("{it}.config-server")).unwrap_or_else(|_| it.clone())
        };
        let cluster = &mut own.cluster;
        cluster.name = name(&cluster.name);
        cluster.seed_nodes.iter_mut().for_each(|it| it.cluster = name(&it.cluster));
        // Which engines may host what says nothing about servers.
        own.node.roles.clear();
        cluster.singleton.roles.clear();
        cluster.split_brain_resolver.role = None;
        if !has_peers {
            // What stands there is about engines.
            cluster.seed_nodes.clear();
            cluster.discovery.dns = None;
            cluster.min_nr_of_members = NonZeroU32::MIN;
        }
        own
    }

    /// Where the REST API is, as peers and people reach it. `machine` is the name of this machine,
    /// `bound` the port that it really listens on.
    pub fn rest_url(&self, machine: &str, bound: u16) -> String {
        let RestServer { canonical, tls, .. } = &self.rest_server;
        let host = self.rest_host(machine);
        let port = if canonical.port == 0 { bound } else { canonical.port };
        let host = host.trim_matches(['[', ']']);
        let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
        format!("{}://{host}:{port}", tls.scheme())
    }

    /// What peers and people know the REST API's host as.
    pub fn rest_host<'a>(&'a self, machine: &'a str) -> &'a str {
        let RestServer { canonical, bind, .. } = &self.rest_server;
        canonical.host_or(bind, self.cluster.host(machine))
    }

    /// A path that counts from the data directory, unless it is absolute.
    pub fn in_data_dir(&self, path: impl AsRef<Path>) -> PathBuf {
        self.data_dir.join(path)
    }

    fn load_with(
        file: Option<&Path>,
        overrides: &[String],
        env: Option<HashMap<String, String>>,
    ) -> Result<Self, Vec<Finding>> {
        let name = file.map_or_else(|| "the command line".into(), |it| it.display().to_string());
        let text = file.map_or_else(|| Ok(String::new()), hocon::read_file)?;
        let format = Hocon::named(&name)
            .with_defaults(REFERENCE.0, REFERENCE.1)
            .with_overrides(overrides)
            .with_root(ROOT);
        let format = match env {
            Some(env) => format.with_env(env),
            None => format,
        };
        let document = layered(&format, &text)?;
        let settings: Self = read_at(&document, ROOT)?;
        let findings = check::check(&settings, &document);
        if findings.is_empty() { Ok(settings) } else { Err(findings) }
    }
}

/// What `config` makes of the text, with the places that the format knows.
fn layered(format: &Hocon, text: &str) -> Result<Document, Vec<Finding>> {
    let source = File::from_str(text, format.clone());
    let config = Config::builder().add_source(source).build().map_err(refusal)?;
    let located = format.located().expect("the format read the only source");
    let root = hocon::from_config(&config.cache, &located.root);
    Ok(Document { kind: Kind::Hocon, file: located.file.clone(), root })
}

fn refusal(error: ConfigError) -> Vec<Finding> {
    let message = error.to_string();
    if let ConfigError::FileParse { cause, .. } = error
        && let Ok(refused) = cause.downcast::<Refused>()
    {
        return refused.0;
    }
    vec![Finding::error(Kind::Hocon.code(4), Place::default(), "", message)]
}

/// An empty text comes from a variable that is set to nothing.
fn empty_is_none<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr<Err: Display>,
{
    let text = Option::<String>::deserialize(deserializer)?.filter(|it| !it.is_empty());
    text.map(|it| it.parse()).transpose().map_err(serde::de::Error::custom)
}

#[cfg(test)]
mod tests;
