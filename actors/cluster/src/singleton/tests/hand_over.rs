use std::collections::BTreeSet;
use std::time::Duration;

use weir_domain::NodeName;
use weir_persistence_api::LeaseName;
use weir_runtime::{Reason, Stopwatch};

use super::super::{Facts, Fate, MoveError, State};
use super::SECOND;
use super::world::{Access, Scheduler, World, idle_world, wait_until, world};

/// Asks from every node, one after the other, until told to stop; every request must succeed.
async fn traffic(world: &World, until: &std::cell::Cell<bool>) -> (u64, Duration) {
    let (mut done, mut slowest) = (0, Duration::ZERO);
    while !until.get() {
        for node in world.nodes.iter().filter(|it| it.state() != State::Stopped) {
            let begun = Stopwatch::start();
            node.add(1).await.expect("no client sees an error");
            done += 1;
            slowest = slowest.max(begun.elapsed());
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    (done, slowest)
}

#[tokio::test(start_paused = true)]
async fn a_node_that_leaves_hands_over_quickly_and_no_request_fails() {
    let world = world(3).await;
    let stop = std::cell::Cell::new(false);
    let leave = async {
        tokio::time::sleep(SECOND).await;
        let system = &world.nodes[0].system;
        system.shutdown().request(Reason::Signal("SIGTERM"));
        let report = system.shutdown().run().await;
        assert_eq!(report.exit_code(), 0, "{report:?}");
        world.tell_others(0, Fate::Removed);
        tokio::time::sleep(SECOND).await;
        stop.set(true);
    };
    let ((done, slowest), ()) = tokio::join!(traffic(&world, &stop), leave);
    assert!(slowest <= Duration::from_millis(200), "{slowest:?}");
    assert_eq!((world.active(), world.epoch().await), (Some(1), 2));
    assert_eq!((world.nodes[1].read().await, world.written().await), (Ok(done), done));
}

#[tokio::test(start_paused = true)]
async fn an_administrator_moves_a_singleton_and_no_request_fails() {
    let world = world(3).await;
    tokio::time::sleep(10 * SECOND).await;
    let stop = std::cell::Cell::new(false);
    let (lease, target) = (LeaseName("tally".into()), NodeName::new("node-3").unwrap());
    let moved = async {
        let moved = world.nodes[1].singletons.move_to(&lease, &target, 30 * SECOND).await;
        assert_eq!(moved, Ok(()));
        wait_until("it runs there", || world.active() == Some(2)).await;
        stop.set(true);
    };
    let ((done, slowest), ()) = tokio::join!(traffic(&world, &stop), moved);
    assert!(slowest <= Duration::from_millis(200), "{slowest:?}");
    assert_eq!(world.nodes[0].read().await, Ok(done));
    let pinned = |node: usize| world.nodes[node].singletons.status().remove(0).pinned;
    wait_until("all know", || (0..3).all(|it| pinned(it).as_ref() == Some(&target))).await;

    tokio::time::sleep(60 * SECOND).await;
    assert_eq!(world.active(), Some(2), "it stays where it was put");
    world.nodes[0].singletons.pin(&lease, None).await.unwrap();
    wait_until("all know", || (0..3).all(|it| pinned(it).is_none())).await;
    tokio::time::sleep(60 * SECOND).await;
    assert_eq!(world.active(), Some(2), "and moves only for a reason");
}

#[tokio::test(start_paused = true)]
async fn a_move_that_can_not_be_is_refused_with_what_can() {
    let world = world(2).await;
    world.tell(0, |it: &mut Facts| {
        it.candidates.truncate(1);
    });
    let singletons = &world.nodes[0].singletons;
    let (lease, node) = (LeaseName("tally".into()), NodeName::new("node-2").unwrap());
    let refused = singletons.move_to(&lease, &node, SECOND).await.unwrap_err();
    assert!(refused.to_string().ends_with("; node-1 can"), "{refused}");
    let unknown = LeaseName("talley".into());
    let refused = singletons.pin(&unknown, None).await.unwrap_err();
    assert_eq!(refused.to_string(), "there is no lease talley; there are tally");
    assert!(matches!(refused, MoveError::UnknownLease { .. }));
}

#[tokio::test(start_paused = true)]
async fn singletons_are_spread_and_move_to_a_node_that_joins_when_all_is_quiet() {
    let world = idle_world(3);
    let third = world.nodes[2].me();
    for (index, node) in world.nodes.iter().enumerate() {
        node.singletons.register(Access);
        node.singletons.register(Scheduler);
        if index < 2 {
            world.tell(index, |it| it.candidates.truncate(2));
            node.singletons.begin();
        }
    }
    let owners = || {
        let owners = world.nodes[0].singletons.owners().borrow().clone();
        owners.values().map(|it| it.node.clone()).collect::<Vec<_>>()
    };
    wait_until("all have an owner", || owners().len() == 3).await;
    assert_eq!(owners().into_iter().collect::<BTreeSet<_>>().len(), 2);

    for node in 0..2 {
        world.tell(node, |it| it.candidates.push(third.clone()));
    }
    world.nodes[2].singletons.begin();
    let begun = Stopwatch::start();
    wait_until("one moved", || owners().contains(&third)).await;
    assert!(begun.elapsed() >= 5 * SECOND, "{:?}", begun.elapsed());
    wait_until("each has one", || owners().into_iter().collect::<BTreeSet<_>>().len() == 3).await;
    let before = owners();
    tokio::time::sleep(600 * SECOND).await;
    assert_eq!(owners(), before, "nothing moves that need not");
}

#[tokio::test(start_paused = true)]
async fn a_node_that_was_downed_stops_at_once() {
    let world = world(2).await;
    let system = &world.nodes[0].system;
    system.shutdown().request(Reason::Downed(weir_domain::Fault::stopped("downed")));
    assert_eq!(system.shutdown().run().await.exit_code(), 255);
    assert_eq!(world.epoch().await, 1, "it does not give back what is not its own to give");
    world.net.cut(system.uid(), true);
    world.tell_others(0, Fate::Removed);
    assert_eq!(world.nodes[1].add(1).await, Ok(1));
}
