//! Streams from their item to their last word, with faults on the way.

mod kept;
mod letters;
mod live;
mod orders;
mod regions;
mod saves;
mod shapes;
mod sniffing;
mod waiting;
mod world;

use std::time::Duration;

use weir_domain::plan::OnError;
use weir_domain::{
    AssetName, Fault, FaultKind, InstanceId, ItemStatus, StreamState, WorkflowState,
};
use weir_persistence_api::MemoryStore;

use crate::{Happened, resume};
use weir_runtime::SystemClock;
use weir_secrets::{Opened, Secret};
use world::{Engine, StopOutcome, World, plan, spec, wait_until};

/// A plan for the tests of other rooms.
pub(crate) fn world_plan() -> weir_domain::plan::Plan {
    plan(OnError::DeadLetter)
}

fn store() -> MemoryStore {
    MemoryStore::new(std::sync::Arc::new(SystemClock))
}

/// Runs the plan over one item until its stream is closed; returns the engine.
async fn run_one(world: &World, on_error: OnError) -> Engine {
    let engine = Engine::start(world, &store()).await;
    let workflow = engine.run(plan(on_error)).await;
    wait_until("the stream is closed", || engine.last().iter().any(|it| it.state.is_closed()))
        .await;
    assert_eq!(workflow.stop(Duration::from_secs(10)).await, StopOutcome::Drained);
    assert_eq!(workflow.view().state, WorkflowState::Stopped);
    engine
}

#[tokio::test]
async fn an_item_is_routed_and_committed_as_a_whole() {
    let world = World::default();
    world.item("a", 1..=7);
    let engine = run_one(&world, OnError::Rollback).await;
    assert_eq!(world.published("even"), [2, 4, 6]);
    assert_eq!(world.published("odd"), [1, 3, 5, 7]);
    let stream = engine.last().remove(0);
    assert_eq!(stream.state, StreamState::Committed);
    let counts = stream.counts;
    assert_eq!((counts.records_in, counts.records_out, counts.bytes_in), (7, 7, 7));
    assert_eq!(stream.published.len(), 2);
    assert_eq!(engine.statuses().await, [("a".into(), ItemStatus::Done)]);
    assert_eq!(world.with(|it| it.settled.clone()), [("a".into(), "Committed".into())]);
    assert!(world.with(|it| it.staged.is_empty()));
}

#[tokio::test]
async fn bad_records_go_to_the_dead_letters_with_their_positions() {
    let world = World::default();
    world.item("a", [1, -5, 100, 3, 200]);
    let engine = run_one(&world, OnError::DeadLetter).await;
    assert_eq!(world.published("odd"), [1, 3]);
    assert_eq!(world.published("dead-letters"), [2, 3, 5]);
    let stream = engine.last().remove(0);
    assert_eq!(stream.state, StreamState::CommittedWithWarnings);
    assert_eq!((stream.counts.dead_letters, stream.counts.records_in), (3, 5));
}

#[tokio::test]
async fn a_bad_record_is_counted_where_it_is_ignored() {
    let world = World::default();
    world.item("a", [1, -5, 100]);
    let engine = run_one(&world, OnError::Ignore).await;
    assert_eq!((world.published("odd"), world.published("dead-letters")), (vec![1], vec![]));
    assert_eq!(engine.last()[0].counts.ignored, 2);
}

#[tokio::test]
async fn a_bad_record_rolls_everything_back_where_it_must_not_be() {
    let world = World::default();
    world.item("a", [1, 2, 3, 4, 100, 6]);
    let engine = run_one(&world, OnError::Rollback).await;
    assert_eq!((world.published("odd"), world.published("even")), (vec![], vec![]));
    let stream = engine.last().remove(0);
    assert_eq!((stream.state, stream.attempts), (StreamState::RolledBack, 1));
    let fault = stream.fault.expect("it says why");
    assert!(fault.message.contains("stage check, record 5"), "{fault}");
    assert_eq!(engine.statuses().await, [("a".into(), ItemStatus::Failed)]);
    assert_eq!(world.with(|it| it.settled.clone()), [("a".into(), "Failed".into())]);
    assert!(world.with(|it| it.staged.is_empty()));
}

#[tokio::test]
async fn a_transient_fault_is_retried_and_nothing_is_doubled() {
    for place in ["open", "read", "write", "prepare", "verify"] {
        let world = World::default();
        world.item("a", 1..=7);
        world.fault(place, Fault::transient(1, "the disk is full"));
        let engine = run_one(&world, OnError::Rollback).await;
        assert_eq!(world.published("even"), [2, 4, 6], "{place}");
        assert_eq!(world.published("odd"), [1, 3, 5, 7], "{place}");
        let stream = engine.last().remove(0);
        assert_eq!((stream.state, stream.attempts), (StreamState::Committed, 2), "{place}");
        assert!(world.with(|it| it.staged.is_empty()), "{place}");
    }
}

#[tokio::test]
async fn after_its_last_retry_a_stream_is_rolled_back() {
    let world = World::default();
    world.item("a", 1..=7);
    (0..4).for_each(|_| world.fault("read", Fault::transient(1, "the disk is full")));
    let engine = run_one(&world, OnError::Rollback).await;
    let stream = engine.last().remove(0);
    assert_eq!((stream.state, stream.attempts), (StreamState::RolledBack, 4));
    assert_eq!(world.with(|it| it.settled.clone()), [("a".into(), "Failed".into())]);
}

#[tokio::test]
async fn what_was_decided_is_published_however_often_publishing_fails() {
    let world = World::default();
    world.item("a", 1..=4);
    (0..3).for_each(|_| world.fault("publish", Fault::transient(1, "the mount is away")));
    world.fault("settle", Fault::transient(1, "the mount is away"));
    let engine = run_one(&world, OnError::Rollback).await;
    assert_eq!((world.published("even"), world.published("odd")), (vec![2, 4], vec![1, 3]));
    assert_eq!(engine.last()[0].attempts, 1);
}

#[tokio::test]
async fn what_publishing_says_of_the_world_shows_no_secret() {
    let (world, name) = (World::default(), AssetName::new("PW").unwrap());
    world.item("a", 1..=4);
    world.fault("publish", Fault::transient(1, "ada:hunter2 is refused"));
    world.fault("settle", Fault::transient(1, "hunter2, again"));
    let engine = Engine::start(&world, &store()).await;
    let secrets: Opened = [(name, Secret::from("hunter2".to_owned()))].into_iter().collect();
    let workflow = engine.run_with(plan(OnError::Rollback), secrets);
    wait_until("it is published", || engine.last().iter().any(|it| it.state.is_closed())).await;
    workflow.stop(Duration::from_secs(10)).await;
    let lines = engine.lines.lock().unwrap().join("\n");
    for said in ["ada:*** is refused", "***, again"] {
        assert!(lines.contains(said), "{said}: {lines}");
    }
    assert!(!lines.contains("hunter2"), "{lines}");
}

#[tokio::test]
async fn an_offer_is_taken_back_at_the_end_and_when_nothing_can_be_listed() {
    let offers = |world: &World| world.with(|it| it.offers.clone());
    let (ends, fails) = (World::default(), World::default());
    for world in [&ends, &fails] {
        ["a", "b"].iter().for_each(|it| world.item(it, 1..=4));
        world.with(|it| it.hold_writes = true);
        let engine = Engine::start(world, &store()).await;
        let workflow = engine.run(plan(OnError::Rollback)).await;
        wait_until("a sink writes", || world.with(|it| it.writes > 0)).await;
        let let_go = || world.with(|it| it.hold_writes = false);
        if std::ptr::eq(world, &fails) {
            (0..10_000).for_each(|_| world.fault("list", Fault::transient(1, "it hangs")));
            let_go();
            wait_until("it is taken back", || offers(world) == [2, 1, 0]).await;
            workflow.stop(Duration::from_secs(10)).await;
            assert_eq!(offers(world), [2, 1, 0], "once");
        } else {
            workflow.running.drain(InstanceId(1));
            let_go();
            wait_until("it ends", || workflow.view().instances == 0).await;
            assert_eq!(offers(world), [2, 0]);
        }
    }
}

#[tokio::test]
async fn a_source_that_gives_no_answer_is_out_of_reach_and_not_asked_twice() {
    let world = World::default();
    world.with(|it| it.hold_reach = true);
    let engine = Engine::start(&world, &store()).await;
    let spec = spec(plan(OnError::Rollback), Opened::default());
    let asked = || spec.check_access(&engine.services, Duration::from_millis(20));
    let threads = || engine.services.system.tasks().running().len();
    for _ in 0..3 {
        let fault = asked().await.expect_err("it says nothing");
        assert_eq!(fault.kind, FaultKind::Transient);
        let message = "workflow w, stage read: /mnt/in gives no answer within 20ms";
        assert_eq!((fault.message.as_str(), threads()), (message, 1));
    }
    world.with(|it| it.hold_reach = false);
    wait_until("it answers", || threads() == 0).await;
    world.fault("reach", Fault::transient(1, "it is not there"));
    let asked = || spec.check_access(&engine.services, Duration::from_secs(30));
    assert_eq!(asked().await.unwrap_err().message, "workflow w, stage read: it is not there");
    assert_eq!(asked().await, Ok(()));
    world.fault("reach sink", Fault::transient(1, "the disk is full"));
    assert_eq!(asked().await.unwrap_err().message, "workflow w, stage even: the disk is full");
}

#[tokio::test]
async fn a_panic_in_an_operator_ends_the_attempt_and_nothing_else() {
    let world = World::default();
    world.item("a", 1..=4);
    world.fault("panic", Fault::transient(1, "on order"));
    let engine = run_one(&world, OnError::Rollback).await;
    assert_eq!((world.published("even"), world.published("odd")), (vec![2, 4], vec![1, 3]));
    assert_eq!(engine.last()[0].attempts, 2);
}

#[tokio::test]
async fn an_empty_item_is_committed_and_publishes_nothing() {
    let world = World::default();
    world.item("a", []);
    let engine = run_one(&world, OnError::Rollback).await;
    assert_eq!(engine.last()[0].state, StreamState::Committed);
    assert!(world.with(|it| it.published.is_empty()));
}

#[tokio::test]
async fn a_crash_before_the_decision_leaves_nothing_and_the_item_is_processed_again() {
    let (world, store) = (World::default(), store());
    world.item("a", 1..=7);
    world.with(|it| it.hold_writes = true);
    let first = Engine::start(&world, &store).await;
    let workflow = first.run(plan(OnError::Rollback)).await;
    wait_until("a sink writes", || world.with(|it| it.writes > 0)).await;
    // The engine is gone: its writers never come to their end, its claim is never settled.
    let staged = world.with(|it| it.staged.clone());
    assert!(!staged.is_empty());

    let second = Engine::start(&world, &store).await;
    let resumed = resume(&second.services).await.expect("it answers");
    assert_eq!((resumed.undone, resumed.published), (1, 0));
    assert!(world.with(|it| it.staged.is_empty()));
    assert_eq!(second.last()[0].state, StreamState::RolledBack);
    assert_eq!(second.statuses().await, [("a".into(), ItemStatus::Released)]);
    world.with(|it| it.hold_writes = false);
    let _ = workflow.stop(Duration::ZERO).await;
}

#[tokio::test]
async fn a_crash_after_the_decision_is_finished_by_the_next_start() {
    let (world, store) = (World::default(), store());
    world.item("a", 1..=7);
    (0..1_000).for_each(|_| world.fault("settle", Fault::transient(1, "the mount is away")));
    let first = Engine::start(&world, &store).await;
    let workflow = first.run(plan(OnError::Rollback)).await;
    wait_until("it is published", || !world.published("odd").is_empty()).await;
    assert_eq!(workflow.stop(Duration::ZERO).await, StopOutcome::Aborted);
    assert_eq!(first.statuses().await, [("a".into(), ItemStatus::Committing)]);

    world.with(|it| it.faults.clear());
    let second = Engine::start(&world, &store).await;
    let resumed = resume(&second.services).await.expect("it answers");
    assert_eq!((resumed.undone, resumed.published), (0, 1));
    assert_eq!(
        (world.published("even"), world.published("odd")),
        (vec![2, 4, 6], vec![1, 3, 5, 7])
    );
    assert_eq!(second.statuses().await, [("a".into(), ItemStatus::Done)]);
    assert_eq!(second.last()[0].state, StreamState::Committed);
}

#[tokio::test]
async fn a_stream_that_is_not_done_within_the_grace_period_is_given_back() {
    let (world, store) = (World::default(), store());
    world.item("a", 1..=7);
    world.with(|it| it.hold_writes = true);
    let engine = Engine::start(&world, &store).await;
    let workflow = engine.run(plan(OnError::Rollback)).await;
    wait_until("a sink writes", || world.with(|it| it.writes > 0)).await;
    let let_go = async {
        wait_until("it is told to stop", || workflow.view().state == WorkflowState::Stopping).await;
        tokio::time::sleep(Duration::from_millis(100)).await;
        world.with(|it| it.hold_writes = false);
    };
    let (stopped, ()) = tokio::join!(workflow.stop(Duration::from_millis(50)), let_go);
    assert_eq!(stopped, StopOutcome::Aborted);
    assert_eq!(engine.statuses().await, [("a".into(), ItemStatus::Released)]);
    assert_eq!(engine.last()[0].state, StreamState::RolledBack);
    assert!(world.with(|it| it.published.is_empty() && it.staged.is_empty()));
    assert!(world.with(|it| it.items.contains_key("a")), "the item stays where it is");
}

#[tokio::test]
async fn instances_share_the_items_and_none_is_processed_twice() {
    let world = World::default();
    for n in 0..40 {
        world.item(&format!("item-{n:02}"), [2 * n + 1]);
    }
    let engine = Engine::start(&world, &store()).await;
    let mut plan = plan(OnError::Rollback);
    plan.instances = 4;
    let workflow = engine.run(plan).await;
    wait_until("all are committed", || workflow.view().committed == 40).await;
    let mut published = world.published("odd");
    published.sort_unstable();
    assert_eq!(published, (0..40).map(|n| 2 * n + 1).collect::<Vec<_>>());
    let used: std::collections::BTreeSet<_> = engine.last().iter().map(|it| it.instance).collect();
    assert!(used.len() > 1, "only {used:?} had work");
    workflow.stop(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn an_instance_says_what_it_does_and_others_go_on_when_it_ends() {
    let world = World::default();
    let engine = Engine::start(&world, &store()).await;
    let mut plan = plan(OnError::Rollback);
    plan.instances = 2;
    let workflow = engine.run(plan).await;
    wait_until("both have looked", || workflow.said(1).len() > 1 && workflow.said(2).len() > 1)
        .await;
    assert_eq!(workflow.said(1)[..2], [Happened::Active, Happened::Idle]);
    workflow.running.drain(InstanceId(1));
    wait_until("it has ended", || workflow.said(1).last() == Some(&Happened::Ended(Ok(())))).await;
    world.item("a", 1..=3);
    wait_until("the item is committed", || workflow.view().committed == 1).await;
    wait_until("it says so", || workflow.said(2).contains(&Happened::Worked)).await;
    workflow.stop(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn it_is_seen_which_stage_works_and_which_waits_for_it() {
    let world = World::default();
    world.item("a", (0..600).map(|it| 2 * it % 100));
    world.with(|it| it.hold_writes = true);
    let mut engine = Engine::start(&world, &store()).await;
    engine.services.limits.edge_bytes = 64;
    let workflow = engine.run(plan(OnError::DeadLetter)).await;
    let time = |stage: &str| {
        let times = workflow.view().times;
        times.iter().find(|it| it.0.as_str() == stage).map(|it| *it.1).unwrap_or_default()
    };
    wait_until("the source is held up", || time("read").blocked_ms > 20).await;
    assert!(time("even").busy_ms > 0, "it is in a call that goes on: {:?}", time("even"));
    assert_eq!((time("even").blocked_ms, time("odd").busy_ms), (0, 0));
    world.with(|it| it.hold_writes = false);
    let ended = || workflow.view().committed + workflow.view().committed_with_warnings;
    wait_until("the item is committed", || ended() == 1).await;
    workflow.stop(Duration::from_secs(5)).await;
    let ended = workflow.view().times;
    assert!(ended.values().all(|it| it.open_ms >= it.busy_ms.max(it.blocked_ms)), "{ended:?}");
    assert_eq!(workflow.view().times, ended, "no time passes where no pipeline is");
}

#[tokio::test]
async fn a_terminated_instance_waits_for_nothing_and_its_claim_is_an_orphan() {
    let world = World::default();
    world.item("a", 1..=3);
    world.with(|it| it.hold_writes = true);
    let engine = Engine::start(&world, &store()).await;
    let workflow = engine.run(plan(OnError::Rollback)).await;
    wait_until("a sink writes", || world.with(|it| it.writes > 0)).await;
    workflow.running.terminate(InstanceId(1));
    wait_until("it is said", || matches!(workflow.said(1).last(), Some(Happened::Ended(_)))).await;
    assert_eq!(workflow.view().open_streams, 0);
    let resumed = resume(&engine.services).await.expect("it answers");
    assert_eq!((resumed.undone, resumed.published), (1, 0));
    world.with(|it| it.hold_writes = false);
    workflow.start(1);
    wait_until("the item is committed", || workflow.view().committed == 1).await;
    assert_eq!(world.published("odd"), [1, 3]);
    workflow.stop(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn a_source_that_can_not_list_is_shown_until_it_can() {
    let world = World::default();
    (0..3).for_each(|_| world.fault("list", Fault::transient(7, "the directory is away")));
    let engine = Engine::start(&world, &store()).await;
    let workflow = engine.run(plan(OnError::Rollback)).await;
    wait_until("the fault is shown", || workflow.view().fault.is_some()).await;
    world.item("a", 1..=3);
    wait_until("the item is committed", || workflow.view().committed == 1).await;
    assert_eq!(workflow.view().fault, None);
    workflow.stop(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn a_stream_of_an_engine_that_lives_is_left_alone_and_one_that_is_gone_loses_it_for_good() {
    let (world, store) = (World::default(), store());
    world.item("a", 1..=7);
    world.with(|it| it.hold_writes = true);
    let first = Engine::start(&world, &store).await;
    world.with(|it| it.alive.push(first.services.system.owner().to_owned()));
    let workflow = first.run(plan(OnError::Rollback)).await;
    wait_until("a sink writes", || world.with(|it| it.writes > 0)).await;

    let second = Engine::start(&world, &store).await;
    assert_eq!(resume(&second.services).await, Ok(crate::Resumed::default()));
    let unfinished = second.services.access.unfinished().await.expect("it answers");
    world.with(|it| it.alive.clear());
    let resumed = resume(&second.services).await.expect("it answers");
    assert_eq!((resumed.undone, resumed.published), (1, 0));

    // It was not gone after all, and wakes up.
    let lost = second.services.access.commit(unfinished[0].claim.id, bytes::Bytes::new()).await;
    assert_eq!(lost, Err(crate::AccessError::ClaimLost));
    world.with(|it| it.hold_writes = false);
    let _ = workflow.stop(Duration::ZERO).await;
}

#[tokio::test]
async fn a_claim_whose_instance_failed_is_an_orphan_and_given_back() {
    let world = World::default();
    world.item("a", 1..=3);
    world.fault("panic in open", Fault::transient(1, "on order"));
    let engine = Engine::start(&world, &store()).await;
    let workflow = engine.run(plan(OnError::Rollback)).await;
    wait_until("the instance failed", || workflow.view().state == WorkflowState::Restarting).await;
    assert_eq!(workflow.view().open_streams, 0);
    let resumed = resume(&engine.services).await.expect("it answers");
    assert_eq!((resumed.undone, resumed.published), (1, 0));
    workflow.start(1);
    wait_until("the item is committed", || workflow.view().committed == 1).await;
    assert_eq!(world.published("odd"), [1, 3]);
    workflow.stop(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn a_stream_that_is_worked_on_is_no_orphan() {
    let world = World::default();
    world.item("a", 1..=3);
    world.with(|it| it.hold_writes = true);
    let engine = Engine::start(&world, &store()).await;
    let workflow = engine.run(plan(OnError::Rollback)).await;
    wait_until("a sink writes", || world.with(|it| it.writes > 0)).await;
    assert_eq!(resume(&engine.services).await, Ok(crate::Resumed::default()));
    world.with(|it| it.hold_writes = false);
    wait_until("the item is committed", || workflow.view().committed == 1).await;
    workflow.stop(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn a_stream_is_open_until_everything_is_in_its_place() {
    let world = World::default();
    world.item("a", 1..=3);
    (0..5).for_each(|_| world.fault("settle", Fault::transient(1, "the mount is away")));
    let engine = run_one(&world, OnError::Rollback).await;
    let streams = engine.streams.lock().unwrap();
    let states: Vec<_> = streams.values().next().unwrap().iter().map(|it| it.state).collect();
    let (last, before) = states.split_last().unwrap();
    assert_eq!(*last, StreamState::Committed);
    assert!(before.iter().all(|it| *it == StreamState::Open), "{states:?}");
}

#[tokio::test]
async fn streams_wait_for_threads_and_never_for_each_other() {
    let world = World::default();
    (0..12).for_each(|n| world.item(&format!("item-{n:02}"), [2 * n + 1]));
    let mut engine = Engine::start(&world, &store()).await;
    engine.services.threads = std::sync::Arc::new(tokio::sync::Semaphore::new(5));
    let mut plan = plan(OnError::Rollback);
    plan.instances = 6;
    let workflow = engine.run(plan).await;
    wait_until("all are committed", || workflow.view().committed == 12).await;
    workflow.stop(Duration::from_secs(5)).await;
}
