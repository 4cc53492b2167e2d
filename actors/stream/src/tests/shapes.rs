//! As much comes out as came in, whatever the shape of a pipeline: out of one stage into many, out of many
//! into one, and both at once, with edges that hold next to nothing, checkpoints without a pause, more
//! work than the machine has processors, and runs that are ended in the middle.
//!
//! A record is published at a sink as often as ways lead from a source to it. `WEIR_SEED` repeats the
//! choices of a run, `WEIR_ROUNDS` says how often each shape is run.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use serde_json::json;
use weir_domain::plan::{Edge, OnError, Plan, Role, Stage};
use weir_domain::{InstanceId, ItemStatus, Place, PortName, StageId};

use super::store;
use super::world::{Driven, Engine, World, plan, wait_until};
use crate::*;

const SEED: u64 = 20_261_127;
const ROUNDS: u32 = 4;
/// Who uses the processors beside the pipeline.
const HOGS: usize = 3;
const NUMBERS_MAX: i64 = 60;

/// Edges by the names of their ends: what begins with `read` is a source, with `sink` a sink, with
/// `route` a stage that tells even numbers from odd ones; all others pass on.
const SHAPES: &[(&str, &[(&str, &str)])] = &[
    ("one into many", &[("read", "a"), ("a", "sink1"), ("a", "sink2"), ("a", "sink3")]),
    ("many into one", &[("read1", "a"), ("read2", "a"), ("read3", "a"), ("a", "sink")]),
    ("many into a sink", &[("read1", "sink"), ("read2", "sink"), ("read3", "a"), ("a", "sink")]),
    (
        "apart and together",
        &[("read", "a"), ("read", "b"), ("a", "join"), ("b", "join"), ("join", "sink")],
    ),
    (
        "by different numbers of stages",
        &[("read", "a"), ("a", "b"), ("b", "join"), ("read", "join"), ("join", "sink")],
    ),
    (
        "crosswise",
        &[
            ("read1", "a"),
            ("read1", "b"),
            ("read2", "b"),
            ("a", "c"),
            ("b", "c"),
            ("b", "d"),
            ("c", "sink1"),
            ("c", "sink2"),
            ("d", "sink2"),
        ],
    ),
    (
        "by routes",
        &[
            ("read", "route"),
            ("route", "a"),
            ("route", "b"),
            ("a", "join"),
            ("b", "join"),
            ("join", "sink"),
        ],
    ),
];

fn id(name: &str) -> StageId {
    StageId::new(name).unwrap()
}

fn shaped(edges: &[(&str, &str)]) -> Plan {
    let mut plan = plan(OnError::DeadLetter);
    (plan.stages, plan.edges) = (Vec::new(), Vec::new());
    for name in edges.iter().flat_map(|it| [it.0, it.1]) {
        if plan.stage(&id(name)).is_some() {
            continue;
        }
        let (role, kind, config) = match name {
            it if it.starts_with("read") => (Role::Source, "live", json!({})),
            it if it.starts_with("sink") => (Role::Sink, "test", json!({})),
            it if it.starts_with("route") => (Role::Operator, "test", json!({ "even": true })),
            _ => (Role::Operator, "test", json!({})),
        };
        let (kind, on_error) = (kind.to_owned(), OnError::DeadLetter);
        let place = Place::default();
        let error_limit = None;
        plan.stages.push(Stage { id: id(name), role, kind, config, on_error, error_limit, place });
    }
    for (at, (from, to)) in edges.iter().enumerate() {
        let routes = from.starts_with("route");
        let port = match edges[..at].iter().any(|it| it.0 == *from) {
            _ if !routes => PortName::out(),
            false => PortName::new("even").unwrap(),
            true => PortName::new("odd").unwrap(),
        };
        plan.edges.push(Edge { from: id(from), port, to: id(to), place: Place::default() });
    }
    plan
}

/// How many ways lead from sources to a stage. Of the ports of a route one is taken.
fn ways(edges: &[(&str, &str)], to: &str) -> u64 {
    if to.starts_with("read") {
        return 1;
    }
    let into = edges.iter().filter(|it| it.1 == to);
    let ways: Vec<_> = into.map(|it| (it.0, ways(edges, it.0))).collect();
    let routed = ways
        .iter()
        .any(|it| edges.iter().any(|edge| edge.0.starts_with("route") && edge.1 == it.0));
    let sum: u64 = ways.iter().map(|it| it.1).sum();
    if routed { 1 } else { sum }
}

/// Uses processors for nothing until it is dropped.
struct Hogs(Arc<AtomicBool>);

impl Hogs {
    fn start() -> Self {
        let is_over = Arc::new(AtomicBool::new(false));
        for _ in 0..HOGS {
            let is_over = is_over.clone();
            std::thread::spawn(move || {
                while !is_over.load(Ordering::Relaxed) {
                    std::hint::spin_loop();
                }
            });
        }
        Self(is_over)
    }
}

impl Drop for Hogs {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

async fn begin(
    world: &World,
    store: &weir_persistence_api::MemoryStore,
    plan: &Plan,
) -> (Engine, Driven) {
    let mut engine = Engine::start(world, store).await;
    let limits = &mut engine.services.limits;
    (limits.edge_bytes, limits.checkpoint_interval) = (64, Duration::from_millis(3));
    resume(&engine.services).await.expect("the store answers");
    let workflow = engine.run(plan.clone()).await;
    (engine, workflow)
}

fn count(world: &World) -> usize {
    world.with(|it| it.published.values().map(Vec::len).sum())
}

/// What each sink has too few or too many of.
fn differences(world: &World, edges: &[(&str, &str)], numbers: i64) -> Vec<String> {
    let mut wrong = Vec::new();
    let sinks: std::collections::BTreeSet<_> =
        edges.iter().map(|it| it.1).filter(|it| it.starts_with("sink")).collect();
    for sink in sinks {
        let mut found = BTreeMap::<i64, u64>::new();
        world.published(sink).into_iter().for_each(|it| *found.entry(it).or_default() += 1);
        let wanted = ways(edges, sink);
        let of = |it: &i64| found.get(it).copied().unwrap_or(0);
        let lost: Vec<_> = (1..=numbers).filter(|it| of(it) < wanted).collect();
        let doubled: Vec<_> = (1..=numbers).filter(|it| of(it) > wanted).collect();
        if !lost.is_empty() || !doubled.is_empty() {
            wrong.push(format!("{sink}, each {wanted} times: lost {lost:?}, doubled {doubled:?}"));
        }
    }
    wrong
}

async fn as_much_as_came_in(name: &str, edges: &[(&str, &str)], random: &mut StdRng) {
    let (world, store, plan) = (World::default(), store(), shaped(edges));
    let numbers = random.random_range(20..=NUMBERS_MAX);
    let mut former = Vec::new();
    for life in 0..random.random_range(0..4) {
        world.item("a", 1..=numbers * (life + 1) / 5);
        let (engine, workflow) = begin(&world, &store, &plan).await;
        // A random moment is what this is about: there is nothing to wait for.
        tokio::time::sleep(Duration::from_millis(random.random_range(0..40))).await;
        workflow.running.terminate(InstanceId(1));
        former.push((engine, workflow));
    }
    world.item("a", 1..=numbers);
    world.with(|it| it.ending.push("*"));
    let (engine, workflow) = begin(&world, &store, &plan).await;
    let sinks: Vec<_> = edges.iter().map(|it| it.1).filter(|it| it.starts_with("sink")).collect();
    assert!(!sinks.is_empty(), "{name} has a sink");
    let mut is_done = false;
    let watch = weir_runtime::Stopwatch::start();
    while !is_done {
        assert!(
            watch.elapsed() < Duration::from_secs(60),
            "{name} does not end: {}",
            count(&world)
        );
        tokio::time::sleep(Duration::from_millis(5)).await;
        let statuses = engine.statuses().await;
        is_done = !statuses.is_empty() && statuses.iter().all(|it| it.1 == ItemStatus::Done);
    }
    assert_eq!(differences(&world, edges, numbers), Vec::<String>::new(), "{name}, of {numbers}");
    wait_until("nothing to be staged", || world.with(|it| it.staged.is_empty())).await;
    workflow.stop(Duration::from_secs(20)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn as_much_comes_out_as_came_in_whatever_the_shape() {
    let number = |name: &str| std::env::var(name).ok().and_then(|it| it.parse::<u64>().ok());
    let seed = number("WEIR_SEED").unwrap_or(SEED);
    let rounds = number("WEIR_ROUNDS").unwrap_or(u64::from(ROUNDS));
    let _hogs = Hogs::start();
    for round in 0..rounds {
        for (at, (name, edges)) in SHAPES.iter().enumerate() {
            let seed = seed ^ (round << 8) ^ at as u64;
            let mut random = StdRng::seed_from_u64(seed);
            let name = format!("{name}, round {round}, WEIR_SEED={}", seed);
            as_much_as_came_in(&name, edges, &mut random).await;
        }
    }
}
