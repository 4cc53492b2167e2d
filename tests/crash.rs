//! Kills at random moments: whatever is killed, every record is published exactly once.
//!
//! `WEIR_SEED` repeats the choices of a run, `WEIR_KILLS` sets how many kills there are.

mod oracle;
mod points;

use std::thread;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

use crate::support::flow::{CSV, JSON, read, sink};
use crate::support::{DEADLINE, Flow, Project, Seed, Start, number, wait_until};
use oracle::Oracle;

const KILLS: u32 = 100;
const SEED: u64 = 20_261_120;

/// The longest that a process lives before it is killed. A start takes a part of it, so that
/// some processes die while they recover.
const LIFE_MS_MAX: u64 = 900;

/// What an engine logs when it opens a stream.
const OPENED: &str = "WEIR-03010";

/// Inputs that wait when a process starts, so that it rarely dies idle.
const BACKLOG: usize = 8;

/// Three sinks, a route, dead letters, three instances; short waits, so that much happens.
fn flow() -> Flow {
    let route = "rules: [{ when: amount >= 500, to: high }], otherwise: low";
    Flow::named("orders")
        .with("instances: 3")
        .stage(&read(CSV, "glob: '*.{csv,csv.gz}'"))
        .stage(&format!(
            "{{ name: route, from: read, processor: {{ filterRoute: {{ {route} }} }} }}"
        ))
        .stage(&sink(
            "all",
            "read",
            "all/${item:stem}.parquet",
            "{ type: parquet }",
            "createDirectory: true",
        ))
        .stage(&sink(
            "high",
            "route.high",
            "high/${item:stem}.jsonl.gz",
            JSON,
            "createDirectory: true, compression: gzip, onExisting: counter",
        ))
        .stage(&sink(
            "low",
            "route.low",
            "low/${item:stem}.jsonl",
            JSON,
            "createDirectory: true, onExisting: renameOld, rollRecords: 400",
        ))
}

#[test]
fn every_record_is_published_exactly_once_whatever_is_killed() {
    let seed = Seed(number("WEIR_SEED", SEED));
    let mut random = StdRng::seed_from_u64(seed.0);
    let project = Project::of(&flow());
    let mut oracle = Oracle::default();
    for kill in 1..=number("WEIR_KILLS", KILLS) {
        while project.files("in").len() < BACKLOG {
            oracle.add(&project, &mut random);
        }
        let mut process = Start::of(&project).spawn();
        // However slow the machine is, every other process dies when it has begun to work.
        if kill % 2 == 0 {
            wait_until("a stream to be opened", DEADLINE, || process.log().contains(OPENED));
        }
        // A random moment is what this test is about: there is nothing to wait for.
        thread::sleep(Duration::from_millis(random.random_range(0..LIFE_MS_MAX / 2)));
        for _ in 0..random.random_range(0..3) {
            oracle.add(&project, &mut random);
        }
        thread::sleep(Duration::from_millis(random.random_range(0..LIFE_MS_MAX / 2)));
        process.kill();
        oracle.check_now(&project);
        if kill % 10 == 0 {
            eprintln!("killed {kill} times: {} inputs are done", project.files("done").len());
        }
    }
    let weir = Start::of(&project).ready();
    wait_until("all inputs to be done", DEADLINE, || project.files("in").is_empty());
    wait_until("all streams to be closed", DEADLINE, || {
        weir.streams().iter().all(|it| it.state.is_closed())
    });
    oracle.check_streams(&weir.streams());
    weir.stop();
    oracle.check_end(&project);
}
