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
    #[schema(value_type = schema::NodeStatus)]
    pub status: NodeStatus,
    pub roles: Vec<String>,
    pub version: String,
    #[schema(value_type = schema::Timestamp)]
    pub started_at: Timestamp,
    pub os: String,
    pub architecture: String,
    pub processors: u32,
    /// Resident memory of the engine's process.
    pub memory_bytes: u64,
    pub workflow_instances: u32,
    pub open_streams: u32,
}

impl From<Node> for NodeView {
    fn from(it: Node) -> Self {
        Self {
            name: it.name,
            uid: it.uid,
            address: it.address,
            status: it.status,
            roles: it.roles,
            version: it.version,
            started_at: it.started_at,
            os: it.os,
            architecture: it.architecture,
            processors: it.processors,
            memory_bytes: it.memory_bytes,
            workflow_instances: it.workflow_instances,
            open_streams: it.open_streams,
        }
    }
}
