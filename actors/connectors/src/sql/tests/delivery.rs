//! What is delivered once, twice, too late, and by whom.

use serde_json::json;
use weir_stream::Epoch;

use super::*;
use crate::sql::codes;

const TABLE: &str = "CREATE TABLE orders (id INTEGER NOT NULL, name TEXT)";

fn insert() -> Value {
    json!({ "table": "orders" })
}

fn prepared(bench: &Bench, stream: &StreamContext, first: i64, count: i64) -> Vec<Action> {
    bench.prepared(&insert(), stream, &records(first, count)).unwrap().0
}

fn ids(bench: &Bench) -> Vec<i64> {
    bench.numbers("SELECT id FROM orders ORDER BY id")
}

#[test]
fn what_is_published_twice_is_written_once() {
    let bench = Bench::new(TABLE);
    let actions = prepared(&bench, &stream(1, None), 0, 10);
    assert!(ids(&bench).is_empty());
    bench.publish(&actions).unwrap();
    bench.publish(&actions).unwrap();
    assert_eq!(ids(&bench), (0..10).collect::<Vec<_>>());
}

/// As when the engine is killed between the commit and the removal of the blobs.
#[test]
fn what_was_committed_is_not_written_again_though_its_blobs_are_there() {
    let bench = Bench::new(TABLE);
    let one = stream(1, Some(Epoch::new(1, 1)));
    let actions = prepared(&bench, &one, 0, 10);
    bench.publish(&actions).unwrap();
    let again = prepared(&bench, &one, 0, 10);
    bench.publish(&again).unwrap();
    assert_eq!(ids(&bench).len(), 10);
}

#[test]
fn a_deliverer_that_was_overtaken_changes_nothing() {
    let bench = Bench::new(TABLE);
    let former = prepared(&bench, &stream(1, Some(Epoch::new(1, 7))), 0, 10);
    // Another delivers it, and what follows in a later generation.
    bench.publish(&former).unwrap();
    bench.publish(&prepared(&bench, &stream(2, Some(Epoch::new(2, 1))), 10, 10)).unwrap();
    bench.publish(&former).unwrap();
    assert_eq!(ids(&bench), (0..20).collect::<Vec<_>>());
    let last = bench.ask("SELECT outbox FROM weir_commits");
    assert!(last[0][0].as_text().unwrap().ends_with("/2.1"), "{last:?}");
}

#[test]
fn an_item_that_is_processed_again_is_written_again_and_its_former_stream_is_not() {
    let bench = Bench::new(TABLE);
    let former = prepared(&bench, &stream(1, None), 0, 5);
    bench.publish(&former).unwrap();
    bench.publish(&prepared(&bench, &stream(2, None), 0, 5)).unwrap();
    bench.publish(&former).unwrap();
    assert_eq!(ids(&bench).len(), 10);
}

#[test]
fn what_is_behind_a_later_commit_of_another_history_is_refused_and_not_lost() {
    let bench = Bench::new(TABLE);
    bench.publish(&prepared(&bench, &stream(1, Some(Epoch::new(5, 1))), 0, 5)).unwrap();
    let anew = prepared(&bench, &stream(2, Some(Epoch::new(1, 1))), 5, 5);
    let fault = bench.publish(&anew).unwrap_err();
    assert_eq!(fault.code.0, codes::HISTORY);
    let hint = fault.hint.unwrap();
    assert!(hint.contains("DELETE FROM \"weir_commits\""), "{hint}");
    assert_eq!(ids(&bench), (0..5).collect::<Vec<_>>());
    bench.run("DELETE FROM weir_commits");
    bench.publish(&anew).unwrap();
    assert_eq!(ids(&bench), (0..10).collect::<Vec<_>>());
}

#[test]
fn what_the_database_refuses_is_written_once_it_takes_it() {
    let bench = Bench::new("CREATE TABLE orders (id INTEGER NOT NULL UNIQUE, name TEXT)");
    bench.run("INSERT INTO orders VALUES (7, 'in the way')");
    let actions = prepared(&bench, &stream(1, None), 0, 2_000);
    let fault = bench.publish(&actions).unwrap_err();
    assert_eq!(fault.code.0, codes::REFUSED, "{fault:?}");
    assert_eq!(ids(&bench), [7]);
    bench.run("DELETE FROM orders");
    bench.publish(&actions).unwrap();
    assert_eq!(ids(&bench), (0..2_000).collect::<Vec<_>>());
}

#[test]
fn two_at_a_time_write_it_once() {
    let bench = Bench::new(TABLE);
    let actions = prepared(&bench, &stream(1, None), 0, 5_000);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| bench.publish(&actions).unwrap());
        }
    });
    assert_eq!(ids(&bench).len(), 5_000);
}

#[test]
fn rows_are_inserted_replaced_updated_and_deleted_by_key() {
    let bench = Bench::new(
        "CREATE TABLE orders (id INTEGER PRIMARY KEY, name TEXT, kept INTEGER DEFAULT 1)",
    );
    let mut number = 0;
    let mut does = |mode: &str, first: i64, count: i64| {
        number += 1;
        let config = json!({ "table": "orders", "mode": mode, "key": ["id"] });
        let (actions, bad) =
            bench.prepared(&config, &stream(number, None), &records(first, count)).unwrap();
        assert_eq!(bad, []);
        bench.publish(&actions).unwrap();
    };
    does("upsert", 0, 10);
    bench.run("UPDATE orders SET name = 'other', kept = 2");
    does("upsert", 8, 4);
    let names = "SELECT count(*) FROM orders WHERE name LIKE 'name%'";
    assert_eq!(bench.numbers(names), [4]);
    assert_eq!(bench.numbers("SELECT count(*) FROM orders WHERE kept = 2"), [10]);
    does("update", 0, 3);
    does("update", 100, 3);
    assert_eq!(bench.numbers(names), [7]);
    does("delete", 5, 100);
    assert_eq!(ids(&bench), [0, 1, 2, 3, 4]);
}

#[test]
fn what_can_not_be_written_is_told_when_the_sink_begins() {
    let bench =
        Bench::new("CREATE TABLE orders (id INTEGER NOT NULL, name TEXT, must INTEGER NOT NULL)");
    bench.run("CREATE TABLE narrow (id TEXT) STRICT");
    let refused = |config: Value| {
        let fault = bench.prepared(&config, &stream(1, None), &records(0, 1)).unwrap_err();
        (fault.code.0, fault.message)
    };
    let (code, message) = refused(json!({ "table": "order" }));
    assert_eq!(code, codes::TABLE);
    assert!(message.contains("has no table order"), "{message}");
    let (_, message) = refused(insert());
    assert!(message.contains("the column must of the table orders must have a value"), "{message}");
    let (_, message) =
        refused(json!({ "table": "orders", "columns": { "id": "must", "name": "nam" } }));
    assert!(message.contains("has no column nam"), "{message}");
    let key = json!({ "table": "narrow", "columns": { "name": "id" }, "mode": "upsert", "key": ["name"] });
    let (_, message) = refused(key);
    assert!(message.contains("has no primary or unique key of id"), "{message}");
}

#[test]
fn a_database_that_is_not_there_is_told_and_not_made() {
    let bench = Bench::new(TABLE);
    std::fs::remove_file(bench.path().join("data.db")).unwrap();
    let fault = bench.prepared(&insert(), &stream(1, None), &records(0, 1)).unwrap_err();
    assert_eq!(fault.code.0, codes::ACCESS, "{fault:?}");
    let config = json!({ "table": "orders", "createTable": true });
    let (actions, _) = bench.prepared(&config, &stream(1, None), &records(0, 3)).unwrap();
    bench.publish(&actions).unwrap();
    assert_eq!(ids(&bench), [0, 1, 2]);
}
