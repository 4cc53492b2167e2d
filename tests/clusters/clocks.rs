//! Clocks that are wrong, and clocks that are set while a node runs. What only measures time does
//! not notice; what is written with a time is read by nodes with another one.

use weir_domain::{NodeStatus, NodeUid};
use weir_http_api::LeaseView;

use super::{ACCESS, CONTROLLERS, FILE_EVERY, LONGER_THAN_A_LEASE, other};
use crate::support::cluster::{Cluster, Commands, Files, Kind, Oracle};
use crate::support::stays_so;

/// An hour and a little: what allows for just an hour is not enough.
const HOUR: i64 = 3_700;

#[test]
fn nodes_whose_clocks_are_hours_apart_work_together() {
    let setup = Cluster::of(3, Kind::Postgres).clocks(&[HOUR, 0, -HOUR]);
    let Some(mut cluster) = setup.up() else { return };
    let oracle = Oracle::of(&cluster);
    let apart = joined_at(&cluster, "node-1") - joined_at(&cluster, "node-3");
    assert!(apart > 6_000_000, "the clocks are {apart} ms apart: they were not set");
    let mut files = Files::new();
    cluster.deploy(&files.project);
    files.flow_again();
    let killed = cluster.holder(ACCESS);
    let witness = other(&cluster, killed);
    let epoch = cluster.lease(witness, ACCESS).epoch;
    files.flowing(FILE_EVERY, || {
        let commands = Commands::start(&cluster, &[witness]);
        commands.go_on(3);
        cluster.nodes[killed].kill();
        cluster.moved(witness, ACCESS, epoch);
        let name = cluster.nodes[killed].name.clone();
        cluster.gone(witness, &name);
        commands.go_on(5);
        oracle.acknowledged(&cluster, &commands.end());
        cluster.nodes[killed].start();
        cluster.all_up();
    });
    files.check();
    cluster.stop();
    oracle.check(&mut cluster);
}

#[test]
fn a_clock_that_is_set_moves_no_lease() {
    let Some(mut cluster) = Cluster::of(3, Kind::MariaDb).clocks(&[0; 3]).up() else { return };
    let oracle = Oracle::of(&cluster);
    let mut files = Files::new();
    cluster.deploy(&files.project);
    files.flow_again();
    let holder = cluster.holder(ACCESS);
    let before = held(&cluster);
    let members = lives(&cluster);
    let witness = other(&cluster, holder);
    files.flowing(FILE_EVERY, || {
        let commands = Commands::start(&cluster, &[0, 1, 2]);
        for seconds in [HOUR, -HOUR] {
            // Those that hold leases and those that wait for one.
            cluster.nodes.iter().for_each(|it| it.set_clock(seconds));
            commands.go_on(5);
            cluster.nodes[holder].set_clock(0);
            stays_so("each lease where it was", LONGER_THAN_A_LEASE, || held(&cluster) == before);
            commands.go_on(5);
        }
        oracle.acknowledged(&cluster, &commands.end());
    });
    assert_eq!(held(&cluster), before, "no lease has moved");
    assert_eq!(lives(&cluster), members, "nobody was given up");

    let epoch = cluster.lease(witness, ACCESS).epoch;
    // Its next life seems to begin before its last one.
    cluster.nodes[holder].kill();
    cluster.moved(witness, ACCESS, epoch);
    cluster.nodes[holder].set_clock(-2 * HOUR);
    cluster.nodes[holder].start();
    cluster.all_up();
    files.check();
    cluster.stop();
    oracle.check(&mut cluster);
}

/// When a node joined, by its own clock.
fn joined_at(cluster: &Cluster, name: &str) -> i64 {
    let members = cluster.nodes[1].members().unwrap().members;
    members.iter().find(|it| it.name.as_str() == name).unwrap().joined_at.0
}

/// All lives of members, and how far each is, as the store has them.
fn lives(cluster: &Cluster) -> Vec<(NodeUid, NodeStatus)> {
    let members = cluster.nodes[0].members().unwrap().members;
    members.iter().map(|it| (it.uid, it.status)).collect()
}

/// Who holds each controller, and in which epoch.
fn held(cluster: &Cluster) -> Vec<(String, u64)> {
    let held = |name: &&str| {
        let LeaseView { owner, epoch, .. } = cluster.lease(0, name);
        (owner.unwrap().to_string(), epoch)
    };
    CONTROLLERS.iter().map(held).collect()
}
