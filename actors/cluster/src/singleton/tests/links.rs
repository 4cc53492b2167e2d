//! The same over peer links.

use std::sync::Arc;

use weir_domain::ClusterName;
use weir_remote::Network;

use super::super::{Fate, Peers};
use super::SECOND;
use super::world::{Net, Request, Time, World, wait_until};

#[tokio::test(start_paused = true)]
async fn a_singleton_is_asked_and_handed_over_over_peer_links() {
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
    let world = World { store, net: Net::default(), nodes };
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
