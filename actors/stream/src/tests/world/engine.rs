//! An engine of the world.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use weir_domain::plan::Plan;
use weir_domain::{
    ClaimId, Digest, ItemStatus, LogLine, NodeName, ProjectName, SourceName, Stream, StreamId,
    Timestamp, WorkflowName,
};
use weir_persistence_api::{
    Acquired, Adoption, Claim, ClaimRequest, Error, Fence, ItemFilter, ItemHistory as _, ItemRow,
    ItemStore as _, LeaseName, LeaseStore as _, MemoryStore, Settlement, Unfinished, item_page,
};
use weir_runtime::{IdSource, PhaseTimeouts, System, SystemClock, SystemSettings};
use weir_secrets::Opened;

use super::{Driven, World};
use crate::*;

/// An engine's services over a store in memory. A new one over the same store is a restart.
pub(in crate::tests) struct Engine {
    pub(in crate::tests) services: Services,
    pub(in crate::tests) store: MemoryStore,
    pub(in crate::tests) streams: Arc<Mutex<BTreeMap<String, Vec<Stream>>>>,
    /// What all streams said.
    pub(in crate::tests) lines: Arc<Mutex<Vec<String>>>,
}

impl Engine {
    pub(in crate::tests) async fn start(world: &World, store: &MemoryStore) -> Self {
        let clock = Arc::new(SystemClock);
        let system = System::new(SystemSettings {
            node: NodeName::new("one").unwrap(),
            ids: IdSource::new(clock.clone()),
            clock,
            shutdown: PhaseTimeouts::default(),
        });
        let (name, ttl) = (LeaseName("access".into()), Duration::from_secs(60));
        let fence = match store.lease_acquire(&name, system.owner(), ttl).await.unwrap() {
            Acquired::Granted(fence) => fence,
            Acquired::Held { owner, epoch, .. } => {
                let seen = (owner.as_str(), epoch);
                match store.lease_force(&name, system.owner(), ttl, seen).await.unwrap() {
                    Acquired::Granted(fence) => fence,
                    held @ Acquired::Held { .. } => panic!("{held:?}"),
                }
            }
        };
        let (streams, lines) = (Arc::default(), Arc::default());
        let access = TestAccess { store: store.clone(), fence, world: world.clone() };
        let monitor = TestMonitor { streams: Arc::clone(&streams), lines: Arc::clone(&lines) };
        let services = Services {
            system,
            registry: Arc::new(world.registry()),
            access: Arc::new(access),
            monitor: Arc::new(monitor),
            peers: Arc::new(TestPeers(world.clone())),
            checkpoints: Arc::new(world.with(|it| it.blobs.clone())),
            limits: Limits { checkpoint_interval: Duration::from_millis(40), ..Limits::default() },
            live: LiveClaims::default(),
            running: Running::default(),
            streams: LiveStreams::default(),
            taps: Taps::default(),
            replays: ReplayCalls::default(),
            versions: Arc::new(TestVersions(world.clone())),
            threads: Arc::new(tokio::sync::Semaphore::new(64)),
        };
        Self { services, store: store.clone(), streams, lines }
    }

    /// Runs as many instances as the plan says.
    pub(in crate::tests) async fn run(&self, plan: Plan) -> Driven {
        self.run_with(plan, Opened::default())
    }

    pub(in crate::tests) fn run_with(&self, plan: Plan, secrets: Opened) -> Driven {
        let instances = u64::from(plan.instances);
        self.run_as(plan, secrets, instances)
    }

    /// Runs so many instances, whatever the plan says.
    pub(in crate::tests) fn run_some(&self, plan: Plan, instances: u64) -> Driven {
        self.run_as(plan, Opened::default(), instances)
    }

    fn run_as(&self, plan: Plan, secrets: Opened, instances: u64) -> Driven {
        let numbers = 1..=instances;
        let spec = spec(plan, secrets);
        let driven = Driven::new(RunningWorkflow::new(self.services.clone(), spec));
        numbers.for_each(|it| driven.start(it));
        driven
    }

    /// The last state of every stream, in order of opening.
    pub(in crate::tests) fn last(&self) -> Vec<Stream> {
        let streams = self.streams.lock().unwrap();
        streams.values().filter_map(|it| it.last().cloned()).collect()
    }

    pub(in crate::tests) async fn statuses(&self) -> Vec<(String, ItemStatus)> {
        let all = ItemFilter::default();
        let rows = item_page::page(&self.store, &all, None, 1_000).await.unwrap().rows;
        rows.into_iter().map(|it| (it.item, it.status)).collect()
    }
}

pub(in crate::tests) fn spec(plan: Plan, secrets: Opened) -> WorkflowSpec {
    let project = ProjectName::new("p").unwrap();
    WorkflowSpec { project, plan: Arc::new(plan), base_dir: "/".into(), secrets }
}

struct TestAccess {
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
impl Access for TestAccess {
    async fn claim(&self, request: ClaimRequest) -> Result<Option<Claim>, AccessError> {
        self.world.with(|it| it.offers.push(request.candidates.len()));
        self.store.item_claim(&self.fence, request).await.map_err(refused)
    }
    async fn commit(&self, claim: ClaimId, settlement: Bytes) -> Result<(), AccessError> {
        self.store.item_commit(&self.fence, claim, settlement).await.map_err(refused)
    }
    async fn fail(&self, claim: ClaimId, settlement: Bytes) -> Result<(), AccessError> {
        self.store.item_fail(&self.fence, claim, settlement).await.map_err(refused)
    }
    async fn settle(&self, claim: ClaimId, settlement: Settlement) -> Result<(), AccessError> {
        let now = Timestamp(0);
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

struct TestPeers(World);

impl Peers for TestPeers {
    fn is_gone(&self, owner: &str) -> bool {
        self.0.with(|it| !it.alive.iter().any(|it| it == owner))
    }
}

struct TestVersions(World);

#[async_trait]
impl Versions for TestVersions {
    async fn wanted(&self, _: &WorkflowName) -> Result<Vec<Digest>, AccessError> {
        self.0.with(|it| it.versions_asked += 1);
        Ok(self.0.with(|it| it.wanted.clone()))
    }
}

struct TestMonitor {
    streams: Arc<Mutex<BTreeMap<String, Vec<Stream>>>>,
    lines: Arc<Mutex<Vec<String>>>,
}

#[async_trait]
impl Monitor for TestMonitor {
    fn report(&self, stream: Stream, lines: Vec<LogLine>) {
        self.lines.lock().unwrap().extend(lines.into_iter().map(|it| it.text));
        self.streams.lock().unwrap().entry(stream.id.to_string()).or_default().push(stream);
    }
    async fn close(&self, stream: Stream, lines: Vec<LogLine>) -> Result<(), AccessError> {
        self.report(stream, lines);
        Ok(())
    }
    async fn has_ended(&self, stream: StreamId) -> Result<bool, AccessError> {
        let states = self.streams.lock().unwrap();
        let last = states.get(&stream.to_string()).and_then(|it| it.last());
        Ok(last.is_some_and(|it| it.state.is_closed()))
    }
}
