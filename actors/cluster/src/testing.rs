//! Members for the tests of this crate, and a network for them.

pub(crate) mod network;

use uuid::Uuid;
use weir_domain::{
    ClusterAddress, ClusterName, Incarnation, Member, NodeName, NodeStatus, NodeUid, Timestamp,
};

pub(crate) fn uid(n: u8) -> NodeUid {
    NodeUid(Uuid::from_u128(u128::from(n)))
}

pub(crate) fn cluster() -> ClusterName {
    ClusterName::new("weir").unwrap()
}

pub(crate) fn address(n: u8) -> ClusterAddress {
    ClusterAddress { cluster: cluster(), host: format!("node-{n:03}"), port: 5843 }
}

/// The n-th node: the uid n, the name and host node-n, and n as its age where it has been up.
pub(crate) fn member(n: u8, status: NodeStatus) -> Member {
    let name = NodeName::new(format!("node-{n:03}")).unwrap();
    Member {
        node: Incarnation { name, uid: uid(n) },
        address: address(n),
        rest: format!("http://node-{n:03}:5842"),
        roles: [].into(),
        version: "1.0.0".into(),
        status,
        up_number: if status == NodeStatus::Joining { 0 } else { u64::from(n) },
        joined_at: Timestamp(i64::from(n)),
        changed_at: Timestamp(i64::from(n)),
        reason: String::new(),
    }
}
