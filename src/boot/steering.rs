//! Brings orders for open streams to the engines that run them.
//!
//! An order reaches a stream that is open, or none: giving it again is harmless. Nothing of it is
//! kept: a stream that is begun again elsewhere is another stream.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::future::join_all;
use serde::{Deserialize, Serialize};
use weir_cluster::Cluster;
use weir_domain::{Incarnation, NodeUid, SavepointName, StreamId, StreamOrder};
use weir_http_server::Unreached;
use weir_remote::{Handler, Incoming, Manifest, Outgoing, Refused, Remote};
use weir_stream::LiveStreams;

use super::membership::Membership;

const PATH: &str = "streams";
const ORDER: Manifest = Manifest::new("streams.Order", 1);
const REACHED: Manifest = Manifest::new("streams.Reached", 1);
/// A savepoint is wanted of open streams. An engine that does not know that refuses it.
const SAVE: Manifest = Manifest::new("streams.Save", 1);
/// An engine obeys at once: it only sets flags.
const OBEYED_WITHIN: Duration = Duration::from_secs(5);

#[derive(Debug, Serialize, Deserialize)]
struct Order {
    order: StreamOrder,
    streams: Vec<StreamId>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Save {
    name: SavepointName,
    streams: Vec<StreamId>,
}

/// What streams of one engine are told.
enum Told {
    Order(Order),
    Save(Save),
}

impl Told {
    /// Returns those that are open here.
    fn carry_out(&self, open: &LiveStreams) -> Vec<StreamId> {
        match self {
            Self::Order(Order { order, streams }) => open.order(*order, streams),
            Self::Save(Save { name, streams }) => open.save(name, streams),
        }
    }

    fn into_streams(self) -> Vec<StreamId> {
        match self {
            Self::Order(Order { streams, .. }) | Self::Save(Save { streams, .. }) => streams,
        }
    }
}

/// Cheap to clone.
#[derive(Clone)]
pub(crate) struct Steering {
    streams: LiveStreams,
    cluster: Cluster,
    remote: Option<Remote>,
}

impl Steering {
    /// Also hears what other engines are asked for.
    pub(crate) fn listen(streams: LiveStreams, membership: &Membership) -> Self {
        if let Some(remote) = &membership.remote {
            remote.serve(PATH, Arc::new(Ear(streams.clone())));
        }
        Self { streams, cluster: membership.cluster.clone(), remote: membership.remote.clone() }
    }

    /// Tells streams, by the name of the node that runs each: those that were told, and those that
    /// could not be.
    pub(crate) async fn order(
        &self,
        order: StreamOrder,
        streams: BTreeMap<String, Vec<StreamId>>,
    ) -> (Vec<StreamId>, Vec<Unreached>) {
        self.tell_all(streams, |streams| Told::Order(Order { order, streams })).await
    }

    /// Wants a savepoint of streams, on the same terms. It is taken later.
    pub(crate) async fn save(
        &self,
        name: &SavepointName,
        streams: BTreeMap<String, Vec<StreamId>>,
    ) -> (Vec<StreamId>, Vec<Unreached>) {
        self.tell_all(streams, |streams| Told::Save(Save { name: name.clone(), streams })).await
    }

    async fn tell_all(
        &self,
        streams: BTreeMap<String, Vec<StreamId>>,
        what: impl Fn(Vec<StreamId>) -> Told,
    ) -> (Vec<StreamId>, Vec<Unreached>) {
        let told = streams.into_iter().map(|(node, ids)| self.tell(node, what(ids)));
        let (mut reached, mut unreached) = (Vec::new(), Vec::new());
        for told in join_all(told).await {
            match told {
                Ok(them) => reached.extend(them),
                Err(it) => unreached.extend(it),
            }
        }
        (reached, unreached)
    }

    async fn tell(&self, node: String, told: Told) -> Result<Vec<StreamId>, Vec<Unreached>> {
        let (me, lives) = self.lives(&node);
        if lives.contains(&me) {
            return Ok(told.carry_out(&self.streams));
        }
        let mut why = format!("engine {node} is no member of the cluster");
        for life in lives {
            match self.ask(life, &told).await {
                Ok(reached) => return Ok(reached),
                Err(cause) => why = format!("engine {node} gave no answer: {cause}"),
            }
        }
        let unreached =
            told.into_streams().into_iter().map(|id| Unreached { id, why: why.clone() });
        Err(unreached.collect())
    }

    /// This life, and those that the node may have now.
    fn lives(&self, node: &str) -> (NodeUid, Vec<NodeUid>) {
        let view = self.cluster.view().borrow().clone();
        let named = view.members.iter().filter(|it| it.node.name.as_str() == node);
        let lives = named.filter(|it| !view.has_ended(it.node.uid)).map(|it| it.node.uid);
        (view.me.uid, lives.collect())
    }

    async fn ask(&self, node: NodeUid, told: &Told) -> Result<Vec<StreamId>, String> {
        let remote = self.remote.as_ref().ok_or("this engine has no peers")?;
        let request = match told {
            Told::Order(order) => Outgoing::of(ORDER, order),
            Told::Save(save) => Outgoing::of(SAVE, save),
        };
        let request = request.map_err(|it| it.to_string())?;
        let answer = remote.ask(node, PATH, &request, OBEYED_WITHIN).await;
        answer.map_err(|it| it.to_string())?.read().map_err(|it| it.to_string())
    }
}

struct Ear(LiveStreams);

#[async_trait]
impl Handler for Ear {
    async fn handle(&self, _: Incarnation, message: Incoming) -> Result<Option<Outgoing>, Refused> {
        let told = if message.manifest == ORDER {
            message.read().map(Told::Order)
        } else if message.manifest == SAVE {
            message.read().map(Told::Save)
        } else {
            return Err(Refused::Unhandled);
        };
        let reached = told.map_err(|_| Refused::Unhandled)?.carry_out(&self.0);
        Outgoing::of(REACHED, &reached).map(Some).map_err(|_| Refused::Unhandled)
    }
}
