//! Live workflows from outside: what a source without an end gives is published once, whatever is
//! killed.
//!
//! `WEIR_SEED` repeats the choices of a run, `WEIR_KILLS` sets how many kills there are.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::thread;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

use crate::support::flow::{JSON, sink};
use crate::support::{DEADLINE, Flow, Project, Seed, Start, number, wait_until};

const KILLS: u32 = 25;
const STOPS: u32 = 10;
const SEED: u64 = 20_261_121;
const PARTITIONS: u64 = 4;
const LIFE_MS_MAX: u64 = 1_500;

/// Makes so many records at this rate, in two lanes, and routes them to two sinks.
pub(crate) fn flow(records: u64, rate: u64) -> Flow {
    let fields = "[{ name: partition, make: partition }, { name: number, make: sequence }, \
                  { name: amount, make: integer, min: 0, max: 999 }]";
    let source = format!(
        "{{ name: make, source: {{ generator: {{ rate: {rate}, records: {records}, \
         partitions: {PARTITIONS}, fields: {fields} }} }} }}"
    );
    let route = "rules: [{ when: amount >= 500, to: high }], otherwise: low";
    let low = "onExisting: counter, rollRecords: 700, compression: gzip";
    Flow::named("made")
        .with("instances: 2")
        .stage(&source)
        .stage(&format!(
            "{{ name: route, from: make, processor: {{ filterRoute: {{ {route} }} }} }}"
        ))
        .stage(&sink("high", "route.high", "high-${stream}.jsonl", JSON, ""))
        .stage(&sink("low", "route.low", "low.jsonl.gz", JSON, low))
}

/// All that is published, by partition. Panics on what is there twice, or not whole.
fn published(project: &Project) -> BTreeMap<u64, BTreeSet<u64>> {
    let mut found: BTreeMap<u64, BTreeSet<u64>> = BTreeMap::new();
    for name in project.files("out").iter().filter(|it| !it.starts_with('.')) {
        for record in project.json_lines(&format!("out/{name}")) {
            let of = |key: &str| record[key].as_u64().unwrap();
            let (partition, number) = (of("partition"), of("number"));
            let is_new = found.entry(partition).or_default().insert(number);
            assert!(is_new, "record {number} of partition {partition} is there twice");
            assert_eq!(name.starts_with("high"), of("amount") >= 500, "{name}: {record}");
        }
    }
    found
}

pub(crate) fn count(project: &Project) -> u64 {
    published(project).values().map(|it| it.len() as u64).sum()
}

/// All that was made is published once, and nothing is left of whatever was killed.
#[track_caller]
pub(crate) fn assert_complete(project: &Project, records: u64) {
    let of = |_| (0..records / PARTITIONS).collect();
    let expected: BTreeMap<u64, BTreeSet<u64>> = (0..PARTITIONS).map(|it| (it, of(it))).collect();
    assert_eq!(published(project), expected);
    project.assert_tidy();
}

fn start(project: &Project) -> Start {
    Start::of(project).set("weir.stream.checkpoint-interval=100ms")
}

#[test]
fn what_is_made_is_published_once_whatever_is_killed() {
    const RECORDS: u64 = 60_000;
    let seed = Seed(number("WEIR_SEED", SEED));
    let mut random = StdRng::seed_from_u64(seed.0);
    let project = Project::of(&flow(RECORDS, 4_000));
    for kill in 1..=number("WEIR_KILLS", KILLS) {
        let mut process = start(&project).spawn();
        // A random moment is what this test is about: there is nothing to wait for.
        thread::sleep(Duration::from_millis(random.random_range(0..LIFE_MS_MAX)));
        process.kill();
        let there = count(&project);
        if kill % 5 == 0 {
            eprintln!("killed {kill} times: {there} of {RECORDS} records are published");
        }
    }
    let weir = start(&project).ready();
    wait_until("all records to be published", DEADLINE, || count(&project) >= RECORDS);
    wait_until("both lanes to be done", DEADLINE, || {
        weir.cli(["item", "list"]).stdout.matches("done").count() == 2
    });
    weir.stop();
    assert_complete(&project, RECORDS);
}

/// Two sources that make the same, of which each record passes once.
fn twice(records: u64, rate: u64) -> Flow {
    let fields = "[{ name: partition, make: partition }, { name: number, make: sequence }, \
                  { name: amount, make: integer, min: 500, max: 999 }]";
    let source = |name: &str| {
        format!(
            "{{ name: {name}, source: {{ generator: {{ rate: {rate}, records: {records}, \
             partitions: {PARTITIONS}, fields: {fields} }} }} }}"
        )
    };
    let unique = "{ name: unique, from: [left, right], processor: { deduplicate: \
                  { key: [partition, number], within: 1h } } }";
    Flow::named("made")
        .with("instances: 2")
        .stage(&source("left"))
        .stage(&source("right"))
        .stage(unique)
        .stage(&sink("high", "unique", "high-${stream}.jsonl", JSON, ""))
}

#[test]
fn what_two_sources_make_alike_passes_once_whatever_is_killed() {
    const RECORDS: u64 = 20_000;
    let seed = Seed(number("WEIR_SEED", SEED));
    let mut random = StdRng::seed_from_u64(seed.0);
    let project = Project::of(&twice(RECORDS, 3_000));
    for _ in 0..8 {
        let mut process = start(&project).spawn();
        // A random moment is what this test is about: there is nothing to wait for.
        thread::sleep(Duration::from_millis(random.random_range(300..LIFE_MS_MAX)));
        process.kill();
        count(&project);
    }
    let weir = start(&project).ready();
    wait_until("all records to be published", DEADLINE, || count(&project) >= RECORDS);
    weir.stop();
    assert_complete(&project, RECORDS);
}

/// Counts and sums up what each partition makes.
fn totals(records: u64, rate: u64) -> Flow {
    let fields = "[{ name: partition, make: partition }, { name: number, make: sequence }, \
                  { name: amount, make: integer, min: 500, max: 999 }]";
    let source = format!(
        "{{ name: make, source: {{ generator: {{ rate: {rate}, records: {records}, \
         partitions: {PARTITIONS}, fields: {fields} }} }} }}"
    );
    let values = "[{ name: records, make: count }, { name: total, make: sum, field: amount }, \
                  { name: most, make: max, field: amount }, \
                  { name: kinds, make: countDistinct, field: amount, limit: 500 }]";
    let totals = format!(
        "{{ name: totals, from: make, processor: {{ aggregate: {{ key: [partition], \
         values: {values} }} }} }}"
    );
    Flow::named("made").with("instances: 2").stage(&source).stage(&totals).stage(&sink(
        "high",
        "totals",
        "high-${stream}.jsonl",
        JSON,
        "",
    ))
}

#[test]
fn what_is_kept_of_each_key_is_right_in_every_record_whatever_is_killed() {
    const RECORDS: u64 = 20_000;
    let seed = Seed(number("WEIR_SEED", SEED));
    let mut random = StdRng::seed_from_u64(seed.0);
    let project = Project::of(&totals(RECORDS, 3_000));
    for _ in 0..8 {
        let mut process = start(&project).spawn();
        // A random moment is what this test is about: there is nothing to wait for.
        thread::sleep(Duration::from_millis(random.random_range(300..LIFE_MS_MAX)));
        process.kill();
        count(&project);
    }
    let weir = start(&project).ready();
    wait_until("all records to be published", DEADLINE, || count(&project) >= RECORDS);
    weir.stop();
    assert_complete(&project, RECORDS);
    let names = project.files("out");
    let records = names.iter().flat_map(|it| project.json_lines(&format!("out/{it}")));
    let of = |it: &serde_json::Value, key: &str| it[key].as_u64().unwrap();
    let mut records: Vec<_> = records.collect();
    records.sort_unstable_by_key(|it| (of(it, "partition"), of(it, "number")));
    let (mut total, mut most, mut kinds) = (0, 0, BTreeSet::new());
    for record in &records {
        let (number, amount) = (of(record, "number"), of(record, "amount"));
        if number == 0 {
            (total, most, kinds) = (0, 0, BTreeSet::new());
        }
        (total, most) = (total + amount, most.max(amount));
        kinds.insert(amount);
        let found = ["records", "total", "most", "kinds"].map(|it| of(record, it));
        assert_eq!(found, [number + 1, total, most, kinds.len() as u64], "{record}");
    }
}

#[test]
fn the_sample_of_orders_packs_and_adds_up_right_whatever_is_killed() {
    const SHOPS: u64 = 4;
    const ORDERS: u64 = 10_000;
    let project = Project::sample("orders");
    let orders = || project.published();
    let mut random = StdRng::seed_from_u64(Seed(number("WEIR_SEED", SEED)).0);
    for _ in 0..4 {
        let mut process = start(&project).spawn();
        // A random moment is what this test is about: there is nothing to wait for.
        thread::sleep(Duration::from_millis(random.random_range(300..LIFE_MS_MAX)));
        process.kill();
    }
    let weir = start(&project).ready();
    let all = (SHOPS * ORDERS) as usize;
    wait_until("all orders to be published", DEADLINE, || orders().len() >= all);
    weir.stop();
    project.assert_tidy();
    let of = |it: &serde_json::Value, key: &str| it[key].as_u64().unwrap();
    let mut orders = orders();
    orders.sort_unstable_by_key(|it| (of(it, "shop"), of(it, "id")));
    assert_eq!(orders.len(), all);
    let mut turnover = 0;
    for (at, order) in (0..).zip(&orders) {
        let (shop, id) = (at / ORDERS, at % ORDERS);
        let (consignment, position) = (id / 500 + 1, id % 500 + 1);
        let amount = of(order, "amount");
        turnover = if position == 1 { amount } else { turnover + amount };
        let found = ["shop", "id", "consignment", "position", "orders", "turnover"];
        let expected = [shop, id, consignment, position, position, turnover];
        assert_eq!(found.map(|it| of(order, it)), expected, "{order}");
    }
}

#[test]
fn what_was_stopped_has_published_all_that_it_read_and_goes_on() {
    let project = Project::of(&flow(40_000, 10_000));
    let weir = start(&project).ready();
    wait_until("some records to be published", DEADLINE, || count(&project) > 1_000);
    let log = weir.stop();
    let first = count(&project);
    assert!(log.contains("begins without a checkpoint") && first < 40_000, "{log}");
    let weir = start(&project).ready();
    weir.logged("goes on from checkpoint");
    wait_until("all records to be published", DEADLINE, || count(&project) >= 40_000);
    let streams = weir.streams();
    assert!(streams.iter().any(|it| it.item.starts_with("lane-")), "{streams:?}");
    weir.stop();
    assert_complete(&project, 40_000);
}

/// Checkpoints follow each other so closely that stops come in the middle of one.
#[test]
fn what_is_stopped_at_any_moment_has_published_what_it_counted() {
    const RECORDS: u64 = 40_000;
    let seed = Seed(number("WEIR_SEED", SEED));
    let mut random = StdRng::seed_from_u64(seed.0);
    let project = Project::of(&flow(RECORDS, 5_000));
    let often = "weir.stream.checkpoint-interval=20ms";
    // What is not drained in time is read again.
    let patient = "weir.shutdown.drain-timeout=2m";
    let start = || Start::of(&project).set(often).set(patient).ready();
    for _ in 0..number("WEIR_KILLS", STOPS) {
        let weir = start();
        // A random moment is what this test is about: there is nothing to wait for.
        thread::sleep(Duration::from_millis(random.random_range(0..LIFE_MS_MAX / 2)));
        weir.stop();
    }
    let weir = start();
    wait_until("all records to be published", DEADLINE, || count(&project) >= RECORDS);
    wait_until("both lanes to be done", DEADLINE, || {
        weir.cli(["item", "list"]).stdout.matches("done").count() == 2
    });
    let read: u64 = weir.streams().iter().map(|it| it.counts.records_in).sum();
    assert_eq!(read, RECORDS, "what was read before a stop is not read after it");
    weir.stop();
    assert_complete(&project, RECORDS);
}

#[test]
fn a_live_stream_lists_the_newest_of_what_it_published() {
    let project = Project::of(&flow(1_000_000, 2_000));
    let weir = start(&project).ready();
    let listed = || {
        let mut all = Vec::new();
        for it in weir.streams() {
            let shown = weir.cli(["stream", "show", &it.id.to_string(), "-o", "json"]).json();
            let published = shown["published"].as_array().unwrap().clone();
            assert!(published.len() <= 50, "{}", published.len());
            all.push(published);
        }
        all
    };
    wait_until("a stream to list as much as it may", DEADLINE, || {
        listed().iter().any(|it| it.len() == 50)
    });
    let full = listed().into_iter().find(|it| it.len() == 50).unwrap();
    let path = |it: &serde_json::Value| std::path::PathBuf::from(it.as_str().unwrap());
    let at = |it: &serde_json::Value| fs::metadata(path(it)).unwrap().modified().unwrap();
    assert!(at(&full[0]) >= at(&full[49]), "the newest first");
    weir.stop();
}
