use weir_persistence_api::{LeaseStore, PersistenceId};
use weir_runtime::Stopwatch;

use super::super::{Fate, ProxyError, State, Why};
use super::SECOND;
use super::world::{Access, Line, Request, Scheduler, idle_world, wait_until, world};

#[tokio::test(start_paused = true)]
async fn without_the_store_commands_wait_and_it_goes_on_without_recovery() {
    for line in [Line::Away, Line::Silent] {
        let world = world(2).await;
        world.nodes[0].add(1).await.unwrap();
        // A damaged event would stop a recovery.
        world.store.faults().damage_event(&PersistenceId("tally".into()), 1);
        world.nodes.iter().for_each(|it| it.line.set(line));
        world.nodes[0].until("it is suspended", |it| it == State::Suspended { epoch: 1 }).await;
        let back = async {
            tokio::time::sleep(8 * SECOND).await;
            world.nodes.iter().for_each(|it| it.line.set(Line::Good));
        };
        let (one, two, ()) = tokio::join!(world.nodes[0].add(2), world.nodes[1].add(2), back);
        assert_eq!([one.unwrap(), two.unwrap()].iter().max(), Some(&5));
        assert_eq!((world.active(), world.epoch().await), (Some(0), 1), "{line:?}");
        assert_eq!(world.nodes[0].maker.starts(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_short_trouble_with_the_store_is_not_noticed() {
    let world = world(2).await;
    tokio::time::sleep(10 * SECOND).await;
    world.nodes[0].line.set(Line::Silent);
    let back = async {
        tokio::time::sleep(2 * SECOND).await;
        world.nodes[0].line.set(Line::Good);
    };
    let begun = Stopwatch::start();
    let asked = async {
        let mut slowest = begun.elapsed();
        for _ in 0..300 {
            let asked = Stopwatch::start();
            world.nodes[1].add(1).await.unwrap();
            slowest = slowest.max(asked.elapsed());
            tokio::time::sleep(SECOND / 100).await;
        }
        slowest
    };
    let (slowest, ()) = tokio::join!(asked, back);
    assert!(slowest < SECOND, "{slowest:?}");
    assert_eq!(world.epoch().await, 1);
}

#[tokio::test(start_paused = true)]
async fn an_owner_that_is_cut_off_from_the_store_alone_is_replaced_and_can_not_write() {
    let world = world(3).await;
    world.nodes[1].add(1).await.unwrap();
    world.nodes[0].line.set(Line::Silent);
    let old = world.nodes[0].maker.host();
    world.nodes[0].until("it is suspended", |it| matches!(it, State::Suspended { .. })).await;
    wait_until("another one runs", || world.active().is_some()).await;
    assert_eq!((world.active(), world.epoch().await), (Some(1), 2));
    // Its own clients learn of the new owner from that one's announcement.
    assert_eq!(world.nodes[0].add(1).await, Ok(2));
    world.nodes[0].until("it knows", |it| it == State::Standby).await;
    old.resume();
    assert!(old.ask(100, SECOND).await.is_err());
    assert_eq!(world.nodes[2].read().await, Ok(2));
}

#[tokio::test(start_paused = true)]
async fn a_node_that_is_cut_off_from_the_store_alone_is_not_offered_singletons_again_and_again() {
    let world = idle_world(2);
    for node in &world.nodes {
        node.singletons.register(Access);
        node.singletons.register(Scheduler);
        node.singletons.begin();
    }
    let of = |node: usize| {
        let owners = world.nodes[0].singletons.owners().borrow().clone();
        owners.values().filter(|it| it.node == world.nodes[node].me()).count()
    };
    wait_until("all have an owner", || of(0) + of(1) == 3).await;
    tokio::time::sleep(10 * SECOND).await;
    let lost = of(1) as u64;
    let epochs =
        async || world.store.lease_list().await.unwrap().iter().map(|it| it.epoch).sum::<u64>();
    let before = epochs().await;
    world.nodes[1].line.set(Line::Away);
    tokio::time::sleep(60 * SECOND).await;
    assert!(lost > 0 && of(0) == 3);
    assert_eq!(epochs().await, before + lost, "each was taken over once");

    world.nodes[1].line.set(Line::Good);
    wait_until("it has its share again", || of(1) > 0).await;
}

#[tokio::test(start_paused = true)]
async fn whoever_waits_in_vain_for_the_store_is_told_so() {
    let world = world(2).await;
    world.nodes.iter().for_each(|it| it.line.set(Line::Away));
    world.kill(0);
    world.tell_others(0, Fate::Gone);
    let begun = Stopwatch::start();
    let refused = world.nodes[1].tally.ask(Request::Add(1), 60 * SECOND).await.unwrap_err();
    assert_eq!(begun.elapsed(), 10 * SECOND, "the longest wait for an owner");
    let (undone, text) = (refused.is_undone(), refused.to_string());
    assert!(undone && text.contains("tally is not available, waited 10s"), "{text}");
    let ProxyError::Unavailable { why, .. } = refused else { panic!("{text}") };
    assert!(matches!(why, Why::Unreachable { .. }), "{why}");
    assert_eq!(
        world.nodes[1].singletons.health(),
        Err("the store is not available: no route to host".into())
    );
}
