//! Dead letters of a cluster: any engine knows them and may be asked for a replay, each letter is replayed
//! once whoever asks at the same time, and another engine goes on when the one that replays dies.

use std::collections::BTreeMap;
use std::thread;

use serde_json::Value;

use super::access::{done, log_in};
use super::{DOWNED, other};
use crate::support::cluster::{Cluster, Kind, Oracle};
use crate::support::flow::{CSV, JSON, read, sink};
use crate::support::{Flow, Project};

const LETTERS: usize = 120;

/// Records whose amount is 2.5 can't be mapped, until that is mended; then they take their time.
fn flow(is_mended: bool) -> Flow {
    let (wrong, per) = if is_mended { ("7", "50ms") } else { ("none", "1ms") };
    let units = format!(
        "CAST(CASE WHEN amount < 2.5 OR amount > 2.5 THEN '7' ELSE '{wrong}' END AS BIGINT)"
    );
    Flow::named("orders")
        .with("instances: 3")
        .stage(&read(CSV, ""))
        .stage(&format!(
            "{{ name: derive, from: read, processor: {{ mapping: {{ set: {{ units: \"{units}\" }} }} }} }}"
        ))
        .stage(&format!(
            "{{ name: slow, from: derive, processor: {{ throttle: {{ records: 1, per: {per} }} }} }}"
        ))
        .stage(&sink("write", "slow", "${stream}.jsonl", JSON, ""))
}

/// How many letters stand in each state, as a node sees it.
fn states(cluster: &Cluster, at: usize) -> BTreeMap<String, usize> {
    let mut states = BTreeMap::new();
    for line in done(cluster, at, &["dead-letter", "export", "orders"]).lines() {
        let letter: Value = serde_json::from_str(line).unwrap();
        *states.entry(letter["state"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    states
}

fn only(state: &str) -> BTreeMap<String, usize> {
    BTreeMap::from([(state.to_owned(), LETTERS)])
}

/// The nodes that replay now.
fn replaying(cluster: &Cluster, at: usize) -> Vec<String> {
    let page = done(cluster, at, &["stream", "list", "--state", "open", "-o", "json"]);
    let page: Value = serde_json::from_str(&page).unwrap();
    let open = page["items"].as_array().unwrap().iter();
    let replays = open.filter(|it| it["item"].as_str().unwrap().starts_with("replay-"));
    replays.map(|it| it["node"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn letters_are_replayed_once_whoever_asks_and_whoever_dies() {
    let Some(mut cluster) = Cluster::of(3, Kind::Postgres).up() else { return };
    let oracle = Oracle::of(&cluster).expecting(&[DOWNED]);
    log_in(&mut cluster);
    let project = Project::of(&flow(false));
    cluster.deploy(&project);
    for file in 0..2 {
        let row = |it: usize| format!("{},2.5\n", file * 1_000 + it);
        let rows: String = (0..LETTERS / 2).map(row).collect();
        project.put(&format!("f{file}.csv"), format!("id,amount\n{rows}"));
    }
    for at in 0..3 {
        cluster.until("every node to know all letters", || states(&cluster, at) == only("waiting"));
    }

    project.asset("workflow.yaml", &flow(true).yaml());
    cluster.deploy(&project);
    thread::scope(|scope| {
        let cluster = &cluster;
        let asked = (0..3).map(|at| {
            scope.spawn(move || {
                let asked = ["dead-letter", "replay", "orders", "--all", "-o", "json"];
                let asked: Value = serde_json::from_str(&done(cluster, at, &asked)).unwrap();
                asked["letters"].as_u64().unwrap()
            })
        });
        let asked: Vec<_> = asked.collect();
        let all: u64 = asked.into_iter().map(|it| it.join().unwrap()).sum();
        assert_eq!(all, LETTERS as u64, "each letter goes to one of those who ask");
    });
    cluster.until("a node to replay", || replaying(&cluster, 0).len() == 1);
    let name = replaying(&cluster, 0).remove(0);
    let killed = cluster.nodes.iter().position(|it| it.name == name).unwrap();
    let witness = other(&cluster, killed);
    cluster.nodes[killed].kill();
    cluster.gone(witness, &name);
    cluster
        .until("another node to replay them all", || states(&cluster, witness) == only("replayed"));
    cluster.nodes[killed].start();
    cluster.all_up();
    let mut published = BTreeMap::<u64, usize>::new();
    for record in project.published() {
        *published.entry(record["id"].as_u64().unwrap()).or_default() += 1;
    }
    assert_eq!(published.len(), LETTERS);
    assert!(published.values().all(|it| *it == 1), "something was published twice");
    cluster.stop();
    oracle.check(&mut cluster);
}
