//! What membership needs of the links to the other nodes, and nothing more.
//!
//! Nothing here waits: what can't be sent is dropped, since gossip and hints are repeated anyway.

mod links;

use bytes::Bytes;
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
use weir_domain::{ClusterAddress, Incarnation, NodeUid, Timestamp};

pub use links::LinkMesh;

/// The way to the other nodes of the cluster.
pub trait Mesh: Send + Sync + 'static {
    /// Keeps a link to whoever listens there, until it is forgotten. Asked twice is asked once.
    fn dial(&self, address: &ClusterAddress);

    fn forget(&self, address: &ClusterAddress);

    /// Ends the link to a node that is no member any more.
    fn disconnect(&self, node: NodeUid, why: &str);

    /// The links as they are now.
    fn links(&self) -> Vec<MeshLink>;

    fn tell(&self, node: NodeUid, note: Note);

    /// What happens from now on. Whoever is too slow to take it loses the newest.
    fn listen(&self) -> mpsc::Receiver<News>;

    /// Says goodbye, so that peers need no evidence, and closes all links.
    fn close(&self) -> BoxFuture<'static, ()>;
}

/// A link, or the wish for one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MeshLink {
    pub address: ClusterAddress,
    /// Who was last heard of there.
    pub peer: Option<Incarnation>,
    pub state: MeshState,
    /// Why there is no link.
    pub trouble: Option<String>,
    /// When the peer's certificate ends.
    pub expires: Option<Timestamp>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum MeshState {
    Up,
    Down,
    /// The address is this node's own.
    Itself,
}

impl MeshLink {
    pub fn is_up(&self) -> bool {
        self.state == MeshState::Up
    }
}

/// What members say to each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Note {
    /// The list of members has this version now: look.
    Changed {
        version: u64,
    },
    Gossip(Bytes),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    Up {
        peer: Incarnation,
    },
    Down {
        peer: Incarnation,
    },
    /// The process seems to have ended.
    Gone {
        node: Incarnation,
        evidence: String,
        /// It said so itself. All else may be a firewall that answers in a host's name.
        is_certain: bool,
    },
    /// Whoever listens there wants no link with this node.
    Refused {
        address: ClusterAddress,
        refusal: Refusal,
    },
    Note {
        from: NodeUid,
        note: Note,
    },
}

/// What a refusal means to membership.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// Another node has this one's name.
    DuplicateName,
    /// This node's end is in the list of members.
    Downed(String),
    Other(String),
}
