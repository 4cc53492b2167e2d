//! A node of the cluster as its peers and operators see it.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{NodeName, NodeUid, Timestamp};

/// A node's certificate that expires sooner is told of, wherever people look.
pub const CERTIFICATE_EARLY: Duration = Duration::from_secs(30 * 24 * 3_600);

/// Where a member stands in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum NodeStatus {
    Joining,
    Up,
    Leaving,
    Exiting,
    Down,
    Removed,
}

impl fmt::Display for NodeStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Joining => "joining",
            Self::Up => "up",
            Self::Leaving => "leaving",
            Self::Exiting => "exiting",
            Self::Down => "down",
            Self::Removed => "removed",
        })
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Node {
    pub name: NodeName,
    pub uid: NodeUid,
    /// `weir://cluster@host:port`.
    pub address: String,
    /// Where its REST API is: `http://host:port`.
    pub rest: String,
    pub status: NodeStatus,
    /// Whether it can't be reached at present, whatever its status.
    pub unreachable: bool,
    pub roles: Vec<String>,
    pub version: String,
    pub started_at: Timestamp,
    /// By its own clock: clocks of nodes may differ.
    pub uptime_ms: u64,
    pub os: String,
    pub architecture: String,
    pub processors: u32,
    /// Resident memory of the engine's process, in bytes.
    pub memory_bytes: u64,
    pub tasks: u32,
    /// Peers that it has a link to.
    pub links: u32,
    /// When the first of the certificates expires that it shows its peers and its clients; `None` where it has none.
    pub certificate_expires_at: Option<Timestamp>,
    /// Names of the leases that it holds: what it does for the whole cluster.
    pub leases: Vec<String>,
    pub workflow_instances: u32,
    pub open_streams: u32,
}
