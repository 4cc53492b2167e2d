//! The source: pages, ties, restarts, and rows that are committed late.

use std::time::Duration;

use arrow::array::AsArray as _;
use arrow::datatypes::Int64Type;
use serde_json::json;
use weir_stream::{AnySource, LiveRead, LiveReader, LiveSource, Share, Splits};

use super::*;
use crate::sql::codes;

const EVENTS: &str = "CREATE TABLE events (id INTEGER PRIMARY KEY, changed INTEGER, name)";
const ALONE: Share = Share { lane: 0, lanes: 1 };

fn source(bench: &Bench, more: &Value) -> Box<dyn LiveSource> {
    let mut config = json!({
        "connection": connection(), "table": "events", "increasing": "id", "interval": "1ms",
    });
    let more = more.as_object().unwrap().clone();
    config.as_object_mut().unwrap().extend(more);
    let mut cx = bench.cx.clone();
    cx.limits.batch_rows = 3;
    let kind = &bench.registry.sources[NAME];
    kind.decode(&config).unwrap();
    assert_eq!(kind.check(&config).findings, []);
    match kind.build(&config, &cx).unwrap() {
        AnySource::Live(it) => it,
        AnySource::Items(_) => panic!("rows are no items"),
    }
}

/// Reads until nothing or no more comes: the ids, and how many bad rows there were.
fn read(bench: &Bench, reader: &mut dyn LiveReader) -> (Vec<i64>, usize) {
    let (mut ids, mut bad) = (Vec::new(), 0);
    loop {
        match bench.within(|| reader.read(Duration::from_millis(20))).unwrap() {
            LiveRead::Records(it) => {
                let column = it.batch.records.column_by_name("id").unwrap().clone();
                ids.extend(column.as_primitive::<Int64Type>().values());
                bad += it.bad.len();
            }
            LiveRead::Nothing | LiveRead::End => return (ids, bad),
        }
    }
}

#[test]
fn rows_changed_at_the_same_time_are_neither_lost_nor_doubled_by_pages_and_restarts() {
    let bench = Bench::new(EVENTS);
    bench.run(
        "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 19) \
         INSERT INTO events SELECT i, i / 8, 'x' FROM n",
    );
    let mut source = source(&bench, &json!({ "updatedAt": "changed" }));
    let (mut splits, mut ids) = (Splits::new(), Vec::<i64>::new());
    for _ in 0..10 {
        let mut reader = bench.within(|| source.open(ALONE, &splits)).unwrap();
        let found = bench.within(|| reader.read(Duration::ZERO)).unwrap();
        if let LiveRead::Records(it) = found {
            ids.extend(it.batch.records.column(0).as_primitive::<Int64Type>().values());
        }
        splits = reader.splits();
    }
    assert_eq!(ids, (0..20).collect::<Vec<_>>());
    bench.run("UPDATE events SET changed = 9 WHERE id = 4");
    let mut reader = bench.within(|| source.open(ALONE, &splits)).unwrap();
    assert_eq!(read(&bench, &mut *reader).0, [4]);
}

#[test]
fn what_is_committed_late_is_read_in_its_place() {
    let bench = Bench::new(EVENTS);
    bench.run("INSERT INTO events VALUES (2, 0, 'x')");
    let mut source = source(&bench, &json!({ "lag": "300ms" }));
    let mut reader = bench.within(|| source.open(ALONE, &Splits::new())).unwrap();
    assert_eq!(read(&bench, &mut *reader).0, [] as [i64; 0]);
    bench.run("INSERT INTO events VALUES (1, 0, 'late')");
    let mut ids = Vec::new();
    while ids.len() < 2 {
        ids.extend(read(&bench, &mut *reader).0);
    }
    assert_eq!(ids, [1, 2]);
}

#[test]
fn a_source_that_reads_once_ends_and_rows_that_are_no_records_are_bad() {
    let bench = Bench::new(EVENTS);
    bench.run("INSERT INTO events VALUES (1, 0, '5'), (2, 0, 'five'), (3, 0, 7), (4, 0, NULL)");
    let schema = json!([{ "name": "id", "type": "int64" }, { "name": "name", "type": "int32" }]);
    let mut source = source(&bench, &json!({ "once": true, "schema": schema }));
    let mut reader = bench.within(|| source.open(ALONE, &Splits::new())).unwrap();
    assert_eq!(read(&bench, &mut *reader), (vec![1, 3, 4], 1));
    assert!(matches!(reader.read(Duration::ZERO), Ok(LiveRead::End)));
    let place = reader.splits()["rows"].clone();
    assert_eq!((&place["after"], &place["rows"]), (&json!(["i:4"]), &json!(4)));

    // A value of one column says nothing of another, nor one of two.
    for other in [json!({ "increasing": "changed" }), json!({ "updatedAt": "changed" })] {
        let mut source = super::reading::source(&bench, &other);
        let from = Splits::from([("rows".to_owned(), place.clone())]);
        let fault = bench.within(|| source.open(ALONE, &from)).err().expect("another column");
        assert!(fault.message.contains("it reads") && fault.hint.is_some(), "{fault}");
    }
}

#[test]
fn other_lanes_have_nothing_and_bad_positions_are_refused() {
    let bench = Bench::new(EVENTS);
    bench.run("INSERT INTO events VALUES (1, 0, '5')");
    let mut source = source(&bench, &json!({}));
    let mut ids = Vec::new();
    for lane in 0..3 {
        let share = Share { lane, lanes: 3 };
        let mut reader = bench.within(|| source.open(share, &Splits::new())).unwrap();
        ids.extend(read(&bench, &mut *reader).0);
    }
    assert_eq!(ids, [1]);
    let wrong = Splits::from([("rows".to_owned(), json!(7))]);
    let fault = bench.within(|| source.open(ALONE, &wrong)).err().unwrap();
    assert_eq!(fault.code.0, codes::POSITION);
}
