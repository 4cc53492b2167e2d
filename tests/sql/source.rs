//! The source: rows are read once, whenever they come and whatever is killed, and values are what they were.

use std::collections::BTreeMap;
use std::thread;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use weir_test_servers::{MariaDb, Postgres};

use super::sink::write;
use super::store::Store;
use crate::support::flow::{JSON, sink};
use crate::support::{DEADLINE, Flow, Project, Seed, Start, number, wait_until};

const SEED: u64 = 20_261_121;

fn read(store: &Store<'_>, more: &str) -> String {
    let connection = store.connection();
    format!("{{ name: read, source: {{ sql: {{ connection: {connection}, {more} }} }} }}")
}

fn start(project: &Project) -> Start {
    Start::of(project).set("weir.stream.checkpoint-interval=100ms")
}

/// How often each id was published.
fn published(project: &Project) -> BTreeMap<u64, u64> {
    let mut found = BTreeMap::new();
    for record in project.published() {
        *found.entry(record["id"].as_u64().unwrap()).or_default() += 1;
    }
    found
}

/// Rows come while the engine is killed again and again; many were changed at the same time.
fn comes(project: &Project, store: &Store<'_>) {
    const STEPS: u64 = 12;
    const ROWS: u64 = 700;
    let seed = Seed(number("WEIR_SEED", SEED));
    let mut random = StdRng::seed_from_u64(seed.0);
    store.ask("CREATE TABLE events (id bigint NOT NULL PRIMARY KEY, changed bigint NOT NULL)");
    let more = "table: events, increasing: id, updatedAt: changed, interval: 50ms";
    let flow = Flow::named("events").stage(&read(store, more)).stage(&sink(
        "write",
        "read",
        "events-${stream}.jsonl",
        JSON,
        "",
    ));
    project.asset("workflow.yaml", &flow.yaml());
    for step in 0..STEPS {
        let rows = (step * ROWS..(step + 1) * ROWS).map(|it| format!("({it}, {})", it / 300));
        let rows = rows.collect::<Vec<_>>().join(", ");
        store.ask(&format!("INSERT INTO events VALUES {rows}"));
        let mut process = start(project).spawn();
        // A random moment is what this test is about: there is nothing to wait for.
        thread::sleep(Duration::from_millis(random.random_range(300..1_500)));
        process.kill();
    }
    let weir = start(project).ready();
    store.ask(&format!("INSERT INTO events VALUES ({}, {})", STEPS * ROWS, STEPS * ROWS));
    let all: BTreeMap<u64, u64> = (0..=STEPS * ROWS).map(|it| (it, 1)).collect();
    wait_until("all rows to be read", DEADLINE, || published(project).len() >= all.len());
    weir.stop();
    assert_eq!(published(project), all);
}

#[test]
fn rows_of_postgresql_are_read_once_whatever_is_killed() {
    comes(&Project::empty(), &Store::postgres(Postgres::shared()));
}

#[test]
fn rows_of_mariadb_are_read_once_whatever_is_killed() {
    comes(&Project::empty(), &Store::mariadb(MariaDb::shared()));
}

#[test]
fn rows_of_sqlite_are_read_once_whatever_is_killed() {
    let project = Project::empty();
    comes(&project, &Store::sqlite(&project));
}

/// Rows with values of all types go from one table to another that is like it.
fn circle(project: &Project, store: &Store<'_>, columns: &str, rows: &[&str], differ: &str) {
    store.ask(&format!("CREATE TABLE a ({columns})"));
    store.ask(&format!("CREATE TABLE b ({columns})"));
    for row in rows {
        store.ask(&format!("INSERT INTO a VALUES ({row})"));
    }
    let flow = Flow::named("circle")
        .stage(&read(store, "table: a, increasing: id, once: true"))
        .stage(&write(store, "read", "table: b"));
    project.asset("workflow.yaml", &flow.yaml());
    let weir = start(project).ready();
    let wanted = rows.len() as u64;
    wait_until("the rows to be written", DEADLINE, || {
        store.number("SELECT count(*) FROM b") == wanted
    });
    weir.stop();
    assert_eq!(store.ask(differ), Vec::<String>::new());
}

#[test]
fn values_of_all_types_of_postgresql_come_back_as_they_were() {
    let columns = "id int PRIMARY KEY, i2 smallint, i8 bigint, f4 real, f8 double precision, \
         n numeric, n2 numeric(38, 10), t text, v varchar(20), c char(5), b bytea, l boolean, \
         d date, h time, s timestamp, z timestamptz, j json, jb jsonb, u uuid, ip inet";
    let rows = [
        "1, -32768, -9223372036854775808, '-3.4e38', '-1.7e308', '1e40', \
         -9999999999999999999999999999.9999999999, '', 'a', 'b', '', false, '0001-01-01', \
         '00:00', '0001-01-01', '0001-01-01 00:00+00', '{}', '[]', \
         '00000000-0000-0000-0000-000000000000', '::1'",
        "2, 32767, 9223372036854775807, 'NaN', 'Infinity', 0.1, 0.0000000001, E'\\'\"\\\\ü🙂\\n', \
         'üüüüüüüüüüüüüüüüüüüü', 'ü', '\\x00ff', true, '9999-12-31', '23:59:59.999999', \
         '9999-12-31 23:59:59.999999', '9999-12-31 23:59:59.999999+00', '{\"a\": [1, null]}', \
         '{\"a\": \"ü\"}', 'ffffffff-ffff-ffff-ffff-ffffffffffff', '10.0.0.0/8'",
        "3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, \
         NULL, NULL, NULL, NULL, NULL",
    ];
    let differ = "SELECT x::text FROM a x EXCEPT SELECT x::text FROM b x";
    circle(&Project::empty(), &Store::postgres(Postgres::shared()), columns, &rows, differ);
}

#[test]
fn values_of_all_types_of_mariadb_come_back_as_they_were() {
    let columns = "id int PRIMARY KEY, i1 tinyint, i2 smallint, i3 mediumint, i8 bigint, u1 tinyint unsigned, \
         u8 bigint unsigned, f8 double, n decimal(38, 10), t text, v varchar(20), vb varbinary(9), b blob, \
         l boolean, d date, h time(6), s datetime(6), z timestamp(6) NULL, e enum('x', 'y'), j json";
    let rows = [
        "1, -128, -32768, -8388608, -9223372036854775808, 0, 0, -1.7e308, \
         -9999999999999999999999999999.9999999999, '', 'a', '', '', false, '1000-01-01', '00:00:00', \
         '1000-01-01', '1970-01-01 00:00:01', 'x', '{}'",
        "2, 127, 32767, 8388607, 9223372036854775807, 255, 18446744073709551615, 1e-300, 0.0000000001, \
         'ü🙂\\n', 'üüüüüüüüüüüüüüüüüüüü', x'00ff', x'ff00', true, '9999-12-31', '23:59:59.999999', \
         '9999-12-31 23:59:59.999999', '2038-01-19 03:14:06.999999', 'y', '[1, null]'",
        "3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, \
         NULL, NULL, NULL, NULL",
    ];
    let differ = "SELECT * FROM a EXCEPT SELECT * FROM b";
    circle(&Project::empty(), &Store::mariadb(MariaDb::shared()), columns, &rows, differ);
}

#[test]
fn values_of_all_types_of_sqlite_come_back_as_they_were() {
    let columns = "id integer PRIMARY KEY, i bigint, f real, t text, b blob, l boolean";
    let rows = [
        "1, -9223372036854775808, -1.7e308, '', x'', 0",
        "2, 9223372036854775807, 0.1, 'ü🙂', x'00ff', 1",
        "3, NULL, NULL, NULL, NULL, NULL",
    ];
    let project = Project::empty();
    let store = Store::sqlite(&project);
    circle(&project, &store, columns, &rows, "SELECT * FROM a EXCEPT SELECT * FROM b");
}

#[test]
fn refusals_say_what_to_do_and_no_secret() {
    let store = Store::postgres(Postgres::shared());
    store.ask("CREATE TABLE there (id bigint PRIMARY KEY)");
    let refused = |from: &str, to: &str, more: &str, said: &str| {
        let project = Project::empty();
        let flow = Flow::named("events").stage(&read(&store, more)).stage(&sink(
            "write",
            "read",
            "out.jsonl",
            JSON,
            "",
        ));
        let yaml = flow.yaml();
        assert!(yaml.contains(from), "{yaml}");
        project.asset("workflow.yaml", &yaml.replace(from, to));
        let mut process = start(&project).spawn();
        wait_until(said, DEADLINE, || process.log().contains(said));
        let log = process.log();
        assert!(!log.contains("a-password-for-tests"), "{log}");
        assert!(!log.contains("another-word"), "{log}");
        process.kill();
    };
    let good = "table: there, increasing: id";
    refused("a-password-for-tests", "another-word", good, "does not let the user weir in");
    refused("there", "their", good, "\"their\" does not exist");
    refused("increasing: id", "increasing: it", good, "there is no column it");
}
