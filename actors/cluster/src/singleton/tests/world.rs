//! Nodes with faults: each has its own line to the store, its own links, its own clock, and is told
//! what became of the others. The singleton under test counts in a journal.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use weir_domain::{Clock, CommandId, Fault, Incarnation, NodeName, NodeUid, Timestamp};
use weir_persistence_api::{
    Acquired, Error, Fence, LeaseName, LeaseRow, LeaseStore, MemoryStore, PersistenceId,
    Result as Stored,
};
use weir_runtime::{
    AskError, Decision, EventSourced, HostRef, HostSettings, HostSpec, HostStatus, IdSource,
    NoEffects, PhaseTimeouts, Stopwatch, System, SystemSettings, Uptime,
};

use super::super::peers::{Form, PeerError, Peers, Serve};
use super::super::{Facts, Fate, Proxy, ProxyError, SingletonSettings, Singletons, State};
use super::SECOND;
use crate::{Control, Instance, RequestContext, Service, Singleton, Unavailable};

/// How long a message is under way.
const LATENCY: Duration = Duration::from_millis(1);

/// Follows paused time.
struct TestClock(Stopwatch);

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp(1_700_000_000_000).plus(self.0.elapsed())
    }
}

/// Each node was started at another time.
struct Skewed(Stopwatch, Duration);

impl Uptime for Skewed {
    fn uptime(&self) -> Duration {
        self.0.elapsed() + self.1
    }
}

/// Sums up what it is told.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Tally {
    pub(super) total: u64,
    pub(super) added: u64,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Added {
    by: u64,
}

#[derive(Debug, thiserror::Error)]
#[error("never")]
pub(super) enum Never {}

impl EventSourced for Tally {
    type Command = u64;
    type Event = Added;
    type Effect = ();
    type Rejection = Never;

    fn decide(&self, by: u64) -> Decision<Self> {
        Ok(vec![Added { by }])
    }

    fn apply(&mut self, event: &Added) {
        self.total += event.by;
        self.added += 1;
    }

    fn outstanding(&self) -> Vec<()> {
        vec![]
    }
}

pub(super) struct TallyService(pub(super) HostRef<Tally>);

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) enum Request {
    Add(u64),
    Read,
    /// Panics.
    Bug,
}

#[async_trait]
impl Service for TallyService {
    type Request = Request;
    /// The total.
    type Response = u64;
    const NAME: &'static str = "tally";
    const VERSION: u32 = 1;

    async fn serve(&self, request: Request, context: RequestContext) -> Result<u64, Unavailable> {
        let (host, within) = (&self.0, context.within);
        let answer = match request {
            Request::Add(by) => {
                host.ask_and_read_as(context.command, by, within, |_, it| it.total).await
            }
            Request::Read => host.query(within, |it| it.total).await,
            Request::Bug => panic!("a bug in the service"),
        };
        answer.map_err(|it: AskError<Never>| Unavailable::new(it.to_string()))
    }
}

struct TallyControl(HostRef<Tally>);

#[async_trait]
impl Control for TallyControl {
    fn suspend(&self, cause: &str) {
        self.0.suspend(cause);
    }

    fn resume(&self) {
        self.0.resume();
    }

    async fn stop(&self, deadline: Duration) {
        let _ = self.0.stop(deadline).await;
    }

    async fn ended(&self) -> Fault {
        self.0
            .wait_for(|it| match it {
                HostStatus::Failed { cause } => Some(cause.clone()),
                _ => None,
            })
            .await
    }
}

/// Makes tallies; keeps the last one's host, as a paused process keeps what it has.
#[derive(Clone)]
pub(super) struct TallyMaker {
    system: System,
    store: MemoryStore,
    /// How often it was started, and the last host.
    pub(super) made: Arc<Mutex<(u32, Option<HostRef<Tally>>)>>,
    pub(super) failures: Arc<AtomicU8>,
}

impl TallyMaker {
    pub(super) fn starts(&self) -> u32 {
        self.made.lock().unwrap().0
    }

    pub(super) fn host(&self) -> HostRef<Tally> {
        self.made.lock().unwrap().1.clone().expect("it was started here")
    }
}

#[async_trait]
impl Singleton for TallyMaker {
    type Service = TallyService;

    async fn start(&self, fence: Fence) -> Result<Instance<TallyService>, Fault> {
        if self.failures.load(Ordering::SeqCst) > 0 {
            self.failures.fetch_sub(1, Ordering::SeqCst);
            return Err(Fault::transient(1, "no disk"));
        }
        let spec = HostSpec {
            id: PersistenceId("tally".into()),
            fence,
            store: Arc::new(self.store.clone()),
            effects: Arc::new(NoEffects),
            settings: HostSettings::default(),
        };
        let host = HostRef::start(&self.system, spec).await?;
        host.ready(60 * SECOND).await?;
        let mut made = self.made.lock().unwrap();
        *made = (made.0 + 1, Some(host.clone()));
        let service = Arc::new(TallyService(host.clone()));
        Ok(Instance::new(service, Arc::new(TallyControl(host))))
    }
}

/// A singleton that does nothing but be somewhere.
macro_rules! idle {
    ($($service:ident, $name:literal;)*) => { $(
        pub(super) struct $service;

        #[async_trait]
        impl Service for $service {
            type Request = ();
            type Response = ();
            const NAME: &'static str = $name;
            const VERSION: u32 = 1;

            async fn serve(&self, (): (), _: RequestContext) -> Result<(), Unavailable> {
                Ok(())
            }
        }

        #[async_trait]
        impl Singleton for $service {
            type Service = Self;

            async fn start(&self, _: Fence) -> Result<Instance<Self>, Fault> {
                Ok(Instance::new(Arc::new(Self), Arc::new(crate::Nothing)))
            }
        }
    )* };
}

idle! {
    Access, "access";
    Scheduler, "scheduler";
}

/// What is wrong with a node's line to the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Line {
    Good,
    /// Every statement fails at once.
    Away,
    /// No statement is ever answered, nor carried out.
    Silent,
}

#[derive(Clone)]
pub(super) struct LeaseLine {
    store: MemoryStore,
    line: Arc<AtomicU8>,
}

impl LeaseLine {
    pub(super) fn set(&self, line: Line) {
        self.line.store(line as u8, Ordering::SeqCst);
    }

    async fn pass(&self) -> Stored<()> {
        match self.line.load(Ordering::SeqCst) {
            it if it == Line::Good as u8 => Ok(()),
            it if it == Line::Away as u8 => Err(Error::Unavailable("no route to host".into())),
            _ => std::future::pending().await,
        }
    }
}

#[async_trait]
impl LeaseStore for LeaseLine {
    async fn lease_acquire(
        &self,
        name: &LeaseName,
        owner: &str,
        ttl: Duration,
    ) -> Stored<Acquired> {
        self.pass().await?;
        self.store.lease_acquire(name, owner, ttl).await
    }

    async fn lease_force(
        &self,
        name: &LeaseName,
        owner: &str,
        ttl: Duration,
        seen: (&str, u64),
    ) -> Stored<Acquired> {
        self.pass().await?;
        self.store.lease_force(name, owner, ttl, seen).await
    }

    async fn lease_renew(&self, fence: &Fence, ttl: Duration) -> Stored<bool> {
        self.pass().await?;
        self.store.lease_renew(fence, ttl).await
    }

    async fn lease_release(&self, fence: &Fence) -> Stored<()> {
        self.pass().await?;
        self.store.lease_release(fence).await
    }

    async fn lease_pin(&self, name: &LeaseName, node: Option<&NodeName>) -> Stored<()> {
        self.pass().await?;
        self.store.lease_pin(name, node).await
    }

    async fn lease_list(&self) -> Stored<Vec<LeaseRow>> {
        self.pass().await?;
        self.store.lease_list().await
    }
}

/// The links between all nodes.
#[derive(Clone, Default)]
pub(super) struct Net(Arc<Mutex<NetState>>);

#[derive(Default)]
struct NetState {
    serving: BTreeMap<NodeUid, Arc<dyn Serve>>,
    cut: BTreeSet<NodeUid>,
}

impl Net {
    /// Cuts a node off from all others, or mends that.
    pub(super) fn cut(&self, node: NodeUid, is_cut: bool) {
        let mut state = self.0.lock().unwrap();
        match is_cut {
            true => state.cut.insert(node),
            false => state.cut.remove(&node),
        };
    }

    fn reach(&self, from: NodeUid, to: NodeUid) -> Option<Arc<dyn Serve>> {
        let state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_cut = state.cut.contains(&from) || state.cut.contains(&to);
        if is_cut { None } else { state.serving.get(&to).cloned() }
    }
}

struct NetPeers {
    net: Net,
    system: System,
}

#[async_trait]
impl Peers for NetPeers {
    fn tell(&self, to: NodeUid, hint: Bytes) {
        let (net, from) = (self.net.clone(), self.system.incarnation());
        self.system.tasks().spawn("test/tell", async move {
            tokio::time::sleep(LATENCY).await;
            if let Some(serve) = net.reach(from.uid, to) {
                serve.hint(&from, &hint);
            }
        });
    }

    async fn ask(
        &self,
        to: NodeUid,
        form: Form,
        request: Bytes,
        within: Duration,
    ) -> Result<Bytes, PeerError> {
        let from = self.system.uid();
        let serve = self.net.reach(from, to).ok_or(PeerError::NoLink)?;
        tokio::time::sleep(LATENCY).await;
        // The receiver works on it whether or not the asker still waits.
        let work = self.system.tasks().spawn("test/ask", async move {
            serve.request(form.name, form.version, request, within).await
        });
        let answer = tokio::time::timeout(within, work.join()).await;
        tokio::time::sleep(LATENCY).await;
        self.net.reach(from, to).ok_or(PeerError::Lost)?;
        match answer {
            Ok(Ok(answer)) => answer.map_err(|it| PeerError::Refused(it.to_string())),
            Ok(Err(_)) => Err(PeerError::Lost),
            Err(_) => Err(PeerError::Timeout),
        }
    }

    fn serve(&self, serve: Arc<dyn Serve>) {
        self.net.0.lock().unwrap().serving.insert(self.system.uid(), serve);
    }
}

pub(super) struct TestNode {
    pub(super) system: System,
    pub(super) singletons: Singletons,
    pub(super) facts: watch::Sender<Arc<Facts>>,
    pub(super) line: LeaseLine,
    pub(super) maker: TallyMaker,
    pub(super) tally: Proxy<TallyService>,
}

impl TestNode {
    pub(super) fn me(&self) -> Incarnation {
        self.system.incarnation()
    }

    pub(super) async fn add(&self, by: u64) -> Result<u64, ProxyError> {
        self.tally.ask(Request::Add(by), 60 * SECOND).await
    }

    pub(super) async fn read(&self) -> Result<u64, ProxyError> {
        self.tally.ask(Request::Read, 60 * SECOND).await
    }

    pub(super) fn state(&self) -> State {
        let status = self.singletons.status();
        status.iter().find(|it| it.name.0 == "tally").and_then(|it| it.here).unwrap()
    }

    pub(super) fn command(&self) -> CommandId {
        self.system.ids().command()
    }

    pub(super) async fn until(&self, what: &str, wanted: impl Fn(State) -> bool) {
        wait_until(what, || wanted(self.state())).await;
    }
}

pub(super) struct World {
    pub(super) store: MemoryStore,
    pub(super) net: Net,
    pub(super) nodes: Vec<TestNode>,
}

/// Nodes that all reach each other and compete.
pub(super) async fn world(nodes: u8) -> World {
    let world = idle_world(nodes);
    for node in &world.nodes {
        node.singletons.begin();
    }
    wait_until("all know the owner", || {
        world.nodes.iter().all(|it| it.singletons.owners().borrow().len() == 1)
    })
    .await;
    wait_until("it runs", || world.active().is_some()).await;
    world
}

/// Nodes that do not compete yet.
pub(super) fn idle_world(nodes: u8) -> World {
    let (time, net) = (Time::begin(), Net::default());
    let systems: Vec<_> = (1..=nodes).map(|n| time.system(n)).collect();
    let peers = systems.iter().map(|system| {
        let (net, system) = (net.clone(), system.clone());
        Arc::new(NetPeers { net, system }) as Arc<dyn Peers>
    });
    let with_peers = systems.iter().cloned().zip(peers);
    let (store, nodes) = time.nodes(with_peers.collect());
    World { store, net, nodes }
}

/// The time of a test, which every node sees in its own way.
pub(super) struct Time(Stopwatch);

impl Time {
    pub(super) fn begin() -> Self {
        Self(Stopwatch::start())
    }

    fn clock(&self) -> Arc<dyn Clock> {
        Arc::new(TestClock(self.0))
    }

    pub(super) fn system(&self, n: u8) -> System {
        let (clock, shutdown) = (self.clock(), PhaseTimeouts::default());
        let ids = IdSource::seeded(clock.clone(), n.into());
        let node = NodeName::new(format!("node-{n}")).unwrap();
        System::new(SystemSettings { node, clock, ids, shutdown })
    }

    /// One node per system, which all know and reach each other, over one store.
    pub(super) fn nodes(
        &self,
        systems: Vec<(System, Arc<dyn Peers>)>,
    ) -> (MemoryStore, Vec<TestNode>) {
        let store = MemoryStore::new(self.clock());
        let facts = Arc::new(Facts {
            candidates: systems.iter().map(|it| it.0.incarnation()).collect(),
            fates: systems.iter().map(|it| (it.0.uid(), Fate::Present)).collect(),
            survives: true,
        });
        let nodes = systems.into_iter().zip(1..).map(|((system, peers), n)| {
            let uptime = Arc::new(Skewed(self.0, n * 1_000 * SECOND));
            node((system, peers, uptime), &store, facts.clone())
        });
        let nodes = nodes.collect();
        (store, nodes)
    }
}

fn node(
    (system, peers, uptime): (System, Arc<dyn Peers>, Arc<dyn Uptime>),
    store: &MemoryStore,
    facts: Arc<Facts>,
) -> TestNode {
    let line = LeaseLine { store: store.clone(), line: Arc::default() };
    let facts = watch::Sender::new(facts);
    let singletons = Singletons::with_uptime(
        &system,
        Arc::new(line.clone()),
        facts.subscribe(),
        (Some(peers), uptime),
        SingletonSettings::default(),
    );
    let (made, failures) = (Arc::default(), Arc::default());
    let maker = TallyMaker { system: system.clone(), store: store.clone(), made, failures };
    let tally = singletons.register(maker.clone());
    TestNode { system, singletons, facts, line, maker, tally }
}

impl World {
    /// The node on which the tally runs.
    pub(super) fn active(&self) -> Option<usize> {
        self.nodes.iter().position(|it| matches!(it.state(), State::Active { .. }))
    }

    /// Tells a node what became of the others.
    pub(super) fn tell(&self, node: usize, change: impl FnOnce(&mut Facts)) {
        self.nodes[node].facts.send_modify(|it| change(Arc::make_mut(it)));
    }

    /// Tells everybody but that node what became of it.
    pub(super) fn tell_others(&self, of: usize, fate: Fate) {
        let uid = self.nodes[of].system.uid();
        for node in (0..self.nodes.len()).filter(|it| *it != of) {
            self.tell(node, |facts| {
                facts.fates.insert(uid, fate);
                facts.candidates.retain(|it| it.uid != uid);
            });
        }
    }

    /// Ends a node as a signal 9 does: nothing of it goes on, and nothing is said.
    pub(super) fn kill(&self, node: usize) {
        let it = &self.nodes[node];
        self.net.cut(it.system.uid(), true);
        it.line.set(Line::Silent);
        it.singletons.abandon_all();
    }

    pub(super) async fn epoch(&self) -> u64 {
        let rows = self.store.lease_list().await.unwrap();
        rows.iter().find(|it| it.name.0 == "tally").map_or(0, |it| it.epoch)
    }

    /// How many events are in the journal.
    pub(super) async fn written(&self) -> u64 {
        use weir_persistence_api::Journal;
        self.store.highest(&PersistenceId("tally".into())).await.unwrap()
    }
}

/// Lets other tasks run until the condition holds. The deadline follows paused time.
pub(super) async fn wait_until(what: &str, condition: impl Fn() -> bool) {
    let until = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    let waited = tokio::time::timeout(600 * SECOND, until).await;
    assert!(waited.is_ok(), "waited in vain: {what}");
}
