//! A live workflow on several engines: its lanes go on elsewhere, and nothing is published twice.

use std::collections::BTreeSet;
use std::thread;
use std::time::Duration;

use super::{DOWNED, comes_back, other};
use crate::live::{assert_complete, count, flow};
use crate::support::Project;
use crate::support::cluster::{Cluster, DEPOSED, Kind, Oracle};

const RECORDS: u64 = 60_000;
const OFTEN: &str = "weir.stream.checkpoint-interval=200ms";

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
