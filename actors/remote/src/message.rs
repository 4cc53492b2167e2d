//! Messages between nodes, as their senders and handlers see them.
//!
//! A payload is MessagePack with named fields, so that a field may be added within one version of
//! its manifest. Nothing here knows what a message is about.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use weir_domain::{CommandId, Incarnation};
use weir_runtime::{Stopwatch, Trace};

use crate::error::{Refused, Unreadable, Unwritable};

/// What kind of message this is, and in which version. A handler answers `Refused::Unhandled` to
/// a version that it does not know.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Manifest {
    pub name: Cow<'static, str>,
    pub version: u32,
}

impl Manifest {
    pub const fn new(name: &'static str, version: u32) -> Self {
        Self { name: Cow::Borrowed(name), version }
    }

    /// What an answer has that says nothing but that the request was carried out.
    pub const fn nothing() -> Self {
        Self::new("nothing", 1)
    }
}

impl fmt::Display for Manifest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} v{}", self.name, self.version)
    }
}

/// Which queue a message takes. Control overtakes data; between the two there is no order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lane {
    /// Small and urgent: gossip, leases, stops.
    Control,
    Data,
}

/// A message to another node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    pub manifest: Manifest,
    pub payload: Bytes,
    /// An ask that is repeated with the same id is carried out once, while the receiver remembers.
    pub command: Option<CommandId>,
    /// A tell that could not be handled within this time is dropped. An ask has its own.
    pub deadline: Option<Duration>,
    /// What it is sent for.
    pub trace: Option<Trace>,
}

impl Outgoing {
    pub fn raw(manifest: Manifest, payload: impl Into<Bytes>) -> Self {
        let trace = Trace::current();
        Self { manifest, payload: payload.into(), command: None, deadline: None, trace }
    }

    pub fn of<T: Serialize>(manifest: Manifest, value: &T) -> Result<Self, Unwritable> {
        match rmp_serde::to_vec_named(value) {
            Ok(payload) => Ok(Self::raw(manifest, payload)),
            Err(source) => Err(Unwritable { manifest, source }),
        }
    }

    #[must_use]
    pub fn with_command(mut self, command: CommandId) -> Self {
        self.command = Some(command);
        self
    }

    #[must_use]
    pub fn with_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = Some(deadline);
        self
    }
}

/// A message from another node, or its answer to an ask.
#[derive(Debug, Clone)]
pub struct Incoming {
    pub manifest: Manifest,
    pub payload: Bytes,
    pub command: Option<CommandId>,
    /// What it was sent for; its handler works for that, too.
    pub trace: Option<Trace>,
    /// Whether the sender waits for an answer.
    pub is_ask: bool,
    pub(crate) deadline: Option<Duration>,
    pub(crate) arrived: Stopwatch,
}

impl Incoming {
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, Unreadable> {
        rmp_serde::from_slice(&self.payload)
            .map_err(|source| Unreadable { manifest: self.manifest.clone(), source })
    }

    /// How long the sender still waits. `None`: it set no limit.
    pub fn time_left(&self) -> Option<Duration> {
        self.deadline.map(|it| it.saturating_sub(self.arrived.elapsed()))
    }
}

/// Serves one path of this node.
#[async_trait]
pub trait Handler: Send + Sync + 'static {
    /// Tells of one sender and lane are handled one after the other, in the order in which they
    /// were sent. Asks run side by side, and their answer is what this returns; an answer to a
    /// tell is dropped. `Err` settles nothing: an ask with the same command id runs again.
    async fn handle(
        &self,
        from: Incarnation,
        message: Incoming,
    ) -> Result<Option<Outgoing>, Refused>;
}
