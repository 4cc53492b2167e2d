//! The peer links of one node, as everything above sees them.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use tokio::sync::{broadcast, watch};
use weir_domain::{ClusterAddress, ClusterId, ClusterName, Incarnation, NodeUid};
use weir_runtime::System;

use crate::error::{AskError, Error, SendError};
use crate::event::{Cause, LinkEvent, Links};
use crate::hello::{Hello, Refusal};
use crate::hub::Hub;
use crate::transport::{Tcp, Transport};
use crate::{Handler, Incoming, Lane, Outgoing, Settings, code, expiry};

/// How long a peer has time to hear what still waits for it, and a goodbye.
const GOODBYE: Duration = Duration::from_secs(1);

/// Who this node is, as it introduces itself to its peers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Local {
    pub cluster: ClusterName,
    /// What the store is called for ever, where that is known.
    pub cluster_id: Option<ClusterId>,
    pub node: Incarnation,
    /// Where peers reach it. Port 0 stands for the port that it listens on.
    pub address: ClusterAddress,
    pub version: String,
}

/// Decides who may be linked, beyond what every hello must have. Called by both sides of each
/// handshake; it must not block.
pub trait Gatekeeper: Send + Sync + 'static {
    fn admit(&self, hello: &Hello) -> Result<(), Refusal>;
}

/// The peer links of one node. Cheap to clone.
#[derive(Clone)]
pub struct Remote(Arc<Hub>);

impl Remote {
    /// Listens for peers. Nobody is dialled yet.
    pub async fn start(
        system: &System,
        local: Local,
        settings: Settings,
        gatekeeper: Arc<dyn Gatekeeper>,
    ) -> Result<Self, Error> {
        let transport = Arc::new(Tcp::new(local.node.clone(), &settings).await?);
        if let Some(tls) = &settings.tls {
            expiry::watch(system, tls.certificate.clone(), local.address.host.clone());
        }
        Self::over(transport, system, local, settings, gatekeeper).await
    }

    pub(crate) async fn over(
        transport: Arc<dyn Transport>,
        system: &System,
        mut local: Local,
        settings: Settings,
        gatekeeper: Arc<dyn Gatekeeper>,
    ) -> Result<Self, Error> {
        let (acceptor, listening_on) = transport.listen().await?;
        if local.address.port == 0 {
            local.address.port = listening_on.port();
        }
        tracing::info!(code = %code::LISTENING, address = %local.address, %listening_on, is_encrypted = settings.tls.is_some(), "listening for peers");
        let hub = Hub::new(system, local, settings, gatekeeper, transport, listening_on);
        hub.accept_all(acceptor);
        hub.beat_all();
        Ok(Self(hub))
    }

    pub fn local(&self) -> &Local {
        &self.0.local
    }

    pub fn listening_on(&self) -> SocketAddr {
        self.0.listening_on
    }

    /// Keeps a link to whoever listens there, until the address is forgotten.
    pub fn dial(&self, address: ClusterAddress) {
        self.0.dial(address);
    }

    /// Stops dialling. A link that is there stays until it ends.
    pub fn forget(&self, address: &ClusterAddress) {
        self.0.dials.forget(address);
        self.0.refresh();
    }

    /// The table of links, brought up to date with each change and each heartbeat.
    pub fn links(&self) -> watch::Receiver<Arc<Links>> {
        self.0.table()
    }

    pub fn events(&self) -> broadcast::Receiver<LinkEvent> {
        self.0.subscribe()
    }

    /// Whether there is a link to this incarnation now.
    pub fn is_linked(&self, node: NodeUid) -> bool {
        self.0.link(node).is_some()
    }

    /// Ends the link to a node. If its address is still dialled, there will be another.
    pub fn disconnect(&self, node: NodeUid, why: &str) {
        if let Some(link) = self.0.link(node) {
            link.end(Cause::Disconnected(why.to_owned()));
        }
    }

    /// Sets who handles the messages of a path. Messages that come before are refused.
    pub fn serve(&self, path: &'static str, handler: Arc<dyn Handler>) {
        self.0.paths.serve(path, handler);
    }

    /// Sends a message at most once. It is taken at once or not at all; messages of one caller to
    /// one node, path and lane arrive in order.
    pub fn tell(
        &self,
        to: NodeUid,
        path: &str,
        message: &Outgoing,
        lane: Lane,
    ) -> Result<(), SendError> {
        let link = self.0.link(to).ok_or(SendError::NoLink)?;
        let told = link.tell(path, message, lane);
        if told == Err(SendError::Busy) {
            metrics::counter!("weir_remote_busy_total").increment(1);
        }
        told
    }

    /// Sends a request and waits for its answer. After `Timeout` and `LinkLost` it is not known
    /// whether the request was carried out; repeated with the same command id, it is carried out
    /// once by the same node.
    pub async fn ask(
        &self,
        to: NodeUid,
        path: &str,
        request: &Outgoing,
        within: Duration,
    ) -> Result<Incoming, AskError> {
        let link = self.0.link(to).ok_or(AskError::NoLink)?;
        link.ask(path, request, within).await
    }

    /// Says goodbye to all peers, so that they know that this node left, and closes everything.
    pub async fn stop(&self) {
        self.0.stopping.cancel();
        let leave = |link: Arc<crate::link::Link>| async move {
            link.leave("the node stops", GOODBYE).await;
        };
        join_all(self.0.all().into_iter().map(leave)).await;
        self.0.transport.stop().await;
    }
}
