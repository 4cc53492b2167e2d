//! Everything that can go wrong with a link or a message.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use weir_domain::{ClusterAddress, Code};

use crate::Manifest;

/// Why the peer links can't be started.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(
        "{bind} is reached from other machines and weir.cluster.tls names no certificates: make \
         some with `weir certs dev`, or bind to 127.0.0.1"
    )]
    Unprotected { bind: SocketAddr },
    #[error("weir.cluster.bind: {bind} can't be listened on")]
    Bind { bind: SocketAddr, source: std::io::Error },
    #[error(transparent)]
    Certificates(#[from] CertificateError),
    #[error("the links' actors can't be started: {0}")]
    Actors(String),
}

/// Why certificates can't be used.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    #[error("{path} can't be read as PEM: {reason}")]
    Unreadable { path: PathBuf, reason: String },
    #[error("{path} has no {what} in it")]
    Missing { path: PathBuf, what: &'static str },
    #[error("{certificate}, {key} and {ca} don't fit together: {reason}")]
    Mismatch { certificate: PathBuf, key: PathBuf, ca: PathBuf, reason: String },
}

/// Why a connection was not made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ConnectError {
    /// The host is alive and no process listens there.
    #[error("{0} refuses connections: no process listens there")]
    Refused(ClusterAddress),
    #[error("{address}: {reason}")]
    Unreachable { address: ClusterAddress, reason: String },
    #[error("no answer from {address} within {within:?}")]
    Timeout { address: ClusterAddress, within: Duration },
    /// Certificates or encryption.
    #[error("{address}: {reason}")]
    Insecure { address: ClusterAddress, reason: String },
}

/// Why a message was not sent. Nothing of it left this node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    #[error("there is no link to that node")]
    NoLink,
    #[error("the queue to that node is full: try again later")]
    Busy,
    #[error("the message has {bytes} bytes, and weir.cluster.message.max-size is {max}")]
    TooLarge { bytes: usize, max: usize },
}

/// Why an ask has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AskError {
    #[error("there is no link to that node")]
    NoLink,
    #[error("the queue to that node is full: try again later")]
    Busy,
    #[error("the message has {bytes} bytes, and weir.cluster.message.max-size is {max}")]
    TooLarge { bytes: usize, max: usize },
    /// Nobody there handles this path, or this manifest and version.
    #[error("the node does not handle {manifest}; it may run another version")]
    Unhandled { manifest: Manifest },
    #[error(transparent)]
    Refused(#[from] Refused),
    /// Whether the request was carried out is not known.
    #[error("no answer within {0:?}")]
    Timeout(Duration),
    /// Whether the request was carried out is not known.
    #[error("the link was lost before the answer came")]
    LinkLost,
}

impl From<SendError> for AskError {
    fn from(error: SendError) -> Self {
        match error {
            SendError::NoLink => Self::NoLink,
            SendError::Busy => Self::Busy,
            SendError::TooLarge { bytes, max } => Self::TooLarge { bytes, max },
        }
    }
}

/// A handler's no. It settles nothing: the same command may be asked again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum Refused {
    /// The path is served, and this manifest or version of it is not.
    #[error("it is not handled here")]
    Unhandled,
    #[error("{code}: {reason}")]
    Because { code: Code, reason: String },
}

impl Refused {
    pub fn because(code: Code, reason: impl Into<String>) -> Self {
        Self::Because { code, reason: reason.into() }
    }
}

/// A value that has no form on the wire.
#[derive(Debug, thiserror::Error)]
#[error("a {manifest} can't be written")]
pub struct Unwritable {
    pub manifest: Manifest,
    #[source]
    pub source: rmp_serde::encode::Error,
}

/// A payload that is not what its manifest says.
#[derive(Debug, thiserror::Error)]
#[error("a {manifest} can't be read")]
pub struct Unreadable {
    pub manifest: Manifest,
    #[source]
    pub source: rmp_serde::decode::Error,
}

impl From<Unreadable> for Refused {
    fn from(error: Unreadable) -> Self {
        Self::because(crate::code::UNREADABLE, format!("{error}: {}", error.source))
    }
}
