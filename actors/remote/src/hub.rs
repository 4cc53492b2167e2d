//! What all links of a node share, and what happens when one comes up or ends.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use tokio::sync::{broadcast, watch};
use tokio_util::sync::CancellationToken;
use weir_domain::{ClusterAddress, Incarnation, NodeUid};
use weir_runtime::{Stopwatch, System};

use crate::deliver::Paths;
use crate::dial::Dials;
use crate::event::{Cause, Evidence, LinkEvent, LinkRow, LinkState, Links};
use crate::hello::{Hello, PROTOCOL, Refusal};
use crate::link::Link;
use crate::roster::{Live, Roster};
use crate::transport::Transport;
use crate::{Gatekeeper, Local, Settings, code};

/// Events that a subscriber may be behind.
const EVENTS: usize = 1_024;

pub(crate) struct Hub {
    pub system: System,
    pub local: Local,
    pub settings: Settings,
    pub gatekeeper: Arc<dyn Gatekeeper>,
    pub transport: Arc<dyn Transport>,
    pub listening_on: SocketAddr,
    pub paths: Paths,
    pub watch: Stopwatch,
    pub dials: Dials,
    pub stopping: CancellationToken,
    pub ask_task: Arc<str>,
    roster: Mutex<Roster>,
    live: RwLock<HashMap<NodeUid, Arc<Link>>>,
    links: watch::Sender<Arc<Links>>,
    events: broadcast::Sender<LinkEvent>,
    numbers: AtomicU64,
}

impl Hub {
    pub(crate) fn new(
        system: &System,
        local: Local,
        settings: Settings,
        gatekeeper: Arc<dyn Gatekeeper>,
        transport: Arc<dyn Transport>,
        listening_on: SocketAddr,
    ) -> Arc<Self> {
        Arc::new(Self {
            system: system.clone(),
            roster: Mutex::new(Roster::new(local.node.clone())),
            local,
            settings,
            gatekeeper,
            transport,
            listening_on,
            paths: Paths::default(),
            watch: Stopwatch::start(),
            dials: Dials::default(),
            stopping: CancellationToken::new(),
            ask_task: "remote ask".into(),
            live: RwLock::default(),
            links: watch::Sender::default(),
            events: broadcast::Sender::new(EVENTS),
            numbers: AtomicU64::new(1),
        })
    }

    /// How this node introduces itself on one connection.
    pub(crate) fn hello(&self) -> Hello {
        Hello {
            protocol: PROTOCOL,
            cluster: self.local.cluster.clone(),
            cluster_id: self.local.cluster_id,
            node: self.local.node.clone(),
            address: self.local.address.clone(),
            version: self.local.version.clone(),
            features: 0,
            nonce: self.transport.nonce(),
        }
    }

    pub(crate) fn next_number(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::Relaxed)
    }

    pub(crate) fn roster(&self) -> MutexGuard<'_, Roster> {
        self.roster.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn link(&self, node: NodeUid) -> Option<Arc<Link>> {
        self.live.read().unwrap_or_else(PoisonError::into_inner).get(&node).cloned()
    }

    pub(crate) fn all(&self) -> Vec<Arc<Link>> {
        self.live.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    pub(crate) fn subscribe(&self) -> broadcast::Receiver<LinkEvent> {
        self.events.subscribe()
    }

    pub(crate) fn table(&self) -> watch::Receiver<Arc<Links>> {
        self.links.subscribe()
    }

    pub(crate) fn publish(&self, event: LinkEvent) {
        // An error only says that nobody listens.
        let _ = self.events.send(event);
    }

    /// Enters a link that was made, unless another one is to be kept.
    pub(crate) fn link_up(self: &Arc<Self>, link: &Arc<Link>) -> Result<(), Refusal> {
        let superseded = {
            // Events are published under the lock, so that they come in the order of what happens.
            let mut roster = self.roster();
            let entered = roster.enter(Live {
                link: link.number,
                node: link.node().clone(),
                address: link.peer.address.clone(),
                is_dialler: link.is_dialler,
            })?;
            let superseded = self.replace(link, &entered.superseded);
            for old in &superseded {
                let gone = entered.gone.contains(old.node()).then_some(Evidence::Replaced);
                self.down(old.node(), &Cause::Superseded, gone);
            }
            for node in entered.gone {
                self.gone(node, Evidence::Replaced);
            }
            tracing::info!(code = %code::LINK_UP, peer = %link.node(), address = %link.peer.address, version = link.peer.version, "link up");
            self.publish(LinkEvent::Up { peer: link.node().clone() });
            superseded
        };
        superseded.iter().for_each(|it| it.end(Cause::Superseded));
        // It may have ended before it was entered.
        if let Some(cause) = link.cause() {
            self.link_ended(link, cause);
        }
        self.refresh();
        Ok(())
    }

    /// Puts the link where lookups find it, and gives those whose place it takes.
    fn replace(&self, link: &Arc<Link>, superseded: &[u64]) -> Vec<Arc<Link>> {
        let mut live = self.live.write().unwrap_or_else(PoisonError::into_inner);
        let old: Vec<_> =
            live.values().filter(|it| superseded.contains(&it.number)).cloned().collect();
        for it in &old {
            live.remove(&it.node().uid);
        }
        live.insert(link.node().uid, link.clone());
        metrics::gauge!("weir_remote_links").set(live.len() as f64);
        old
    }

    /// Called by a link that has ended. One that was not entered, or is not any more, is ignored.
    pub(crate) fn link_ended(self: &Arc<Self>, link: &Arc<Link>, cause: &Cause) {
        let left = {
            let mut roster = self.roster();
            let Some(left) = roster.leave(link.node(), link.number, cause) else { return };
            self.live.write().unwrap_or_else(PoisonError::into_inner).remove(&link.node().uid);
            self.down(link.node(), cause, left.gone);
            if let Some(evidence) = left.gone {
                self.gone(link.node().clone(), evidence);
            }
            left
        };
        metrics::gauge!("weir_remote_links").set(self.all().len() as f64);
        self.dials.lost(&left.address, link.node(), cause, self.system.now());
        self.refresh();
        let is_wanted =
            matches!(cause, Cause::Closed | Cause::Lost(_) | Cause::Silent(_) | Cause::Garbled(_));
        if is_wanted {
            self.look_after(&left.address);
        }
    }

    fn down(&self, peer: &Incarnation, cause: &Cause, gone: Option<Evidence>) {
        match cause {
            // Whoever says goodbye is reported as gone, and whoever ends has no links to mend.
            Cause::Goodbye(_) => {
                tracing::debug!(code = %code::LINK_DOWN, %peer, %cause, "link down");
            }
            _ if self.stopping.is_cancelled() => {
                tracing::debug!(code = %code::LINK_DOWN, %peer, %cause, "link down");
            }
            _ => tracing::warn!(code = %code::LINK_DOWN, %peer, %cause, "link down"),
        }
        self.publish(LinkEvent::Down { peer: peer.clone(), cause: cause.clone(), gone });
    }

    fn gone(&self, node: Incarnation, evidence: Evidence) {
        match evidence {
            Evidence::Left => {
                tracing::info!(code = %code::PEER_GONE, %node, %evidence, "the process is gone");
            }
            Evidence::Refused | Evidence::Replaced => {
                tracing::warn!(code = %code::PEER_GONE, %node, %evidence, "the process is gone");
            }
        }
        self.publish(LinkEvent::Gone { node, evidence });
    }

    /// A live host says that nobody listens there.
    pub(crate) fn connection_refused(&self, address: &ClusterAddress) {
        let mut roster = self.roster();
        if let Some(node) = roster.refused(address) {
            self.gone(node, Evidence::Refused);
        }
    }

    /// Messages that waited on a link that has ended.
    pub(crate) fn dropped(&self, peer: &Incarnation, count: usize) {
        let queue: Arc<str> = format!("link to {}", peer.name).into();
        for _ in 0..count {
            self.system.dead_letters().count(&queue);
        }
    }

    /// Brings the table up to date.
    pub(crate) fn refresh(&self) {
        self.links.send_if_modified(|table| {
            let links = self.rows();
            let is_new = **table != links;
            if is_new {
                *table = Arc::new(links);
            }
            is_new
        });
    }

    fn rows(&self) -> Links {
        let mut links = self.dials.rows();
        {
            // Who is linked is shown once, at its own address, whatever else leads there.
            let roster = self.roster();
            links.retain(|address, _| roster.at(address).is_none());
        }
        for link in self.all() {
            let row = LinkRow {
                peer: Some(link.node().clone()),
                state: LinkState::Up,
                since: link.since,
                rtt: link.rtt(),
                queued_bytes: link.queued_bytes(),
                certificate: link.certificate.clone(),
                trouble: None,
            };
            links.insert(link.peer.address.clone(), row);
        }
        links
    }
}
