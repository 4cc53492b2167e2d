//! Inputs that are not what they should be: nothing is lost, nothing half is published.

use std::fs::OpenOptions;
use std::io::{Seek as _, SeekFrom, Write as _};

use serde_json::json;
use weir_domain::StreamState;
use weir_http_api::StreamSummary;

use crate::support::flow::{CSV, read, read_with, write};
use crate::support::{DEADLINE, Flow, Project, Start, Weir, files, wait_for, wait_until};

const JSON_ID: &str = "{ type: json, schema: [{ name: id, type: int64 }] }";

fn started(project: &Project) -> Weir {
    Start::of(project).ready()
}

/// State, records in and out, dead letters.
fn outcome(stream: &StreamSummary) -> (StreamState, u64, u64, u64) {
    let counts = stream.counts;
    (stream.state, counts.records_in, counts.records_out, counts.dead_letters)
}

fn why(stream: &StreamSummary) -> &str {
    &stream.fault.as_ref().expect("a stream that was rolled back says why").message
}

#[test]
fn malformed_csv_rows_become_dead_letters() {
    let project = Project::of(&Flow::straight(CSV));
    let weir = started(&project);
    project.put("a.csv", "id,amount\n1,1.5\n2\n3,3.5,extra\n\"4,4.5\n5,5.5\n");
    let stream = weir.closed("a.csv");
    assert_eq!(outcome(&stream), (StreamState::CommittedWithWarnings, 5, 2, 3));
    assert_eq!(
        project.text("out/a.jsonl"),
        "{\"id\":1,\"amount\":1.5}\n{\"id\":5,\"amount\":5.5}\n"
    );
    let letter = |position: u32, line: u32, offset: u32, reason: &str, raw: &str| {
        json!({ "workflow": "orders", "stage": "read", "item": "a.csv", "position": position,
            "line": line, "offset": offset, "reason": reason, "raw": raw, "header": "id,amount" })
    };
    assert_eq!(
        project.dead_letters(),
        [
            letter(2, 3, 16, "it has 1 column where 2 are expected", "2"),
            letter(3, 4, 18, "it has 3 columns where 2 are expected", "3,3.5,extra"),
            letter(4, 5, 30, "a quote is never closed", "\"4,4.5"),
        ]
    );
    assert_eq!(project.files("done"), ["a.csv"]);
    project.assert_tidy();
    weir.stop();
}

#[test]
fn values_of_a_wrong_type_become_dead_letters() {
    let project = Project::of(&Flow::straight(CSV));
    let weir = started(&project);
    project.put("a.csv", "id,amount\n1,1.5\ntwo,2.5\n3,a lot\n99999999999999999999,1\n5,5.5\n");
    let stream = weir.closed("a.csv");
    assert_eq!(outcome(&stream), (StreamState::CommittedWithWarnings, 5, 2, 3));
    assert_eq!(
        project.text("out/a.jsonl"),
        "{\"id\":1,\"amount\":1.5}\n{\"id\":5,\"amount\":5.5}\n"
    );
    let refusal = |line, reason: &str| (line, reason.to_owned());
    assert_eq!(
        project.refusals(),
        [
            refusal(3, "column 'id': 'two' is not of type int64"),
            refusal(4, "column 'amount': 'a lot' is not of type float64"),
            refusal(5, "column 'id': '99999999999999999999' is not of type int64"),
        ]
    );
    weir.stop();
}

#[test]
fn invalid_utf_8_is_kept_byte_by_byte() {
    let format = "{ type: csv, schema: [{ name: id, type: int64 }, { name: name, type: string }] }";
    let project = Project::of(&Flow::straight(format));
    let weir = started(&project);
    project.put("a.csv", b"id,name\n1,M\xc3\xbcnchen\n2,M\xfcnchen\n3,Ulm\n");
    let stream = weir.closed("a.csv");
    assert_eq!(outcome(&stream), (StreamState::CommittedWithWarnings, 3, 2, 1));
    assert_eq!(
        project.text("out/a.jsonl"),
        "{\"id\":1,\"name\":\"München\"}\n{\"id\":3,\"name\":\"Ulm\"}\n"
    );
    let letters = project.dead_letters();
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0]["line"], 3);
    assert_eq!(letters[0]["rawBase64"], "MixN/G5jaGVu", "the bytes of 2,M\u{fffd}nchen");
    assert_eq!(letters[0].get("raw"), None);
    weir.stop();
}

#[test]
fn a_truncated_gzip_is_rolled_back_and_leaves_nothing() {
    let project = Project::of(&Flow::straight(CSV));
    let weir = started(&project);
    let rows: String = (0..20_000).map(|it| format!("{it},{}.25\n", it * 7)).collect();
    let whole = files::gzip(format!("id,amount\n{rows}").as_bytes());
    project.put("a.csv.gz", &whole[..whole.len() / 2]);
    let stream = weir.closed("a.csv.gz");
    assert_eq!((stream.state, stream.attempts), (StreamState::RolledBack, 1));
    let path = project.canonical("in/a.csv.gz");
    let begin = format!("{path}: the gzip data is damaged or cut off near byte ");
    assert!(why(&stream).starts_with(&begin), "{}", why(&stream));
    let hint = stream.fault.as_ref().unwrap().hint.as_deref();
    assert_eq!(hint, Some("have the file written or transferred again"));
    assert_eq!(project.data(), ["error/a.csv.gz"]);
    project.assert_tidy();

    project.put("a.csv.gz", &whole);
    wait_until("the whole file", DEADLINE, || project.files("done") == ["a.csv.gz"]);
    assert_eq!(project.json_lines("out/a.jsonl").len(), 20_000);
    weir.stop();
}

#[test]
fn an_empty_file_is_committed_and_makes_no_output() {
    let project = Project::of(&Flow::straight(CSV));
    let weir = started(&project);
    project.put("empty.csv", "");
    project.put("header.csv", "id,amount\n");
    for name in ["empty.csv", "header.csv"] {
        assert_eq!(outcome(&weir.closed(name)), (StreamState::Committed, 0, 0, 0), "{name}");
    }
    assert_eq!(project.data(), ["done/empty.csv", "done/header.csv"]);
    project.assert_tidy();
    weir.stop();
}

#[test]
fn a_line_of_two_gigabytes_becomes_a_dead_letter_in_little_memory() {
    let project = Project::of(&Flow::straight(JSON_ID));
    let weir = started(&project);
    let before = weir.memory_peak();
    let draft = project.draft();
    let mut file = OpenOptions::new().write(true).create_new(true).open(&draft).unwrap();
    file.write_all(b"{\"id\":1}\n{\"id\":").unwrap();
    // A hole: the file has no blocks for it and reads as zeros.
    file.seek(SeekFrom::Current(2 << 30)).unwrap();
    file.write_all(b"}\n{\"id\":3}\n").unwrap();
    drop(file);
    project.put_file("big.jsonl", &draft);
    let stream = weir.closed("big.jsonl");
    assert_eq!(outcome(&stream), (StreamState::CommittedWithWarnings, 3, 2, 1));
    assert_eq!(project.text("out/big.jsonl"), "{\"id\":1}\n{\"id\":3}\n");
    assert_eq!(project.refusals(), [(2, "the record is longer than 16777216 bytes".to_owned())]);
    let raw = project.dead_letters()[0]["raw"].as_str().unwrap().len();
    assert_eq!(raw, 64 << 10, "the first bytes are kept");
    // What the process is made of is not the record's.
    let more = (weir.memory_peak() - before) >> 20;
    assert!(more < 128, "{more} MiB more were needed");
    weir.stop();
}

#[test]
fn a_record_that_is_too_long_rolls_back_where_that_is_asked_for() {
    let flow =
        Flow::named("orders").stage(&read_with(JSON_ID, "", "rollback")).stage(&write("read", ""));
    let project = Project::of(&flow);
    let weir = Start::of(&project)
        .set("weir.stream.max-record-bytes=1KiB")
        .set("weir.stream.dead-letter.max-raw-bytes=1KiB")
        .ready();
    project
        .put("long.jsonl", format!("{{\"id\":1}}\n{{\"id\":2,\"x\":\"{}\"}}\n", "x".repeat(2000)));
    let stream = weir.closed("long.jsonl");
    assert_eq!(stream.state, StreamState::RolledBack);
    assert!(why(&stream).contains("line 2"), "{}", why(&stream));
    assert!(why(&stream).contains("the record is longer than 1024 bytes"), "{}", why(&stream));
    assert_eq!(project.data(), ["error/long.jsonl"]);
    weir.stop();
}

#[test]
fn json_that_is_none_becomes_dead_letters() {
    let project = Project::of(&Flow::straight(JSON_ID));
    let weir = started(&project);
    project.put("a.jsonl", "{\"id\":1}\n{\"id\":\"two\"}\n{\"id\":\n[4]\n{\"id\":5}\n");
    let stream = weir.closed("a.jsonl");
    assert_eq!(outcome(&stream), (StreamState::CommittedWithWarnings, 5, 2, 3));
    assert_eq!(project.text("out/a.jsonl"), "{\"id\":1}\n{\"id\":5}\n");
    let lines: Vec<_> = project.refusals().into_iter().map(|it| it.0).collect();
    assert_eq!(lines, [2, 3, 4]);
    weir.stop();
}

#[test]
fn a_file_that_is_no_parquet_is_rolled_back() {
    let project = Project::of(
        &Flow::named("orders").stage(&read("{ type: parquet }", "")).stage(&write("read", "")),
    );
    let weir = started(&project);
    project.put("a.parquet", "PAR1 this is none PAR1");
    let stream = weir.closed("a.parquet");
    assert_eq!(stream.state, StreamState::RolledBack);
    assert!(why(&stream).contains("the file can't be read as Parquet: "), "{}", why(&stream));
    assert_eq!(project.data(), ["error/a.parquet"]);
    weir.stop();
}

#[test]
fn a_csv_without_the_columns_that_are_asked_for_is_rolled_back() {
    let project = Project::of(&Flow::straight(CSV));
    let weir = started(&project);
    project.put("a.csv", "id,amuont\n1,2\n");
    let stream = weir.closed("a.csv");
    assert_eq!(stream.state, StreamState::RolledBack);
    assert!(why(&stream).contains("amount"), "{}", why(&stream));
    assert_eq!(project.data(), ["error/a.csv"]);
    let fault = || weir.workflow("orders").fault;
    let said =
        wait_for("a workflow that rolls back all that it is given is not well", DEADLINE, fault);
    assert!(said.message.starts_with("rolled back its newest stream, a.csv: "), "{}", said.message);
    assert!(said.message.ends_with(why(&stream)), "{}", said.message);
    for n in 0..20 {
        let item = format!("good-{n}.csv");
        project.put(&item, "id,amount\n1,2\n");
        assert_eq!(weir.closed(&item).state, StreamState::Committed);
    }
    wait_until("one file is no trouble of the workflow", DEADLINE, || fault().is_none());
    weir.stop();
}
