//! The other nodes, as far as singletons need them: a seam, so that these can be driven without
//! real links.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use weir_domain::{Incarnation, NodeUid};

/// Why a request to another node has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PeerError {
    /// Nothing was sent.
    #[error("there is no link to it")]
    NoLink,
    /// Nothing was sent; worth trying again.
    #[error("too many messages wait to be sent to it")]
    Busy,
    /// Whether it was carried out is not known.
    #[error("the link to it was lost before it answered")]
    Lost,
    /// Whether it was carried out is not known.
    #[error("it did not answer in time")]
    Timeout,
    /// Trying again gives the same answer.
    #[error("{0}")]
    Refused(String),
}

/// What kind of request this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Form {
    pub name: &'static str,
    pub version: u32,
}

#[async_trait]
pub trait Peers: Send + Sync + 'static {
    /// Sends a hint, best effort.
    fn tell(&self, to: NodeUid, hint: Bytes);

    async fn ask(
        &self,
        to: NodeUid,
        form: Form,
        request: Bytes,
        within: Duration,
    ) -> Result<Bytes, PeerError>;

    /// Has the requests and hints of other nodes answered from now on.
    fn serve(&self, serve: Arc<dyn Serve>);
}

/// Who answers other nodes.
#[async_trait]
pub trait Serve: Send + Sync + 'static {
    fn hint(&self, from: &Incarnation, hint: &[u8]);

    async fn request(
        &self,
        name: &str,
        version: u32,
        request: Bytes,
        within: Duration,
    ) -> Result<Bytes, NotServed>;
}

/// Why a request was not even begun.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotServed {
    /// No singleton of that name and version is known to this version of weir.
    #[error("nobody here handles it")]
    Unknown,
    #[error("{0}")]
    Unreadable(String),
}
