//! What the data plane needs of the rest of the engine, as traits and handles.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use weir_domain::{ClaimId, LogLine, Stream};
use weir_persistence_api::{Claim, ClaimRequest, Settlement, Unfinished};
use weir_runtime::System;

use crate::{Limits, Registry};

/// Why the Access Coordinator did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AccessError {
    /// The claim belongs to nobody or to somebody else: what was done under it must be undone.
    #[error("the claim was lost: the item belongs to another stream now")]
    ClaimLost,
    /// Nobody could answer; the outcome may not be known. Ask again: asking twice is harmless.
    #[error("the access coordinator can't be reached: {0}")]
    Unavailable(String),
}

/// The Access Coordinator as the data plane sees it: exclusive claims on source items.
#[async_trait]
pub trait Access: Send + Sync + 'static {
    async fn claim(&self, request: ClaimRequest) -> Result<Option<Claim>, AccessError>;
    async fn commit(&self, claim: ClaimId, settlement: Bytes) -> Result<(), AccessError>;
    async fn fail(&self, claim: ClaimId, settlement: Bytes) -> Result<(), AccessError>;
    async fn settle(&self, claim: ClaimId, settlement: Settlement) -> Result<(), AccessError>;
    /// Claims of all owners that are not finished.
    async fn unfinished(&self) -> Result<Vec<Unfinished>, AccessError>;
}

/// The Stream Monitor as the data plane sees it.
#[async_trait]
pub trait Monitor: Send + Sync + 'static {
    /// The stream as it is now, and what there is to say about it. May be lost in a crash.
    fn report(&self, stream: Stream, lines: Vec<LogLine>);

    /// The stream's last state. When this returns `Ok` it is durable.
    async fn close(&self, stream: Stream, lines: Vec<LogLine>) -> Result<(), AccessError>;
}

/// Everything around a workflow that is not the workflow. Cheap to clone.
#[derive(Clone)]
pub struct Services {
    pub system: System,
    pub registry: Arc<Registry>,
    pub access: Arc<dyn Access>,
    pub monitor: Arc<dyn Monitor>,
    pub limits: Limits,
}
