//! Regions of a workflow in real processes: one that fails leaves the others as they are.
//!
//! `WEIR_SEED` repeats the choices of a run.

use std::collections::BTreeSet;

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use weir_domain::{StreamState, WorkflowState};

use crate::support::flow::{JSON, sink};
use crate::support::{DEADLINE, Flow, Project, Seed, Start, Weir, number, wait_until};

const SEED: u64 = 20_261_122;
const RECORDS: u64 = 20_000;
const WILD: &str = "lane-1.wild";

/// Two sources that share nothing but their workflow; the records of one go through a script.
fn flow() -> Flow {
    let fields = "[{ name: number, make: sequence }]";
    let source = |name: &str| {
        format!(
            "{{ name: {name}, source: {{ generator: {{ rate: 4000, records: {RECORDS}, \
             partitions: 1, fields: {fields} }} }} }}"
        )
    };
    let script = "{ name: fuse, from: wild, onError: rollback, processor: { javascript: \
                  { script: { file: scripts/fuse.js } } } }";
    Flow::named("made")
        .stage(&source("calm"))
        .stage(&source("wild"))
        .stage(script)
        .stage(&sink("calm-out", "calm", "calm.jsonl", JSON, "onExisting: counter"))
        .stage(&sink("wild-out", "fuse", "wild.jsonl", JSON, "onExisting: counter"))
}

/// What is published of a source. Panics on what is there twice.
fn published(project: &Project, source: &str) -> BTreeSet<u64> {
    let mut found = BTreeSet::new();
    for name in project.files("out").iter().filter(|it| it.starts_with(source)) {
        for record in project.json_lines(&format!("out/{name}")) {
            let number = record["number"].as_u64().unwrap();
            assert!(found.insert(number), "record {number} of {source} is there twice");
        }
    }
    found
}

fn start(project: &Project) -> Start {
    Start::of(project)
        .set("weir.stream.checkpoint-interval=100ms")
        .set("weir.supervision.max-restarts=3")
        .set("weir.supervision.max-backoff=400ms")
}

/// The states of the runs of a job.
fn runs(weir: &Weir, job: &str) -> Vec<StreamState> {
    weir.streams().into_iter().filter(|it| it.item == job).map(|it| it.state).collect()
}

#[test]
fn a_region_that_fails_again_and_again_has_failed_and_the_other_goes_on() {
    let seed = Seed(number("WEIR_SEED", SEED));
    let poison = StdRng::seed_from_u64(seed.0).random_range(1_000..8_000);
    let project = Project::of(&flow());
    let throws = format!("if (row.number === {poison}) throw Error(\"poison\");");
    let script = |line: &str| format!("export function onMessage(row) {{ {line} return row; }}\n");
    project.asset("scripts/fuse.js", &script(&throws));
    let mut process = start(&project).spawn();
    wait_until("both to publish", DEADLINE, || {
        !published(&project, "calm").is_empty() && !published(&project, "wild").is_empty()
    });
    process.kill();

    let weir = start(&project).ready();
    wait_until("the workflow to have failed", DEADLINE, || {
        weir.workflow("made").state == WorkflowState::Failed
    });
    let fault = weir.workflow("made").fault.unwrap();
    let says = "lane-1.wild failed 4 times within 300 s, and is not begun again: ";
    assert!(fault.message.starts_with(says) && fault.message.contains("poison"), "{fault:?}");
    assert!(weir.cli(["workflow", "list"]).stdout.contains("failed"));
    let shown = weir.cli(["workflow", "show", "made"]).stdout;
    assert!(shown.contains(says) && shown.contains("weir scheduler set"), "{shown}");
    wait_until("the other to publish all", DEADLINE, || {
        published(&project, "calm").len() as u64 == RECORDS
    });
    let before = runs(&weir, WILD).iter().filter(|it| **it == StreamState::RolledBack).count();
    assert!(before >= 4, "{:?}", runs(&weir, WILD));
    let others = runs(&weir, "lane-1");
    assert!(others.len() <= 2, "killed once, and never begun again: {others:?}");
    // What is before the poison is published up to a checkpoint, and nothing behind it.
    assert!(published(&project, "wild").iter().all(|it| *it < poison));
    // It has said what was given up, as an error.
    drop(weir);

    project.asset("scripts/fuse.js", &script(""));
    let weir = start(&project).ready();
    wait_until("the rest to be published", DEADLINE, || {
        published(&project, "wild").len() as u64 == RECORDS
    });
    weir.stop();
    assert_eq!(published(&project, "calm"), (0..RECORDS).collect());
    assert_eq!(published(&project, "wild"), (0..RECORDS).collect());
    project.assert_tidy();
}

#[test]
fn a_source_that_ended_is_given_more_while_another_goes_on() {
    let of = |left: u64| {
        let source = |name: &str, rate: u64, records: u64| {
            format!(
                "{{ name: {name}, source: {{ generator: {{ rate: {rate}, records: {records}, \
                 partitions: 1, fields: [{{ name: number, make: sequence }}] }} }} }}"
            )
        };
        Flow::named("made")
            .stage(&source("left", 5_000, left))
            .stage(&source("right", 400, 4_000))
            .stage(&sink("all", "[left, right]", "all.jsonl", JSON, "onExisting: counter"))
    };
    let count = |project: &Project| project.published().len();
    let project = Project::of(&of(1_000));
    let weir = start(&project).ready();
    // The first has come to its end by then.
    wait_until("both to publish", DEADLINE, || count(&project) > 1_400);
    weir.stop();
    project.asset("workflow.yaml", &of(9_000).yaml());
    let weir = start(&project).ready();
    wait_until("all to be published", DEADLINE, || count(&project) >= 13_000);
    wait_until("it to be over", DEADLINE, || {
        weir.cli(["item", "list"]).stdout.matches("done").count() == 1
    });
    weir.stop();
    assert_eq!(count(&project), 13_000);
}
