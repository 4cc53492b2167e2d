//! The cluster: members, leases, links, and why a node is not up. What happens is in [`events`].

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use weir_domain::{
    ClusterAddress, ClusterName, Code, Incarnation, NodeName, NodeStatus, NodeUid, Timestamp,
};

use crate::schema;

mod events;

pub use events::{ClusterChange, ClusterEvent, ClusterState};

/// The members as the asked node sees them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ClusterMembers)]
pub struct MembersView {
    #[schema(value_type = schema::Name)]
    pub cluster: ClusterName,
    /// The node that was asked.
    #[schema(value_type = schema::Incarnation)]
    pub node: Incarnation,
    /// Who moves members from one status to the next; absent while there is nobody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Name>)]
    pub leader: Option<NodeName>,
    /// Grows with every change of the list.
    pub version: u64,
    /// Why the list can't be read or written now. While it can't, nobody changes status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub store_trouble: Option<String>,
    /// By name. Those that were removed stay for a day.
    pub members: Vec<MemberView>,
}

impl MembersView {
    /// The member that a person means by a name or a uid. Of several lives of a node it is the one
    /// that is not over, else the newest.
    pub fn find(&self, wanted: &MemberRef) -> Option<&MemberView> {
        let is_meant = |it: &&MemberView| match wanted {
            MemberRef::Name(name) => it.name == *name,
            MemberRef::Uid(uid) => it.uid == *uid,
        };
        let is_over = |it: &MemberView| it.status >= NodeStatus::Down;
        self.members.iter().filter(is_meant).max_by_key(|it| (!is_over(it), it.uid))
    }
}

/// A member by its name, or one of its lives by its uid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MemberRef {
    Name(NodeName),
    Uid(NodeUid),
}

impl fmt::Display for MemberRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => name.fmt(f),
            Self::Uid(uid) => uid.fmt(f),
        }
    }
}

impl std::str::FromStr for MemberRef {
    type Err = weir_domain::InvalidName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.parse() {
            Ok(uid) => Ok(Self::Uid(uid)),
            Err(_) => text.parse().map(Self::Name),
        }
    }
}

/// One member of the cluster: one life of a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Member)]
pub struct MemberView {
    #[schema(value_type = schema::Name)]
    pub name: NodeName,
    #[schema(value_type = schema::NodeUid)]
    pub uid: NodeUid,
    #[schema(value_type = String)]
    pub address: ClusterAddress,
    /// Where its REST API is: `http://host:port`.
    pub rest: String,
    #[schema(value_type = schema::NodeStatus)]
    pub status: NodeStatus,
    /// Whether it can't be reached at present, whatever its status.
    pub unreachable: bool,
    /// When the node that was asked first found that it can't be reached, by its clock. Another node may have at
    /// another time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Timestamp>)]
    pub unreachable_since: Option<Timestamp>,
    /// Names of the nodes that can't reach it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unreachable_from: Vec<String>,
    pub roles: Vec<String>,
    pub version: String,
    /// The how-many-th that went up; 0 before it did. Lower is older.
    pub up_number: u64,
    #[schema(value_type = schema::Timestamp)]
    pub joined_at: Timestamp,
    #[schema(value_type = schema::Timestamp)]
    pub changed_at: Timestamp,
    /// Why it has this status: who or what changed it.
    pub reason: String,
}

/// One lease: who does a thing that there is one of in the cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Lease)]
pub struct LeaseView {
    pub name: String,
    pub state: LeaseState,
    /// Who holds it or held it last; absent if nobody ever did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Incarnation>)]
    pub owner: Option<Incarnation>,
    /// Grows with every new holder. Orders of a lower one are refused.
    pub epoch: u64,
    /// How much longer it is held without being renewed, by the clock of the database.
    pub left_ms: u64,
    /// The node that an administrator wants it on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Name>)]
    pub pinned: Option<NodeName>,
    /// What the asked node does about it: `standby`, `active`, `suspended` and such.
    pub here: String,
    /// What last went wrong with it on the asked node and has not been mended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum LeaseState {
    /// Somebody has it.
    Held,
    /// Its holder did not renew it in time.
    Expired,
    /// Nobody has it.
    Free,
}

/// Where a lease is to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LeaseMove {
    /// The node; null: wherever the cluster puts it.
    #[schema(value_type = Option<schema::Name>, required)]
    #[serde(deserialize_with = "must_be_there")]
    pub node: Option<NodeName>,
}

/// An empty command is a slip, and must not take away a pin.
fn must_be_there<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<NodeName>, D::Error> {
    Option::deserialize(deserializer)
}

/// The link of the asked node to one address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Link)]
pub struct LinkView {
    #[schema(value_type = String)]
    pub address: ClusterAddress,
    /// Who is there, as far as it said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Incarnation>)]
    pub peer: Option<Incarnation>,
    pub state: LinkState,
    #[schema(value_type = schema::Timestamp)]
    pub since: Timestamp,
    /// How long a heartbeat took there and back, in microseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub round_trip_us: Option<u64>,
    /// What waits to be sent.
    pub queued_bytes: u64,
    /// What the peer showed; absent without TLS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<CertificateView>,
    /// What went wrong last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum LinkState {
    Up,
    /// It is tried, again and again; `trouble` says why it was not made yet.
    Dialling,
    /// One side does not want the other; `trouble` says why. It is still tried, seldom.
    Refused,
}

/// A certificate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Certificate)]
pub struct CertificateView {
    pub subject: String,
    #[schema(value_type = schema::Timestamp)]
    pub expires_at: Timestamp,
}

/// Which node to explain.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ExplainQuery {
    /// Its name; without it the asked node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = Option<schema::Name>)]
    pub node: Option<NodeName>,
}

/// Why a node stands where it does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Explanation)]
pub struct ExplanationView {
    #[schema(value_type = schema::Name)]
    pub node: NodeName,
    /// Absent while the node is not a member.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::NodeStatus>)]
    pub status: Option<NodeStatus>,
    /// Why it stands there: what is in its way, or that nothing is.
    pub reasons: Vec<ReasonView>,
}

/// One reason for where a node stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Reason)]
pub struct ReasonView {
    #[schema(value_type = schema::Code)]
    pub code: Code,
    pub message: String,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(uid: u128, status: NodeStatus) -> MemberView {
        MemberView {
            name: NodeName::new("node-1").unwrap(),
            uid: NodeUid(uuid::Uuid::from_u128(uid)),
            address: "weir://weir@node-1:5843".parse().unwrap(),
            rest: "http://node-1:5842".into(),
            status,
            unreachable: false,
            unreachable_since: None,
            unreachable_from: vec![],
            roles: vec![],
            version: "0.1.0".into(),
            up_number: 1,
            joined_at: Timestamp(0),
            changed_at: Timestamp(0),
            reason: "it joined".into(),
        }
    }

    fn members(members: Vec<MemberView>) -> MembersView {
        MembersView {
            cluster: ClusterName::new("weir").unwrap(),
            node: Incarnation { name: members[0].name.clone(), uid: members[0].uid },
            leader: None,
            version: 1,
            store_trouble: None,
            members,
        }
    }

    #[test]
    fn a_name_means_the_life_that_is_not_over() {
        let all = members(vec![
            member(1, NodeStatus::Removed),
            member(2, NodeStatus::Up),
            member(3, NodeStatus::Removed),
        ]);
        let uid_of = |text: &str| all.find(&text.parse().unwrap()).map(|it| it.uid.0.as_u128());
        assert_eq!(uid_of("node-1"), Some(2));
        assert_eq!(uid_of("00000000-0000-0000-0000-000000000001"), Some(1));
        assert_eq!(uid_of("node-2"), None);
        let over = members(vec![member(1, NodeStatus::Removed), member(2, NodeStatus::Down)]);
        assert_eq!(over.find(&"node-1".parse().unwrap()).map(|it| it.uid.0.as_u128()), Some(2));
    }

    #[test]
    fn an_empty_move_is_refused_and_null_is_none() {
        assert!(serde_json::from_str::<LeaseMove>("{}").is_err());
        let read = |text| serde_json::from_str::<LeaseMove>(text).unwrap().node;
        assert_eq!(read(r#"{"node": null}"#), None);
        assert_eq!(read(r#"{"node": "node-2"}"#).unwrap().as_str(), "node-2");
    }
}
