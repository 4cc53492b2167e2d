//! What runs for long: sinks that are slow, sinks that can't publish, stages that hang, and sources of
//! which some end.

use std::time::Duration;

use serde_json::json;
use weir_domain::plan::{Edge, Plan};
use weir_domain::{ItemStatus, StreamState, WorkflowState};
use weir_persistence_api::{BlobKey, BlobStore as _};

use super::regions::{SECOND, begun, first, id, numbers, published, runs, stop, two};
use super::world::{Engine, World, wait_until};
use crate::*;

/// How often the run of a job was reported.
fn reports(engine: &Engine, job: &str) -> usize {
    let streams = engine.streams.lock().unwrap();
    streams.values().flatten().filter(|it| it.item == job).count()
}

/// Waits until it was looked at a few times.
async fn looked_at(engine: &Engine, job: &str) {
    let before = reports(engine, job);
    wait_until("it is looked at", || reports(engine, job) > before + 2).await;
}

fn read(engine: &Engine, job: &str) -> u64 {
    runs(engine, job).last().map_or(0, |it| it.counts.records_in)
}

#[tokio::test]
async fn a_slow_sink_holds_up_what_is_read_and_loses_nothing() {
    const CREDIT: usize = 2_000;
    let world = World::default();
    world.item("a", 1..=9_000);
    world.with(|it| it.hold_writes = true);
    let mut engine = begun(&world, 3).await;
    engine.services.limits.edge_bytes = CREDIT;
    let workflow = engine.run(first()).await;
    wait_until("something is read", || read(&engine, "lane-1") > 0).await;
    let mut before = 0;
    // Until the edges are full.
    while read(&engine, "lane-1") > before {
        before = read(&engine, "lane-1");
        looked_at(&engine, "lane-1").await;
    }
    // A record has 8 bytes at least, and each edge one batch more than its credit at most: into the
    // operators, and from them into each sink; a stage has one in its hands.
    let most = 4 * (CREDIT as u64 / 8) + 6 * 3;
    assert!(before <= most, "{before} records are under way, and {most} may be");
    assert_eq!(published(&world, ""), Vec::<i64>::new());
    world.with(|it| it.hold_writes = false);
    wait_until("all is published", || published(&world, "") == numbers(1, 9_000)).await;
    wait_until("all letters are", || world.published("dead-letters").len() == 90).await;
    assert_eq!(runs(&engine, "lane-1").len(), 1);
    stop(&workflow).await;
}

#[tokio::test]
async fn what_can_not_be_published_is_bounded_and_what_is_beside_it_goes_on() {
    const EPOCHS: usize = 3;
    let world = World::default();
    world.with(|it| it.away.push("even-b"));
    let mut engine = begun(&world, 3).await;
    engine.services.limits.backlog = BacklogLimits { epochs: EPOCHS, bytes: u64::MAX };
    let workflow = engine.run(two()).await;
    let is_held = || {
        let fault = workflow.view().fault;
        fault.is_some_and(|it| it.message.contains("nothing more is read until then"))
    };
    let mut there = 0;
    while !is_held() {
        there += 30;
        assert!(there < 3_000, "it is never held");
        world.item("a", 1..=there);
        world.item("b", 1..=there);
        wait_until("it is read, or held", || {
            is_held() || read(&engine, SECOND) == there.unsigned_abs()
        })
        .await;
    }
    let fault = workflow.view().fault.unwrap();
    assert!(fault.message.contains("the broker is away"), "{fault}");
    assert_eq!(fault.hint.as_deref(), Some("start it"));
    let before = read(&engine, SECOND);
    world.item("a", 1..=3_000);
    world.item("b", 1..=3_000);
    wait_until("the other goes on", || published(&world, "") == numbers(1, 3_000)).await;
    looked_at(&engine, SECOND).await;
    assert_eq!(read(&engine, SECOND), before, "nothing more is read");
    let manifests = BlobKey::new(format!("jobs/w/{SECOND}/manifests")).unwrap();
    let blobs = world.with(|it| it.blobs.clone());
    let kept = blobs.blob_list(&manifests).await.unwrap().len();
    // Two may have been under way when it was full.
    assert!((EPOCHS..=EPOCHS + 2).contains(&kept), "{kept} checkpoints wait");
    assert_ne!(workflow.view().state, WorkflowState::Failed);

    world.with(|it| it.away.clear());
    wait_until("all is published", || published(&world, "-b") == numbers(1, 3_000)).await;
    wait_until("nothing is shown", || workflow.view().fault.is_none()).await;
    assert_eq!((runs(&engine, SECOND).len(), runs(&engine, "lane-1").len()), (1, 1));
    stop(&workflow).await;
    assert_eq!(published(&world, "-b"), numbers(1, 3_000));
}

#[tokio::test]
async fn checkpoints_that_can_not_be_taken_are_a_fault_until_one_is() {
    let world = World::default();
    world.item("a", 1..=30);
    world.with(|it| it.hold_writes = true);
    let mut engine = begun(&world, 3).await;
    engine.services.limits.checkpoint_within = Duration::from_millis(300);
    let workflow = engine.run(first()).await;
    wait_until("it is told", || {
        let fault = workflow.view().fault;
        fault.is_some_and(|it| it.code.0 == 3183 && it.message.contains("its deadline passed"))
    })
    .await;
    world.with(|it| it.hold_writes = false);
    wait_until("all is published", || published(&world, "") == numbers(1, 30)).await;
    wait_until("nothing is shown", || workflow.view().fault.is_none()).await;
    stop(&workflow).await;
}

#[tokio::test]
async fn a_stage_that_hangs_is_named_and_its_region_begun_again() {
    let world = World::default();
    world.item("a", 1..=30);
    world.item("b", 1..=30);
    world.with(|it| (it.hold_writes, it.held_sink) = (true, Some("even-b".into())));
    let mut engine = begun(&world, 3).await;
    engine.services.limits.progress_within = Duration::from_secs(4);
    let workflow = engine.run(two()).await;
    wait_until("it is told", || {
        let fault = workflow.view().fault;
        fault.is_some_and(|it| it.message.starts_with("stage even-b is writing since "))
    })
    .await;
    assert!(
        engine.lines.lock().unwrap().iter().any(|it| it.starts_with("stage even-b is writing"))
    );
    wait_until("it is ended", || runs(&engine, SECOND)[0].state == StreamState::RolledBack).await;
    let fault = runs(&engine, SECOND)[0].fault.clone().unwrap();
    assert_eq!(fault.code.0, 3197, "{fault}");
    world.with(|it| it.hold_writes = false);
    wait_until("all is published", || published(&world, "-b") == numbers(1, 30)).await;
    world.item("b", 1..=60);
    wait_until("it goes on", || published(&world, "-b") == numbers(1, 60)).await;
    assert_eq!(runs(&engine, "lane-1").len(), 1);
    stop(&workflow).await;
    assert_eq!(published(&world, "-b"), numbers(1, 60));
    assert!(world.with(|it| it.staged.is_empty()));
}

/// Two sources that flow together.
fn joined() -> Plan {
    let mut plan = first();
    let mut other = plan.stages[0].clone();
    (other.id, other.config) = (id("other"), json!({ "only": "b" }));
    plan.stages.push(other);
    plan.edges.push(Edge { from: id("other"), ..plan.edges[0].clone() });
    plan
}

#[tokio::test]
async fn checkpoints_go_on_after_one_of_the_sources_has_ended() {
    let world = World::default();
    world.item("a", 1..=30);
    world.item("b", 1_001..=1_030);
    world.with(|it| it.ending.push("other"));
    let engine = begun(&world, 3).await;
    let workflow = engine.run(joined()).await;
    let all = |a, b| [numbers(1, a), numbers(1_001, b)].concat();
    wait_until("both are published", || published(&world, "") == all(30, 1_030)).await;
    world.item("a", 1..=60);
    wait_until("the one that goes on is", || published(&world, "") == all(60, 1_030)).await;
    stop(&workflow).await;
    world.item("a", 1..=90);
    let workflow = engine.run(joined()).await;
    wait_until("also in the next run", || published(&world, "") == all(90, 1_030)).await;
    // The tail comes with the end, without new data behind it.
    world.item("a", 1..=99);
    world.with(|it| it.ending.push("read"));
    wait_until("the last ends, too", || published(&world, "") == all(99, 1_030)).await;
    stop(&workflow).await;
    assert_eq!(engine.statuses().await, [("lane-1".into(), ItemStatus::Done)]);
    assert_eq!(published(&world, ""), all(99, 1_030));
}

#[tokio::test]
async fn a_source_that_had_ended_and_has_more_is_read_to_its_new_end() {
    let world = World::default();
    world.item("a", 1..=30);
    world.item("b", 1_001..=1_030);
    world.with(|it| it.ending.push("other"));
    let engine = begun(&world, 3).await;
    let workflow = engine.run(joined()).await;
    let all = |a, b| [numbers(1, a), numbers(1_001, b)].concat();
    wait_until("both are published", || published(&world, "") == all(30, 1_030)).await;
    world.item("a", 1..=40);
    wait_until("it is known to have ended", || published(&world, "") == all(40, 1_030)).await;
    stop(&workflow).await;

    // More for the one that had ended, which is slow with it; and the other one ends meanwhile.
    world.item("b", 1_001..=1_060);
    world.item("a", 1..=50);
    world.with(|it| (it.ending, it.silent) = (vec!["read"], vec!["other"]));
    let workflow = engine.run(joined()).await;
    wait_until("the other has ended", || published(&world, "") == all(50, 1_030)).await;
    looked_at(&engine, "lane-1").await;
    assert!(!runs(&engine, "lane-1").last().unwrap().state.is_closed(), "there is more");
    world.with(|it| (it.ending, it.silent) = (vec!["*"], vec![]));
    wait_until("it is read to its end", || published(&world, "") == all(50, 1_060)).await;
    stop(&workflow).await;
    assert_eq!(engine.statuses().await, [("lane-1".into(), ItemStatus::Done)]);
}
