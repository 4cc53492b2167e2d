//! A live workflow on several engines: its lanes go on elsewhere, and nothing is published twice.

use std::collections::BTreeSet;
use std::thread;
use std::time::Duration;

use super::{DOWNED, comes_back, other};
use crate::live::{assert_complete, count, flow};
use crate::support::cluster::{Cluster, DEPOSED, Kind, Oracle};
use crate::support::{Flow, Project};

const RECORDS: u64 = 60_000;
/// Of those that become rows.
const ROWS: u64 = 32_000;
const OFTEN: &str = "weir.stream.checkpoint-interval=200ms";

/// Makes records in two lanes, and writes them to a table of the cluster's own database.
fn into_database(cluster: &Cluster) -> Flow {
    let fields = "[{ name: part, make: partition }, { name: number, make: sequence }]";
    let source = format!(
        "{{ name: make, source: {{ generator: {{ rate: 1500, records: {ROWS}, partitions: 4, \
         fields: {fields} }} }} }}"
    );
    let connection = cluster.database.connection();
    let sink = format!("{{ sql: {{ connection: {connection}, table: made }} }}");
    Flow::named("made")
        .with("instances: 2")
        .stage(&source)
        .stage(&format!("{{ name: write, from: make, sink: {sink} }}"))
}

fn rows(cluster: &Cluster) -> u64 {
    cluster.database.ask("SELECT count(*) FROM made").trim().parse().unwrap()
}

/// Kills engines, and lets one sleep until others have done its work.
fn rows_are_there_once(kind: Kind) {
    let Some(mut cluster) = Cluster::of(3, kind).set(OFTEN).up() else { return };
    let oracle = Oracle::of(&cluster).expecting(&[DOWNED]).expecting(DEPOSED);
    cluster.database.ask("CREATE TABLE made (part bigint NOT NULL, number bigint NOT NULL)");
    let project = Project::of(&into_database(&cluster));
    cluster.deploy(&project);
    let goes_on = |cluster: &Cluster| {
        let wanted = (rows(cluster) + 500).min(ROWS);
        cluster.until("more rows to be written", || rows(cluster) >= wanted);
    };
    goes_on(&cluster);
    for killed in [0, 1] {
        cluster.nodes[killed].kill();
        let name = cluster.nodes[killed].name.clone();
        cluster.gone(other(&cluster, killed), &name);
        goes_on(&cluster);
        cluster.nodes[killed].start();
        cluster.all_up();
    }
    let name = cluster.nodes[2].name.clone();
    cluster.nodes[2].pause();
    cluster.gone(other(&cluster, 2), &name);
    goes_on(&cluster);
    // Longer than any lease: time itself is what this is about.
    thread::sleep(Duration::from_secs(3));
    cluster.nodes[2].resume();
    comes_back(&mut cluster, 2);
    cluster.until("all rows to be written", || rows(&cluster) >= ROWS);
    cluster.stop();
    let each = ROWS / 4;
    let found = cluster.database.ask(
        "SELECT part, count(*), count(DISTINCT number), sum(number) FROM made \
         GROUP BY part ORDER BY part",
    );
    let wanted = (0..4).map(|it| format!("{it}|{each}|{each}|{}\n", each * (each - 1) / 2));
    assert_eq!(found, wanted.collect::<String>());
    oracle.check(&mut cluster);
}

#[test]
fn rows_are_in_mariadb_once_when_engines_die_and_others_wake() {
    rows_are_there_once(Kind::MariaDb);
}

#[test]
fn rows_are_in_postgresql_once_when_engines_die_and_others_wake() {
    rows_are_there_once(Kind::Postgres);
}

#[test]
fn lanes_go_on_elsewhere_when_engines_die_and_those_that_wake_publish_nothing() {
    let Some(mut cluster) = Cluster::of(3, Kind::MariaDb).set(OFTEN).up() else { return };
    let oracle = Oracle::of(&cluster).expecting(&[DOWNED]).expecting(DEPOSED);
    let project = Project::of(&flow(RECORDS, 1_500));
    cluster.deploy(&project);
    flows_on(&cluster, &project);
    for killed in [0, 1, 2, 1] {
        cluster.nodes[killed].kill();
        let name = cluster.nodes[killed].name.clone();
        cluster.gone(other(&cluster, killed), &name);
        flows_on(&cluster, &project);
        cluster.nodes[killed].start();
        cluster.all_up();
    }
    // One that stands still until others do its work, and then wakes in the middle of it.
    let name = cluster.nodes[2].name.clone();
    cluster.nodes[2].pause();
    cluster.gone(other(&cluster, 2), &name);
    flows_on(&cluster, &project);
    // Longer than any lease: time itself is what this is about.
    thread::sleep(Duration::from_secs(3));
    cluster.nodes[2].resume();
    comes_back(&mut cluster, 2);
    cluster.until("all records to be published", || count(&project) >= RECORDS);
    cluster.until("both lanes to be done", || {
        cluster.nodes[0].weir(&["item", "list"]).stdout.matches("done").count() == 2
    });
    cluster.stop();
    assert_complete(&project, RECORDS);
    oracle.check(&mut cluster);
}

/// Waits until more is published than there is.
fn flows_on(cluster: &Cluster, project: &Project) {
    let before = count(project);
    let wanted = (before + 500).min(RECORDS);
    cluster.until("more records to be published", || count(project) >= wanted);
}

#[test]
fn a_savepoint_is_taken_of_lanes_on_all_engines() {
    const RECORDS: u64 = 40_000;
    let Some(mut cluster) = Cluster::of(2, Kind::MariaDb).set(OFTEN).up() else { return };
    let project = Project::of(&flow(RECORDS, 1_500));
    cluster.deploy(&project);
    flows_on(&cluster, &project);
    let streams = |cluster: &Cluster| {
        cluster.nodes[0].weir(&["stream", "list", "--state", "open", "-o", "json"]).json()
    };
    cluster.until("each engine to work on a lane", || {
        let open = streams(&cluster);
        let nodes = open["items"].as_array().unwrap().iter().map(|it| it["node"].to_string());
        nodes.collect::<BTreeSet<_>>().len() == 2
    });
    for (at, node) in cluster.nodes.iter().enumerate() {
        let name = format!("at-{at}");
        node.weir(&["workflow", "savepoint", "take", "made", &name]).ended(0);
    }
    for node in &cluster.nodes {
        let there = node.weir(&["workflow", "savepoint", "list", "made", "-o", "json"]).json();
        let whole = there["items"].as_array().unwrap();
        assert!(whole.len() == 2 && whole.iter().all(|it| it["state"] == "whole"), "{there}");
        assert!(whole.iter().all(|it| it["lanes"].as_array().unwrap().len() == 2), "{there}");
    }
    let refused = cluster.nodes[1].weir(&["workflow", "reset", "made"]).ended(5);
    assert!(refused.stderr.contains("works on lane-1, lane-2"), "{}", refused.stderr);
    cluster.until("all records to be published", || count(&project) >= RECORDS);
    cluster.stop();
    assert_complete(&project, RECORDS);
}
