//! Gossip by chitchat, in the peer links.
//!
//! chitchat wants addresses of sockets; here a node's address is an IPv6 address made of its uid,
//! and what is sent to it travels in the control lane of the link to that node. So gossip is as
//! authenticated as the links are, needs no port, and "alive" means "the links work".
//!
//! chitchat runs in a task of its own making. Should that end, which no message of a peer may
//! cause but one day will, it is started again as another generation of this node.

use std::collections::{BTreeMap, HashSet};
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use chitchat::transport::{Socket, Transport};
use chitchat::{
    ChitchatConfig, ChitchatHandle, ChitchatId, ChitchatMessage, Deserializable,
    FailureDetectorConfig, NodeState, Serializable, spawn_chitchat,
};
use futures::future::BoxFuture;
use tokio::sync::{mpsc, watch};
use uuid::Uuid;
use weir_domain::{ClusterName, Incarnation, NodeUid};
use weir_runtime::System;

use super::{Heard, Liveness};
use crate::code;
use crate::mesh::{Mesh, Note};

/// A port that says nothing.
const PORT: u16 = 1;
/// Messages of peers that may wait to be read. What is lost is repeated by the next round.
const INBOX: usize = 256;
/// How often a phi of the past is averaged over: enough for a minute.
const SAMPLES: usize = 200;
/// How long somebody who is silent is kept in mind.
const DEAD_KEPT: Duration = Duration::from_secs(600);

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GossipSettings {
    pub every: Duration,
    /// How many mean intervals of silence make a node suspect.
    pub threshold: f64,
    /// What is taken for the mean interval until it is known.
    pub initial_interval: Duration,
}

/// The running gossip of this node. Cheap to clone.
#[derive(Clone)]
pub struct Chitchat(Arc<Inner>);

struct Inner {
    me: NodeUid,
    cluster: ClusterName,
    settings: GossipSettings,
    mesh: Arc<dyn Mesh>,
    heard: watch::Sender<Arc<Heard>>,
    said: Mutex<BTreeMap<&'static str, String>>,
    inbox: Mutex<Option<mpsc::Sender<(SocketAddr, ChitchatMessage)>>>,
    meetings: Mutex<HashSet<SocketAddr>>,
    wake: watch::Sender<u64>,
    is_over: watch::Sender<bool>,
}

impl Chitchat {
    pub fn start(
        system: &System,
        cluster: ClusterName,
        settings: GossipSettings,
        mesh: Arc<dyn Mesh>,
    ) -> Self {
        let it = Self(Arc::new(Inner {
            me: system.uid(),
            cluster,
            settings,
            mesh,
            heard: watch::Sender::default(),
            said: Mutex::default(),
            inbox: Mutex::default(),
            meetings: Mutex::default(),
            wake: watch::Sender::default(),
            is_over: watch::Sender::new(false),
        }));
        system.tasks().spawn("cluster/gossip", it.clone().run());
        it
    }

    /// Runs one generation after the other, until it is stopped.
    async fn run(self) {
        let mut over = self.0.is_over.subscribe();
        for generation in 0.. {
            let ended = tokio::select! {
                it = self.run_generation(generation) => it,
                _ = over.wait_for(|it| *it) => return,
            };
            tracing::error!(code = %code::GOSSIP, cause = ended, "gossip ended and is started again");
            tokio::time::sleep(self.0.settings.every).await;
        }
    }

    /// Resolves with the reason when the generation has ended.
    async fn run_generation(&self, generation: u64) -> String {
        let said = |(key, value): (&&'static str, &String)| ((*key).to_owned(), value.clone());
        let said: Vec<_> = lock(&self.0.said).iter().map(said).collect();
        let transport = Links(self.clone());
        let config = self.config(generation);
        let handle = match spawn_chitchat(config, said, &transport).await {
            Ok(it) => Aborted(it),
            Err(error) => return error.to_string(),
        };
        let mut changes = handle.0.with_chitchat(|it| it.live_nodes_watcher()).await;
        let mut wake = self.0.wake.subscribe();
        self.catch_up(&handle.0).await;
        let mut ended = std::pin::pin!(handle.0.termination_watcher());
        loop {
            tokio::select! {
                result = &mut ended => return match result {
                    Ok(()) => "it was told to".to_owned(),
                    Err(error) => error.to_string(),
                },
                Ok(()) = changes.changed() => self.hear(&changes.borrow_and_update()),
                Ok(()) = wake.changed() => self.catch_up(&handle.0).await,
            }
        }
    }

    fn config(&self, generation: u64) -> ChitchatConfig {
        let GossipSettings { every, threshold, initial_interval } = self.0.settings;
        let me = self.0.me;
        ChitchatConfig {
            chitchat_id: ChitchatId::new(me.to_string(), generation, socket_address(me)),
            cluster_id: self.0.cluster.to_string(),
            gossip_interval: every,
            listen_addr: socket_address(me),
            seed_nodes: Vec::new(),
            failure_detector_config: FailureDetectorConfig::new(
                threshold,
                SAMPLES,
                initial_interval * 10,
                initial_interval,
                DEAD_KEPT,
            ),
            marked_for_deletion_grace_period: DEAD_KEPT,
            catchup_callback: None,
            extra_liveness_predicate: None,
        }
    }

    fn hear(&self, live: &BTreeMap<ChitchatId, NodeState>) {
        let nodes = live.iter().filter_map(|(id, state)| {
            let uid = node_uid(id.gossip_advertise_addr)?;
            let said = state.key_values().map(|(key, value)| (key.to_owned(), value.to_owned()));
            (uid != self.0.me).then(|| (uid, Arc::new(said.collect())))
        });
        self.0.heard.send_replace(Arc::new(nodes.collect()));
    }

    /// Says what is new, and greets those that were met.
    async fn catch_up(&self, handle: &ChitchatHandle) {
        let said = lock(&self.0.said).clone();
        let say =
            |state: &mut NodeState| said.iter().for_each(|(key, value)| state.set(key, value));
        handle.with_chitchat(|it| say(it.self_node_state())).await;
        let meetings = std::mem::take(&mut *lock(&self.0.meetings));
        for address in meetings {
            // It fails only if the generation has ended, which the next one makes good.
            let _ = handle.gossip(address);
        }
    }

    fn wake(&self) {
        self.0.wake.send_modify(|it| *it = it.wrapping_add(1));
    }
}

impl Liveness for Chitchat {
    fn heard(&self) -> watch::Receiver<Arc<Heard>> {
        self.0.heard.subscribe()
    }

    fn publish(&self, key: &'static str, value: String) {
        lock(&self.0.said).insert(key, value);
        self.wake();
    }

    fn meet(&self, node: &Incarnation) {
        lock(&self.0.meetings).insert(socket_address(node.uid));
        self.wake();
    }

    fn take(&self, from: NodeUid, note: Note) {
        let Note::Gossip(bytes) = note else { return };
        match ChitchatMessage::deserialize(&mut &bytes[..]) {
            Ok(message) => {
                let inbox = lock(&self.0.inbox).clone();
                if inbox.is_none_or(|it| it.try_send((socket_address(from), message)).is_err()) {
                    metrics::counter!("weir_cluster_gossip_dropped_total").increment(1);
                }
            }
            Err(error) => {
                metrics::counter!("weir_cluster_gossip_unreadable_total").increment(1);
                tracing::debug!(code = %code::GOSSIP, %from, %error, "gossip can't be read");
            }
        }
    }

    fn stop(&self) -> BoxFuture<'static, ()> {
        self.0.is_over.send_replace(true);
        Box::pin(std::future::ready(()))
    }
}

/// chitchat's task runs on when its handle is dropped.
struct Aborted(ChitchatHandle);

impl Drop for Aborted {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// The peer links as chitchat's network.
struct Links(Chitchat);

#[async_trait]
impl Transport for Links {
    async fn open(&self, _: SocketAddr) -> anyhow::Result<Box<dyn Socket>> {
        let (sender, inbox) = mpsc::channel(INBOX);
        *lock(&self.0.0.inbox) = Some(sender);
        Ok(Box::new(LinkSocket { mesh: self.0.0.mesh.clone(), inbox }))
    }
}

struct LinkSocket {
    mesh: Arc<dyn Mesh>,
    inbox: mpsc::Receiver<(SocketAddr, ChitchatMessage)>,
}

#[async_trait]
impl Socket for LinkSocket {
    async fn send(&mut self, to: SocketAddr, message: ChitchatMessage) -> anyhow::Result<()> {
        if let Some(node) = node_uid(to) {
            self.mesh.tell(node, Note::Gossip(Bytes::from(message.serialize_to_vec())));
        }
        Ok(())
    }

    async fn recv(&mut self) -> anyhow::Result<(SocketAddr, ChitchatMessage)> {
        let next = self.inbox.recv().await;
        next.ok_or_else(|| anyhow::anyhow!("another generation took the inbox"))
    }
}

fn socket_address(node: NodeUid) -> SocketAddr {
    SocketAddr::new(IpAddr::V6(Ipv6Addr::from_bits(node.0.as_u128())), PORT)
}

fn node_uid(address: SocketAddr) -> Option<NodeUid> {
    match address.ip() {
        IpAddr::V6(it) => Some(NodeUid(Uuid::from_u128(it.to_bits()))),
        IpAddr::V4(_) => None,
    }
}

fn lock<T>(value: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    value.lock().unwrap_or_else(PoisonError::into_inner)
}
