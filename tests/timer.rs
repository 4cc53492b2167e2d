//! The timer and standard output from outside: what people begin with.

use std::fs;

use serde_json::Value;
use weir_domain::Timestamp;

use crate::support::{DEADLINE, Flow, Project, Start, wait_until};

/// The ticks that were printed, however often.
fn ticks(project: &Project) -> Vec<(String, u64)> {
    let printed = fs::read_to_string(project.root().join("weir.out")).unwrap();
    let lines = printed.lines().filter(|it| it.starts_with('{'));
    // The last line may not be whole.
    let records = lines.filter_map(|it| serde_json::from_str::<Value>(it).ok());
    records
        .map(|it| (it["at"].as_str().unwrap().to_owned(), it["tick"].as_u64().unwrap()))
        .collect()
}

#[test]
fn ticks_are_printed_and_those_that_were_missed_are_made_up_for() {
    let flow = Flow::named("ticks")
        .with("instances: 2")
        .stage("{ name: tick, source: { timer: { every: 50ms, missed: catchUp } } }")
        .stage("{ name: print, from: tick, sink: { stdout: {} } }");
    let project = Project::of(&flow);
    let start = Start::of(&project).set("weir.stream.checkpoint-interval=100ms");
    let weir = start.ready();
    wait_until("some ticks", DEADLINE, || ticks(&project).len() > 10);
    weir.stop();
    let first = ticks(&project);
    let weir = start.ready();
    wait_until("more ticks", DEADLINE, || ticks(&project).len() > 10);
    weir.stop();
    let all: Vec<_> = first.into_iter().chain(ticks(&project)).collect();
    let numbers: Vec<_> = all.iter().map(|it| it.1).collect();
    assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>());
    let ms =
        |it: &(String, u64)| serde_json::from_value::<Timestamp>(it.0.clone().into()).unwrap().0;
    let times: Vec<_> = all.iter().map(ms).collect();
    assert!(times.windows(2).all(|it| it[1] - it[0] == 50), "{times:?}");
}
