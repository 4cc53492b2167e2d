//! Objects from outside, in a real S3 server: each record is published once, whatever is killed and
//! however the store fails.
//!
//! `WEIR_SEED` repeats the choices of a run, `WEIR_KILLS` sets how many kills there are.

mod checkpoints;

use std::collections::BTreeMap;
use std::thread;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use serde_json::Value;
use weir_domain::StreamState;
use weir_test_servers::S3;

use crate::support::flow::{CSV, JSON, slow};
use crate::support::{DEADLINE, Flow, Project, Seed, Start, number, wait_until};

const KILLS: u32 = 20;
const SEED: u64 = 20_261_121;
const LIFE_MS_MAX: u64 = 1_500;
const BUCKET: &str = "orders";

fn server() -> S3 {
    let server = S3::start();
    server.bucket(BUCKET);
    server
}

/// As it stands in a workflow.
fn connection(server: &S3) -> String {
    connection_to(server, BUCKET, S3::SECRET_KEY)
}

fn connection_to(server: &S3, bucket: &str, secret: &str) -> String {
    format!(
        "connection: {{ s3: {{ bucket: {bucket}, endpoint: \"{}\", allowHttp: true, \
         accessKeyId: {}, secretAccessKey: {secret} }} }}",
        server.endpoint(),
        S3::ACCESS_KEY
    )
}

/// The stage `read`: objects below `in`. `more` is appended to the source.
fn read(connection: &str, more: &str) -> String {
    let more = if more.is_empty() { String::new() } else { format!(", {more}") };
    format!(
        "{{ name: read, source: {{ objects: {{ {connection}, prefix: in, interval: 50ms, \
         format: {CSV}{more} }} }} }}"
    )
}

fn write(stage: &str, from: &str, name: &str, connection: &str, more: &str) -> String {
    let more = if more.is_empty() { String::new() } else { format!(", {more}") };
    format!(
        "{{ name: {stage}, from: {from}, sink: {{ objects: {{ {connection}, prefix: out, \
         name: \"{name}\", format: {JSON}{more} }} }} }}"
    )
}

fn put(server: &S3, key: &str, content: &str) {
    server.put(BUCKET, key, content.as_bytes());
}

fn orders(ids: std::ops::Range<u64>) -> String {
    let lines = ids.map(|it| format!("{it},{}.5\n", it % 1_000));
    std::iter::once("id,amount\n".to_owned()).chain(lines).collect()
}

/// How often each record is there, in all objects below `out`.
fn published(server: &S3) -> BTreeMap<u64, u32> {
    let mut found = BTreeMap::new();
    for key in server.keys(BUCKET).iter().filter(|it| it.starts_with("out/")) {
        // Replaced in this moment: then it is there again at once.
        let Some(content) = server.object(BUCKET, key) else { continue };
        for line in content.split(|it| *it == b'\n').filter(|it| !it.is_empty()) {
            let record: Value = serde_json::from_slice(line).unwrap();
            let id = record["id"].as_u64().unwrap();
            *found.entry(id).or_default() += 1;
        }
    }
    found
}

#[track_caller]
fn assert_once(server: &S3, wanted: impl Iterator<Item = u64>) {
    let wanted: BTreeMap<u64, u32> = wanted.map(|it| (it, 1)).collect();
    let found = published(server);
    let twice: Vec<_> = found.iter().filter(|it| *it.1 > 1).take(5).collect();
    assert!(twice.is_empty(), "published twice: {twice:?}");
    let missing: Vec<_> = wanted.keys().filter(|it| !found.contains_key(it)).take(5).collect();
    assert!(missing.is_empty(), "not published: {missing:?}");
    assert_eq!(found.len(), wanted.len());
}

/// Nothing is left of what was killed: but an upload whose beginning nobody has heard of, which has no part.
#[track_caller]
fn assert_given_up(server: &S3) {
    assert_eq!(server.parts(), 0, "{} uploads are left", server.uploads());
}

/// Reads, leaves a tenth out, and writes to two sinks. Finished objects are moved.
fn flow(server: &S3) -> Flow {
    let connection = connection(server);
    let route = "rules: [{ when: amount < 100, to: none }, { when: amount >= 500, to: high }], otherwise: low";
    Flow::named("orders")
        .with("instances: 2")
        .with("retry: { maxRetries: 20, minBackoff: 20ms, maxBackoff: 500ms }")
        .stage(&read(&connection, "done: { move: done }, error: { move: error }"))
        .stage(&format!(
            "{{ name: route, from: read, processor: {{ filterRoute: {{ {route} }} }} }}"
        ))
        .stage("{ name: none, from: route.none, sink: { devNull: {} } }")
        .stage(&write(
            "high",
            "route.high",
            "high-${item:stem}.jsonl",
            &connection,
            "rollRecords: 300",
        ))
        .stage(&write(
            "low",
            "route.low",
            "low-${stream}.jsonl",
            &connection,
            "onExisting: replace",
        ))
}

fn is_wanted(id: u64) -> bool {
    id % 1_000 >= 100
}

#[test]
fn every_record_is_published_once_whatever_is_killed() {
    const RECORDS: u64 = 2_000;
    let seed = Seed(number("WEIR_SEED", SEED));
    eprintln!("seed {}", seed.0);
    let mut random = StdRng::seed_from_u64(seed.0);
    let server = server();
    let project = Project::of(&flow(&server));
    let mut inputs = 0;
    let mut add = || {
        put(
            &server,
            &format!("in/{inputs:04}.csv"),
            &orders(inputs * RECORDS..(inputs + 1) * RECORDS),
        );
        inputs += 1;
        inputs
    };
    let kills = number("WEIR_KILLS", KILLS);
    for _ in 0..kills {
        (0..3).for_each(|_| {
            add();
        });
        let mut process = Start::of(&project).spawn();
        // A random moment is what this test is about: there is nothing to wait for.
        thread::sleep(Duration::from_millis(random.random_range(0..LIFE_MS_MAX)));
        process.kill();
    }
    let inputs = add();
    let weir = Start::of(&project).ready();
    wait_until("all inputs to be done", DEADLINE, || {
        server.keys(BUCKET).iter().filter(|it| it.starts_with("done/")).count() as u64 == inputs
    });
    wait_until("all streams to be closed", DEADLINE, || {
        weir.streams().iter().all(|it| it.state.is_closed())
    });
    assert!(weir.streams().iter().all(|it| it.state != StreamState::CommittedWithWarnings));
    weir.stop();
    assert_once(&server, (0..inputs * RECORDS).filter(|it| is_wanted(*it)));
    assert_given_up(&server);
    assert!(server.keys(BUCKET).iter().all(|it| it.starts_with("done/") || it.starts_with("out/")));
}

#[test]
fn a_store_that_fails_at_random_costs_no_record() {
    const RECORDS: u64 = 1_000;
    let seed = Seed(number("WEIR_SEED", SEED));
    eprintln!("seed {}", seed.0);
    let server = server();
    let project = Project::of(&flow(&server));
    for input in 0..12 {
        put(
            &server,
            &format!("in/{input:04}.csv"),
            &orders(input * RECORDS..(input + 1) * RECORDS),
        );
    }
    server.disturb(seed.0, 350);
    let weir = Start::of(&project).ready();
    wait_until("many faults", DEADLINE, || server.disturbed() >= 150);
    server.disturb(0, 0);
    wait_until("all inputs to be done", DEADLINE, || {
        server.keys(BUCKET).iter().filter(|it| it.starts_with("done/")).count() == 12
    });
    wait_until("all streams to be closed", DEADLINE, || {
        weir.streams().iter().all(|it| it.state.is_closed())
    });
    weir.stop();
    assert_once(&server, (0..12 * RECORDS).filter(|it| is_wanted(*it)));
    assert_given_up(&server);
}

#[test]
fn an_object_that_is_replaced_while_it_is_read_is_read_as_what_it_is_now() {
    let server = server();
    let connection = connection(&server);
    let flow = Flow::named("orders")
        .stage(&read(&connection, "done: delete"))
        .stage(&slow("read", "100ms"))
        .stage(&write("write", "slow", "${item:stem}.jsonl", &connection, ""));
    let project = Project::of(&flow);
    put(&server, "in/a.csv", &orders(0..20));
    let weir = Start::of(&project).ready();
    let first = weir.open("a.csv");
    put(&server, "in/a.csv", &orders(100..103));
    let second = weir.closed_after("a.csv", first.id);
    assert_eq!(second.state, StreamState::Committed);
    let first = weir.streams().into_iter().find(|it| it.id == first.id).unwrap();
    assert_eq!(first.state, StreamState::RolledBack);
    wait_until("the object to be deleted", DEADLINE, || server.keys(BUCKET) == ["out/a.jsonl"]);
    weir.stop();
    assert_once(&server, 100..103);
}

#[test]
fn what_can_not_be_reached_is_said_with_its_place() {
    let server = server();
    let check = |connection: &str, code: &str, what: &str| {
        let flow = Flow::named("orders")
            .stage(&read(connection, ""))
            .stage("{ name: none, from: read, sink: { devNull: {} } }");
        let project = Project::of(&flow);
        let mut process = Start::of(&project).spawn();
        wait_until("the refusal", DEADLINE, || process.log().contains(code));
        let log = process.log();
        assert!(log.contains(what), "{log}");
        assert!(!log.contains(S3::SECRET_KEY) && !log.contains("wrong-secret"), "{log}");
        process.kill();
    };
    let secret = S3::SECRET_KEY;
    check(&connection_to(&server, "nowhere", secret), "WEIR-04481", "bucket nowhere at");
    check(&connection_to(&server, BUCKET, "wrong-secret"), "WEIR-04481", "bucket orders at");
}
