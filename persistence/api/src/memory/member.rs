//! The cluster's identity and members in memory.

use std::collections::BTreeMap;

use async_trait::async_trait;
use weir_domain::{Member, NodeUid};

use super::MemoryStore;
use crate::{ClusterIdentity, MemberChanges, MemberStore, Members, Result};

#[derive(Default)]
pub(super) struct Cluster {
    identity: Option<ClusterIdentity>,
    version: u64,
    members: BTreeMap<NodeUid, Member>,
}

impl Cluster {
    fn save(&mut self, seen: u64, changes: MemberChanges) -> Option<u64> {
        if self.version != seen {
            return None;
        }
        self.members.extend(changes.save.into_iter().map(|it| (it.node.uid, it)));
        for uid in changes.forget {
            self.members.remove(&uid);
        }
        self.version += 1;
        Some(self.version)
    }
}

#[async_trait]
impl MemberStore for MemoryStore {
    async fn cluster_claim(&self, wanted: ClusterIdentity) -> Result<ClusterIdentity> {
        self.write(|state| Ok(state.cluster.identity.get_or_insert(wanted).clone())).await
    }

    async fn member_list(&self) -> Result<Members> {
        self.read(|state| {
            let Cluster { version, members, .. } = &state.cluster;
            Ok(Members { version: *version, members: members.values().cloned().collect() })
        })
        .await
    }

    async fn member_save(&self, seen: u64, changes: MemberChanges) -> Result<Option<u64>> {
        self.write(|state| Ok(state.cluster.save(seen, changes))).await
    }
}
