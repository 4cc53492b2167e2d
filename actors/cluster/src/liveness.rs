//! Liveness: whose gossip arrives, and what everybody says of himself in it.
//!
//! It is advice. A node that is silent here may be at work, and one that is heard may have just
//! died; who is a member is never decided by it alone.

mod chitchat;

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::future::BoxFuture;
use tokio::sync::watch;
use weir_domain::{Incarnation, NodeUid};

use crate::mesh::Note;

pub use self::chitchat::{Chitchat, GossipSettings};

/// The key under which a node says whom it can't reach.
pub const MISSING: &str = "missing";
/// The key under which a node describes itself.
pub const DETAILS: &str = "details";

/// By node: what it says of itself, by key.
pub type Heard = BTreeMap<NodeUid, Arc<BTreeMap<String, String>>>;

/// Gossip with a failure detector.
pub trait Liveness: Send + Sync + 'static {
    /// Those that are heard, this node not among them.
    fn heard(&self) -> watch::Receiver<Arc<Heard>>;

    /// Says something of this node to all others. The last word per key counts.
    fn publish(&self, key: &'static str, value: String);

    /// There is a way to a node that was not there before.
    fn meet(&self, node: &Incarnation);

    /// Takes what a peer sent.
    fn take(&self, from: NodeUid, note: Note);

    fn stop(&self) -> BoxFuture<'static, ()>;
}
