//! Nodes that are lost: killed, or standing still.

use std::thread;
use std::time::Duration;

use super::{ACCESS, DOWNED, FILE_EVERY, NOBODY_GIVEN_UP, comes_back, other};
use crate::support::cluster::{Cluster, Commands, DEPOSED, Files, Kind, Oracle};

#[test]
fn any_node_may_be_killed_while_files_flow() {
    let Some(mut cluster) = Cluster::of(3, Kind::MariaDb).up() else { return };
    let oracle = Oracle::of(&cluster);
    let mut files = Files::new();
    cluster.deploy(&files.project);
    files.flow_again();
    files.flowing(FILE_EVERY, || {
        for killed in 0..3 {
            let commands = Commands::start(&cluster, &[other(&cluster, killed)]);
            commands.go_on(3);
            cluster.nodes[killed].kill();
            let name = cluster.nodes[killed].name.clone();
            let witness = other(&cluster, killed);
            cluster.gone(witness, &name);
            commands.go_on(5);
            oracle.acknowledged(&cluster, &commands.end());
            cluster.nodes[killed].start();
            cluster.all_up();
        }
    });
    files.check();
    cluster.stop();
    oracle.check(&mut cluster);
}

#[test]
fn a_node_that_stood_still_does_nothing_more_when_it_wakes() {
    let setup = Cluster::of(3, Kind::Postgres);
    let Some(mut cluster) = setup.up() else { return };
    let oracle = Oracle::of(&cluster).expecting(&[DOWNED]).expecting(DEPOSED);
    let mut files = Files::new();
    cluster.deploy(&files.project);
    files.flow_again();
    let holder = cluster.holder(ACCESS);
    let witness = other(&cluster, holder);
    let epoch = cluster.lease(witness, ACCESS).epoch;
    files.flowing(FILE_EVERY, || {
        cluster.nodes[holder].pause();
        cluster.moved(witness, ACCESS, epoch);
        let name = cluster.nodes[holder].name.clone();
        cluster.gone(witness, &name);
        // Longer than any lease: time itself is what this is about.
        thread::sleep(Duration::from_secs(5));
        cluster.nodes[holder].resume();
        comes_back(&mut cluster, holder);
    });
    files.check();
    cluster.stop();
    oracle.check(&mut cluster);
}

#[test]
fn an_operator_downs_a_node_that_is_lost_and_no_other() {
    let Some(mut cluster) = Cluster::of(3, Kind::MariaDb).set(NOBODY_GIVEN_UP).up() else { return };
    let oracle = Oracle::of(&cluster).expecting(&[DOWNED]).expecting(DEPOSED);
    let ran = cluster.nodes[0].weir(&["cluster", "down", "node-3"]);
    assert_ne!(ran.code, Some(0));
    assert!(ran.stderr.contains("weir cluster leave node-3"), "{}", ran.stderr);

    cluster.nodes[2].pause();
    cluster.reaches(0, "node-3", false);
    cluster.nodes[0].weir(&["cluster", "down", "node-3"]).ended(0);
    cluster.gone(0, "node-3");
    cluster.nodes[2].resume();
    comes_back(&mut cluster, 2);
    cluster.stop();
    oracle.check(&mut cluster);
}
