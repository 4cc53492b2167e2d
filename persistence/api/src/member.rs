//! Members: who belongs to the cluster. The store arbitrates it, so that there is one answer
//! whatever is partitioned; who is reachable is no question of the store.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use weir_domain::{ClusterId, ClusterName, Member, NodeUid};

use crate::Result;

/// Whose store this is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterIdentity {
    pub id: ClusterId,
    pub name: ClusterName,
}

/// The members as of one version of their list. A change of any of them is a new version.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Members {
    /// Only ever increases; 0 before the first change.
    pub version: u64,
    /// By uid. Those that were removed stay for a while, so that a late incarnation is recognised.
    pub members: Vec<Member>,
}

/// Members that are new or changed (by their uid), and those to be forgotten altogether.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MemberChanges {
    pub save: Vec<Member>,
    pub forget: Vec<NodeUid>,
}

#[async_trait]
pub trait MemberStore: Send + Sync + 'static {
    /// Gives a store that is nobody's to the cluster, and says whose it is then. The caller
    /// compares: a store of another cluster must not be used.
    async fn cluster_claim(&self, wanted: ClusterIdentity) -> Result<ClusterIdentity>;

    async fn member_list(&self) -> Result<Members>;

    /// Makes the changes, all or none, if the list is still at version `seen`; returns the new
    /// version. `None`: somebody else changed it first; look again.
    async fn member_save(&self, seen: u64, changes: MemberChanges) -> Result<Option<u64>>;
}
