//! Nodes come, go and come back.

use weir_domain::Incarnation;
use weir_domain::NodeStatus::{Removed, Up};

use super::*;
use crate::ClusterEvent;
use crate::OrderError;
use crate::code;
use crate::membership::Order;
use crate::testing::member;

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn nodes_find_each_other_and_agree() {
    let world = World::new();
    let nodes = world.start_up(3).await;
    let leader = Some(nodes[0].uid());
    assert!(nodes.iter().all(|it| it.view().leader == leader));
    world
        .until("they describe themselves", || {
            nodes.iter().all(|it| it.cluster.details().len() == 3)
        })
        .await;
    let processors: Vec<_> =
        nodes[2].cluster.details().into_values().map(|it| it.processors).collect();
    assert_eq!(processors.iter().sum::<u32>(), 6);
    let reasons = nodes[1].cluster.explain(None);
    assert_eq!(reasons[0].code, code::AS_IT_SHOULD);
}

#[tokio::test(start_paused = true)]
async fn a_single_node_on_a_store_of_its_own_is_up_at_once() {
    let world = World::new();
    let system = world.system(1);
    let settings = ClusterSettings::new(cluster(), address(1));
    let store: Arc<dyn MemberStore> = Arc::new(world.store.clone());
    let claim = Claim::take(&system, &settings, &*store).await.unwrap();
    let cluster =
        Cluster::start(&system, settings, claim, store, None, Admission::default()).unwrap();
    tokio::time::timeout(SECOND, cluster.up()).await.unwrap();
    assert!(cluster.view().borrow().is_leader());
}

#[tokio::test(start_paused = true)]
async fn enough_nodes_must_be_there() {
    let world = World::new();
    let min = |it: &mut ClusterSettings| it.members_min = 2;
    let first = world.start_with(1, min).await.unwrap();
    world.pass(20 * SECOND).await;
    let reasons = first.cluster.explain(None);
    assert!(reasons.iter().any(|it| it.code == code::TOO_FEW), "{reasons:?}");
    assert!(reasons.iter().any(|it| it.code == code::NOT_LINKED), "{reasons:?}");
    let second = world.start_with(2, min).await.unwrap();
    world.until("both are up", || first.sees_up(2) && second.sees_up(2)).await;
}

#[tokio::test(start_paused = true)]
async fn a_killed_node_is_removed_and_its_restart_is_a_new_member() {
    let world = World::new();
    let nodes = world.start_up(3).await;
    let killed = nodes[0].uid();
    let watched = nodes[1].cluster.clone();
    let death = system_tasks().spawn("watch", async move { watched.watch_node(killed).await });
    world.network.kill(killed);
    world.within(SECOND, "it is known to be gone", || nodes[1].view().has_ended(killed)).await;
    world.within(SECOND, "its death is told", || death.is_finished()).await;
    let is_removed = || nodes[1..].iter().all(|it| it.status_of(&nodes[0]) == Some(Removed));
    world.within(10 * SECOND, "it is removed", is_removed).await;

    let again = world.start(1).await;
    world.within(5 * SECOND, "it is up again", || again.sees_up(3) && nodes[1].sees_up(3)).await;
    assert_eq!(again.view().leader, Some(again.uid()));
}

#[tokio::test(start_paused = true)]
async fn a_restart_that_nobody_saw_replaces_the_old_incarnation() {
    let world = World::new();
    let mut nodes = world.start_up(2).await;
    // All processes end at once, as after a loss of power.
    nodes.drain(..).for_each(|it| world.network.kill(it.uid()));
    let [first, second] = [world.start(1).await, world.start(2).await];
    world.within(5 * SECOND, "both are up", || first.sees_up(2) && second.sees_up(2)).await;
}

#[tokio::test(start_paused = true)]
async fn a_node_leaves_in_order_and_its_peers_see_it_off() {
    let world = World::new();
    let mut nodes = world.start_up(3).await;
    let mut events = nodes[1].cluster.events();
    let leaving = nodes.remove(0);
    let (node, uid) = (leaving.system.incarnation(), leaving.uid());
    leaving.system.shutdown().request(Reason::Signal("SIGTERM"));
    world.within(2 * SECOND, "it ends", || leaving.report.is_finished()).await;
    let report = leaving.report.join().await.unwrap();
    assert!(report.is_clean(), "{report:?}");
    let is_removed = |it: &Running| it.view().member(uid).is_some_and(|it| it.status == Removed);
    world.within(SECOND, "all know", || nodes.iter().all(is_removed)).await;
    let mut seen = Vec::new();
    while let Ok(event) = events.try_recv() {
        seen.push(event);
    }
    let steps = [
        ClusterEvent::MemberLeaving { node: node.clone(), reason: "it asked to leave".into() },
        ClusterEvent::MemberExited { node: node.clone() },
        ClusterEvent::MemberRemoved { node, reason: "left".into() },
    ];
    let seen: Vec<_> = seen.into_iter().filter(|it| steps.contains(it)).collect();
    assert_eq!(seen, steps);
}

#[tokio::test(start_paused = true)]
async fn the_last_node_leaves_too() {
    let world = World::new();
    let mut nodes = world.start_up(1).await;
    let last = nodes.remove(0);
    last.system.shutdown().request(Reason::Signal("SIGTERM"));
    world.within(5 * SECOND, "it ends", || last.report.is_finished()).await;
    assert!(last.report.join().await.unwrap().is_clean());
    let members = world.store.member_list().await.unwrap().members;
    assert!(members.iter().all(|it| it.status == Removed), "{members:?}");
}

#[tokio::test(start_paused = true)]
async fn an_administrator_tells_another_node_to_leave() {
    let world = World::new();
    let mut nodes = world.start_up(2).await;
    let told = nodes.remove(1);
    let (cluster, node) = (nodes[0].cluster.clone(), told.system.incarnation());
    let asked = system_tasks().spawn("ask", async move { cluster.leave(&node).await });
    world.within(5 * SECOND, "it ends", || told.report.is_finished()).await;
    assert!(asked.join().await.unwrap().is_ok());
    let reason = told.reason().await;
    assert_eq!(reason, Reason::Requested("an administrator asked".into()));
}

#[tokio::test(start_paused = true)]
async fn one_that_works_is_not_taken_out_and_one_that_is_unknown_is_named() {
    let world = World::new();
    let nodes = world.start_up(2).await;
    let two = nodes[1].system.incarnation();
    let down = nodes[0].cluster.down(&two).await;
    assert_eq!(down, Err(OrderError::StillReachable { node: two.name.clone() }));
    // Another life of the same name is not meant.
    let nobody = Incarnation { uid: member(9, Up).node.uid, ..two.clone() };
    let left = nodes[0].cluster.leave(&nobody).await;
    assert_eq!(left, Err(OrderError::Unknown(nobody.name)));
    assert_eq!(nodes[0].status_of(&nodes[1]), Some(Up));
}

#[tokio::test(start_paused = true)]
async fn one_that_is_taken_out_stops_and_the_others_go_on() {
    let world = World::new();
    let nodes = world.start_up(2).await;
    let (cluster, view) = (nodes[0].cluster.clone(), nodes[0].view());
    let two = view.member(nodes[1].uid()).unwrap().clone();
    let down = async move { cluster.order(&two, Order::Down).await };
    let down = system_tasks().spawn("down", down);
    world.within(2 * SECOND, "it stops", || nodes[1].is_stopping()).await;
    assert!(down.join().await.unwrap().is_ok());
    assert_eq!(nodes[0].status_of(&nodes[0]), Some(Up));
}

#[tokio::test(start_paused = true)]
async fn the_version_of_the_list_grows_while_nothing_changes() {
    let world = World::new();
    let nodes = world.start_up(2).await;
    world.pass(5 * SECOND).await;
    let before = nodes[1].view();
    world.pass(10 * SECOND).await;
    let after = nodes[1].view();
    let beats = after.version - before.version;
    assert!((3..=6).contains(&beats), "{beats}: everybody learns that the store is no older");
    assert_eq!(after.members, before.members);
    assert!(after.since.elapsed() > 10 * SECOND, "that is no change");
}
