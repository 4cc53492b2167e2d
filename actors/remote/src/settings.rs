//! What an operator can set about the links: `weir.cluster` without membership.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

#[derive(Debug, Clone)]
pub struct Settings {
    /// Where this node listens. Port 0 takes any free one.
    pub bind: SocketAddr,
    /// Without it, links are in the clear and stay on this machine.
    pub tls: Option<TlsSettings>,
    /// For the whole of connecting: TLS, hello and session.
    pub handshake_timeout: Duration,
    /// Connections that have not finished their handshake. One more evicts the oldest.
    pub pending_max: usize,
    pub heartbeat_every: Duration,
    /// A peer of which nothing at all arrived for so long has no link any more.
    pub heartbeat_deadline: Duration,
    pub backoff_min: Duration,
    pub backoff_max: Duration,
    pub message: MessageSettings,
}

/// PEM files. They are read again for new connections when they change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsSettings {
    pub certificate: PathBuf,
    pub key: PathBuf,
    pub ca: PathBuf,
}

/// Sizes in bytes. They must be the same on all nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MessageSettings {
    /// A larger message is refused at once, by its sender.
    pub size_max: usize,
    /// A larger message travels in pieces.
    pub chunk: usize,
    /// What may wait for one peer, in the data lane.
    pub queue_bytes: usize,
    pub queue_length: usize,
    /// What a peer may send ahead of what is handled here, per lane.
    pub window: usize,
}

impl Default for MessageSettings {
    fn default() -> Self {
        Self {
            size_max: 64 << 20,
            chunk: 256 << 10,
            queue_bytes: 8 << 20,
            queue_length: 10_000,
            window: 1 << 20,
        }
    }
}

impl Settings {
    pub fn new(bind: SocketAddr) -> Self {
        Self {
            bind,
            tls: None,
            handshake_timeout: Duration::from_secs(5),
            pending_max: 64,
            heartbeat_every: Duration::from_millis(500),
            heartbeat_deadline: Duration::from_millis(3_500),
            backoff_min: Duration::from_millis(200),
            backoff_max: Duration::from_secs(5),
            message: MessageSettings::default(),
        }
    }
}
