//! What a singleton is to those who ask it, and to the one that keeps it alive.
//!
//! A *singleton* makes an *instance* wherever its lease is held. The instance's *service* answers
//! requests, the same for callers of this engine and of others; its *control* is how the keeper of
//! the lease suspends, resumes and stops it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde::Serialize;
use serde::de::DeserializeOwned;
use weir_domain::{CommandId, Fault, Millis};
use weir_persistence_api::Fence;

/// What a singleton answers. Requests may arrive twice (they are sent again when the singleton
/// moves): either they are harmless, or the service tells them apart by the command's id.
#[async_trait]
pub trait Service: Send + Sync + 'static {
    /// Clone: a request is sent again when its first receiver is gone.
    type Request: Serialize + DeserializeOwned + Clone + Send + Sync + 'static;
    type Response: Serialize + DeserializeOwned + Send + 'static;

    /// The name of its lease, and its path on the wire.
    const NAME: &'static str;
    /// Of the form of requests and responses.
    const VERSION: u32;

    /// `Err` says that it is worth asking again, and whether it may have been done all the same.
    async fn serve(
        &self,
        request: Self::Request,
        context: RequestContext,
    ) -> Result<Self::Response, Unavailable>;
}

/// What comes with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestContext {
    /// The same for every attempt of one request.
    pub command: CommandId,
    /// How long the caller still waits.
    pub within: Duration,
    /// The epoch of the lease that the instance answers under.
    pub epoch: u64,
}

/// There is no answer; the caller may ask again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{cause}")]
pub struct Unavailable {
    pub cause: String,
    pub retry_after: Millis,
    /// Whether it may have been done all the same. Otherwise nothing was.
    pub is_uncertain: bool,
}

impl Unavailable {
    /// Nothing was done.
    pub fn new(cause: impl Into<String>) -> Self {
        Self { cause: cause.into(), retry_after: Millis(200), is_uncertain: false }
    }

    /// Whether it was done is not known.
    pub fn uncertain(cause: impl Into<String>) -> Self {
        Self { is_uncertain: true, ..Self::new(cause) }
    }
}

/// Makes the one instance, again and again, wherever its lease is held.
#[async_trait]
pub trait Singleton: Send + Sync + 'static {
    type Service: Service;

    /// Recovers and begins to work under the fence. An error is tried again while the lease is held.
    ///
    /// It is dropped when the lease is given up before it has ended. Whatever it began must end
    /// with it, as after an error: nobody else knows of that.
    async fn start(&self, fence: Fence) -> Result<Instance<Self::Service>, Fault>;
}

/// A singleton that runs here.
pub struct Instance<S> {
    pub service: Arc<S>,
    pub control: Arc<dyn Control>,
}

impl<S> Instance<S> {
    pub fn new(service: Arc<S>, control: Arc<dyn Control>) -> Self {
        Self { service, control }
    }
}

impl<S> Clone for Instance<S> {
    fn clone(&self) -> Self {
        Self { service: self.service.clone(), control: self.control.clone() }
    }
}

impl<S: Service> fmt::Debug for Instance<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Instance({})", S::NAME)
    }
}

/// How the keeper of the lease governs an instance.
#[async_trait]
pub trait Control: Send + Sync + 'static {
    /// Whether this instance is still the writer is not known: it begins nothing new.
    fn suspend(&self, cause: &str);

    /// It is the writer still.
    fn resume(&self);

    /// Finishes what runs and ends, no later than the deadline.
    async fn stop(&self, deadline: Duration);

    /// Resolves when the instance has ended by itself, with why. One that can't pends for ever.
    async fn ended(&self) -> Fault {
        std::future::pending().await
    }
}

/// For an instance without a state or work of its own.
#[derive(Debug, Clone, Copy, Default)]
pub struct Nothing;

#[async_trait]
impl Control for Nothing {
    fn suspend(&self, _: &str) {}

    fn resume(&self) {}

    async fn stop(&self, _: Duration) {}
}
