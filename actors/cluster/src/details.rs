//! What a node says of itself, for people: published in gossip, shown to operators.

use serde::{Deserialize, Serialize};
use weir_domain::Timestamp;

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Details {
    pub version: String,
    pub started_at: Timestamp,
    pub uptime_s: u64,
    pub os: String,
    pub architecture: String,
    pub processors: u32,
    /// Resident memory of the process.
    pub memory_bytes: u64,
    /// What its machine, or the part of it that it may use, has of memory, and what of that is free; 0 where it is
    /// not known.
    pub memory_usable_bytes: u64,
    pub memory_free_bytes: u64,
    pub tasks: u32,
    pub workflow_instances: u32,
    pub open_streams: u32,
    /// Links to other nodes that are up.
    pub links: u32,
    /// When its certificate ends.
    pub certificate_expires: Option<Timestamp>,
    /// The leases that it holds.
    pub leases: Vec<String>,
}
