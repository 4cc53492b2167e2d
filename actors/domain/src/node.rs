//! A node of the cluster as its peers and operators see it.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{NodeName, NodeUid, Timestamp};

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
    pub status: NodeStatus,
    pub roles: Vec<String>,
    pub version: String,
    pub started_at: Timestamp,
    pub os: String,
    pub architecture: String,
    pub processors: u32,
    /// Resident memory of the engine's process, in bytes.
    pub memory_bytes: u64,
    pub workflow_instances: u32,
    pub open_streams: u32,
}
