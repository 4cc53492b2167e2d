//! What the links tell: events as they happen, and the table of how they stand.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use weir_domain::{ClusterAddress, Incarnation, Timestamp};

use crate::hello::Refusal;
use crate::transport::Certificate;

/// How it is known that a process is gone for good. The silence of a peer proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Evidence {
    /// Its connection was closed by its system, and its host, which is alive, says that nobody
    /// listens there. A firewall that answers in the host's name looks the same, so this is good
    /// for what is fenced besides.
    Refused,
    /// Another incarnation answers at its address.
    Replaced,
    /// It said that it leaves.
    Left,
}

impl fmt::Display for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Refused => "nobody listens at its address any more",
            Self::Replaced => "another incarnation answers at its address",
            Self::Left => "it said goodbye",
        })
    }
}

/// Why a link ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    /// The peer's system closed or reset the connection.
    Closed,
    /// The connection failed in another way.
    Lost(String),
    /// Nothing came from the peer for so long.
    Silent(Duration),
    Goodbye(String),
    /// The peer sent what is not of this protocol.
    Garbled(String),
    /// This node wanted it.
    Disconnected(String),
    /// The peer has a newer link, or a newer incarnation.
    Superseded,
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("the peer closed the connection"),
            Self::Lost(reason) => write!(f, "the connection failed: {reason}"),
            Self::Silent(length) => write!(f, "nothing came for {length:?}"),
            Self::Goodbye(reason) => write!(f, "the peer leaves: {reason}"),
            Self::Garbled(reason) => write!(f, "the peer sent what can't be read: {reason}"),
            Self::Disconnected(reason) => write!(f, "closed by this node: {reason}"),
            Self::Superseded => f.write_str("a newer link took its place"),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LinkEvent {
    Up {
        peer: Incarnation,
    },
    Down {
        peer: Incarnation,
        cause: Cause,
        /// What is proven already; proof may follow as `Gone`.
        gone: Option<Evidence>,
    },
    /// Published once for an incarnation, after its `Down`.
    Gone {
        node: Incarnation,
        evidence: Evidence,
    },
    /// The node there does not want this one.
    Refused {
        address: ClusterAddress,
        refusal: Refusal,
    },
}

/// All links, and all addresses that are dialled, by address.
pub type Links = BTreeMap<ClusterAddress, LinkRow>;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkRow {
    /// Who is linked there, or was last.
    pub peer: Option<Incarnation>,
    pub state: LinkState,
    pub since: Timestamp,
    /// How long a word there and back took last.
    pub rtt: Option<Duration>,
    /// What waits to be sent.
    pub queued_bytes: usize,
    pub certificate: Option<Certificate>,
    /// Why there is no link, or why the last one ended.
    pub trouble: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkState {
    Up,
    /// It is tried, or will be.
    Dialling,
    /// The node there does not want this one. It is still tried, seldom.
    Refused,
    /// The address is this node's own.
    Itself,
}
