//! Nodes lose each other, or the store.

use weir_domain::NodeStatus::{Removed, Up};

use super::*;
use crate::ClusterEvent;

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn the_majority_goes_on_and_the_minority_stops_at_once() {
    let world = World::new();
    let mut nodes = world.start_up(3).await;
    world.cut(&[&nodes[0]], &[&nodes[1], &nodes[2]]);
    world.within(15 * SECOND, "the minority stops", || nodes[0].is_stopping()).await;
    let sees_two = |it: &Running| it.sees_up(2) && it.status_of(&nodes[0]) == Some(Removed);
    world.within(5 * SECOND, "it is removed", || nodes[1..].iter().all(sees_two)).await;
    assert!(nodes[1..].iter().all(|it| !it.is_stopping()));
    assert!(nodes.remove(0).reason().await.is_downed());
    world.network.heal();
    world.pass(10 * SECOND).await;
    assert!(nodes.iter().all(|it| it.sees_up(2)));
}

#[tokio::test(start_paused = true)]
async fn of_two_exactly_one_goes_on() {
    let world = World::new();
    let nodes = world.start_up(2).await;
    world.cut(&[&nodes[0]], &[&nodes[1]]);
    let stopping = || nodes.iter().filter(|it| it.is_stopping()).count();
    world.within(15 * SECOND, "one stops", || stopping() == 1).await;
    world.pass(20 * SECOND).await;
    assert_eq!(stopping(), 1);
    let survivor = nodes.iter().find(|it| !it.is_stopping()).unwrap();
    assert!(survivor.sees_up(1));
}

#[tokio::test(start_paused = true)]
async fn one_broken_link_costs_one_node() {
    let world = World::new();
    let nodes = world.start_up(3).await;
    world.cut(&[&nodes[0]], &[&nodes[1]]);
    world.within(20 * SECOND, "the younger of the two stops", || nodes[1].is_stopping()).await;
    world.pass(20 * SECOND).await;
    assert!([0, 2].iter().all(|&n: &usize| !nodes[n].is_stopping() && nodes[n].sees_up(2)));
}

#[tokio::test(start_paused = true)]
async fn a_short_cut_changes_nothing() {
    let world = World::new();
    let nodes = world.start_up(3).await;
    let members = nodes[1].view().members.clone();
    world.cut(&[&nodes[0]], &[&nodes[1], &nodes[2]]);
    let uid = nodes[0].uid();
    world.until("it is missed", || nodes[1].view().reach.is_in_doubt(uid)).await;
    world.network.heal();
    world.until("it is back", || nodes.iter().all(|it| it.sees_up(3))).await;
    world.pass(20 * SECOND).await;
    assert!(nodes.iter().all(|it| it.sees_up(3) && it.view().members == members));
}

#[tokio::test(start_paused = true)]
async fn without_the_store_nothing_changes_and_nobody_stops() {
    let world = World::new();
    let nodes = world.start_up(2).await;
    world.store.faults().unavailable();
    world.until("it is known", || nodes.iter().all(|it| it.view().store_trouble.is_some())).await;
    world.pass(60 * SECOND).await;
    assert!(nodes.iter().all(|it| !it.is_stopping() && it.sees_up(2)));
    let told = nodes[0].cluster.leave(&nodes[1].system.incarnation()).await;
    assert!(matches!(told, Err(crate::OrderError::StoreLost(_))), "{told:?}");
    world.store.faults().heal();
    world
        .within(3 * SECOND, "it is back", || {
            nodes.iter().all(|it| it.view().store_trouble.is_none())
        })
        .await;
    assert_eq!(nodes[0].status_of(&nodes[1]), Some(Up));
}

#[tokio::test(start_paused = true)]
async fn an_order_waits_a_moment_for_a_store_that_comes_back() {
    let world = World::new();
    let nodes = world.start_up(2).await;
    world.store.faults().unavailable();
    world.until("it is known", || nodes[0].view().store_trouble.is_some()).await;
    world.store.faults().heal();
    assert!(nodes[0].view().store_trouble.is_some(), "nobody has looked since");
    let told = nodes[0].cluster.leave(&nodes[1].system.incarnation()).await;
    assert!(told.is_ok(), "{told:?}");
}

#[tokio::test(start_paused = true)]
async fn a_store_that_can_be_read_and_not_written_is_one_trouble_until_it_is_cured() {
    let world = World::new();
    let nodes = world.start_up(2).await;
    let mut events = nodes[0].cluster.events();
    world.store.faults().lost(u32::MAX);
    world.until("it is known", || nodes[0].view().store_trouble.is_some()).await;
    world.pass(60 * SECOND).await;
    world.store.faults().heal();
    world.within(5 * SECOND, "it is back", || nodes[0].view().store_trouble.is_none()).await;
    let mut told = Vec::new();
    while let Ok(event) = events.try_recv() {
        match event {
            ClusterEvent::StoreLost { .. } => told.push("lost"),
            ClusterEvent::StoreBack => told.push("back"),
            _ => {}
        }
    }
    assert_eq!(told, ["lost", "back"]);
}
