//! Networks that fall apart: at most one side goes on.

use super::{ACCESS, DOWNED, DOWNED_EXIT, FILE_EVERY, comes_back, other};
use crate::support::cluster::{Cluster, DB, DEPOSED, Files, Kind, LOSS_WITHIN, LOST, Oracle};
use crate::support::wait_for;

#[test]
fn the_smaller_side_of_a_partition_ends_and_comes_back_when_it_is_healed() {
    let Some(mut cluster) = Cluster::of(3, Kind::MariaDb).up() else { return };
    let oracle = Oracle::of(&cluster).expecting(&[DOWNED]).expecting(DEPOSED);
    let mut files = Files::new();
    cluster.deploy(&files.project);
    files.flow_again();
    // The one that has most to lose; it goes on reaching the database.
    let alone = cluster.holder(ACCESS);
    let witness = other(&cluster, alone);
    let epoch = cluster.lease(witness, ACCESS).epoch;
    files.flowing(FILE_EVERY, || {
        let names: Vec<_> = cluster.nodes.iter().map(|it| it.name.clone()).collect();
        let rest: Vec<_> =
            names.iter().filter(|it| **it != names[alone]).map(String::as_str).collect();
        cluster.net.partition(&[names[alone].as_str()], &rest);
        cluster.moved(witness, ACCESS, epoch);
        let status = cluster.nodes[alone].ended();
        assert_eq!(status.code(), Some(DOWNED_EXIT), "{}", cluster.nodes[alone].log());
        cluster.gone(witness, &names[alone]);
        cluster.net.heal();
        cluster.nodes[alone].start();
        cluster.all_up();
    });
    files.check();
    cluster.stop();
    oracle.check(&mut cluster);
}

#[test]
fn of_two_nodes_that_lose_each_other_exactly_one_goes_on() {
    let setup = Cluster::of(2, Kind::Postgres).set("weir.cluster.min-nr-of-members=1");
    let Some(mut cluster) = setup.up() else { return };
    let oracle = Oracle::of(&cluster).expecting(&[DOWNED]).expecting(DEPOSED);
    let mut files = Files::new();
    cluster.deploy(&files.project);
    files.flow_again();
    cluster.net.cut("node-1", "node-2");
    let lost = wait_for("one of the two to end", LOSS_WITHIN, || {
        let ended = cluster.nodes.iter_mut().map(|it| it.try_ended()).collect::<Vec<_>>();
        assert!(!ended.iter().all(Option::is_some), "both ended");
        let at = ended.iter().position(Option::is_some)?;
        assert_eq!(ended[at].unwrap().code(), Some(DOWNED_EXIT), "{}", cluster.nodes[at].log());
        Some(at)
    });
    let survivor = other(&cluster, lost);
    let name = cluster.nodes[lost].name.clone();
    cluster.gone(survivor, &name);
    files.flow_again();
    assert!(cluster.nodes[survivor].is_running());
    cluster.net.heal();
    cluster.nodes[lost].start();
    cluster.all_up();
    files.check();
    cluster.stop();
    oracle.check(&mut cluster);
}

#[test]
fn a_node_that_loses_only_the_database_gives_its_controllers_to_the_others() {
    let Some(mut cluster) = Cluster::of(3, Kind::Postgres).up() else { return };
    let oracle = Oracle::of(&cluster).expecting(LOST).expecting(DEPOSED);
    let mut files = Files::new();
    cluster.deploy(&files.project);
    files.flow_again();
    let blind = cluster.holder(ACCESS);
    let witness = other(&cluster, blind);
    let epoch = cluster.lease(witness, ACCESS).epoch;
    let name = cluster.nodes[blind].name.clone();
    cluster.net.cut(&name, DB);
    files.put(20);
    cluster.moved(witness, ACCESS, epoch);
    cluster.net.heal();
    if cluster.nodes[blind].is_running() {
        cluster.all_up();
    } else {
        comes_back(&mut cluster, blind);
    }
    files.check();
    cluster.stop();
    oracle.check(&mut cluster);
}
