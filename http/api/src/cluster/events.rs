//! What happens to the cluster, as its followers read it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use weir_domain::{Incarnation, Timestamp};

use super::{LeaseView, MembersView};
use crate::schema;

/// Everything that events change: what a follower begins with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ClusterState {
    pub members: MembersView,
    pub leases: Vec<LeaseView>,
}

/// Something that happened to the cluster, as the asked node saw it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ClusterEvent {
    #[schema(value_type = schema::Timestamp)]
    pub at: Timestamp,
    #[serde(flatten)]
    pub what: ClusterChange,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum ClusterChange {
    /// The first event, and one after events were missed: everything as it is now.
    State {
        state: ClusterState,
    },
    MemberJoined {
        #[schema(value_type = schema::Incarnation)]
        node: Incarnation,
    },
    MemberUp {
        #[schema(value_type = schema::Incarnation)]
        node: Incarnation,
    },
    MemberLeaving {
        #[schema(value_type = schema::Incarnation)]
        node: Incarnation,
        reason: String,
    },
    MemberExited {
        #[schema(value_type = schema::Incarnation)]
        node: Incarnation,
    },
    MemberDowned {
        #[schema(value_type = schema::Incarnation)]
        node: Incarnation,
        reason: String,
    },
    MemberRemoved {
        #[schema(value_type = schema::Incarnation)]
        node: Incarnation,
        reason: String,
    },
    Unreachable {
        #[schema(value_type = schema::Incarnation)]
        node: Incarnation,
        reason: String,
    },
    Reachable {
        #[schema(value_type = schema::Incarnation)]
        node: Incarnation,
    },
    LeaderChanged {
        #[schema(value_type = Option<schema::Incarnation>)]
        leader: Option<Incarnation>,
    },
    /// A side of a divided cluster was chosen.
    Resolved {
        reason: String,
    },
    /// The list of members can't be read or written: nobody changes status.
    StoreLost {
        reason: String,
    },
    StoreBack,
    /// A lease has another owner, or none.
    SingletonMoved {
        name: String,
        #[schema(value_type = Option<schema::Incarnation>)]
        owner: Option<Incarnation>,
        epoch: u64,
    },
}

impl ClusterChange {
    /// Its `type`: the name of the event in a stream.
    pub fn name(&self) -> &'static str {
        match self {
            Self::State { .. } => "state",
            Self::MemberJoined { .. } => "memberJoined",
            Self::MemberUp { .. } => "memberUp",
            Self::MemberLeaving { .. } => "memberLeaving",
            Self::MemberExited { .. } => "memberExited",
            Self::MemberDowned { .. } => "memberDowned",
            Self::MemberRemoved { .. } => "memberRemoved",
            Self::Unreachable { .. } => "unreachable",
            Self::Reachable { .. } => "reachable",
            Self::LeaderChanged { .. } => "leaderChanged",
            Self::Resolved { .. } => "resolved",
            Self::StoreLost { .. } => "storeLost",
            Self::StoreBack => "storeBack",
            Self::SingletonMoved { .. } => "singletonMoved",
        }
    }
}

#[cfg(test)]
mod tests {
    use weir_domain::{NodeName, NodeUid};

    use super::*;

    #[test]
    fn an_event_carries_its_name() {
        let uid = NodeUid(uuid::Uuid::nil());
        let node = Incarnation { name: NodeName::new("node-1").unwrap(), uid };
        let all = [
            ClusterChange::MemberUp { node: node.clone() },
            ClusterChange::Unreachable { node, reason: "nothing is heard from it".into() },
            ClusterChange::LeaderChanged { leader: None },
            ClusterChange::StoreBack,
            ClusterChange::SingletonMoved { name: "access".into(), owner: None, epoch: 3 },
        ];
        for what in all {
            let name = what.name();
            let event = ClusterEvent { at: Timestamp(0), what };
            let json = serde_json::to_value(&event).unwrap();
            assert_eq!(json["type"], name);
            assert_eq!(serde_json::from_value::<ClusterEvent>(json).unwrap(), event);
        }
    }
}
