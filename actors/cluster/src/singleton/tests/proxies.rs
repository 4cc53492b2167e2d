use std::time::Duration;

use weir_runtime::Stopwatch;

use super::super::{Fate, ProxyError, Why};
use super::SECOND;
use super::world::{Request, idle_world, world};

#[tokio::test(start_paused = true)]
async fn without_an_owner_a_request_waits_ten_seconds_and_is_told_why() {
    let world = idle_world(1);
    let begun = Stopwatch::start();
    let refused = world.nodes[0].add(1).await.unwrap_err();
    assert_eq!(begun.elapsed(), 10 * SECOND);
    let text = "tally is not available, waited 10s: no node has its lease yet; nothing was done, try again in 1s";
    assert_eq!(refused.to_string(), text);

    let begun = Stopwatch::start();
    let refused = world.nodes[0].tally.ask(Request::Add(1), SECOND).await.unwrap_err();
    assert!(refused.is_undone() && begun.elapsed() == SECOND, "{refused}");
}

#[tokio::test(start_paused = true)]
async fn a_task_may_ask() {
    let world = world(2).await;
    let (tally, tasks) = (world.nodes[1].tally.clone(), world.nodes[1].system.tasks().clone());
    let asked = tasks.spawn("asker", async move { tally.ask(Request::Add(1), SECOND).await });
    assert_eq!(asked.join().await, Ok(Ok(1)));
    let (singletons, node) = (world.nodes[1].singletons.clone(), world.nodes[0].me().name);
    let lease = world.nodes[1].tally.name().clone();
    let moved =
        tasks.spawn("mover", async move { singletons.move_to(&lease, &node, SECOND).await });
    assert_eq!(moved.join().await, Ok(Ok(())));
}

#[tokio::test(start_paused = true)]
async fn no_more_than_a_thousand_requests_wait() {
    let world = idle_world(1);
    let node = &world.nodes[0];
    let asked = (0..1_100).map(|_| node.tally.ask(Request::Add(1), SECOND));
    let refused: Vec<_> =
        futures::future::join_all(asked).await.into_iter().map(Result::unwrap_err).collect();
    let busy = ProxyError::Busy { singleton: "tally", waiting: 1_000, why: Why::NoOwner };
    assert_eq!(refused.iter().filter(|it| **it == busy).count(), 100);
    assert_eq!(refused[1_099], busy);
    // Those that waited have made room.
    node.singletons.begin();
    assert_eq!(node.add(1).await, Ok(1));
}

#[tokio::test(start_paused = true)]
async fn an_owner_that_can_not_be_reached_is_named() {
    let world = world(2).await;
    world.net.cut(world.nodes[0].system.uid(), true);
    let refused = world.nodes[1].add(1).await.unwrap_err();
    let text = refused.to_string();
    assert!(text.contains("it is on node-1#") && text.contains("there is no link"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn a_request_whose_answer_may_be_lost_is_settled_by_asking_again() {
    let world = world(2).await;
    world.store.faults().slow(SECOND);
    let cut = async {
        // The request has arrived and is being written.
        tokio::time::sleep(Duration::from_millis(100)).await;
        world.net.cut(world.nodes[0].system.uid(), true);
        tokio::time::sleep(3 * SECOND).await;
        world.net.cut(world.nodes[0].system.uid(), false);
    };
    let (asked, ()) = tokio::join!(world.nodes[1].add(1), cut);
    assert_eq!((asked, world.written().await), (Ok(1), 1));
}

#[tokio::test(start_paused = true)]
async fn a_service_that_panics_refuses_one_request_and_lives() {
    let world = world(2).await;
    for node in &world.nodes {
        let refused = node.tally.ask(Request::Bug, SECOND).await.unwrap_err();
        assert!(matches!(refused, ProxyError::Unsettled { .. }), "{refused}");
        assert!(node.add(1).await.is_ok());
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_that_this_node_does_not_understand_is_not_begun() {
    use super::super::peers::{NotServed, Serve};
    use super::super::serving::Receptionist;
    let world = world(1).await;
    let receptionist: &dyn Serve = &Receptionist(world.nodes[0].singletons.shared().clone());
    let refused = receptionist.request("tally", 2, bytes::Bytes::new(), SECOND).await;
    assert_eq!(refused, Err(NotServed::Unknown));
    let refused = receptionist.request("tully", 1, bytes::Bytes::new(), SECOND).await;
    assert_eq!(refused, Err(NotServed::Unknown));
    let refused = receptionist.request("tally", 1, vec![0xC1].into(), SECOND).await;
    assert!(refused.unwrap_err().to_string().contains("can't be read"));
    receptionist.hint(&world.nodes[0].me(), b"garbage");
    assert_eq!(world.nodes[0].add(1).await, Ok(1));
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_gives_up_leaves_nothing_behind() {
    let world = world(2).await;
    world.store.faults().slow(5 * SECOND);
    let timed_out = world.nodes[1].tally.ask(Request::Add(1), SECOND).await.unwrap_err();
    assert!(!timed_out.is_undone(), "{timed_out}");
    world.store.faults().heal();
    world.tell_others(0, Fate::Present);
    assert!(world.nodes[1].add(1).await.is_ok());
}
