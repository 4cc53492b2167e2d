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
