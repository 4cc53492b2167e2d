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
use weir_domain::{Incarnation, NodeUid, StreamId, StreamOrder};
use weir_http_server::Unreached;
use weir_remote::{Handler, Incoming, Manifest, Outgoing, Refused, Remote};
use weir_stream::LiveStreams;

use super::membership::Membership;

const PATH: &str = "streams";
const ORDER: Manifest = Manifest::new("streams.Order", 1);
const REACHED: Manifest = Manifest::new("streams.Reached", 1);
/// An engine obeys at once: it only sets flags.
const OBEYED_WITHIN: Duration = Duration::from_secs(5);

#[derive(Debug, Serialize, Deserialize)]
struct Order {
    order: StreamOrder,
    streams: Vec<StreamId>,
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

    /// The streams, by the name of the node that runs each, that were told; and those that could not
    /// be.
    pub(crate) async fn order(
        &self,
        order: StreamOrder,
        streams: BTreeMap<String, Vec<StreamId>>,
    ) -> (Vec<StreamId>, Vec<Unreached>) {
        let told = streams.into_iter().map(|(node, ids)| self.tell(node, order, ids));
        let (mut reached, mut unreached) = (Vec::new(), Vec::new());
        for told in join_all(told).await {
            match told {
                Ok(them) => reached.extend(them),
                Err(it) => unreached.extend(it),
            }
        }
        (reached, unreached)
    }

    async fn tell(
        &self,
        node: String,
        order: StreamOrder,
        streams: Vec<StreamId>,
    ) -> Result<Vec<StreamId>, Vec<Unreached>> {
        let (me, lives) = self.lives(&node);
        if lives.contains(&me) {
            return Ok(self.streams.order(order, &streams));
        }
        let order = Order { order, streams };
        let mut why = format!("engine {node} is no member of the cluster");
        for life in lives {
            match self.ask(life, &order).await {
                Ok(reached) => return Ok(reached),
                Err(cause) => why = format!("engine {node} gave no answer: {cause}"),
            }
        }
        let unreached = order.streams.into_iter().map(|id| Unreached { id, why: why.clone() });
        Err(unreached.collect())
    }

    /// This life, and those that the node may have now.
    fn lives(&self, node: &str) -> (NodeUid, Vec<NodeUid>) {
        let view = self.cluster.view().borrow().clone();
        let named = view.members.iter().filter(|it| it.node.name.as_str() == node);
        let lives = named.filter(|it| !view.has_ended(it.node.uid)).map(|it| it.node.uid);
        (view.me.uid, lives.collect())
    }

    async fn ask(&self, node: NodeUid, order: &Order) -> Result<Vec<StreamId>, String> {
        let remote = self.remote.as_ref().ok_or("this engine has no peers")?;
        let request = Outgoing::of(ORDER, order).map_err(|it| it.to_string())?;
        let answer = remote.ask(node, PATH, &request, OBEYED_WITHIN).await;
        answer.map_err(|it| it.to_string())?.read().map_err(|it| it.to_string())
    }
}

struct Ear(LiveStreams);

#[async_trait]
impl Handler for Ear {
    async fn handle(&self, _: Incarnation, message: Incoming) -> Result<Option<Outgoing>, Refused> {
        if message.manifest != ORDER {
            return Err(Refused::Unhandled);
        }
        let Order { order, streams } = message.read().map_err(|_| Refused::Unhandled)?;
        let reached = self.0.order(order, &streams);
        Outgoing::of(REACHED, &reached).map(Some).map_err(|_| Refused::Unhandled)
    }
}
