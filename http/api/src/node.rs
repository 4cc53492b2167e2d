//! Nodes of the cluster.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use weir_domain::{Node, NodeName, NodeStatus, NodeUid, Timestamp};

use crate::schema;

/// One engine of the cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Node)]
pub struct NodeView {
    #[schema(value_type = schema::Name)]
    pub name: NodeName,
    #[schema(value_type = schema::NodeUid)]
    pub uid: NodeUid,
    /// `weir://cluster@host:port`.
    pub address: String,
    /// Where its REST API is: `http://host:port`.
    pub rest: String,
    #[schema(value_type = schema::NodeStatus)]
    pub status: NodeStatus,
    /// Whether it can't be reached at present, whatever its status. What is said of it is then
    /// what it last said.
    pub unreachable: bool,
    /// Whether an operator drains it: it runs nothing until it is undrained. Absent where the scheduler
    /// does not say so in time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drained: Option<bool>,
    pub roles: Vec<String>,
    pub version: String,
    #[schema(value_type = schema::Timestamp)]
    pub started_at: Timestamp,
    /// By its own clock: clocks of nodes may differ.
    pub uptime_ms: u64,
    pub os: String,
    pub architecture: String,
    pub processors: u32,
    /// Resident memory of the engine's process.
    pub memory_bytes: u64,
    /// Tasks of its runtime, actors left out.
    pub tasks: u32,
    /// Peers that it has a link to.
    pub links: u32,
    /// When the first of the certificates expires that it shows its peers and its clients; absent where it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Timestamp>)]
    pub certificate_expires_at: Option<Timestamp>,
    /// Names of the leases that it holds: what it does for the whole cluster.
    pub leases: Vec<String>,
    pub workflow_instances: u32,
    pub open_streams: u32,
}

impl From<Node> for NodeView {
    fn from(it: Node) -> Self {
        Self {
            name: it.name,
            uid: it.uid,
            address: it.address,
            rest: it.rest,
            status: it.status,
            unreachable: it.unreachable,
            drained: None,
            roles: it.roles,
            version: it.version,
            started_at: it.started_at,
            uptime_ms: it.uptime_ms,
            os: it.os,
            architecture: it.architecture,
            processors: it.processors,
            memory_bytes: it.memory_bytes,
            tasks: it.tasks,
            links: it.links,
            certificate_expires_at: it.certificate_expires_at,
            leases: it.leases,
            workflow_instances: it.workflow_instances,
            open_streams: it.open_streams,
        }
    }
}
