//! Why membership did not do what it was asked.

use std::time::Duration;

use weir_domain::{ClusterName, NodeName, NodeStatus};

use crate::watermark;

/// Why a node can't take part in its cluster.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the store of the members can't be used")]
    Store(#[source] weir_persistence_api::Error),
    #[error("the store of the members did not answer within {0:?}")]
    StoreSilent(Duration),
    #[error(
        "the database belongs to cluster {found}, this node to {wanted}: one database is for one \
         cluster; check weir.cluster.name and weir.persistence.journal"
    )]
    OtherCluster { found: ClusterName, wanted: ClusterName },
    #[error(transparent)]
    Watermark(#[from] watermark::Error),
    #[error("this node is shutting down")]
    ShuttingDown,
}

/// Why a member was not told to leave or taken out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OrderError {
    #[error("no member is called {0}; `weir cluster members` lists them")]
    Unknown(NodeName),
    #[error("{node} is {status} already")]
    Over { node: NodeName, status: NodeStatus },
    #[error("{node} can be reached and works: `weir cluster leave {node}` ends it gracefully")]
    StillReachable { node: NodeName },
    #[error("nothing can be changed while the database is not available: {0}")]
    StoreLost(String),
    #[error("not done within {0:?}; it is tried again until it is, or this node stops")]
    Timeout(Duration),
    #[error("this node is shutting down")]
    ShuttingDown,
}
