//! The mesh over the peer links.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use weir_domain::{ClusterAddress, Incarnation, NodeUid};
use weir_remote::{
    Evidence, Gatekeeper, Handler, Hello, Incoming, Lane, LinkEvent, LinkState, Manifest, Outgoing,
    Refused, Remote,
};
use weir_runtime::System;

use super::{Mesh, MeshLink, MeshState, News, Note, Refusal};
use crate::admission::{Admission, NotAdmitted};
use crate::code;

const MEMBERS: &str = "cluster/members";
const GOSSIP: &str = "cluster/gossip";
const CHANGED: Manifest = Manifest::new("cluster.Changed", 1);
const GOSSIP_V1: Manifest = Manifest::new("cluster.Gossip", 1);
/// News that may wait for membership.
const NEWS: usize = 1_024;

/// The mesh over the peer links of this node.
pub struct LinkMesh {
    remote: Remote,
    listeners: Arc<Listeners>,
    is_over: CancellationToken,
}

#[derive(Default)]
struct Listeners(Mutex<Vec<mpsc::Sender<News>>>);

#[derive(Serialize, Deserialize)]
struct Changed {
    version: u64,
}

impl LinkMesh {
    pub fn start(system: &System, remote: Remote) -> Arc<Self> {
        let listeners = Arc::<Listeners>::default();
        remote.serve(MEMBERS, listeners.clone());
        remote.serve(GOSSIP, listeners.clone());
        let is_over = CancellationToken::new();
        let (mut events, heard, over) = (remote.events(), listeners.clone(), is_over.clone());
        system.tasks().spawn("cluster/links", async move {
            loop {
                tokio::select! {
                    event = events.recv() => match event {
                        Ok(event) => heard.tell_event(event),
                        // The table of links has what was missed.
                        Err(RecvError::Lagged(_)) => {}
                        Err(RecvError::Closed) => return,
                    },
                    () = over.cancelled() => return,
                }
            }
        });
        Arc::new(Self { remote, listeners, is_over })
    }
}

impl Listeners {
    fn tell(&self, news: &News) {
        let listeners = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for listener in listeners.iter() {
            if listener.try_send(news.clone()).is_err() {
                metrics::counter!("weir_cluster_news_dropped_total").increment(1);
            }
        }
    }

    fn tell_event(&self, event: LinkEvent) {
        match event {
            LinkEvent::Up { peer } => self.tell(&News::Up { peer }),
            LinkEvent::Down { peer, gone, .. } => {
                self.tell(&News::Down { peer: peer.clone() });
                if let Some(evidence) = gone {
                    self.tell(&ended(peer, evidence));
                }
            }
            LinkEvent::Gone { node, evidence } => {
                self.tell(&ended(node, evidence));
            }
            LinkEvent::Refused { address, refusal } => {
                let refusal = match refusal.code {
                    code::DUPLICATE_NAME => Refusal::DuplicateName,
                    code::DOWNED => Refusal::Downed(refusal.reason),
                    _ => Refusal::Other(refusal.to_string()),
                };
                self.tell(&News::Refused { address, refusal });
            }
        }
    }
}

fn ended(node: Incarnation, evidence: Evidence) -> News {
    let is_certain = evidence == Evidence::Left;
    News::Gone { node, evidence: evidence.to_string(), is_certain }
}

#[async_trait]
impl Handler for Listeners {
    async fn handle(
        &self,
        from: Incarnation,
        message: Incoming,
    ) -> Result<Option<Outgoing>, Refused> {
        let note = match &message.manifest {
            it if *it == CHANGED => Note::Changed { version: message.read::<Changed>()?.version },
            it if *it == GOSSIP_V1 => Note::Gossip(message.payload.clone()),
            _ => return Err(Refused::Unhandled),
        };
        self.tell(&News::Note { from: from.uid, note });
        Ok(None)
    }
}

impl Mesh for LinkMesh {
    fn dial(&self, address: &ClusterAddress) {
        self.remote.dial(address.clone());
    }

    fn forget(&self, address: &ClusterAddress) {
        self.remote.forget(address);
    }

    fn disconnect(&self, node: NodeUid, why: &str) {
        self.remote.disconnect(node, why);
    }

    fn links(&self) -> Vec<MeshLink> {
        let links = self.remote.links().borrow().clone();
        let row = |(address, row): (&ClusterAddress, &weir_remote::LinkRow)| MeshLink {
            address: address.clone(),
            peer: row.peer.clone(),
            state: match row.state {
                LinkState::Up => MeshState::Up,
                LinkState::Dialling | LinkState::Refused => MeshState::Down,
                LinkState::Itself => MeshState::Itself,
            },
            trouble: row.trouble.clone(),
            expires: row.certificate.as_ref().map(|it| it.expires),
        };
        links.iter().map(row).collect()
    }

    fn tell(&self, node: NodeUid, note: Note) {
        let (path, message) = match note {
            Note::Gossip(bytes) => (GOSSIP, Outgoing::raw(GOSSIP_V1, bytes)),
            Note::Changed { version } => match Outgoing::of(CHANGED, &Changed { version }) {
                Ok(message) => (MEMBERS, message),
                Err(error) => {
                    return tracing::error!(code = %code::MEMBER, %error, "a hint is not sent");
                }
            },
        };
        // It is said again anyway.
        let _ = self.remote.tell(node, path, &message, Lane::Control);
    }

    fn listen(&self) -> mpsc::Receiver<News> {
        let (sender, news) = mpsc::channel(NEWS);
        self.listeners.0.lock().unwrap_or_else(PoisonError::into_inner).push(sender);
        news
    }

    fn close(&self) -> BoxFuture<'static, ()> {
        let remote = self.remote.clone();
        self.is_over.cancel();
        Box::pin(async move { remote.stop().await })
    }
}

impl Gatekeeper for Admission {
    fn admit(&self, hello: &Hello) -> Result<(), weir_remote::Refusal> {
        Self::admit(self, &hello.node, hello.cluster_id).map_err(|refused| {
            let code = match refused {
                NotAdmitted::OtherCluster { .. } => code::OTHER_CLUSTER,
                NotAdmitted::Ended { .. } => code::DOWNED,
                NotAdmitted::DuplicateName { .. } => code::DUPLICATE_NAME,
            };
            weir_remote::Refusal::new(code, refused.to_string())
        })
    }
}
