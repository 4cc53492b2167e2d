//! What carries the bytes: the seam below the links.
//!
//! A transport makes connections and, once the two ends have agreed, carries whole frames over
//! them, in order, or says that it can't any more. It knows nothing of messages, lanes, credit or
//! heartbeats. ractor_cluster is seen in `transport::sessions` and nowhere else.

mod sessions;
mod sockets;
mod tcp;
mod tls;
mod valve;

pub(crate) use tcp::{Tcp, insecure};
pub(crate) use tls::own_certificate;
pub use tls::read_certificate;
#[cfg(test)]
pub(crate) fn read_credentials(
    settings: crate::TlsSettings,
) -> Result<(), crate::CertificateError> {
    tls::Credentials::read(settings).map(|_| ())
}

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::future::BoxFuture;
use tokio::io::{AsyncRead, AsyncWrite};
use weir_domain::{ClusterAddress, Incarnation, Timestamp};

use crate::error::{ConnectError, Error};
use crate::hello::LinkId;

pub(crate) type Reader = Box<dyn AsyncRead + Send + Unpin>;
pub(crate) type Writer = Box<dyn AsyncWrite + Send + Unpin>;

/// A connection that is encrypted, if it is to be, and on which nothing was said yet.
pub(crate) struct Wire {
    pub reader: Reader,
    pub writer: Writer,
    /// The peer's, where there is encryption.
    pub certificate: Option<PeerCertificate>,
}

/// Whether the peer may be the host that it says it is.
pub(crate) type HostCheck = Arc<dyn Fn(&str) -> Result<(), String> + Send + Sync>;

#[derive(Clone)]
pub(crate) struct PeerCertificate {
    pub shown: Certificate,
    pub is_for: HostCheck,
}

/// A peer's certificate, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    pub subject: String,
    pub expires: Timestamp,
}

/// A connection that was accepted and is not encrypted yet.
pub(crate) struct Accepted {
    pub from: String,
    /// Fails with the reason, for the log.
    pub secured: BoxFuture<'static, Result<Wire, String>>,
}

#[async_trait]
pub(crate) trait Acceptor: Send {
    async fn accept(&mut self) -> std::io::Result<Accepted>;
}

/// Who is at the ends of a link.
pub(crate) struct Ends {
    pub link: LinkId,
    pub peer: Incarnation,
    pub is_dialler: bool,
}

/// How a connection ended, as the bytes know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Broken {
    /// The peer's system closed or reset it: its process may be gone.
    Closed,
    /// Anything else: a timeout, a broken frame.
    Lost(String),
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("the peer closed the connection"),
            Self::Lost(reason) => f.write_str(reason),
        }
    }
}

/// What a carrier tells the link. None of these may block.
pub(crate) trait Receiver: Send + Sync + 'static {
    /// Something came from the peer, if only a byte.
    fn heard(&self);
    fn frame(&self, frame: Bytes);
    /// What was sent before is in the hands of the operating system.
    fn written(&self);
    /// No more frames will come or go. Called once.
    fn broken(&self, why: Broken);
}

/// The frame was not taken: the connection is ending, and the receiver is told why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Gone;

pub(crate) trait Carrier: Send + Sync + 'static {
    /// Takes a frame at once. It neither blocks nor calls the receiver.
    fn send(&self, frame: Vec<u8>) -> Result<(), Gone>;
    fn close(&self);
}

#[async_trait]
pub(crate) trait Transport: Send + Sync + 'static {
    /// Listens, and says where.
    async fn listen(&self) -> Result<(Box<dyn Acceptor>, SocketAddr), Error>;

    /// Connects and encrypts.
    async fn connect(&self, to: &ClusterAddress, within: Duration) -> Result<Wire, ConnectError>;

    /// Carries frames over a connection whose ends have agreed.
    async fn carry(
        &self,
        wire: Wire,
        ends: Ends,
        receiver: Arc<dyn Receiver>,
    ) -> Result<Box<dyn Carrier>, String>;

    /// A number that nobody can guess.
    fn nonce(&self) -> [u8; 16];

    async fn stop(&self);
}
