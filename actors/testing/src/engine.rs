//! An engine in memory: the services that a pipeline needs, over stores that a run's lives share.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::Semaphore;
use weir_domain::{
    ClaimId, Digest, Fault, FaultKind, LogLine, NodeName, SourceName, Stream, StreamId,
    StreamState, WorkflowName,
};
use weir_persistence_api::{
    Acquired, Adoption, Claim, ClaimRequest, Error, Fence, ItemHistory as _, ItemRow,
    ItemStore as _, LeaseName, LeaseStore as _, MemoryBlobs, MemoryStore, Settlement, Unfinished,
};
use weir_runtime::{IdSource, ManualClock, PhaseTimeouts, System, SystemSettings};
use weir_stream::{
    Access, AccessError, Limits, LiveClaims, LiveStreams, Monitor, Peers, Registry, ReplayCalls,
    Running, Services, Taps, Versions,
};

use crate::blobs::HeldBlobs;
use crate::doubles;
use crate::world::World;

/// More threads than this no plan of a test blocks.
const THREADS: usize = 1_024;
/// Nobody else asks for the lease.
const LEASE: Duration = Duration::from_secs(3_600);
/// Often, so that a case is soon done: the doubles say when something is to be kept.
const CHECKPOINTS: Duration = Duration::from_millis(5);

/// What outlives an engine.
pub(crate) struct Stores {
    items: MemoryStore,
    blobs: MemoryBlobs,
}

impl Stores {
    /// Their time stands still: the case's may jump, and no lease is to end by that.
    pub(crate) fn new() -> Self {
        let clock = Arc::new(ManualClock::default());
        Self { items: MemoryStore::new(clock), blobs: MemoryBlobs::default() }
    }
}

/// The services of one life.
pub(crate) async fn services(
    world: &World,
    stores: &Stores,
    (registry, limits): (&Registry, Limits),
) -> Result<Services, Fault> {
    let clock = world.clock();
    let system = System::new(SystemSettings {
        node: NodeName::new("case").expect("a valid name"),
        ids: IdSource::new(clock.clone()),
        clock,
        shutdown: PhaseTimeouts::default(),
    });
    let fence = fence(&stores.items, system.owner()).await;
    let fence = fence.map_err(|it| Fault::config(2274, format!("no lease in memory: {it}")))?;
    Ok(Services {
        system,
        registry: Arc::new(doubles::registry(registry, world)),
        access: Arc::new(CaseAccess { store: stores.items.clone(), fence, world: world.clone() }),
        monitor: Arc::new(CaseMonitor { world: world.clone(), ended: Mutex::default() }),
        checkpoints: Arc::new(HeldBlobs::new(stores.blobs.clone(), world.clone())),
        peers: Arc::new(NobodyElse),
        limits: Limits { checkpoint_interval: CHECKPOINTS, ..limits },
        live: LiveClaims::default(),
        running: Running::default(),
        streams: LiveStreams::default(),
        taps: Taps::default(),
        replays: ReplayCalls::default(),
        versions: Arc::new(OneVersion),
        threads: Arc::new(Semaphore::new(THREADS)),
    })
}

/// The right to write, taken from the life before.
async fn fence(store: &MemoryStore, owner: &str) -> Result<Fence, Error> {
    let name = LeaseName("access".to_owned());
    loop {
        let (holder, epoch) = match store.lease_acquire(&name, owner, LEASE).await? {
            Acquired::Granted(fence) => return Ok(fence),
            Acquired::Held { owner, epoch, .. } => (owner, epoch),
        };
        let seen = (holder.as_str(), epoch);
        if let Acquired::Granted(fence) = store.lease_force(&name, owner, LEASE, seen).await? {
            return Ok(fence);
        }
    }
}

struct CaseAccess {
    store: MemoryStore,
    fence: Fence,
    world: World,
}

fn refused(error: Error) -> AccessError {
    match error {
        Error::ClaimLost => AccessError::ClaimLost,
        other => AccessError::Unavailable(other.to_string()),
    }
}

#[async_trait]
impl Access for CaseAccess {
    async fn claim(&self, request: ClaimRequest) -> Result<Option<Claim>, AccessError> {
        self.store.item_claim(&self.fence, request).await.map_err(refused)
    }

    async fn commit(&self, claim: ClaimId, settlement: Bytes) -> Result<(), AccessError> {
        self.store.item_commit(&self.fence, claim, settlement).await.map_err(refused)
    }

    async fn fail(&self, claim: ClaimId, settlement: Bytes) -> Result<(), AccessError> {
        self.store.item_fail(&self.fence, claim, settlement).await.map_err(refused)
    }

    async fn settle(&self, claim: ClaimId, settlement: Settlement) -> Result<(), AccessError> {
        let now = self.world.clock().now();
        self.store.item_settle(&self.fence, claim, settlement, now).await.map_err(refused)
    }

    async fn adopt(&self, adoption: Adoption) -> Result<Option<Unfinished>, AccessError> {
        self.store.item_adopt(&self.fence, adoption).await.map_err(refused)
    }

    async fn unfinished(&self) -> Result<Vec<Unfinished>, AccessError> {
        self.store.item_unfinished().await.map_err(refused)
    }

    async fn unfinished_of(&self, source: &SourceName) -> Result<Vec<Unfinished>, AccessError> {
        let mut all = self.unfinished().await?;
        all.retain(|it| it.claim.source == *source);
        Ok(all)
    }

    async fn items(
        &self,
        source: &SourceName,
        names: Vec<String>,
    ) -> Result<Vec<ItemRow>, AccessError> {
        self.store.item_named(source, names).await.map_err(refused)
    }
}

/// A case is of one version, and asks for no replay.
struct OneVersion;

#[async_trait]
impl Versions for OneVersion {
    async fn wanted(&self, _: &WorkflowName) -> Result<Vec<Digest>, AccessError> {
        Ok(Vec::new())
    }
}

/// There is one engine at a time: every other one is gone.
struct NobodyElse;

impl Peers for NobodyElse {
    fn is_gone(&self, _: &str) -> bool {
        true
    }
}

/// Tells the world which streams have ended for good.
struct CaseMonitor {
    world: World,
    ended: Mutex<BTreeSet<StreamId>>,
}

#[async_trait]
impl Monitor for CaseMonitor {
    fn report(&self, _: Stream, _: Vec<LogLine>) {}

    async fn close(&self, stream: Stream, _: Vec<LogLine>) -> Result<(), AccessError> {
        self.ended.lock().unwrap_or_else(PoisonError::into_inner).insert(stream.id);
        // What was given back comes again.
        let is_given_back = |it: &Fault| it.kind == FaultKind::Stopped;
        let fault = stream.fault.filter(|_| stream.state == StreamState::RolledBack);
        if !fault.as_ref().is_some_and(is_given_back) {
            self.world.tell(|it| it.ended.insert(stream.item, fault));
        }
        Ok(())
    }

    async fn has_ended(&self, stream: StreamId) -> Result<bool, AccessError> {
        Ok(self.ended.lock().unwrap_or_else(PoisonError::into_inner).contains(&stream))
    }
}
