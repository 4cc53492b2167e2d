//! The cluster as values: who its members are, where they listen, where each stands in its life.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize};

use crate::{ClusterName, NodeName, NodeStatus, NodeUid, Timestamp};

/// The scheme of a node's address.
const SCHEME: &str = "weir://";
/// The port of the peer links, where an address names none.
const PORT: u16 = 5843;

/// One life of a node: a node that was started again is another incarnation, and the ids of
/// incarnations sort by the time of their start. Shown as `name#uid`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Incarnation {
    pub name: NodeName,
    pub uid: NodeUid,
}

impl fmt::Display for Incarnation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.name, self.uid)
    }
}

/// Why a text is no incarnation.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no incarnation: it looks like name#uid")]
pub struct InvalidIncarnation(pub String);

impl FromStr for Incarnation {
    type Err = InvalidIncarnation;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || InvalidIncarnation(text.to_owned());
        let (name, uid) = text.split_once('#').ok_or_else(invalid)?;
        let name = NodeName::new(name).map_err(|_| invalid())?;
        Ok(Self { name, uid: uid.parse().map_err(|_| invalid())? })
    }
}

/// Where a node listens for its peers, as they reach it: `weir://cluster@host:port`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClusterAddress {
    pub cluster: ClusterName,
    /// A name or an address; IPv6 addresses without brackets.
    pub host: String,
    pub port: u16,
}

impl ClusterAddress {
    /// `host:port`, as a resolver reads it.
    pub fn authority(&self) -> String {
        let Self { host, port, .. } = self;
        if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
    }
}

impl fmt::Display for ClusterAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{SCHEME}{}@{}", self.cluster, self.authority())
    }
}

/// Why a text is no address of a node.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no address of a node: {reason}; it looks like weir://cluster@host:5843")]
pub struct InvalidAddress {
    pub text: String,
    pub reason: &'static str,
}

impl FromStr for ClusterAddress {
    type Err = InvalidAddress;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = |reason| InvalidAddress { text: text.to_owned(), reason };
        let rest = text.strip_prefix(SCHEME).ok_or_else(|| invalid("it begins with weir://"))?;
        let (cluster, authority) =
            rest.split_once('@').ok_or_else(|| invalid("the name of the cluster is missing"))?;
        let cluster =
            ClusterName::new(cluster).map_err(|_| invalid("the name of the cluster is no name"))?;
        let (host, port) = match authority.strip_prefix('[').and_then(|it| it.split_once(']')) {
            Some((host, "")) => (host, None),
            Some((host, rest)) => {
                (host, Some(rest.strip_prefix(':').ok_or_else(|| invalid("the port is missing"))?))
            }
            None => match authority.rsplit_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (authority, None),
            },
        };
        let port = match port {
            Some(port) => port.parse().map_err(|_| invalid("the port is no number up to 65535"))?,
            None => PORT,
        };
        if host.is_empty() || host.chars().any(|it| it.is_whitespace() || "/@?#".contains(it)) {
            return Err(invalid("the host is missing or has characters that no host has"));
        }
        Ok(Self { cluster, host: host.to_owned(), port })
    }
}

impl Serialize for ClusterAddress {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ClusterAddress {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// A member of the cluster as the store knows it: the store is the arbiter of who is one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    pub node: Incarnation,
    pub address: ClusterAddress,
    /// Where its REST API is, as peers and people reach it: `http://host:5842`.
    pub rest: String,
    pub roles: BTreeSet<String>,
    pub version: String,
    pub status: NodeStatus,
    /// The how-many-th member that went up in this cluster; 0 before it did. Lower is older.
    pub up_number: u64,
    pub joined_at: Timestamp,
    pub changed_at: Timestamp,
    /// Why it has this status, for people: who or what changed it.
    pub reason: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_reads_as_it_is_shown() {
        for text in ["weir://weir@node-1:5843", "weir://a@10.0.0.1:1", "weir://a@[fe80::1]:5843"] {
            assert_eq!(text.parse::<ClusterAddress>().unwrap().to_string(), text);
        }
        let bare: ClusterAddress = "weir://weir@node-1".parse().unwrap();
        assert_eq!(bare.port, 5843);
    }

    #[test]
    fn what_is_no_address_is_refused_with_the_reason() {
        for text in
            ["", "http://a@b:1", "weir://b:1", "weir://a@:1", "weir://a@b:x", "weir://a@b c:1"]
        {
            let error = text.parse::<ClusterAddress>().unwrap_err();
            assert!(error.to_string().contains("weir://cluster@host:5843"), "{error}");
        }
    }

    #[test]
    fn an_incarnation_reads_as_it_is_shown() {
        let text = "node-1#01930000-0000-7000-8000-000000000000";
        assert_eq!(text.parse::<Incarnation>().unwrap().to_string(), text);
        assert!("node-1".parse::<Incarnation>().is_err());
        assert!("#01930000-0000-7000-8000-000000000000".parse::<Incarnation>().is_err());
    }
}
