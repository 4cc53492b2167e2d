//! What `onError` says, at the stage that reads and at one that maps.

use weir_domain::StreamState;
use weir_http_api::StreamSummary;

use crate::support::flow::{CSV, read, read_with, write};
use crate::support::{Flow, Project, Start};

const INPUT: &str = "id,amount\n1,1.5\ntwo,2.5\n3,3.5\n";

/// Lives one stream over `input`.
fn lived(flow: &Flow, input: &str) -> (Project, StreamSummary) {
    let project = Project::of(flow);
    let weir = Start::of(&project).ready();
    project.put("a.csv", input);
    let stream = weir.closed("a.csv");
    weir.stop();
    project.assert_tidy();
    (project, stream)
}

fn reading(on_error: &str) -> Flow {
    Flow::named("orders").stage(&read_with(CSV, "", on_error)).stage(&write("read", ""))
}

/// A record whose amount is 2.5 can't be mapped.
fn mapping(on_error: &str) -> Flow {
    let set = "set: { units: \"CAST(CASE WHEN amount < 2.5 OR amount > 2.5 THEN '7' ELSE 'none' END AS BIGINT)\" }";
    Flow::named("orders")
        .stage(&read(CSV, ""))
        .stage(&format!(
            "{{ name: derive, from: read, onError: {on_error}, processor: {{ mapping: {{ {set} }} }} }}"
        ))
        .stage(&write("derive", ""))
}

#[test]
fn a_bad_record_at_the_source_goes_to_the_dead_letters() {
    let (project, stream) = lived(&reading("deadLetter"), INPUT);
    assert_eq!(stream.state, StreamState::CommittedWithWarnings);
    assert_eq!(project.json_lines("out/a.jsonl").len(), 2);
    let reason = "column 'id': 'two' is not of type int64".to_owned();
    assert_eq!(project.refusals(), [(3, reason)]);
}

#[test]
fn a_bad_record_at_the_source_rolls_back() {
    let (project, stream) = lived(&reading("rollback"), INPUT);
    assert_eq!((stream.state, stream.attempts), (StreamState::RolledBack, 1));
    let why = stream.fault.unwrap().message;
    assert!(why.contains("line 3") && why.contains("'two' is not of type int64"), "{why}");
    assert_eq!(project.data(), ["error/a.csv"]);
}

#[test]
fn a_bad_record_at_the_source_is_ignored_and_counted() {
    let (project, stream) = lived(&reading("ignore"), INPUT);
    assert_eq!(stream.state, StreamState::CommittedWithWarnings);
    assert_eq!((stream.counts.ignored, stream.counts.dead_letters), (1, 0));
    assert_eq!(project.data(), ["out/a.jsonl", "done/a.csv"]);
}

const MAPPED: &str = "id,amount\n1,1.0\n2,2.5\n3,3.0\n";

#[test]
fn a_record_that_can_not_be_mapped_goes_to_the_dead_letters() {
    let (project, stream) = lived(&mapping("deadLetter"), MAPPED);
    assert_eq!(stream.state, StreamState::CommittedWithWarnings);
    let letters = project.dead_letters();
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0]["stage"], "derive");
    assert_eq!(letters[0]["position"], 2);
    assert_eq!(letters[0]["raw"], "{\"id\":2,\"amount\":2.5}");
    assert_eq!(project.json_lines("out/a.jsonl").len(), 2);
}

#[test]
fn a_record_that_can_not_be_mapped_rolls_back() {
    let (project, stream) = lived(&mapping("rollback"), MAPPED);
    assert_eq!((stream.state, stream.attempts), (StreamState::RolledBack, 1));
    assert!(stream.fault.unwrap().message.contains("derive"));
    assert_eq!(project.data(), ["error/a.csv"]);
}

#[test]
fn a_record_that_can_not_be_mapped_is_ignored_and_counted() {
    let (project, stream) = lived(&mapping("ignore"), MAPPED);
    assert_eq!(stream.state, StreamState::CommittedWithWarnings);
    assert_eq!((stream.counts.ignored, stream.counts.dead_letters), (1, 0));
    assert_eq!(project.json_lines("out/a.jsonl").len(), 2);
    assert_eq!(project.data(), ["out/a.jsonl", "done/a.csv"]);
}

/// So many records, of which every tenth has no number.
fn tenth_is_bad(rows: u32) -> String {
    let row = |it: u32| {
        if it.is_multiple_of(10) { format!("x{it},1.5\n") } else { format!("{it},1.5\n") }
    };
    "id,amount\n".to_owned() + &(0..rows).map(row).collect::<String>()
}

fn limited(stage: &str, workflow: &str) -> Flow {
    let read = read(CSV, "").replace("onError: deadLetter", &format!("onError: deadLetter{stage}"));
    let flow = Flow::named("orders").stage(&read).stage(&write("read", ""));
    if workflow.is_empty() { flow } else { flow.with(workflow) }
}

#[test]
fn a_stream_with_too_many_bad_records_is_rolled_back_and_says_so() {
    let rate = "errorLimit: { rate: 5%, window: 1000 records }";
    for (flow, rows, said) in [
        (limited(", errorLimit: { max: 100 }", ""), 5_000, "bad records are more than 100"),
        (limited(&format!(", {rate}"), ""), 5_000, "records are bad, more than 5%"),
        (limited("", rate), 5_000, "all stages: "),
        // Less than a window: looked at when all is read.
        (limited("", rate), 200, "20 of the last 200 records are bad, more than 5%"),
    ] {
        let (project, stream) = lived(&flow, &tenth_is_bad(rows));
        assert_eq!((stream.state, stream.attempts), (StreamState::RolledBack, 1), "{said}");
        let fault = stream.fault.unwrap();
        assert!(fault.message.contains(said), "{}", fault.message);
        assert_eq!((fault.code.0, project.data()), (3198, vec!["error/a.csv".to_owned()]));
    }
    for limit in ["errorLimit: { rate: 10% }", "errorLimit: { max: 500 }"] {
        let (_, stream) = lived(&limited("", limit), &tenth_is_bad(5_000));
        assert_eq!(stream.state, StreamState::CommittedWithWarnings, "{limit}");
    }
}
