use std::collections::BTreeSet;

use weir_persistence_api::{Append, Fence, Journal as _, LeaseName, NewEvent, StoredEvent};
use weir_runtime::Stopwatch;

use super::super::{Fate, Owner, SingletonEvent, State};
use super::SECOND;
use super::world::{Line, Request, Tally, World, wait_until, world};

#[tokio::test(start_paused = true)]
async fn one_node_has_the_lease_renews_it_and_everybody_is_answered() {
    let world = world(3).await;
    assert_eq!(world.active(), Some(0), "the oldest of those with the same load");
    for (node, total) in world.nodes.iter().zip([1, 2, 3]) {
        assert_eq!(node.add(1).await, Ok(total));
    }
    tokio::time::sleep(3_600 * SECOND).await;
    assert_eq!(world.epoch().await, 1, "nothing moved");
    let owner = Owner { node: world.nodes[0].me(), epoch: 1 };
    for node in &world.nodes {
        assert_eq!(node.singletons.owners().borrow()[node.tally.name()], owner);
        assert_eq!(node.read().await, Ok(3));
    }
    let status = world.nodes[2].singletons.status().remove(0);
    assert_eq!((status.owner, status.epoch), (Some(owner.node), 1));
    assert_eq!(status.here, Some(State::Standby));
    assert!(status.left > 2 * SECOND && status.since.is_some());
}

#[tokio::test(start_paused = true)]
async fn when_its_node_is_proven_gone_another_one_takes_over_at_once() {
    let world = world(3).await;
    world.nodes[1].add(5).await.unwrap();
    let mut events = world.nodes[2].singletons.events();
    world.kill(0);
    let begun = Stopwatch::start();
    world.tell_others(0, Fate::Gone);
    assert_eq!(world.nodes[2].add(1).await, Ok(6));
    assert!(begun.elapsed() < SECOND, "{:?}", begun.elapsed());
    assert_eq!((world.active(), world.epoch().await), (Some(1), 2));
    let moved = SingletonEvent::Moved {
        lease: world.nodes[0].tally.name().clone(),
        from: Some(world.nodes[0].me()),
        to: Some(world.nodes[1].me()),
        epoch: 2,
    };
    assert_eq!(events.recv().await.unwrap(), moved);
}

#[tokio::test(start_paused = true)]
async fn a_silent_node_is_waited_for_by_a_side_that_would_not_survive() {
    let world = world(3).await;
    world.kill(0);
    for node in 1..3 {
        world.tell(node, |it| it.survives = false);
    }
    let begun = Stopwatch::start();
    world.tell_others(0, Fate::Unreachable);
    assert_eq!(world.nodes[1].add(1).await, Ok(1));
    let took = begun.elapsed();
    assert!(took > 3 * SECOND && took < 8 * SECOND, "the lease expired first: {took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_silent_node_is_not_waited_for_by_a_side_that_would_survive() {
    let world = world(3).await;
    world.kill(0);
    let begun = Stopwatch::start();
    world.tell_others(0, Fate::Unreachable);
    assert_eq!(world.nodes[1].add(1).await, Ok(1));
    assert!(begun.elapsed() < SECOND, "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_thousand_requests_wait_for_a_fail_over_and_each_is_done_once() {
    let world = world(3).await;
    world.nodes[1].add(1).await.unwrap();
    world.kill(0);
    let asked = (0..1_000).map(|n| world.nodes[1 + n % 2].add(1));
    let detected = async {
        tokio::time::sleep(3 * SECOND).await;
        world.tell_others(0, Fate::Gone);
    };
    let (asked, ()) = tokio::join!(futures::future::join_all(asked), detected);
    let totals: BTreeSet<_> = asked.into_iter().map(Result::unwrap).collect();
    assert_eq!(totals.len(), 1_000, "each was answered with its own total");
    assert_eq!((world.nodes[2].read().await, world.written().await), (Ok(1_001), 1_001));
}

#[tokio::test(start_paused = true)]
async fn a_paused_owner_can_do_nothing_after_another_one_took_over() {
    let world = world(2).await;
    world.nodes[0].add(1).await.unwrap();
    let old = world.nodes[0].maker.host();
    // It does not run, so that nothing of it notices; what it has is still there.
    world.net.cut(world.nodes[0].system.uid(), true);
    world.nodes[0].line.set(Line::Silent);
    world.tell_others(0, Fate::Removed);
    assert_eq!(world.nodes[1].add(10).await, Ok(11));

    // It wakes up in the middle of what it was doing, and knows nothing yet.
    old.resume();
    let refused = old.ask(100, SECOND).await.unwrap_err();
    assert!(refused.to_string().contains("no longer held"), "{refused}");
    let refused = world.nodes[0].tally.ask(Request::Add(1_000), SECOND).await;
    assert!(refused.is_err());
    assert_eq!((world.nodes[1].read().await, world.written().await), (Ok(11), 2));

    // And then it learns that it lost the lease.
    world.nodes[0].line.set(Line::Good);
    world.net.cut(world.nodes[0].system.uid(), false);
    world.nodes[0].until("it gives up", |it| it == State::Standby).await;
    assert_eq!(world.nodes[0].add(1).await, Ok(12));
}

#[tokio::test(start_paused = true)]
async fn a_repetition_after_a_fail_over_is_answered_and_not_done_again() {
    let world = world(2).await;
    let command = world.nodes[1].command();
    let add = |node: usize| world.nodes[node].tally.ask_as(command, Request::Add(7), 60 * SECOND);
    assert_eq!(add(1).await, Ok(7));
    world.kill(0);
    world.tell_others(0, Fate::Gone);
    assert_eq!(add(1).await, Ok(7));
    assert_eq!(world.written().await, 1);
}

#[tokio::test(start_paused = true)]
async fn a_start_that_fails_is_tried_again_and_requests_wait_for_it() {
    let world = world(2).await;
    world.nodes[1].maker.failures.store(3, std::sync::atomic::Ordering::SeqCst);
    world.kill(0);
    world.tell_others(0, Fate::Gone);
    let trouble = || world.nodes[1].singletons.status().remove(0).trouble;
    let asked = world.nodes[1].add(1);
    let seen = wait_until("it is shown", || trouble().as_deref() == Some("no disk"));
    let (asked, ()) = tokio::join!(asked, seen);
    assert_eq!(asked, Ok(1));
    assert_eq!((trouble(), world.nodes[1].maker.starts()), (None, 1));
}

#[tokio::test(start_paused = true)]
async fn an_instance_whose_journal_lost_events_goes_on_once_they_are_back() {
    let world = world(1).await;
    world.nodes[0].add(1).await.unwrap();
    let lost = lose_all(&world, 0).await;
    let refused = world.nodes[0].add(4).await;
    assert!(refused.is_err(), "a new instance does not begin without them: {refused:?}");
    bring_back(&world, 0, lost).await;
    assert_eq!(world.nodes[0].add(4).await, Ok(5));
    assert_eq!((world.epoch().await, world.nodes[0].maker.starts()), (1, 2));
    let state = world.nodes[0].maker.host().query(SECOND, Tally::clone).await.unwrap();
    assert_eq!(state, Tally { total: 5, added: 2 });
}

#[tokio::test(start_paused = true)]
async fn what_was_acknowledged_is_not_overwritten_by_a_node_that_knows_nothing_of_it() {
    let world = world(2).await;
    world.nodes[0].add(1).await.unwrap();
    let lost = lose_all(&world, 0).await;
    for node in &world.nodes {
        let refused = node.add(4).await.unwrap_err().to_string();
        assert!(refused.contains("WEIR-06008"), "it says why: {refused}");
    }
    tokio::time::sleep(600 * SECOND).await;
    assert_eq!((world.epoch().await, world.written().await), (1, 0), "it moved nowhere");
    let trouble = world.nodes[0].singletons.status().remove(0).trouble;
    assert!(trouble.is_some_and(|it| it.contains("was acknowledged")));
    bring_back(&world, 0, lost).await;
    assert_eq!(world.nodes[1].add(4).await, Ok(5));
    assert_eq!((world.epoch().await, world.written().await), (1, 2));
    assert_eq!(world.nodes[0].singletons.status().remove(0).trouble, None);
}

#[tokio::test(start_paused = true)]
async fn a_person_accepts_the_loss_by_a_restart_of_the_node_that_knows_of_it() {
    let world = world(2).await;
    world.nodes[0].add(1).await.unwrap();
    lose_all(&world, 0).await;
    let leaves = world.nodes[0].singletons.hand_over_all().await;
    assert_eq!(leaves, Ok(()));
    assert_eq!(world.nodes[1].add(4).await, Ok(4));
    assert_eq!(world.epoch().await, 2);
}

/// As when a replica that is behind took over. The instance has noticed it.
async fn lose_all(world: &World, node: usize) -> Vec<StoredEvent> {
    let host = world.nodes[node].maker.host();
    let lost = world.store.replay(host.id(), 0, 10).await.unwrap();
    world.store.lose_events(host.id(), 0);
    assert!(host.ask(1, SECOND).await.is_err());
    lost
}

/// As when the server that has them is back.
async fn bring_back(world: &World, node: usize, lost: Vec<StoredEvent>) {
    let owner = world.nodes[node].me().to_string();
    let fence = Fence { lease: LeaseName("tally".into()), owner, epoch: 1 };
    let again = |it: StoredEvent| {
        let StoredEvent { manifest, payload, command, .. } = it;
        NewEvent { manifest, payload, tags: Vec::new(), command }
    };
    let events = lost.into_iter().map(again).collect();
    let id = world.nodes[node].maker.host().id().clone();
    world.store.append(Append { id, fence, after: 0, events }).await.unwrap();
}
