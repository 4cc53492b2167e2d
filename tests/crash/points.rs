//! A live workflow dies at every place that has a name: before and after its sink prepares, between
//! each two steps from there to the mark behind a commit, and while what nobody needs is deleted. The
//! next life goes on, and dies at the next place. Each record is published once, by every kind of sink
//! that promises so.
//!
//! `WEIR_SEED` repeats the choices of a run.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::process::ExitStatusExt as _;

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use weir_stream::CrashPoint;
use weir_test_servers::{Kafka, MariaDb, Postgres};

use crate::sql::store::Store;
use crate::support::flow::{JSON, sink};
use crate::support::{DEADLINE, Flow, Project, Seed, Start, number, wait_until};

const PARTITIONS: u64 = 4;
const SEED: u64 = 20_261_125;
/// A process dies at latest when it is at its place for this time: the first time is special often
/// enough, and so is one that is not.
const TIMES_MAX: u32 = 3;
/// What `abort` ends a process with.
const ABORTED: i32 = 6;

/// Makes records without an end, in two lanes. `sink` is a stage from `make`.
fn flow(name: &str, sink: &str) -> Flow {
    let fields = "[{ name: part, make: partition }, { name: number, make: sequence }]";
    let source = format!(
        "{{ name: make, source: {{ generator: {{ rate: 1000, partitions: {PARTITIONS}, \
         fields: {fields} }} }} }}"
    );
    Flow::named(name).with("instances: 2").stage(&source).stage(sink)
}

/// A record by its partition and number.
type Published = Vec<(u64, u64)>;

fn of_json(record: &serde_json::Value) -> (u64, u64) {
    (record["part"].as_u64().unwrap(), record["number"].as_u64().unwrap())
}

/// No record is there twice.
#[track_caller]
fn assert_not_twice(published: &Published) {
    let mut found = BTreeSet::new();
    let twice: Vec<_> = published.iter().filter(|it| !found.insert(**it)).collect();
    assert!(twice.is_empty(), "there twice: {twice:?}");
}

/// A record that is missing before the last one of its partition.
fn missing(published: &Published) -> Option<(u64, u64)> {
    let mut found: BTreeMap<u64, BTreeSet<u64>> = BTreeMap::new();
    for (part, number) in published {
        found.entry(*part).or_default().insert(*number);
    }
    found.into_iter().find_map(|(part, numbers)| {
        let gap = (0..).zip(&numbers).find(|(at, it)| at != *it)?;
        Some((part, gap.0))
    })
}

fn start(project: &Project) -> Start {
    Start::of(project).set("weir.stream.checkpoint-interval=100ms")
}

/// Dies at each place, one life after the other, and is then stopped in good order.
fn dies_everywhere(project: &Project, published: impl Fn() -> Published) {
    let seed = Seed(number("WEIR_SEED", SEED));
    let mut random = StdRng::seed_from_u64(seed.0);
    for point in CrashPoint::ALL {
        let place = format!("{}:{}", point.as_str(), random.random_range(1..=TIMES_MAX));
        let wanted = format!("WEIR_CRASH_AT={place}");
        let mut process = start(project).through(&["env", &wanted]).spawn();
        let status = process.ended();
        assert_eq!(status.signal(), Some(ABORTED), "at {place}: {status}\n{}", process.log());
        let found = published();
        assert_not_twice(&found);
        // Brokers show a transaction that they have committed in one partition after the other.
        wait_until("no record to be missing", DEADLINE, || missing(&published()).is_none());
        eprintln!("died at {place}: {} records are published", found.len());
    }
    let weir = start(project).ready();
    let before = published().len();
    wait_until("more to be published", DEADLINE, || published().len() > before + 500);
    weir.stop();
    wait_until("no record to be missing at the end", DEADLINE, || missing(&published()).is_none());
    assert_not_twice(&published());
    project.assert_tidy();
}

#[test]
fn a_file_sink_publishes_each_record_once_wherever_the_engine_dies() {
    let project = Project::of(&flow("made", &sink("write", "make", "${stream}.jsonl", JSON, "")));
    dies_everywhere(&project, || project.published().iter().map(of_json).collect());
}

fn rows_once(store: &Store<'_>) {
    store.ask("CREATE TABLE made (part bigint NOT NULL, number bigint NOT NULL)");
    let write = format!(
        "{{ name: write, from: make, sink: {{ sql: {{ connection: {}, table: made }} }} }}",
        store.connection()
    );
    let project = Project::of(&flow("made", &write));
    let record = |row: String| {
        let (part, number) = row.split_once('|').unwrap();
        (part.parse().unwrap(), number.parse().unwrap())
    };
    dies_everywhere(&project, || {
        store.ask("SELECT part, number FROM made").into_iter().map(record).collect()
    });
}

#[test]
fn a_table_of_postgresql_has_each_record_once_wherever_the_engine_dies() {
    rows_once(&Store::postgres(Postgres::shared()));
}

#[test]
fn a_table_of_mariadb_has_each_record_once_wherever_the_engine_dies() {
    rows_once(&Store::mariadb(MariaDb::shared()));
}

#[test]
fn a_topic_has_each_record_once_wherever_the_engine_dies() {
    let broker = Kafka::shared();
    broker.topic("dies", 2, &[]);
    let send = format!(
        "{{ name: send, from: make, sink: {{ kafka: {{ connection: {{ brokers: [\"{}\"] }}, \
         topic: dies, commits: dies-commits, format: {{ type: json }} }} }} }}",
        broker.plain()
    );
    let project = Project::of(&flow("made", &send));
    dies_everywhere(&project, || {
        let messages = broker.messages("dies", true).into_iter();
        messages.map(|it| of_json(&serde_json::from_str(&it.body.unwrap()).unwrap())).collect()
    });
}
