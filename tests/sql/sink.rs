//! The sink: rows and sums are what was made, once, whatever is killed.

use std::thread;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use weir_test_servers::{MariaDb, Options, Postgres};

use super::store::Store;
use crate::support::flow::{CSV, read};
use crate::support::{DEADLINE, Flow, Project, Seed, Start, number, wait_until};

const SEED: u64 = 20_261_121;
const KILLS: u32 = 12;
const LIFE_MS_MAX: u64 = 1_500;
const PARTITIONS: u64 = 4;

const TABLE: &str =
    "CREATE TABLE made (part bigint NOT NULL, number bigint NOT NULL, amount bigint NOT NULL)";

/// Makes so many records at this rate, in two lanes, and writes them to the table `made`.
fn made(store: &Store<'_>, records: u64, rate: u64) -> Flow {
    let fields = "[{ name: part, make: partition }, { name: number, make: sequence }, \
                  { name: amount, make: integer, min: 1, max: 9 }]";
    let source = format!(
        "{{ name: make, source: {{ generator: {{ rate: {rate}, records: {records}, \
         partitions: {PARTITIONS}, fields: {fields} }} }} }}"
    );
    Flow::named("made").with("instances: 2").stage(&source).stage(&write(
        store,
        "make",
        "table: made",
    ))
}

pub(crate) fn write(store: &Store<'_>, from: &str, more: &str) -> String {
    let connection = store.connection();
    format!(
        "{{ name: write, from: {from}, sink: {{ sql: {{ connection: {connection}, {more} }} }} }}"
    )
}

/// How many rows there are, of how many records, to the sum of their numbers.
fn sums(store: &Store<'_>) -> Vec<String> {
    store.ask(
        "SELECT part, count(*), count(DISTINCT number), sum(number) FROM made GROUP BY part ORDER BY part",
    )
}

fn all(records: u64) -> Vec<String> {
    let each = records / PARTITIONS;
    let sum = each * (each - 1) / 2;
    (0..PARTITIONS).map(|part| format!("{part}|{each}|{each}|{sum}")).collect()
}

fn count(store: &Store<'_>) -> u64 {
    store.number("SELECT count(*) FROM made")
}

fn start(project: &Project) -> Start {
    Start::of(project).set("weir.stream.checkpoint-interval=100ms")
}

/// Kills the engine again and again while it writes.
fn killed(project: &Project, store: &Store<'_>) {
    const RECORDS: u64 = 24_000;
    let seed = Seed(number("WEIR_SEED", SEED));
    let mut random = StdRng::seed_from_u64(seed.0);
    store.ask(TABLE);
    project.asset("workflow.yaml", &made(store, RECORDS, 3_000).yaml());
    for kill in 1..=number("WEIR_KILLS", KILLS) {
        let mut process = start(project).spawn();
        // A random moment is what this test is about: there is nothing to wait for.
        thread::sleep(Duration::from_millis(random.random_range(300..LIFE_MS_MAX)));
        process.kill();
        if kill % 4 == 0 {
            eprintln!("killed {kill} times: {} of {RECORDS} rows are there", count(store));
        }
    }
    let weir = start(project).ready();
    wait_until("all rows to be there", DEADLINE, || count(store) >= RECORDS);
    weir.stop();
    assert_eq!(sums(store), all(RECORDS));
}

#[test]
fn what_is_made_is_in_postgresql_once_whatever_is_killed() {
    killed(&Project::empty(), &Store::postgres(Postgres::shared()));
}

#[test]
fn what_is_made_is_in_mariadb_once_whatever_is_killed() {
    killed(&Project::empty(), &Store::mariadb(MariaDb::shared()));
}

#[test]
fn what_is_made_is_in_sqlite_once_whatever_is_killed() {
    let project = Project::empty();
    killed(&project, &Store::sqlite(&project));
}

/// Two engines may make it at once: whoever comes second waits for the first, and is refused then.
#[test]
fn a_table_of_commits_that_another_makes_meanwhile_is_found() {
    const RECORDS: u64 = 400;
    let (server, project) = (Postgres::shared(), Project::empty());
    let database = server.database();
    let store = Store::Postgres(server, database.clone());
    store.ask(TABLE);
    project.asset("workflow.yaml", &made(&store, RECORDS, 10_000).yaml());
    // Makes it, and goes on when somebody waits for that.
    let others = "BEGIN; CREATE TABLE weir_commits (id char(64) NOT NULL PRIMARY KEY, \
        job text NOT NULL, outbox text NOT NULL, \
        committed_at timestamptz NOT NULL DEFAULT CURRENT_TIMESTAMP); \
        DO $$ BEGIN WHILE NOT EXISTS (SELECT FROM pg_locks WHERE NOT granted \
        AND transactionid = pg_current_xact_id()::xid) LOOP PERFORM pg_sleep(0.02); END LOOP; \
        END $$; COMMIT";
    thread::scope(|scope| {
        let made = scope.spawn(|| Store::Postgres(server, database).ask(others));
        let weir = start(&project).ready();
        wait_until("all rows to be there", DEADLINE, || count(&store) >= RECORDS);
        made.join().unwrap();
        let log = weir.stop();
        assert!(!log.contains("rolled back"), "{log}");
    });
    assert_eq!(sums(&store), all(RECORDS));
}

/// Kills the engine while files become rows.
fn files_killed(project: &Project, store: &Store<'_>) {
    const FILES: u64 = 40;
    const ROWS: u64 = 500;
    let seed = Seed(number("WEIR_SEED", SEED));
    let mut random = StdRng::seed_from_u64(seed.0);
    store.ask("CREATE TABLE orders (id bigint NOT NULL, amount double precision)");
    let flow =
        Flow::named("orders").stage(&read(CSV, "")).stage(&write(store, "read", "table: orders"));
    project.asset("workflow.yaml", &flow.yaml());
    for file in 0..FILES {
        let rows = (file * ROWS..(file + 1) * ROWS).map(|it| format!("{it},{}.5\n", it % 10));
        project.put(&format!("{file:02}.csv"), format!("id,amount\n{}", rows.collect::<String>()));
    }
    for _ in 0..number("WEIR_KILLS", 8) {
        let mut process = start(project).spawn();
        // A random moment is what this test is about: there is nothing to wait for.
        thread::sleep(Duration::from_millis(random.random_range(300..LIFE_MS_MAX)));
        process.kill();
    }
    let weir = start(project).ready();
    wait_until("all files to be done", DEADLINE, || project.files("done").len() as u64 == FILES);
    weir.stop();
    let (rows, sum) = (FILES * ROWS, FILES * ROWS * (FILES * ROWS - 1) / 2);
    let found = store.ask("SELECT count(*), count(DISTINCT id), sum(id) FROM orders");
    assert_eq!(found, [format!("{rows}|{rows}|{sum}")]);
    project.assert_tidy();
}

#[test]
fn files_are_in_postgresql_once_whatever_is_killed() {
    files_killed(&Project::empty(), &Store::postgres(Postgres::shared()));
}

#[test]
fn files_are_in_mariadb_once_whatever_is_killed() {
    files_killed(&Project::empty(), &Store::mariadb(MariaDb::shared()));
}

#[test]
fn files_are_in_sqlite_once_whatever_is_killed() {
    let project = Project::empty();
    files_killed(&project, &Store::sqlite(&project));
}

const SERVED: u64 = 40_000;

/// Kills the server and starts it again, several times, while rows are written.
macro_rules! falls {
    ($server:ty, $store:path) => {{
        let mut server = <$server>::start(Options::default());
        let database = server.database();
        let project = Project::empty();
        let store = $store(&server, database.clone());
        store.ask(TABLE);
        project.asset("workflow.yaml", &made(&store, SERVED, 6_000).yaml());
        let weir = start(&project).ready();
        for fell in 1..=4 {
            let store = $store(&server, database.clone());
            let former = count(&store);
            wait_until("rows to be written", DEADLINE, || {
                count(&store) > former || former >= SERVED
            });
            server.kill();
            server.restart();
            let store = $store(&server, database.clone());
            eprintln!("the server fell {fell} times: {} rows are there", count(&store));
        }
        let store = $store(&server, database);
        wait_until("all rows to be there", DEADLINE, || count(&store) >= SERVED);
        weir.stop();
        assert_eq!(sums(&store), all(SERVED));
    }};
}

#[test]
fn a_postgresql_that_is_killed_and_comes_back_has_all_of_it_once() {
    falls!(Postgres, Store::Postgres);
}

#[test]
fn a_mariadb_that_is_killed_and_comes_back_has_all_of_it_once() {
    falls!(MariaDb, Store::MariaDb);
}
