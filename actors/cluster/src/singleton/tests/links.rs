//! The same over peer links.

use std::sync::Arc;

use async_trait::async_trait;
use serde::ser::Error as _;
use serde::{Deserialize, Serialize, Serializer};
use weir_domain::{ClusterName, Fault};
use weir_persistence_api::Fence;
use weir_remote::{AskError, Manifest, Network, Outgoing, Refused, Remote};

use super::super::{Fate, Peers, ProxyError, code};
use super::SECOND;
use super::world::{Net, Request, Time, World, wait_until};
use crate::{Instance, Nothing, RequestContext, Service, Singleton, Unavailable};

/// Two nodes with a link between them.
async fn linked() -> (Network, [Remote; 2], World) {
    let (time, network) = (Time::begin(), Network::new(1));
    let cluster = ClusterName::new("weir").unwrap();
    let systems = [1, 2].map(|n| time.system(n));
    let mut remotes = Vec::new();
    for system in &systems {
        remotes.push(network.node(system, &cluster).await.unwrap());
    }
    remotes[0].dial(remotes[1].local().address.clone());
    wait_until("they are linked", || {
        remotes[0].is_linked(systems[1].uid()) && remotes[1].is_linked(systems[0].uid())
    })
    .await;

    let peers = remotes.iter().map(|it| Arc::new(it.clone()) as Arc<dyn Peers>);
    let (store, nodes) = time.nodes(systems.iter().cloned().zip(peers).collect());
    let remotes = remotes.try_into().unwrap_or_else(|_| unreachable!("there are two"));
    (network, remotes, World { store, net: Net::default(), nodes })
}

#[tokio::test(start_paused = true)]
async fn a_singleton_is_asked_and_handed_over_over_peer_links() {
    let (network, _remotes, world) = linked().await;
    world.nodes.iter().for_each(|it| it.singletons.begin());
    wait_until("it runs", || world.active() == Some(0)).await;
    assert_eq!(world.nodes[1].add(3).await, Ok(3));
    let refused = world.nodes[1].tally.ask(Request::Bug, SECOND).await;
    assert!(refused.unwrap_err().to_string().contains("tally failed on this request"));

    assert_eq!(world.nodes[0].singletons.hand_over_all().await, Ok(()));
    assert_eq!(world.nodes[0].add(4).await, Ok(7));
    assert_eq!((world.active(), world.epoch().await), (Some(1), 2));

    network.kill("node-1");
    world.tell_others(0, Fate::Gone);
    assert_eq!(world.nodes[1].add(1).await, Ok(8));
}

/// Does what it is asked, and can't say so.
struct Mute;

#[derive(Debug, PartialEq, Deserialize)]
struct Unsayable;

impl Serialize for Unsayable {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(S::Error::custom("no form"))
    }
}

#[async_trait]
impl Service for Mute {
    type Request = ();
    type Response = Unsayable;
    const NAME: &'static str = "mute";
    const VERSION: u32 = 1;

    async fn serve(&self, (): (), _: RequestContext) -> Result<Unsayable, Unavailable> {
        Ok(Unsayable)
    }
}

#[async_trait]
impl Singleton for Mute {
    type Service = Self;

    async fn start(&self, _: Fence) -> Result<Instance<Self>, Fault> {
        Ok(Instance::new(Arc::new(Self), Arc::new(Nothing)))
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_done_is_not_called_undone_because_its_answer_can_not_be_sent() {
    let (_network, _remotes, world) = linked().await;
    let mutes: Vec<_> = world.nodes.iter().map(|it| it.singletons.register(Mute)).collect();
    world.nodes.iter().for_each(|it| it.singletons.begin());
    let mut answers = Vec::new();
    for mute in &mutes {
        answers.push(mute.ask((), SECOND).await);
    }
    answers.sort_by_key(Result::is_err);
    assert_eq!(answers[0], Ok(Unsayable), "nothing is sent to the node that it runs on");
    let error = answers.pop().unwrap().unwrap_err();
    assert!(matches!(error, ProxyError::Unsettled { .. }) && !error.is_undone(), "{error}");
    assert!(error.to_string().contains(&code::ANSWER_NOT_SENT.to_string()), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_request_of_another_version_is_not_handled_and_one_that_is_damaged_is_refused() {
    let (_network, [asker, asked], world) = linked().await;
    world.nodes.iter().for_each(|it| it.singletons.begin());
    let ask = async |name, version| {
        let request = Outgoing::raw(Manifest::new(name, version), vec![0x80]);
        asker.ask(asked.local().node.uid, "singleton", &request, SECOND).await.unwrap_err()
    };
    let unhandled = |name, version| AskError::Unhandled { manifest: Manifest::new(name, version) };
    assert_eq!(ask("invented", 1).await, unhandled("invented", 1));
    assert_eq!(ask("tally", 2).await, unhandled("tally", 2));
    let damaged = ask("tally", 1).await;
    let AskError::Refused(Refused::Because { code, reason }) = damaged else {
        panic!("{damaged}");
    };
    assert_eq!(code, code::NOT_SERVED);
    assert!(reason.contains("the request to tally can't be read"), "{reason}");
}
