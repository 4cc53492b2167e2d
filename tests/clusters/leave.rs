//! Nodes that leave in good order: nobody notices.

use super::{ACCESS, FILE_EVERY, other};
use crate::support::cluster::{Cluster, Commands, DB, Files, Kind, LOST, Oracle};

#[test]
fn a_node_that_leaves_hands_over_without_an_error_of_a_client() {
    let Some(mut cluster) = Cluster::of(3, Kind::Postgres).up() else { return };
    let oracle = Oracle::of(&cluster);
    let mut files = Files::new();
    cluster.deploy(&files.project);
    files.flow_again();
    let holder = cluster.holder("deployment-storage");
    let name = cluster.nodes[holder].name.clone();
    let client = other(&cluster, holder);
    files.flowing(FILE_EVERY, || {
        let commands = Commands::start(&cluster, &[client]);
        commands.go_on(5);
        cluster.nodes[client].weir(&["cluster", "leave", &name, "--wait"]).ended(0);
        let status = cluster.nodes[holder].ended();
        assert_eq!(status.code(), Some(0), "{}", cluster.nodes[holder].log());
        commands.go_on(5);
        let done = commands.end();
        assert_eq!(done.failures(), Vec::<String>::new(), "no client saw that it left");
        oracle.acknowledged(&cluster, &done);
        cluster.nodes[holder].start();
        cluster.all_up();
    });
    files.check();
    cluster.stop();
    oracle.check(&mut cluster);
}

#[test]
fn all_nodes_are_restarted_one_after_the_other_while_files_flow() {
    let Some(mut cluster) = Cluster::of(3, Kind::MariaDb).up() else { return };
    let oracle = Oracle::of(&cluster);
    let mut files = Files::new();
    cluster.deploy(&files.project);
    files.flow_again();
    files.flowing(FILE_EVERY, || {
        for at in 0..3 {
            cluster.nodes[at].terminate();
            let status = cluster.nodes[at].ended();
            assert_eq!(status.code(), Some(0), "{}", cluster.nodes[at].log());
            cluster.nodes[at].start();
            cluster.all_up();
        }
    });
    files.check();
    cluster.stop();
    oracle.check(&mut cluster);
}

#[test]
fn an_administrator_moves_a_controller() {
    let Some(mut cluster) = Cluster::of(2, Kind::Postgres).up() else { return };
    let oracle = Oracle::of(&cluster);
    let holder = cluster.holder(ACCESS);
    let target = other(&cluster, holder);
    let name = cluster.nodes[target].name.clone();
    cluster.nodes[holder].weir(&["cluster", "move", ACCESS, &name]).ended(0);
    cluster.until("the controller to be where it was moved", || {
        let lease = cluster.nodes[holder].leases().unwrap_or_default();
        let lease = lease.into_iter().find(|it| it.name == ACCESS);
        lease.and_then(|it| it.owner).is_some_and(|it| it.name.as_str() == name)
    });
    cluster.stop();
    oracle.check(&mut cluster);
}

#[test]
fn a_second_signal_ends_a_node_at_once_and_its_work_is_done_by_the_others() {
    let setup = Cluster::of(2, Kind::MariaDb).set("weir.cluster.min-nr-of-members=1");
    let Some(mut cluster) = setup.up() else { return };
    let oracle = Oracle::of(&cluster).expecting(LOST).expecting(&["WEIR-00021"]);
    let mut files = Files::new();
    cluster.deploy(&files.project);
    files.flow_again();
    // Its hand-over can't be written, so that it would take its time.
    cluster.net.cut("node-1", DB);
    cluster.nodes[0].terminate();
    cluster.nodes[0].logged("[WEIR-00020] shutting down");
    cluster.nodes[0].terminate();
    let status = cluster.nodes[0].ended();
    assert_eq!(status.code(), Some(1), "{}", cluster.nodes[0].log());
    cluster.net.heal();
    cluster.gone(1, "node-1");
    files.flow_again();
    cluster.nodes[0].start();
    cluster.all_up();
    files.check();
    cluster.stop();
    oracle.check(&mut cluster);
}

#[test]
fn a_node_that_is_told_itself_to_leave_ends_by_itself() {
    let Some(mut cluster) = Cluster::of(2, Kind::MariaDb).up() else { return };
    let oracle = Oracle::of(&cluster);
    let name = cluster.nodes[0].name.clone();
    cluster.nodes[0].weir(&["cluster", "leave", &name, "--wait"]).ended(0);
    let status = cluster.nodes[0].ended();
    assert_eq!(status.code(), Some(0), "{}", cluster.nodes[0].log());
    cluster.nodes[0].start();
    cluster.all_up();
    cluster.stop();
    oracle.check(&mut cluster);
}

#[test]
fn the_last_node_that_is_there_ends_its_work_while_it_leaves() {
    // Who could not end its work would wait for that longer than this test does.
    let setup = Cluster::of(2, Kind::Postgres)
        .set("weir.cluster.min-nr-of-members=1")
        .set("weir.shutdown.drain-timeout=10m");
    let Some(mut cluster) = setup.up() else { return };
    let oracle = Oracle::of(&cluster).expecting(LOST);
    let mut files = Files::new();
    cluster.deploy(&files.project);
    files.flow_again();
    let holder = cluster.holder(ACCESS);
    let leaving = other(&cluster, holder);
    files.flowing(FILE_EVERY, || {
        cluster.nodes[leaving].terminate();
        cluster.nodes[leaving].logged("[WEIR-00020] shutting down");
        cluster.nodes[holder].kill();
        let status = cluster.nodes[leaving].ended();
        assert_eq!(status.code(), Some(0), "{}", cluster.nodes[leaving].log());
    });
    for node in [leaving, holder] {
        cluster.nodes[node].start();
    }
    cluster.all_up();
    files.flow_again();
    files.check();
    cluster.stop();
    oracle.check(&mut cluster);
}
