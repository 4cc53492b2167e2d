//! The cluster: where this node is found, how it finds the others, and what is done when some of
//! them can't be reached.

use std::num::NonZeroU32;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use weir_domain::{Bytes, ClusterAddress, ClusterName, Millis};

use super::{Bind, empty_is_none};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Cluster {
    pub name: ClusterName,
    pub canonical: Canonical,
    pub bind: Bind,
    pub seed_nodes: Vec<ClusterAddress>,
    pub discovery: Discovery,
    pub min_nr_of_members: NonZeroU32,
    pub tls: Tls,
    pub heartbeat: Heartbeat,
    pub failure_detector: FailureDetector,
    pub handshake_timeout: Millis,
    pub reconnect: Reconnect,
    pub message: Message,
    pub split_brain_resolver: SplitBrainResolver,
    pub singleton: Singleton,
}

impl Cluster {
    /// The host that peers reach this node by. `machine` is the name of this machine.
    pub fn host<'a>(&'a self, machine: &'a str) -> &'a str {
        self.canonical.host_or(&self.bind, machine)
    }

    /// Where peers reach this node. `bound` is the port that it really listens on.
    pub fn address(&self, machine: &str, bound: u16) -> ClusterAddress {
        ClusterAddress {
            cluster: self.name.clone(),
            host: self.host(machine).trim_matches(['[', ']']).to_owned(),
            port: if self.canonical.port == 0 { bound } else { self.canonical.port },
        }
    }
}

/// How others reach a server of this process, which may differ from where it listens.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Canonical {
    /// None: where it listens if that is on this machine only, else this machine.
    #[serde(deserialize_with = "empty_is_none")]
    pub host: Option<String>,
    /// 0: the port that it listens on.
    pub port: u16,
}

impl Canonical {
    /// A server that listens on the loopback interface is not reached by the machine's name.
    pub(super) fn host_or<'a>(&'a self, bind: &'a Bind, machine: &'a str) -> &'a str {
        match &self.host {
            Some(host) => host,
            None if bind.is_loopback() => &bind.host,
            None => machine,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Discovery {
    /// A name whose addresses are the engines.
    #[serde(deserialize_with = "empty_is_none")]
    pub dns: Option<String>,
}

/// PEM files: all of them or none.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Tls {
    pub certificate: Option<PathBuf>,
    pub key: Option<PathBuf>,
    pub ca: Option<PathBuf>,
}

impl Tls {
    pub fn is_off(&self) -> bool {
        self.certificate.is_none() && self.key.is_none() && self.ca.is_none()
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Heartbeat {
    pub every: Millis,
    pub deadline: Millis,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct FailureDetector {
    pub gossip_every: Millis,
    /// Phi, the suspicion at which a node counts as unreachable.
    pub threshold: f64,
    pub initial_interval: Millis,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Reconnect {
    pub min_backoff: Millis,
    pub max_backoff: Millis,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Message {
    pub max_size: Bytes,
    pub chunk: Bytes,
    pub queue_bytes: Bytes,
    pub queue_length: NonZeroU32,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SplitBrainResolver {
    pub active_strategy: Strategy,
    pub stable_after: Millis,
    pub down_all_when_unstable: bool,
    /// Only nodes with this role count.
    #[serde(deserialize_with = "empty_is_none")]
    pub role: Option<String>,
    pub keep_majority: KeepMajority,
    pub static_quorum: StaticQuorum,
    pub keep_oldest: KeepOldest,
    pub lease_majority: LeaseMajority,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Strategy {
    KeepMajority,
    StaticQuorum,
    KeepOldest,
    LeaseMajority,
    DownAll,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct KeepMajority {
    pub tie: Tie,
}

/// Which half of an even split goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tie {
    /// The one that gets a lease in the database first.
    Lease,
    /// The one with the lowest address, even where it is the one that failed.
    LowestAddress,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct StaticQuorum {
    pub size: u32,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct KeepOldest {
    pub down_if_alone: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct LeaseMajority {
    pub minority_delay: Millis,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Singleton {
    pub lease_ttl: Millis,
    pub renew_every: Millis,
    pub margin: Millis,
    pub spread: bool,
    pub hand_over_timeout: Millis,
    pub roles: Vec<String>,
    pub buffer: NonZeroU32,
    pub buffer_timeout: Millis,
}
