//! Named savepoints, and orders where the lanes of a workflow begin.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use weir_checkpoint::group::{Begin, Wish};
use weir_domain::plan::{OnError, Plan};
use weir_domain::{Fault, InstanceId, SavepointName, StageId, StreamState, Timestamp};
use weir_persistence_api::BlobStore as _;

use super::store;
use super::world::{Engine, StopOutcome, World, plan, wait_until};
use crate::jobs::{Asked, Jobs, Refused, Renewal, Saved};
use crate::*;

/// read → unique → route → even, odd, in one lane.
fn unique() -> Plan {
    let mut plan = plan(OnError::DeadLetter);
    plan.stages[0].kind = "live".into();
    plan.stages[1].kind = "unique".into();
    plan
}

/// The same, where the stage that remembers has another name.
fn renamed() -> Plan {
    let (mut plan, other) = (unique(), StageId::new("other").unwrap());
    plan.edges[0].to = other.clone();
    plan.edges[1].from = other.clone();
    plan.stages[1].id = other;
    plan
}

fn published(world: &World) -> Vec<i64> {
    let mut all: Vec<i64> = ["even", "odd"].iter().flat_map(|it| world.published(it)).collect();
    all.sort_unstable();
    all
}

fn name(text: &str) -> SavepointName {
    SavepointName::new(text).unwrap()
}

fn jobs(engine: &Engine) -> Jobs {
    let Services { checkpoints, system, .. } = &engine.services;
    let workflow = unique().workflow;
    Jobs::new(Arc::clone(checkpoints), system.tasks().clone(), &workflow).unwrap()
}

fn wish(of: &str, id: &str, lanes: u32) -> Wish {
    let run = |it| (format!("lane-{it}"), String::new());
    Wish {
        name: name(of),
        id: id.to_owned(),
        runs: (1..=lanes).map(run).collect(),
        wanted_at: Timestamp(0),
        by: "somebody".to_owned(),
    }
}

/// Takes a savepoint of all that is open.
async fn take(engine: &Engine, of: &str, lanes: u32) -> Saved {
    let jobs = jobs(engine);
    let wanted = wish(of, of, lanes);
    assert_eq!(jobs.reserve(&wanted).await.unwrap(), wanted);
    let open = engine.last().into_iter().filter(|it| !it.state.is_closed());
    let open: Vec<_> = open.map(|it| it.id).collect();
    assert_eq!(engine.services.streams.save(&name(of), &open).len(), lanes as usize);
    let watch = weir_runtime::Stopwatch::start();
    loop {
        let saved = jobs.savepoint(&name(of)).await.unwrap().unwrap();
        if saved.is_whole() {
            return saved;
        }
        assert!(watch.elapsed() < Duration::from_secs(30), "it is not taken: {saved:?}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn planned(engine: &Engine, asked: Asked, drops: bool, plan: &Plan) -> Renewal {
    let known = Some((plan, &*engine.services.registry));
    jobs(engine).plan(&asked, drops, known).await.unwrap()
}

async fn order(engine: &Engine, asked: Asked, drops: bool, plan: &Plan) {
    let renewal = planned(engine, asked, drops, plan).await;
    assert_eq!(renewal.misfits, Vec::<String>::new());
    let id = format!("order {}", renewal.number);
    let given = jobs(engine).order(&renewal, id, Timestamp(0), "somebody".into()).await;
    assert_eq!(given, Ok(true));
}

async fn stop(workflow: &super::world::Driven) {
    assert_eq!(workflow.stop(Duration::from_secs(20)).await, StopOutcome::Drained);
}

fn range(to: i64) -> Vec<i64> {
    (1..=to).collect()
}

#[tokio::test]
async fn a_savepoint_is_restored_with_what_was_remembered_then() {
    let world = World::default();
    world.item("a", 1..=30);
    let engine = Engine::start(&world, &store()).await;
    let workflow = engine.run(unique()).await;
    wait_until("the first are published", || published(&world) == range(30)).await;
    let saved = take(&engine, "before", 1).await;
    let lane = saved.lanes["lane-1"].as_ref().unwrap();
    let (read, check) = (StageId::new("read").unwrap(), StageId::new("check").unwrap());
    assert_eq!(lane.stages[&read].splits.as_ref().unwrap()["a"], 30);
    let table = lane.stages[&check].tables.values().next().unwrap();
    assert_eq!(table.entries, Some(30));
    assert!(lane.bytes() > 0 && lane.bytes() == table.bytes);
    world.item("a", 1..=60);
    wait_until("the next are published", || published(&world) == range(60)).await;
    stop(&workflow).await;

    order(&engine, Asked::Savepoint(name("before")), false, &unique()).await;
    let workflow = engine.run(unique()).await;
    // What was published since stays published; those before are remembered.
    let twice: Vec<_> = [range(60), (31..=60).collect()].concat();
    wait_until("it is read again", || published(&world).len() >= twice.len()).await;
    stop(&workflow).await;
    let sorted = |mut all: Vec<i64>| {
        all.sort_unstable();
        all
    };
    assert_eq!(published(&world), sorted(twice.clone()));
    // It is followed once, whatever comes then.
    world.item("a", 1..=70);
    let workflow = engine.run(unique()).await;
    let all = sorted([twice, (61..=70).collect()].concat());
    wait_until("it goes on", || published(&world).len() >= all.len()).await;
    stop(&workflow).await;
    assert_eq!(published(&world), all);
}

#[tokio::test]
async fn an_order_is_followed_whole_however_often_the_run_that_follows_it_dies() {
    let world = World::default();
    let store = store();
    world.item("a", 1..=20);
    let mut engines = Vec::new();
    let engine = Engine::start(&world, &store).await;
    let workflow = engine.run(unique()).await;
    wait_until("the first are published", || published(&world) == range(20)).await;
    take(&engine, "before", 1).await;
    world.item("a", 1..=40);
    wait_until("the next are published", || published(&world) == range(40)).await;
    stop(&workflow).await;
    order(&engine, Asked::Savepoint(name("before")), false, &unique()).await;
    for place in ["open", "write", "prepare", "read"] {
        world.fault(place, Fault::transient(1, "on order"));
        let engine = Engine::start(&world, &store).await;
        resume(&engine.services).await.expect("the store answers");
        let workflow = engine.run(unique()).await;
        wait_until("it fails or has begun", || {
            engine.last().iter().any(|it| it.state == StreamState::RolledBack)
                || published(&world).len() > 40
        })
        .await;
        workflow.running.terminate(InstanceId(1));
        engines.push((engine, workflow));
    }
    let engine = Engine::start(&world, &store).await;
    resume(&engine.services).await.expect("the store answers");
    let workflow = engine.run(unique()).await;
    wait_until("it is read again", || published(&world).len() >= 60).await;
    stop(&workflow).await;
    let mut all = [range(40), (21..=40).collect()].concat();
    all.sort_unstable();
    assert_eq!(published(&world), all);
}

#[tokio::test]
async fn a_reset_lets_all_go_also_the_number_of_lanes() {
    let world = World::default();
    for split in ["a", "b", "c"] {
        world.item(split, 1..=10);
    }
    let engine = Engine::start(&world, &store()).await;
    let two = Plan { instances: 2, ..unique() };
    let workflow = engine.run(two.clone()).await;
    wait_until("all is published", || published(&world).len() >= 10).await;
    take(&engine, "two", 2).await;
    stop(&workflow).await;
    let first = published(&world).len();
    assert_eq!(jobs(&engine).lanes().await.unwrap(), ["lane-1", "lane-2"]);

    order(&engine, Asked::Nothing, false, &unique()).await;
    assert_eq!(jobs(&engine).lanes().await.unwrap(), Vec::<String>::new());
    let workflow = engine.run(unique()).await;
    wait_until("it begins anew", || published(&world).len() >= first + 10).await;
    stop(&workflow).await;
    assert_eq!(jobs(&engine).lanes().await.unwrap(), ["lane-1"]);
    assert_eq!(published(&world).len(), first + 10, "one lane lets each pass once");

    // What was saved is still there, and brings its number of lanes back.
    let asked = || Asked::Savepoint(name("two"));
    let refused = planned(&engine, asked(), false, &unique()).await.misfits;
    assert!(refused[0].contains("are of 2 lanes, and the workflow has 1"), "{refused:?}");
    order(&engine, asked(), false, &two).await;
    world.item("a", 1..=15);
    let workflow = engine.run(two).await;
    wait_until("it goes on in two", || published(&world).len() >= first + 15).await;
    stop(&workflow).await;
    assert_eq!(published(&world).len(), first + 15);
}

#[tokio::test]
async fn a_changed_workflow_is_told_what_does_not_fit_and_may_drop_it() {
    let world = World::default();
    world.item("a", 1..=20);
    let engine = Engine::start(&world, &store()).await;
    let workflow = engine.run(unique()).await;
    wait_until("all is published", || published(&world) == range(20)).await;
    take(&engine, "before", 1).await;
    stop(&workflow).await;
    let asked = || Asked::Savepoint(name("before"));
    let refused = planned(&engine, asked(), false, &renamed()).await;
    let [misfit] = &refused.misfits[..] else { panic!("{refused:?}") };
    assert!(misfit.contains("stage check has 1 table in the checkpoint"), "{misfit}");
    assert!(refused.are_leftovers);
    let fits = planned(&engine, asked(), true, &renamed()).await;
    let dropped = BTreeSet::from([(StageId::new("check").unwrap(), None)]);
    assert_eq!((fits.misfits.len(), &fits.dropped), (0, &dropped));
    assert_eq!(fits.fresh, BTreeSet::from([StageId::new("other").unwrap()]));

    // Without an order a run finds the same, and goes nowhere.
    let workflow = engine.run(renamed()).await;
    wait_until("it is refused", || workflow.view().fault.is_some_and(|it| it.code.0 == 3189)).await;
    stop(&workflow).await;
    // Where it stands is as good as a savepoint: what other stages have stays.
    order(&engine, Asked::Newest, true, &renamed()).await;
    world.item("a", 1..=30);
    let workflow = engine.run(renamed()).await;
    wait_until("it goes on", || published(&world) == range(30)).await;
    stop(&workflow).await;
    let workflow = engine.run(renamed()).await;
    world.item("b", 1..=40);
    // What the new stage has not seen since passes.
    wait_until("it goes on again", || published(&world).len() >= 30 + 20 + 10).await;
    stop(&workflow).await;
}

#[tokio::test]
async fn a_name_is_taken_once_and_what_is_awaited_is_not_deleted() {
    let world = World::default();
    world.item("a", 1..=20);
    let engine = Engine::start(&world, &store()).await;
    let workflow = engine.run(unique()).await;
    wait_until("all is published", || published(&world) == range(20)).await;
    take(&engine, "before", 1).await;
    let jobs = jobs(&engine);
    let other = jobs.reserve(&wish("before", "another", 1)).await.unwrap();
    assert_eq!(other.id, "before", "it is somebody else's");
    // Nobody is told: it is never whole.
    jobs.reserve(&wish("half", "half", 1)).await.unwrap();
    stop(&workflow).await;
    let all = jobs.savepoints().await.unwrap();
    let listed: Vec<_> = all.iter().map(|it| (it.name.as_str(), it.is_whole())).collect();
    assert_eq!(listed, [("before", true), ("half", false)]);
    let refused = jobs.plan(&Asked::Savepoint(name("half")), false, None).await.unwrap_err();
    assert!(matches!(refused, Refused::NotWhole { .. }), "{refused}");
    let refused = jobs.plan(&Asked::Savepoint(name("none")), false, None).await.unwrap_err();
    let there = vec![name("before"), name("half")];
    assert_eq!(refused, Refused::NoSavepoint { name: name("none"), there });
    order(&engine, Asked::Savepoint(name("before")), false, &unique()).await;
    let refused = jobs.delete(&name("before")).await.unwrap_err();
    assert!(matches!(refused, Refused::Awaited { .. }), "{refused}");
    assert!(jobs.ordered("order 1").await.unwrap().is_some_and(|it| it.number == 1));
    // Of two who plan at once, one orders.
    let plans = [
        planned(&engine, Asked::Nothing, false, &unique()).await,
        planned(&engine, Asked::Newest, false, &unique()).await,
    ];
    let mut given = Vec::new();
    for (at, plan) in plans.iter().enumerate() {
        given.push(jobs.order(plan, format!("at once {at}"), Timestamp(0), String::new()).await);
    }
    assert_eq!(given, [Ok(true), Ok(false)]);
    assert!(matches!(plans[0].begin, Begin::Nothing));
    assert_eq!(jobs.delete(&name("before")).await, Ok(true));
    assert_eq!(jobs.delete(&name("before")).await, Ok(false));
}

#[tokio::test]
async fn a_name_that_was_deleted_can_be_taken_again_by_the_same_run() {
    let world = World::default();
    world.item("a", 1..=20);
    let engine = Engine::start(&world, &store()).await;
    let workflow = engine.run(unique()).await;
    wait_until("all is published", || published(&world) == range(20)).await;
    for _ in 0..3 {
        assert!(take(&engine, "nightly", 1).await.is_whole());
        jobs(&engine).delete(&name("nightly")).await.unwrap();
    }
    stop(&workflow).await;
    assert_eq!(jobs(&engine).savepoints().await.unwrap().len(), 0);
}

#[tokio::test]
async fn a_run_that_did_not_hear_of_an_order_publishes_nothing_after_it_and_follows_it_next() {
    let world = World::default();
    world.item("a", 1..=20);
    let engine = Engine::start(&world, &store()).await;
    let workflow = engine.run(unique()).await;
    wait_until("all is published", || published(&world) == range(20)).await;
    take(&engine, "before", 1).await;
    order(&engine, Asked::Savepoint(name("before")), false, &unique()).await;
    world.item("a", 1..=30);
    // What was claimed by then is published by the next run, which reads it again.
    wait_until("it is read twice", || published(&world).len() >= 40).await;
    stop(&workflow).await;
    let all = published(&world);
    assert_eq!((all.len(), &all[..20]), (40, &range(20)[..]));
    let stopped = engine.last().into_iter().filter_map(|it| it.fault);
    let stopped: Vec<_> = stopped.map(|it| it.message).collect();
    assert!(stopped.iter().any(|it| it.contains("ordered to begin elsewhere")), "{stopped:?}");
}

#[tokio::test]
async fn a_table_that_is_given_up_is_in_no_checkpoint_to_come() {
    let world = World::default();
    world.item("a", 1..=20);
    let engine = Engine::start(&world, &store()).await;
    let workflow = engine.run(unique()).await;
    wait_until("all is published", || published(&world) == range(20)).await;
    stop(&workflow).await;
    let mut forgetful = unique();
    forgetful.stages[1].kind = "test".into();
    order(&engine, Asked::Newest, true, &forgetful).await;
    for to in [30, 40] {
        world.item("a", 1..=to);
        let workflow = engine.run(forgetful.clone()).await;
        wait_until("it goes on", || published(&world) == range(to)).await;
        stop(&workflow).await;
    }
}

#[tokio::test]
async fn lives_that_fail_before_they_claim_leave_no_more_than_one_does() {
    let world = World::default();
    world.item("a", 1..=20);
    // Each sink of a life meets one.
    for _ in 0..24 {
        world.fault("prepare", Fault::transient(1, "on order"));
    }
    let engine = Engine::start(&world, &store()).await;
    let workflow = engine.run(unique()).await;
    let blobs = world.with(|it| it.blobs.clone());
    let state = weir_persistence_api::BlobKey::new("jobs/w/lane-1/state").unwrap();
    wait_until("three lives have failed", || {
        engine.last().iter().filter(|it| it.state == StreamState::RolledBack).count() == 3
    })
    .await;
    let left = blobs.blob_list(&state).await.unwrap();
    let epochs = left.iter().filter_map(|it| it.key.as_str().split('/').nth(4));
    let generations: BTreeSet<_> = epochs.filter_map(|it| it.split('.').next()).collect();
    assert_eq!(published(&world), Vec::<i64>::new());
    assert!(generations.len() <= 1, "{left:?}");
    stop(&workflow).await;
}

#[tokio::test]
async fn a_lane_that_has_ended_is_saved_as_it_ended() {
    let world = World::default();
    world.item("a", 1..=20);
    let engine = Engine::start(&world, &store()).await;
    let workflow = engine.run(unique()).await;
    wait_until("all is published", || published(&world) == range(20)).await;
    let jobs = jobs(&engine);
    assert_eq!(
        jobs.save_ended("lane-1", &name("end"), Timestamp(0)).await,
        Ok(false),
        "it reads on"
    );
    world.with(|it| it.ending = vec!["*"]);
    wait_until("it has ended", || {
        engine.last().iter().any(|it| it.state == StreamState::Committed)
    })
    .await;
    stop(&workflow).await;
    jobs.reserve(&wish("end", "end", 1)).await.unwrap();
    assert_eq!(jobs.save_ended("lane-1", &name("end"), Timestamp(0)).await, Ok(true));
    let saved = jobs.savepoint(&name("end")).await.unwrap().unwrap();
    assert!(saved.is_whole());
    let lane = saved.lanes["lane-1"].as_ref().unwrap();
    assert!(lane.stages[&StageId::new("read").unwrap()].is_ended);
}

#[tokio::test]
async fn a_lane_without_data_does_not_keep_the_others_from_following_an_order() {
    let world = World::default();
    let two = Plan { instances: 2, ..unique() };
    let halves = [Share { lane: 0, lanes: 2 }, Share { lane: 1, lanes: 2 }];
    let split = |share: Share| ('a'..='z').map(String::from).find(|it| share.has(it)).unwrap();
    let [first, second] = halves.map(split);
    world.item(&first, 1..=10);
    world.item(&second, 11..=20);
    let engine = Engine::start(&world, &store()).await;
    let workflow = engine.run_some(two.clone(), 1);
    wait_until("all is published", || published(&world) == range(20)).await;
    take(&engine, "before", 2).await;
    order(&engine, Asked::Savepoint(name("before")), false, &two).await;
    // The first hears of it when it has something to publish, the second has nothing.
    world.item(&first, (1..=10).chain(101..=110));
    let all = || published(&world).into_iter().filter(|it| *it > 100).count();
    wait_until("it is published under the order", || all() == 10).await;
    let begun = |lane: &str| engine.last().iter().filter(|it| it.item == lane).count();
    wait_until("both lanes have begun anew", || begun("lane-1") > 1 && begun("lane-2") > 1).await;
    stop(&workflow).await;
}
