//! What the data plane needs of the rest of the engine, as traits and handles.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::watch;
use weir_domain::{ClaimId, Digest, LogLine, SourceName, Stream, StreamId, WorkflowName};
use weir_persistence_api::{
    Adoption, BlobStore, Claim, ClaimRequest, ItemRow, Settlement, Unfinished,
};
use weir_runtime::System;

use crate::{Limits, LiveStreams, Registry, ReplayCalls, Running, Taps};

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
    /// Takes an unfinished claim over from an owner that is gone; `None`: somebody else did.
    async fn adopt(&self, adoption: Adoption) -> Result<Option<Unfinished>, AccessError>;
    /// Claims of all owners that are not finished.
    async fn unfinished(&self) -> Result<Vec<Unfinished>, AccessError>;
    /// Those of them that are on items of one source.
    async fn unfinished_of(&self, source: &SourceName) -> Result<Vec<Unfinished>, AccessError>;
    /// What is remembered of these items of a source; of those that are missing nothing is.
    async fn items(
        &self,
        source: &SourceName,
        names: Vec<String>,
    ) -> Result<Vec<ItemRow>, AccessError>;
}

/// The Stream Monitor as the data plane sees it.
#[async_trait]
pub trait Monitor: Send + Sync + 'static {
    /// The stream as it is now, and what there is to say about it. May be lost in a crash.
    fn report(&self, stream: Stream, lines: Vec<LogLine>);

    /// The stream's last state. When this returns `Ok` it is durable.
    async fn close(&self, stream: Stream, lines: Vec<LogLine>) -> Result<(), AccessError>;

    /// Whether a stream is known and has ended: nothing is done on its behalf any more.
    async fn has_ended(&self, stream: StreamId) -> Result<bool, AccessError>;
}

/// The other engines, as the data plane sees them.
pub trait Peers: Send + Sync + 'static {
    /// Whether an owner (`name#incarnation`) will never work again: it is no member of the
    /// cluster any more. `false` while that is not known.
    fn is_gone(&self, owner: &str) -> bool;
}

/// What is to run, as the data plane sees it.
#[async_trait]
pub trait Versions: Send + Sync + 'static {
    /// The versions of a workflow that engines are to run now (`version_of`), asked anew of who decides
    /// that: first that of whoever has no rule of its own. None: nobody is to run it.
    async fn wanted(&self, workflow: &WorkflowName) -> Result<Vec<Digest>, AccessError>;
}

/// Everything around a workflow that is not the workflow. Cheap to clone.
#[derive(Clone)]
pub struct Services {
    pub system: System,
    pub registry: Arc<Registry>,
    pub access: Arc<dyn Access>,
    pub monitor: Arc<dyn Monitor>,
    /// Where live workflows keep their checkpoints: one place for all engines that run them.
    pub checkpoints: Arc<dyn BlobStore>,
    pub peers: Arc<dyn Peers>,
    pub limits: Limits,
    pub live: LiveClaims,
    pub running: Running,
    pub streams: LiveStreams,
    pub taps: Taps,
    pub replays: ReplayCalls,
    pub versions: Arc<dyn Versions>,
    /// A permit for every thread that open streams may block. Taken all at once for a stream, so
    /// that no two of them wait for each other's threads.
    pub threads: Arc<tokio::sync::Semaphore>,
}

/// The claims that streams of this engine work on now. Any other unfinished claim of this engine is
/// an orphan: the instance that held it is gone.
#[derive(Debug, Clone, Default)]
pub struct LiveClaims {
    held: Arc<Mutex<BTreeSet<ClaimId>>>,
    /// How often it was heard that somebody has given back what an engine that is gone had claimed.
    released: watch::Sender<u64>,
}

/// A claim is live as long as this is.
pub(crate) struct Live {
    claims: LiveClaims,
    claim: ClaimId,
}

impl LiveClaims {
    /// To be called before the claim is asked for: it may be granted before the answer is there.
    pub(crate) fn hold(&self, claim: ClaimId) -> Live {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).insert(claim);
        Live { claims: self.clone(), claim }
    }

    pub(crate) fn contains(&self, claim: ClaimId) -> bool {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).contains(&claim)
    }

    /// Somebody may work on what an engine that is gone had claimed, whichever engine gave it back.
    pub fn note_release(&self) {
        self.released.send_modify(|it| *it += 1);
    }

    /// Changes with each such release.
    pub(crate) fn releases(&self) -> watch::Receiver<u64> {
        self.released.subscribe()
    }
}

impl Drop for Live {
    /// However a stream ends, also when its instance fails.
    fn drop(&mut self) {
        self.claims.held.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.claim);
    }
}
