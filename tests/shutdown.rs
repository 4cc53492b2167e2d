//! The end of a process: what is open finishes or is given back.

use std::fs;

use weir_domain::StreamState;

use crate::support::flow::{CSV, read, slow, write};
use crate::support::{DEADLINE, Flow, Project, Start, wait_until};

const INPUT: &str = "id,amount\n1,1.5\n";
const OUTPUT: &str = "{\"id\":1,\"amount\":1.5}\n";

/// A workflow whose stream over one record takes so long.
fn taking(time: &str) -> Flow {
    Flow::named("orders").stage(&read(CSV, "")).stage(&slow("read", time)).stage(&write("slow", ""))
}

#[test]
fn an_open_stream_finishes_within_the_grace_period() {
    let project = Project::of(&taking("3s"));
    let weir = Start::of(&project).ready();
    project.put("a.csv", INPUT);
    weir.open("a.csv");
    let log = weir.stop();
    let at = |text: &str| log.find(text).unwrap_or_else(|| panic!("{text} in\n{log}"));
    assert!(at("[WEIR-00020] shutting down") < at("[WEIR-03011] committed a.csv"), "{log}");
    assert_eq!(project.data(), ["out/a.jsonl", "done/a.csv"]);
    assert_eq!(project.text("out/a.jsonl"), OUTPUT);
    project.assert_tidy();
}

#[test]
fn an_open_stream_is_given_back_after_the_grace_period() {
    let project = Project::of(&taking("10m"));
    let weir = Start::of(&project).set("weir.shutdown.drain-timeout=100ms").ready();
    project.put("a.csv", INPUT);
    let id = weir.open("a.csv").id;
    let log = weir.stop();
    // Nothing went wrong with it: it is no error.
    let text =
        " WARN  stream [WEIR-03001] rolled back a.csv: the stream was stopped before its end";
    assert!(log.contains(text), "{log}");
    assert_eq!(project.data(), ["in/a.csv"]);
    project.assert_tidy();

    project.asset("workflow.yaml", &Flow::straight(CSV).yaml());
    let weir = Start::of(&project).ready();
    assert_eq!(weir.stream(id).summary.state, StreamState::RolledBack);
    let again = weir.closed_after("a.csv", id);
    assert_eq!(again.state, StreamState::Committed);
    assert_eq!(project.data(), ["out/a.jsonl", "done/a.csv"]);
    assert_eq!(project.text("out/a.jsonl"), OUTPUT);
    weir.stop();
}

#[test]
fn no_new_stream_is_begun_while_open_ones_finish() {
    let project = Project::of(&taking("4s"));
    project.put("a.csv", INPUT);
    project.put("b.csv", INPUT);
    let weir = Start::of(&project).ready();
    weir.open("a.csv");
    weir.stop();
    assert_eq!(project.data(), ["in/b.csv", "out/a.jsonl", "done/a.csv"]);
}

#[test]
fn a_second_signal_ends_the_process_at_once() {
    let project = Project::of(&taking("10m"));
    let mut weir = Start::of(&project).ready();
    project.put("a.csv", INPUT);
    weir.open("a.csv");
    weir.process.terminate();
    weir.logged("[WEIR-00020] shutting down");
    weir.process.terminate();
    let status = weir.process.ended();
    assert_eq!(status.code(), Some(1), "{}", weir.process.log());
    assert!(weir.process.log().contains("asked again: stopping at once"));
    assert_eq!(project.files("in"), ["a.csv"]);
    drop(weir);

    project.asset("workflow.yaml", &Flow::straight(CSV).yaml());
    let weir = Start::of(&project).ready();
    wait_until("a commit", DEADLINE, || project.data() == ["out/a.jsonl", "done/a.csv"]);
    weir.stop();
    project.assert_tidy();
}

#[test]
fn a_killed_process_leaves_its_stream_to_the_next_one() {
    let project = Project::of(&taking("10m"));
    let mut weir = Start::of(&project).ready();
    project.put("a.csv", INPUT);
    let id = weir.open("a.csv").id;
    weir.process.kill();
    drop(weir);
    assert_eq!(project.files("in"), ["a.csv"]);

    project.asset("workflow.yaml", &Flow::straight(CSV).yaml());
    let weir = Start::of(&project).ready();
    let again = weir.closed_after("a.csv", id);
    assert_eq!(again.state, StreamState::Committed);
    let killed = weir.stream(id);
    assert_eq!(killed.summary.state, StreamState::RolledBack);
    assert!(killed.summary.fault.is_some());
    assert_eq!(project.data(), ["out/a.jsonl", "done/a.csv"]);
    weir.stop();
    project.assert_tidy();
}

#[test]
fn a_reader_that_goes_away_does_not_end_the_process() {
    let project = Project::of(&Flow::straight(CSV));
    let mut process = Start::of(&project).spawn_unheard();
    project.put("a.csv", INPUT);
    wait_until("a commit", DEADLINE, || project.files("done") == ["a.csv"]);
    process.terminate();
    assert_eq!(process.ended().code(), Some(0), "{}", process.log());
    assert!(!process.log().contains("panicked"), "{}", process.log());
}

#[test]
fn a_changed_project_takes_effect_at_the_next_start() {
    let project = Project::of(&Flow::straight(CSV));
    Start::of(&project).ready().stop();
    let other = Flow::named("renamed").stage(&read(CSV, "")).stage(&write("read", ""));
    project.asset("workflow.yaml", &other.yaml());
    let weir = Start::of(&project).ready();
    project.put("a.csv", INPUT);
    assert_eq!(weir.closed("a.csv").workflow.as_str(), "renamed");
    assert_eq!(weir.cli(["workflow", "show", "orders"]).code, Some(3), "the old one is gone");
    weir.stop();
    fs::remove_dir_all(project.data_dir()).unwrap();
}
