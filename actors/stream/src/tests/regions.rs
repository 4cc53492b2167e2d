//! Regions of live workflows: what happens to one leaves the others as they are.

use std::collections::BTreeMap;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;
use rand::{Rng as _, SeedableRng as _};
use serde_json::json;
use weir_checkpoint::group::Wish;
use weir_domain::plan::Plan;
use weir_domain::{
    Fault, Fingerprint, Item, Reprocess, SavepointName, StageId, Stream, Timestamp, WorkflowState,
};
use weir_persistence_api::{BlobKey, BlobStore as _, ClaimRequest, Settlement};
use weir_runtime::{Backoff, RestartBudget, RestartPolicy};

use super::live::live;
use super::store;
use super::world::{Driven, Engine, StopOutcome, World, wait_until};
use crate::jobs::{Asked, Jobs};
use crate::*;

pub(super) const SECOND: &str = "lane-1.read-b";

pub(super) fn id(name: &str) -> StageId {
    StageId::new(name).unwrap()
}

/// read → check → route → even, odd.
pub(super) fn first() -> Plan {
    let mut plan = live(1);
    plan.stages[0].config = json!({ "only": "a" });
    plan
}

/// The same once more beside it, of splits and stages of its own.
pub(super) fn two() -> Plan {
    let mut plan = first();
    let named = |it: &StageId| id(&format!("{it}-b"));
    for mut stage in plan.stages.clone() {
        if stage.id.as_str() == "read" {
            stage.config = json!({ "only": "b" });
        }
        stage.id = named(&stage.id);
        plan.stages.push(stage);
    }
    for edge in plan.edges.clone() {
        let (from, to) = (named(&edge.from), named(&edge.to));
        plan.edges.push(weir_domain::plan::Edge { from, to, ..edge });
    }
    plan
}

/// The second alone.
fn second() -> Plan {
    let two = two();
    let stages = two.stages.iter().map(|it| it.id.clone());
    two.part(&stages.filter(|it| it.as_str().ends_with("-b")).collect())
}

pub(super) fn published(world: &World, region: &str) -> Vec<i64> {
    let sinks = ["even", "odd"].map(|it| format!("{it}{region}"));
    let mut all: Vec<i64> = sinks.iter().flat_map(|it| world.published(it)).collect();
    all.sort_unstable();
    all
}

pub(super) fn numbers(from: i64, to: i64) -> Vec<i64> {
    (from..=to).filter(|it| it % 100 != 0).collect()
}

/// The runs of a job, oldest first.
pub(super) fn runs(engine: &Engine, job: &str) -> Vec<Stream> {
    engine.last().into_iter().filter(|it| it.item == job).collect()
}

pub(super) async fn stop(workflow: &Driven) {
    assert_eq!(workflow.stop(Duration::from_secs(20)).await, StopOutcome::Drained);
}

/// Which begins again soon, so often.
pub(super) async fn begun(world: &World, restarts: u32) -> Engine {
    let mut engine = Engine::start(world, &store()).await;
    engine.services.limits.restarts = RestartPolicy {
        backoff: Backoff {
            min: Duration::from_millis(1),
            max: Duration::from_millis(5),
            jitter: 0.0,
        },
        budget: RestartBudget { max: restarts, window: Duration::from_secs(300) },
        ..RestartPolicy::default()
    };
    engine
}

/// What a stream has counted, by what was told of it; it never falls.
fn assert_monotone(engine: &Engine, stream: &Stream) {
    let told = engine.streams.lock().unwrap()[&stream.id.to_string()].clone();
    let mut before = BTreeMap::new();
    for it in told {
        for (stage, counts) in &it.stages {
            let counts = (counts.records_in, counts.records_out);
            let last = before.insert(stage.clone(), counts).unwrap_or_default();
            assert!(last.0 <= counts.0 && last.1 <= counts.1, "{stage}: {last:?}, {counts:?}");
        }
    }
}

#[tokio::test]
async fn what_fails_in_one_region_restarts_that_one_alone() {
    let seed = std::env::var("WEIR_SEED").ok().and_then(|it| it.parse().ok());
    let seed: u64 = seed.unwrap_or(20_261_121);
    eprintln!("WEIR_SEED={seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let world = World::default();
    let engine = begun(&world, 1_000).await;
    let (mut a, mut b) = (30, 1_030);
    world.item("a", 1..=a);
    world.item("b", 1_001..=b);
    let workflow = engine.run(two()).await;
    wait_until("both have begun", || {
        published(&world, "") == numbers(1, a) && published(&world, "-b") == numbers(1_001, b)
    })
    .await;
    let mut places = ["read read-b", "process check-b", "write even-b", "prepare odd-b"]
        .map(|place| [(place, true), (place, false)])
        .concat();
    places.shuffle(&mut random);
    for (at, (place, panics)) in places.into_iter().enumerate() {
        match panics {
            true => world.panic(place),
            false => world.fault(place, Fault::data(1, "on order")),
        }
        (a, b) = (a + random.random_range(1..40), b + random.random_range(1..40) + 2);
        world.item("a", 1..=a);
        world.item("b", 1_001..=b);
        wait_until("it has failed", || world.is_met(place)).await;
        wait_until("both go on", || {
            published(&world, "") == numbers(1, a) && published(&world, "-b") == numbers(1_001, b)
        })
        .await;
        assert!(runs(&engine, SECOND).len() > at + 1, "{place}, {panics}: it began again");
        assert_eq!(runs(&engine, "lane-1").len(), 1, "{place}, {panics}: the other goes on");
    }
    stop(&workflow).await;
    assert_monotone(&engine, &runs(&engine, "lane-1")[0]);
    assert_eq!(published(&world, ""), numbers(1, a));
    assert_eq!(published(&world, "-b"), numbers(1_001, b));
    assert!(world.with(|it| it.staged.is_empty()));
}

#[tokio::test]
async fn a_region_that_fails_too_often_has_failed_and_says_why_and_the_other_goes_on() {
    let world = World::default();
    world.item("a", 1..=10);
    world.item("b", 1..=10);
    (0..4).for_each(|_| world.panic("process check-b"));
    let engine = begun(&world, 3).await;
    let workflow = engine.run(two()).await;
    wait_until("it has failed", || workflow.view().state == WorkflowState::Failed).await;
    let fault = workflow.view().fault.unwrap();
    let says = "lane-1.read-b failed 4 times within 300 s, and is not begun again: stage check-b";
    assert!(fault.message.starts_with(says), "{fault}");
    world.item("a", 1..=50);
    wait_until("the other goes on", || published(&world, "") == numbers(1, 50)).await;
    assert_eq!((runs(&engine, SECOND).len(), runs(&engine, "lane-1").len()), (4, 1));
    assert!(published(&world, "-b").is_empty());
    assert_eq!(workflow.view().state, WorkflowState::Failed);
    stop(&workflow).await;
    assert_eq!(workflow.view().state, WorkflowState::Stopped);

    // Somebody has looked, and starts it anew.
    let workflow = engine.run(two()).await;
    wait_until("it goes on", || published(&world, "-b") == numbers(1, 10)).await;
    assert_eq!(workflow.view().fault, None);
    stop(&workflow).await;
}

#[tokio::test]
async fn what_is_away_outside_is_waited_for_however_long_and_shown_meanwhile() {
    let world = World::default();
    world.item("a", 1..=10);
    world.item("b", 1..=10);
    (0..40).for_each(|_| world.fault("write even-b", Fault::transient(1, "the broker is away")));
    let engine = begun(&world, 3).await;
    let workflow = engine.run(two()).await;
    wait_until("it is shown", || {
        workflow.view().fault.is_some_and(|it| it.message == "the broker is away")
    })
    .await;
    assert_ne!(workflow.view().state, WorkflowState::Failed);
    wait_until("it goes on", || published(&world, "-b") == numbers(1, 10)).await;
    wait_until("nothing is shown", || workflow.view().fault.is_none()).await;
    assert_eq!(runs(&engine, "lane-1").len(), 1);
    stop(&workflow).await;
}

#[tokio::test]
async fn a_region_goes_on_whatever_is_added_beside_it() {
    let world = World::default();
    world.item("a", 1..=20);
    world.item("b", 1..=20);
    let engine = begun(&world, 3).await;
    let workflow = engine.run(second()).await;
    wait_until("all is published", || published(&world, "-b") == numbers(1, 20)).await;
    stop(&workflow).await;
    let jobs = |engine: &Engine| {
        engine.last().into_iter().map(|it| it.item).collect::<std::collections::BTreeSet<_>>()
    };
    assert_eq!(jobs(&engine).into_iter().collect::<Vec<_>>(), ["lane-1"]);

    world.item("b", 1..=30);
    let workflow = engine.run(two()).await;
    wait_until("both are published", || {
        published(&world, "") == numbers(1, 20) && published(&world, "-b") == numbers(1, 30)
    })
    .await;
    stop(&workflow).await;
    assert_eq!(jobs(&engine).into_iter().collect::<Vec<_>>(), ["lane-1", "lane-1.read"]);

    // What is taken away has a position that nobody takes up: it is refused until that is said.
    let workflow = engine.run(second()).await;
    let ended = || workflow.said(1).iter().any(|it| matches!(it, Happened::Ended(Err(_))));
    wait_until("it is refused", ended).await;
    let Some(Happened::Ended(Err(fault))) = workflow.said(1).pop() else { panic!("it ended") };
    assert!(fault.code.0 == 3189 && fault.message.contains("lane-1.read"), "{fault}");
    order(&engine, Asked::Newest, &second()).await;
    world.item("b", 1..=40);
    let workflow = engine.run(second()).await;
    wait_until("it goes on", || published(&world, "-b") == numbers(1, 40)).await;
    stop(&workflow).await;
    assert_eq!(published(&world, ""), numbers(1, 20));
}

fn all_jobs(engine: &Engine) -> Jobs {
    let Services { checkpoints, system, .. } = &engine.services;
    Jobs::new(checkpoints.clone(), system.tasks().clone(), &first().workflow).unwrap()
}

/// Orders it, and gives up what is left over.
async fn order(engine: &Engine, asked: Asked, plan: &Plan) {
    let known = Some((plan, &*engine.services.registry));
    let renewal = all_jobs(engine).plan(&asked, true, known).await.unwrap();
    assert_eq!((&renewal.misfits, renewal.jobs), (&Vec::new(), Some(1)));
    let id = format!("order {}", renewal.number);
    let given = all_jobs(engine).order(&renewal, id, Timestamp(0), "somebody".into()).await;
    assert_eq!(given, Ok(true));
}

#[tokio::test]
async fn a_savepoint_has_all_regions_and_is_restored_in_all() {
    let world = World::default();
    world.item("a", 1..=20);
    world.item("b", 1..=20);
    let engine = begun(&world, 3).await;
    let workflow = engine.run(two()).await;
    let is_there = |a, b| published(&world, "").len() == a && published(&world, "-b").len() == b;
    wait_until("both are published", || is_there(20, 20)).await;
    let jobs = all_jobs(&engine);
    assert_eq!(jobs.lanes().await.unwrap(), ["lane-1", SECOND]);
    let name = SavepointName::new("before").unwrap();
    let open: Vec<_> = engine.last().into_iter().filter(|it| !it.state.is_closed()).collect();
    let wish = Wish {
        name: name.clone(),
        id: "x".into(),
        runs: open.iter().map(|it| (it.item.clone(), it.id.to_string())).collect(),
        wanted_at: Timestamp(0),
        by: "somebody".into(),
    };
    assert_eq!(jobs.reserve(&wish).await.unwrap(), wish);
    let open: Vec<_> = open.iter().map(|it| it.id).collect();
    assert_eq!(engine.services.streams.save(&name, &open).len(), 2);
    let watch = weir_runtime::Stopwatch::start();
    while !jobs.savepoint(&name).await.unwrap().unwrap().is_whole() {
        assert!(watch.elapsed() < Duration::from_secs(30), "it is not taken");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    world.item("a", 1..=30);
    world.item("b", 1..=40);
    wait_until("the next are published", || is_there(30, 40)).await;
    stop(&workflow).await;

    order(&engine, Asked::Savepoint(name), &two()).await;
    let workflow = engine.run(two()).await;
    wait_until("what came after it is published again", || is_there(40, 60)).await;
    stop(&workflow).await;
    assert!(is_there(40, 60));
}

/// It looks at what each region takes up, as the run does.
#[tokio::test]
async fn a_dry_run_tells_of_state_whose_stage_has_moved_to_another_region() {
    let world = World::default();
    world.item("a", 1..=20);
    world.item("b", 1..=20);
    let mut plan = two();
    for stage in &mut plan.stages {
        if stage.id.as_str().starts_with("check") {
            stage.kind = "unique".into();
        }
    }
    let engine = begun(&world, 3).await;
    run_until(&engine, &world, plan.clone(), 40).await;
    let known = |plan| Some((plan, &*engine.services.registry));
    let jobs = all_jobs(&engine);
    let planned = jobs.plan(&Asked::Newest, false, known(&plan)).await.unwrap();
    assert_eq!((planned.misfits, planned.fresh), (Vec::new(), Default::default()));

    let mut moved = plan.clone();
    let swap = |it: &mut StageId| match it.as_str() {
        "check" => *it = id("check-b"),
        "check-b" => *it = id("check"),
        _ => {}
    };
    moved.edges.iter_mut().for_each(|it| [&mut it.from, &mut it.to].into_iter().for_each(swap));
    let planned = jobs.plan(&Asked::Newest, false, known(&moved)).await.unwrap();
    assert!(planned.are_leftovers);
    assert_eq!(planned.misfits.len(), 2, "{:?}", planned.misfits);
    let workflow = engine.run(moved.clone()).await;
    wait_until("it is refused", || workflow.view().fault.is_some()).await;
    stop(&workflow).await;

    let dropped = jobs.plan(&Asked::Newest, true, known(&moved)).await.unwrap();
    let both = ["check", "check-b"].map(id);
    assert_eq!(dropped.dropped, both.clone().map(|it| (it, None)).into());
    assert_eq!(dropped.fresh, both.into());
}

/// Both in one job, as all of a workflow's checkpoints once were.
fn one_job() -> Plan {
    let mut older = two();
    let last = older.edges.iter().position(|it| it.to == id("odd-b")).unwrap();
    older.edges[last].to = id("odd");
    older.stages.retain(|it| it.id != id("odd-b"));
    older
}

/// Runs it until so much is published of both.
async fn run_until(engine: &Engine, world: &World, plan: Plan, wanted: usize) {
    let count = || published(world, "").len() + published(world, "-b").len();
    let workflow = engine.run(plan).await;
    wait_until("all is published", || count() == wanted).await;
    stop(&workflow).await;
    assert_eq!(count(), wanted);
}

/// Makes all as it was when nobody wrote down which regions there are.
async fn forget_regions(world: &World, resets: usize) {
    let blobs = world.with(|it| it.blobs.clone());
    let of = |reset: usize| match reset {
        0 => "jobs/w/sources".to_owned(),
        reset => format!("jobs/w/sources-{reset:010}"),
    };
    for parent in (0..=resets).map(of) {
        let found = blobs.blob_list(&BlobKey::new(&parent).unwrap()).await.unwrap();
        assert!(!found.is_empty(), "{parent}");
        for it in found {
            blobs.blob_delete(&it.key).await.unwrap();
        }
    }
}

#[tokio::test]
async fn what_was_one_job_before_there_were_regions_goes_on_as_one() {
    for resets in 0..3 {
        let world = World::default();
        world.item("a", 1..=20);
        world.item("b", 1..=20);
        let engine = begun(&world, 3).await;
        run_until(&engine, &world, one_job(), 40).await;
        for reset in 1..=resets {
            order_anew(&engine, reset).await;
            run_until(&engine, &world, one_job(), 40 * (reset + 1)).await;
        }
        forget_regions(&world, resets).await;
        let before = 40 * (resets + 1);
        world.item("a", 1..=30);
        world.item("b", 1..=30);
        run_until(&engine, &world, two(), before + 20).await;
        assert!(engine.last().iter().all(|it| it.item == "lane-1"));
        assert_eq!(all_jobs(&engine).lanes().await.unwrap(), ["lane-1"]);

        // From nothing on they are two.
        order_anew(&engine, resets + 1).await;
        run_until(&engine, &world, two(), before + 80).await;
        assert_eq!(all_jobs(&engine).lanes().await.unwrap(), ["lane-1", SECOND]);
    }
}

async fn order_anew(engine: &Engine, time: usize) {
    let renewal = all_jobs(engine).plan(&Asked::Nothing, false, None).await.unwrap();
    let jobs = all_jobs(engine);
    let id = format!("anew {time}");
    let given = jobs.order(&renewal, id, Timestamp(0), "somebody".into()).await;
    assert_eq!(given, Ok(true));
}

#[tokio::test]
async fn what_was_given_up_here_is_not_shown_while_another_engine_works_on_it() {
    let world = World::default();
    world.item("a", 1..=10);
    world.item("b", 1..=10);
    world.with(|it| it.alive = vec!["other#1".into()]);
    (0..4).for_each(|_| world.panic("process check-b"));
    let engine = begun(&world, 3).await;
    let workflow = engine.run(two()).await;
    wait_until("it has failed", || workflow.view().state == WorkflowState::Failed).await;
    let system = &engine.services.system;
    let request = ClaimRequest {
        source: crate::jobs::lanes_source(&two().workflow),
        candidates: vec![Item { name: SECOND.into(), fingerprint: Fingerprint::default() }],
        reprocess: Reprocess::WhenChanged,
        claim: system.ids().claim(),
        stream: system.ids().stream(),
        owner: "other#1".into(),
        now: Timestamp(0),
        settlement: bytes::Bytes::new(),
        clearance: false,
        instance: None,
        interval: None,
        lists_more: false,
    };
    let claim = engine.services.access.claim(request).await.unwrap().expect("it is free");
    wait_until("nothing is wrong any more", || {
        let view = workflow.view();
        view.fault.is_none() && view.state != WorkflowState::Failed
    })
    .await;
    engine.services.access.settle(claim.id, Settlement::Released).await.unwrap();
    wait_until("nobody works on it again", || workflow.view().state == WorkflowState::Failed).await;
    stop(&workflow).await;
}

#[tokio::test]
async fn what_a_run_failed_of_is_not_shown_once_the_next_one_is_fine_though_nothing_comes() {
    let world = World::default();
    world.item("a", []);
    world.item("b", []);
    world.fault("open read-b", Fault::transient(1, "the broker is away"));
    let engine = begun(&world, 3).await;
    let workflow = engine.run(two()).await;
    wait_until("it is shown", || {
        workflow.view().fault.is_some_and(|it| it.message == "the broker is away")
    })
    .await;
    wait_until("it is shown no more", || workflow.view().fault.is_none()).await;
    assert_eq!(runs(&engine, SECOND).len(), 2);
    stop(&workflow).await;
}
