//! Looking up: how many queries, what is remembered, and what is found.

use serde_json::json;
use weir_domain::Millis;

use super::*;
use crate::sql::enrich_config::CacheConfig;
use crate::sql::lookup::{Found, Key, Lookup, ROWS_SPARE};
use crate::sql::query::From;

fn lookup(bench: &Bench, cache: CacheConfig) -> Lookup {
    let config: ConnectionConfig = serde_json::from_value(connection()).unwrap();
    let address = Arc::new(config.address(bench.path()).unwrap());
    let from = From::new(Some("products"), None).unwrap();
    let columns = (vec!["id".to_owned()], vec!["name".to_owned()]);
    Lookup::new(address, Sessions::default(), from, columns, cache)
}

fn keys(numbers: std::ops::Range<i64>) -> Vec<Key> {
    numbers.map(|it| vec![it.to_string()]).collect()
}

fn bench() -> Bench {
    let bench = Bench::new("CREATE TABLE products (id INTEGER PRIMARY KEY, name TEXT)");
    bench.run(
        "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 9999) \
         INSERT INTO products SELECT i, 'name ' || i FROM n",
    );
    bench
}

#[test]
fn ten_thousand_keys_cost_one_query_and_none_when_they_are_remembered() {
    let bench = bench();
    let mut lookup = lookup(&bench, CacheConfig { entries: 20_000, ..CacheConfig::default() });
    let mut find =
        |numbers| bench.within(|| lookup.find(keys(numbers))).map(|it| (it, lookup.queries));
    let (found, queries) = find(0..10_000).unwrap();
    assert_eq!((found.len(), queries), (10_000, 1));
    let row = Found::Row(Arc::new(vec![Cell::Text("name 77".to_owned())]));
    assert_eq!(found[&vec!["77".to_owned()]], row);
    assert_eq!(find(0..10_000).unwrap().1, 1);
    // Those that have no row are remembered as well.
    let (found, queries) = find(9_999..10_001).unwrap();
    assert_eq!((found[&vec!["10000".to_owned()]].clone(), queries), (Found::None, 2));
    assert_eq!(find(9_999..10_001).unwrap().1, 2);
}

#[test]
fn what_is_old_or_too_much_is_asked_for_again() {
    let bench = bench();
    let old = CacheConfig { missing_ttl: Millis(0), ..CacheConfig::default() };
    for cache in [old, CacheConfig { entries: 0, ..CacheConfig::default() }] {
        let mut lookup = lookup(&bench, cache);
        for queries in 1..4 {
            bench.within(|| lookup.find(keys(20_000..20_001))).unwrap();
            assert_eq!(lookup.queries, queries);
        }
    }
    let mut few = lookup(&bench, CacheConfig { entries: 10, ..CacheConfig::default() });
    bench.within(|| few.find(keys(10..30))).unwrap();
    bench.within(|| few.find(keys(20..30))).unwrap();
    assert_eq!(few.queries, 1);
    bench.within(|| few.find(keys(10..11))).unwrap();
    assert_eq!(few.queries, 2);
}

#[test]
fn a_key_of_several_rows_and_one_that_is_no_number() {
    let bench = Bench::new("CREATE TABLE products (id INTEGER, name TEXT)");
    bench.run("INSERT INTO products VALUES (1, 'a'), (1, 'b'), (1, 'c')");
    let mut lookup = lookup(&bench, CacheConfig::default());
    let wanted = vec![vec!["1".to_owned()], vec!["one".to_owned()]];
    let found = bench.within(|| lookup.find(wanted)).unwrap();
    assert_eq!(found[&vec!["1".to_owned()]], Found::Several(3));
    assert_eq!(found[&vec!["one".to_owned()]], Found::None);
}

#[test]
fn of_a_key_with_many_rows_no_more_are_read_than_are_needed_and_others_are_found() {
    let bench = Bench::new("CREATE TABLE products (id INTEGER, name TEXT)");
    bench.run(
        "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 4999) \
         INSERT INTO products SELECT 5, 'name ' || i FROM n",
    );
    bench.run("INSERT INTO products VALUES (1, 'one'), (9, 'nine')");
    let mut lookup = lookup(&bench, CacheConfig::default());
    let found = bench.within(|| lookup.find(keys(0..10))).unwrap();
    let row = |name: &str| Found::Row(Arc::new(vec![Cell::Text(name.to_owned())]));
    assert_eq!(found[&vec!["5".to_owned()]], Found::Several(ROWS_SPARE + 1));
    assert_eq!(found[&vec!["1".to_owned()]], row("one"));
    assert_eq!(found[&vec!["9".to_owned()]], row("nine"));
    assert_eq!(found[&vec!["0".to_owned()]], Found::None);
    assert!(lookup.queries > 1);
}

#[test]
fn what_enrich_can_not_do_is_found_before_it_runs() {
    let bench = Bench::new("");
    let kind = &bench.registry.operators["enrich"];
    let records = records(0, 1);
    let config = json!({
        "connection": connection(), "table": "products", "on": { "id": "nr" },
        "take": [{ "name": "name", "type": "string" }], "prefix": "${sec:A}",
    });
    let checked = kind.check(&config, Some(&records.schema()));
    let codes: Vec<_> = checked.findings.iter().map(|it| it.code.0).collect();
    assert_eq!(codes, [4382, 4383]);
}
