//! A network in this process: nodes that link to each other until they are cut off.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use futures::future::BoxFuture;
use tokio::sync::mpsc;
use weir_domain::{ClusterAddress, Incarnation, NodeUid};

use crate::admission::{Admission, NotAdmitted};
use crate::mesh::{Mesh, MeshLink, MeshState, News, Note, Refusal};

#[derive(Clone, Default)]
pub(crate) struct Network(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    nodes: BTreeMap<NodeUid, Node>,
    links: BTreeSet<(NodeUid, NodeUid)>,
    cuts: BTreeSet<(NodeUid, NodeUid)>,
}

struct Node {
    node: Incarnation,
    address: ClusterAddress,
    admission: Admission,
    dialled: BTreeMap<ClusterAddress, Option<String>>,
    listeners: Vec<mpsc::Sender<News>>,
}

impl Node {
    fn tell(&self, news: &News) {
        self.listeners.iter().for_each(|it| drop(it.try_send(news.clone())));
    }
}

fn pair(a: NodeUid, b: NodeUid) -> (NodeUid, NodeUid) {
    (a.min(b), a.max(b))
}

impl Network {
    pub(crate) fn add(
        &self,
        node: Incarnation,
        address: ClusterAddress,
        admission: Admission,
    ) -> Arc<dyn Mesh> {
        let uid = node.uid;
        let it = Node { node, address, admission, dialled: BTreeMap::new(), listeners: vec![] };
        self.0.lock().unwrap().nodes.insert(uid, it);
        Arc::new(Port { network: self.clone(), uid })
    }

    /// Makes the links that are wanted and possible. To be called again and again.
    pub(crate) fn tick(&self) {
        let mut state = self.0.lock().unwrap();
        let wanted: Vec<_> = state
            .nodes
            .iter()
            .flat_map(|(&uid, it)| it.dialled.keys().map(move |to| (uid, to.clone())))
            .collect();
        for (from, to) in wanted {
            state.connect(from, &to);
        }
    }

    /// Silence between two nodes, in both directions.
    pub(crate) fn cut(&self, a: NodeUid, b: NodeUid) {
        let mut state = self.0.lock().unwrap();
        state.cuts.insert(pair(a, b));
        state.unlink(a, b);
    }

    pub(crate) fn heal(&self) {
        self.0.lock().unwrap().cuts.clear();
    }

    /// A process ends and its host is alive: its peers know at once.
    pub(crate) fn kill(&self, uid: NodeUid) {
        let mut state = self.0.lock().unwrap();
        let Some(killed) = state.nodes.remove(&uid) else { return };
        let peers: Vec<_> = state.nodes.keys().copied().collect();
        for peer in peers {
            if state.links.remove(&pair(uid, peer)) {
                let evidence = "nobody listens at its address any more".to_owned();
                let node = &state.nodes[&peer];
                node.tell(&News::Down { peer: killed.node.clone() });
                let node_gone = killed.node.clone();
                node.tell(&News::Gone { node: node_gone, evidence, is_certain: false });
            }
        }
    }
}

impl State {
    fn connect(&mut self, from: NodeUid, to: &ClusterAddress) {
        let there = self.nodes.values().filter(|it| it.address == *to && it.node.uid != from);
        let Some(there) = there.map(|it| it.node.uid).next_back() else {
            return self.trouble(from, to, "it refuses connections");
        };
        if self.links.contains(&pair(from, there)) {
            return;
        }
        if self.cuts.contains(&pair(from, there)) {
            return self.trouble(from, to, "no answer");
        }
        let (a, b) = (&self.nodes[&from], &self.nodes[&there]);
        if let Err(refused) = b.admission.admit(&a.node, a.admission.cluster()) {
            let refusal = match &refused {
                NotAdmitted::DuplicateName { .. } => Refusal::DuplicateName,
                NotAdmitted::Ended { reason, .. } => Refusal::Downed(reason.clone()),
                NotAdmitted::OtherCluster { .. } => Refusal::Other(refused.to_string()),
            };
            a.tell(&News::Refused { address: to.clone(), refusal });
            return self.trouble(from, to, &refused.to_string());
        }
        if a.admission.admit(&b.node, b.admission.cluster()).is_ok() {
            a.tell(&News::Up { peer: b.node.clone() });
            b.tell(&News::Up { peer: a.node.clone() });
            self.links.insert(pair(from, there));
        }
    }

    fn trouble(&mut self, from: NodeUid, to: &ClusterAddress, trouble: &str) {
        if let Some(node) = self.nodes.get_mut(&from) {
            node.dialled.insert(to.clone(), Some(trouble.to_owned()));
        }
    }

    fn unlink(&mut self, a: NodeUid, b: NodeUid) {
        if self.links.remove(&pair(a, b)) {
            for (one, other) in [(a, b), (b, a)] {
                let peer = self.nodes[&other].node.clone();
                self.nodes[&one].tell(&News::Down { peer });
            }
        }
    }
}

/// One node's way into the network.
struct Port {
    network: Network,
    uid: NodeUid,
}

impl Mesh for Port {
    fn dial(&self, address: &ClusterAddress) {
        if let Some(node) = self.network.0.lock().unwrap().nodes.get_mut(&self.uid) {
            node.dialled.insert(address.clone(), None);
        }
    }

    fn forget(&self, address: &ClusterAddress) {
        if let Some(node) = self.network.0.lock().unwrap().nodes.get_mut(&self.uid) {
            node.dialled.remove(address);
        }
    }

    fn disconnect(&self, node: NodeUid, _: &str) {
        self.network.0.lock().unwrap().unlink(self.uid, node);
    }

    fn links(&self) -> Vec<MeshLink> {
        let state = self.network.0.lock().unwrap();
        let Some(own) = state.nodes.get(&self.uid) else { return vec![] };
        let row = |address: &ClusterAddress, peer: Option<Incarnation>, link_state, trouble| {
            MeshLink { address: address.clone(), peer, state: link_state, trouble, expires: None }
        };
        let is_linked = |it: &&Node| state.links.contains(&pair(self.uid, it.node.uid));
        let up = state.nodes.values().filter(is_linked);
        let mut rows: Vec<_> =
            up.map(|it| row(&it.address, Some(it.node.clone()), MeshState::Up, None)).collect();
        for (address, trouble) in &own.dialled {
            if rows.iter().all(|it| it.address != *address) {
                let is_own = *address == own.address;
                let state = if is_own { MeshState::Itself } else { MeshState::Down };
                rows.push(row(address, None, state, trouble.clone()));
            }
        }
        rows
    }

    fn tell(&self, node: NodeUid, note: Note) {
        let state = self.network.0.lock().unwrap();
        if state.links.contains(&pair(self.uid, node)) {
            state.nodes[&node].tell(&News::Note { from: self.uid, note });
        }
    }

    fn listen(&self) -> mpsc::Receiver<News> {
        let (sender, news) = mpsc::channel(1_024);
        if let Some(node) = self.network.0.lock().unwrap().nodes.get_mut(&self.uid) {
            node.listeners.push(sender);
        }
        news
    }

    fn close(&self) -> BoxFuture<'static, ()> {
        self.network.kill(self.uid);
        Box::pin(std::future::ready(()))
    }
}
