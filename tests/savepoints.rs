//! Savepoints from outside: what was read after one is read again once it is restored, with what was
//! remembered then, in the same workflow and in a changed one, whatever is killed meanwhile.
//!
//! `WEIR_SEED` repeats the choices of a run.

use std::collections::BTreeMap;
use std::thread;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use serde_json::Value;

use crate::support::flow::{JSON, sink};
use crate::support::{DEADLINE, Flow, Project, Ran, Seed, Start, Weir, binary, number, wait_until};

const SEED: u64 = 20_261_123;
const PARTITIONS: u64 = 4;
const KILLS: u32 = 6;

/// Makes records without an end, and lets each pass once.
fn flow(unique: &str) -> Flow {
    let fields = "[{ name: partition, make: partition }, { name: number, make: sequence }]";
    let source = format!(
        "{{ name: make, source: {{ generator: {{ rate: 2000, partitions: {PARTITIONS}, \
         fields: {fields} }} }} }}"
    );
    Flow::named("made")
        .with("instances: 2")
        .stage(&source)
        .stage(&format!(
            "{{ name: {unique}, from: make, processor: {{ deduplicate: \
             {{ key: [partition, number], within: 1h }} }} }}"
        ))
        .stage(&sink("all", unique, "all-${stream}.jsonl", JSON, ""))
}

fn start(project: &Project) -> Start {
    Start::of(project).set("weir.stream.checkpoint-interval=100ms")
}

/// How often each record was published, by partition.
type Published = BTreeMap<u64, BTreeMap<u64, u32>>;

fn published(project: &Project) -> Published {
    let mut found = Published::new();
    for record in project.published() {
        let of = |key: &str| record[key].as_u64().unwrap();
        let times = found.entry(of("partition")).or_default().entry(of("number")).or_default();
        *times += 1;
    }
    found
}

fn count(project: &Project) -> u64 {
    published(project).values().flat_map(|it| it.values()).map(|it| u64::from(*it)).sum()
}

/// How much further each partition is to be than it was.
#[track_caller]
fn goes_on(project: &Project) {
    let from = count(project);
    wait_until("more to be published", DEADLINE, || count(project) > from + 1_000);
}

/// Where each partition stands in a savepoint.
fn positions(savepoint: &Value) -> BTreeMap<u64, u64> {
    let lanes = savepoint["lanes"].as_array().unwrap();
    let stages = lanes.iter().flat_map(|it| it["checkpoint"]["stages"].as_array().unwrap());
    let splits = stages.filter_map(|it| it["splits"].as_object());
    splits.flatten().map(|(split, at)| (split.parse().unwrap(), at.as_u64().unwrap())).collect()
}

fn inspect(weir: &Weir, name: &str) -> Value {
    weir.cli(["workflow", "savepoint", "inspect", "made", name, "-o", "json"]).json()
}

#[track_caller]
fn stop(weir: &Weir) {
    weir.cli(["scheduler", "set", "made", "--target", "0"]).ended(0);
    wait_until("no lane to be worked on", DEADLINE, || {
        let plan = weir.cli(["workflow", "reset", "made", "--dry-run", "-o", "json"]).json();
        plan["working"].as_array().unwrap().is_empty()
    });
}

#[track_caller]
fn run(weir: &Weir) {
    weir.cli(["scheduler", "set", "made", "--target", "unset"]).ended(0);
}

/// Each record before the positions was published so often, each behind them once more, up to where
/// the partition was when they were restored.
#[track_caller]
fn assert_again(now: &Published, before: &Published, positions: &BTreeMap<u64, u64>) {
    for (partition, records) in before {
        for (number, times) in records {
            let again = u32::from(*number >= positions[partition]);
            let found = now[partition][number];
            assert_eq!(found, times + again, "record {number} of partition {partition}");
        }
    }
}

/// All that was published before is there as often as it will be.
#[track_caller]
fn until_again(project: &Project, before: &Published, positions: &BTreeMap<u64, u64>) {
    let last: Vec<_> = before.iter().map(|(it, of)| (*it, *of.keys().last().unwrap())).collect();
    wait_until("what was made since to be published again", DEADLINE, || {
        let now = published(project);
        last.iter().all(|(partition, number)| now[partition][number] > before[partition][number])
    });
    assert_again(&published(project), before, positions);
}

/// The keys that all lanes have seen, in the savepoint.
fn remembered(savepoint: &Value) -> u64 {
    let all = |of: &Value, key: &str| of[key].as_array().unwrap().clone();
    let stages =
        all(savepoint, "lanes").into_iter().flat_map(|it| all(&it["checkpoint"], "stages"));
    let tables = stages.flat_map(|it| all(&it, "tables")).filter(|it| it["table"] == "seen");
    tables.map(|it| it["entries"].as_u64().unwrap()).sum()
}

#[test]
fn a_savepoint_is_restored_into_the_same_workflow_and_into_a_changed_one_and_all_let_go() {
    let project = Project::of(&flow("unique"));
    let weir = start(&project).ready();
    goes_on(&project);
    let refused = weir.cli(["workflow", "savepoint", "take", "maed", "before"]).ended(3);
    assert!(refused.stderr.contains("there is no workflow \"maed\""), "{}", refused.stderr);
    let taken = weir.cli(["workflow", "savepoint", "take", "made", "before"]).done();
    assert!(taken.starts_with("savepoint before of made taken: "), "{taken}");
    let refused = weir.cli(["workflow", "savepoint", "take", "made", "before"]).ended(5);
    assert!(refused.stderr.contains("is there already"), "{}", refused.stderr);
    let savepoint = inspect(&weir, "before");
    let at = positions(&savepoint);
    assert_eq!((at.len() as u64, &savepoint["state"]), (PARTITIONS, &"whole".into()));
    assert_eq!(remembered(&savepoint), at.values().sum::<u64>(), "each record is: {savepoint}");
    let listed = weir.cli(["workflow", "savepoint", "list", "made"]).done();
    assert!(listed.contains("before") && listed.contains("whole"), "{listed}");
    goes_on(&project);
    let refused = weir.cli(["workflow", "restore", "made", "before"]).ended(5);
    assert!(refused.stderr.contains("weir scheduler set made --target 0"), "{}", refused.stderr);

    stop(&weir);
    let refused = weir.cli(["workflow", "savepoint", "take", "made", "later"]).ended(5);
    assert!(refused.stderr.contains("not worked on now"), "{}", refused.stderr);
    let before = published(&project);
    let plan = weir.cli(["workflow", "restore", "made", "before", "--dry-run"]).done();
    assert!(plan.contains("would begin from savepoint before"), "{plan}");
    assert!(plan.contains("what was published stays published"), "{plan}");
    weir.cli(["workflow", "restore", "made", "before"]).ended(0);
    assert_eq!(published(&project), before, "nothing is taken back");
    let refused = weir.cli(["workflow", "savepoint", "delete", "made", "before"]).ended(5);
    assert!(refused.stderr.contains("has not yet"), "{}", refused.stderr);
    run(&weir);
    until_again(&project, &before, &at);

    // The stage that remembers gets another name: what it remembered has no place any more.
    stop(&weir);
    let before = published(&project);
    weir.stop();
    project.asset("workflow.yaml", &flow("only").yaml());
    let weir = start(&project).ready();
    let refused = weir.cli(["workflow", "restore", "made", "before"]).ended(5);
    assert!(refused.stderr.contains("stage unique has 2 tables"), "{}", refused.stderr);
    assert!(refused.stderr.contains("--allow-dropped"), "{}", refused.stderr);
    let restored = weir.cli(["workflow", "restore", "made", "before", "--allow-dropped"]).done();
    assert!(restored.contains("state that is given up: unique"), "{restored}");
    run(&weir);
    until_again(&project, &before, &at);
    weir.logged("as it was ordered");

    // All anew, in one lane.
    stop(&weir);
    let before = published(&project);
    weir.stop();
    project.asset("workflow.yaml", &flow("only").with("instances: 1").yaml());
    let weir = start(&project).ready();
    let plan = weir.cli(["workflow", "reset", "made", "--dry-run"]).done();
    assert!(plan.contains("as if it had never run"), "{plan}");
    assert!(plan.contains("lane-2: epoch"), "{plan}");
    let reset = weir.cli(["workflow", "reset", "made"]).done();
    assert!(reset.contains("lane-2: epoch"), "{reset}");
    run(&weir);
    let start = (0..PARTITIONS).map(|it| (it, 0)).collect();
    until_again(&project, &before, &start);
    weir.cli(["workflow", "savepoint", "delete", "made", "before"]).ended(0);
    let listed = weir.cli(["workflow", "savepoint", "list", "made", "-o", "json"]).json();
    assert_eq!(listed["items"], Value::Array(vec![]));
    weir.stop();
    project.assert_tidy();
}

/// Runs a command, and kills the server at some moment of it. Whether it was carried out is not known.
fn killed_meanwhile(mut weir: Weir, arguments: &[&str], random: &mut StdRng) {
    let mut command = binary();
    command.args(["--server", weir.rest()]).args(arguments);
    let sent = thread::spawn(move || Ran::of(&mut command));
    // A random moment is what this test is about: there is nothing to wait for.
    thread::sleep(Duration::from_millis(random.random_range(0..250)));
    weir.process.kill();
    drop(weir);
    sent.join().unwrap();
}

#[test]
fn whatever_is_killed_while_it_is_saved_or_restored_it_is_so_whole_or_not_at_all() {
    let seed = Seed(number("WEIR_SEED", SEED));
    let mut random = StdRng::seed_from_u64(seed.0);
    let project = Project::of(&flow("unique"));
    for kill in 0..KILLS {
        let weir = start(&project).ready();
        goes_on(&project);
        let name = format!("before-{kill}");
        killed_meanwhile(weir, &["workflow", "savepoint", "take", "made", &name], &mut random);
        let weir = start(&project).ready();
        goes_on(&project);
        let listed = weir.cli(["workflow", "savepoint", "list", "made", "-o", "json"]).json();
        let known = listed["items"].as_array().unwrap().iter().find(|it| it["name"] == name[..]);
        if known.is_some_and(|it| it["state"] != "whole") {
            assert_eq!(known.unwrap()["state"], "failed", "{listed}");
            weir.cli(["workflow", "savepoint", "delete", "made", &name]).ended(0);
        }
        if known.is_none_or(|it| it["state"] != "whole") {
            weir.cli(["workflow", "savepoint", "take", "made", &name]).ended(0);
        }
        let at = positions(&inspect(&weir, &name));
        goes_on(&project);
        stop(&weir);
        let before = published(&project);
        let key = format!("back {kill}");
        let restore = ["workflow", "restore", "made", &name, "--idempotency-key", &key];
        killed_meanwhile(weir, &restore, &mut random);
        let mut weir = start(&project).ready();
        assert_eq!(published(&project), before, "nothing runs");
        weir.cli(restore).ended(0);
        run(&weir);
        // Also where what follows the order dies.
        thread::sleep(Duration::from_millis(random.random_range(0..1_500)));
        weir.process.kill();
        drop(weir);
        let weir = start(&project).ready();
        until_again(&project, &before, &at);
        // Sent once more, it is the same order, which is followed already.
        stop(&weir);
        let all = published(&project);
        weir.cli(restore).ended(0);
        run(&weir);
        goes_on(&project);
        let now = published(&project);
        for (partition, records) in &all {
            for (number, times) in records {
                assert_eq!(now[partition][number], *times, "record {number} of {partition}");
            }
        }
        weir.stop();
    }
    project.assert_tidy();
}
