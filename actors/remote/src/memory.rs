//! A network in memory: many nodes in one process, with faults to order.
//!
//! It is a transport like the other, without TLS and ractor: everything above the bytes (hello,
//! links, credit, heartbeats, evidence) is the real thing. It follows tokio's paused time, and one
//! seed gives one run. For tests and simulations; a process that serves does not use it.

mod framed;
mod pipe;

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use weir_domain::{ClusterAddress, ClusterName};
use weir_runtime::{System, Tasks};

use crate::error::{ConnectError, Error};
use crate::hello::{Hello, Refusal};
use crate::memory::framed::Framed;
use crate::memory::pipe::connection;
use crate::transport::{Accepted, Acceptor, Carrier, Ends, Receiver, Transport, Wire};
use crate::wire::frame_max;
use crate::{Gatekeeper, Local, Remote, Settings};

/// The port of every node: it is the names of the hosts that differ.
const PORT: u16 = 5843;

/// Admits whoever says a proper hello.
pub struct AdmitAll;

impl Gatekeeper for AdmitAll {
    fn admit(&self, _: &Hello) -> Result<(), Refusal> {
        Ok(())
    }
}

/// The network. Nodes are known by their hosts. Cheap to clone.
#[derive(Clone)]
pub struct Network(Arc<Inner>);

struct Inner {
    hosts: Mutex<HashMap<String, Host>>,
    random: Mutex<StdRng>,
    faults: watch::Sender<Faults>,
    ports: AtomicU16,
}

struct Host {
    incoming: mpsc::Sender<(String, Wire)>,
    /// Cancelled when its process dies.
    alive: CancellationToken,
}

/// What is wrong with the network now.
#[derive(Debug, Clone, Default)]
struct Faults {
    /// From whom to whom nothing gets through.
    cut: HashSet<(String, String)>,
    frozen: HashSet<String>,
    delay: HashMap<(String, String), (Duration, Duration)>,
}

impl Faults {
    fn stops(&self, from: &str, to: &str) -> bool {
        let is_cut = self.cut.contains(&(from.to_owned(), to.to_owned()));
        is_cut || self.frozen.contains(from) || self.frozen.contains(to)
    }
}

impl Network {
    pub fn new(seed: u64) -> Self {
        Self(Arc::new(Inner {
            hosts: Mutex::default(),
            random: Mutex::new(StdRng::seed_from_u64(seed)),
            faults: watch::Sender::default(),
            ports: AtomicU16::new(1),
        }))
    }

    /// A node that admits everybody, at `weir://<cluster>@<name>:5843`.
    pub async fn node(&self, system: &System, cluster: &ClusterName) -> Result<Remote, Error> {
        let settings = Settings::new(SocketAddr::from(([127, 0, 0, 1], PORT)));
        self.start(system, self.local(system, cluster), settings, Arc::new(AdmitAll)).await
    }

    /// How the node of a system introduces itself, by default.
    pub fn local(&self, system: &System, cluster: &ClusterName) -> Local {
        Local {
            cluster: cluster.clone(),
            cluster_id: None,
            node: weir_domain::Incarnation { name: system.node().clone(), uid: system.uid() },
            address: ClusterAddress {
                cluster: cluster.clone(),
                host: system.node().to_string(),
                port: PORT,
            },
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }

    /// Like `Remote::start`, on this network.
    pub async fn start(
        &self,
        system: &System,
        local: Local,
        settings: Settings,
        gatekeeper: Arc<dyn Gatekeeper>,
    ) -> Result<Remote, Error> {
        let transport = Arc::new(Memory {
            network: self.clone(),
            host: local.address.host.clone(),
            alive: CancellationToken::new(),
            tasks: system.tasks().clone(),
            frame_max: frame_max(settings.message.chunk),
        });
        Remote::over(transport, system, local, settings, gatekeeper).await
    }

    /// Nothing gets through between two hosts, in either direction, and nobody is told.
    pub fn cut(&self, one: &str, other: &str) {
        self.cut_one_way(one, other);
        self.cut_one_way(other, one);
    }

    pub fn cut_one_way(&self, from: &str, to: &str) {
        self.change(|it| it.cut.insert((from.to_owned(), to.to_owned())));
    }

    /// Cuts every host of one side from every host of the other.
    pub fn partition(&self, one: &[&str], other: &[&str]) {
        for a in one {
            for b in other {
                self.cut(a, b);
            }
        }
    }

    pub fn heal(&self, one: &str, other: &str) {
        let ways = [(one, other), (other, one)].map(|(a, b)| (a.to_owned(), b.to_owned()));
        self.change(|it| it.cut.retain(|way| !ways.contains(way)));
    }

    pub fn heal_all(&self) {
        self.change(|it| *it = Faults::default());
    }

    /// What is sent from one host to another takes so long, and up to `jitter` more.
    pub fn delay(&self, from: &str, to: &str, length: Duration, jitter: Duration) {
        self.change(|it| it.delay.insert((from.to_owned(), to.to_owned()), (length, jitter)));
    }

    /// Nothing reaches a host and nothing leaves it, as if its process were stopped. What it would
    /// do by itself it still does.
    pub fn freeze(&self, host: &str) {
        self.change(|it| it.frozen.insert(host.to_owned()));
    }

    pub fn thaw(&self, host: &str) {
        self.change(|it| it.frozen.remove(host));
    }

    /// The process there dies: its connections are closed by its host, which refuses new ones.
    /// The `Remote` of the dead node is of no use any more.
    pub fn kill(&self, host: &str) {
        if let Some(host) = self.hosts().remove(host) {
            host.alive.cancel();
        }
    }

    fn change<T>(&self, change: impl FnOnce(&mut Faults) -> T) {
        self.0.faults.send_modify(|it| {
            change(it);
        });
    }

    fn hosts(&self) -> MutexGuard<'_, HashMap<String, Host>> {
        self.0.hosts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn random<T>(&self, draw: impl FnOnce(&mut StdRng) -> T) -> T {
        draw(&mut self.0.random.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// How long the next bytes take.
    fn latency(&self, from: &str, to: &str) -> Duration {
        let way = (from.to_owned(), to.to_owned());
        let delay = self.0.faults.borrow().delay.get(&way).copied();
        let Some((length, jitter)) = delay else { return Duration::ZERO };
        length + jitter.mul_f64(self.random(Rng::random::<f64>))
    }

    async fn passable(&self, from: &str, to: &str) {
        let mut faults = self.0.faults.subscribe();
        // The network outlives its users.
        let _ = faults.wait_for(|it| !it.stops(from, to)).await;
    }
}

/// The network as one node sees it.
struct Memory {
    network: Network,
    host: String,
    /// Cancelled when its process dies. A `Remote` that does not know that reaches nobody.
    alive: CancellationToken,
    tasks: Tasks,
    frame_max: usize,
}

#[async_trait]
impl Transport for Memory {
    async fn listen(&self) -> Result<(Box<dyn Acceptor>, SocketAddr), Error> {
        let (incoming, accepting) = mpsc::channel(64);
        let host = Host { incoming, alive: self.alive.clone() };
        if let Some(before) = self.network.hosts().insert(self.host.clone(), host) {
            before.alive.cancel();
        }
        let port = self.network.0.ports.fetch_add(1, Ordering::Relaxed);
        Ok((Box::new(MemoryAcceptor(accepting)), SocketAddr::from(([127, 0, 0, 1], port))))
    }

    async fn connect(&self, to: &ClusterAddress, within: Duration) -> Result<Wire, ConnectError> {
        let connecting = async {
            self.network.passable(&self.host, &to.host).await;
            self.network.passable(&to.host, &self.host).await;
            let refused = || ConnectError::Refused(to.clone());
            if self.alive.is_cancelled() {
                std::future::pending::<()>().await;
            }
            let (incoming, alive) = {
                let hosts = self.network.hosts();
                let there = hosts.get(&to.host).ok_or_else(refused)?;
                (there.incoming.clone(), there.alive.clone())
            };
            let ends = [(self.host.as_str(), self.alive.clone()), (to.host.as_str(), alive)];
            let [here, there] = connection(&self.network, &self.tasks, ends);
            incoming.send((self.host.clone(), there)).await.map_err(|_| refused())?;
            Ok(here)
        };
        let waited = tokio::time::timeout(within, connecting).await;
        waited.unwrap_or_else(|_| Err(ConnectError::Timeout { address: to.clone(), within }))
    }

    async fn carry(
        &self,
        wire: Wire,
        ends: Ends,
        receiver: Arc<dyn Receiver>,
    ) -> Result<Box<dyn Carrier>, String> {
        let name = format!("{} to {}", self.host, ends.peer.name);
        Ok(Box::new(Framed::start(&self.tasks, &name, wire, receiver, self.frame_max)))
    }

    fn nonce(&self) -> [u8; 16] {
        self.network.random(Rng::random)
    }

    async fn stop(&self) {
        self.network.kill(&self.host);
    }
}

struct MemoryAcceptor(mpsc::Receiver<(String, Wire)>);

#[async_trait]
impl Acceptor for MemoryAcceptor {
    async fn accept(&mut self) -> std::io::Result<Accepted> {
        match self.0.recv().await {
            Some((from, wire)) => {
                Ok(Accepted { from, secured: Box::pin(std::future::ready(Ok(wire))) })
            }
            // The node is dead and does not know it.
            None => std::future::pending().await,
        }
    }
}
