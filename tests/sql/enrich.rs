//! Enriching: rows are looked up once for a batch, and what has none goes where it is said to go.

use weir_test_servers::{MariaDb, Postgres};

use super::store::Store;
use crate::support::flow::{JSON, read, sink};
use crate::support::{DEADLINE, Flow, Project, Start, wait_until};

const CSV: &str = "{ type: csv, schema: [{ name: id, type: int64 }, { name: sku, type: string }] }";

/// Files of records become richer ones; each other one has no row.
fn enriched(project: &Project, store: &Store<'_>) {
    store.ask("CREATE TABLE products (sku varchar(20) NOT NULL PRIMARY KEY, name varchar(50), price bigint)");
    for first in (0..5_000).step_by(1_000) {
        let rows = (first..first + 1_000).map(|it| format!("('s{}', 'name {it}', {it})", it * 2));
        store.ask(&format!("INSERT INTO products VALUES {}", rows.collect::<Vec<_>>().join(", ")));
    }
    let connection = store.connection();
    let enrich = |name: &str, missing: &str| {
        format!(
            "{{ name: {name}, from: read, onError: ignore, processor: {{ enrich: {{ connection: {connection}, \
             table: products, on: {{ sku: sku }}, prefix: p_, missing: {missing}, \
             take: [{{ name: name, type: string }}, {{ name: price, type: int64 }}] }} }} }}"
        )
    };
    let flow = Flow::named("orders")
        .stage(&read(CSV, ""))
        .stage(&enrich("all", "null"))
        .stage(&enrich("some", "drop"))
        .stage(&enrich("good", "deadLetter"))
        .stage(&sink("a", "all", "all.jsonl", JSON, ""))
        .stage(&sink("b", "some", "some.jsonl", JSON, ""))
        .stage(&sink("c", "good", "good.jsonl", JSON, ""));
    project.asset("workflow.yaml", &flow.yaml());
    let rows = (0..10_000).map(|it| format!("{it},s{it}\n")).collect::<String>();
    project.put("orders.csv", format!("id,sku\n{rows}"));
    let weir = Start::of(project).ready();
    wait_until("the file to be done", DEADLINE, || project.files("done").len() == 1);
    weir.stop();
    let all = project.json_lines("out/all.jsonl");
    assert_eq!(all.len(), 10_000);
    for record in &all {
        let id = record["id"].as_u64().unwrap();
        let price = (id % 2 == 0).then_some(id / 2);
        assert_eq!(record.get("p_price").and_then(serde_json::Value::as_u64), price, "{record}");
    }
    assert_eq!(project.json_lines("out/some.jsonl").len(), 5_000);
    assert_eq!(project.json_lines("out/good.jsonl").len(), 5_000);
}

#[test]
fn records_are_enriched_from_postgresql() {
    enriched(&Project::empty(), &Store::postgres(Postgres::shared()));
}

#[test]
fn records_are_enriched_from_mariadb() {
    enriched(&Project::empty(), &Store::mariadb(MariaDb::shared()));
}

#[test]
fn records_are_enriched_from_sqlite() {
    let project = Project::empty();
    enriched(&project, &Store::sqlite(&project));
}
