//! Partitions of larger clusters: whatever the sides, at most one of them goes on.

use std::collections::BTreeSet;

use super::is_wanted;
use crate::clusters::strategies::Divided;
use crate::clusters::{DOWNED, DOWNED_EXIT, FILE_EVERY};
use crate::support::cluster::{Cluster, DEPOSED, Files, Kind, LOSS_WITHIN, Oracle};
use crate::support::{DEADLINE, wait_for, wait_until};

/// Parts a cluster of so many nodes after the first few; `survivors` are how many go on, by side.
#[track_caller]
fn check(kind: Kind, nodes: usize, first: usize, may_survive: &[BTreeSet<usize>]) {
    if !is_wanted() {
        return;
    }
    let Some(mut cluster) = Cluster::of(nodes, kind).up() else { return };
    let oracle = Oracle::of(&cluster).expecting(&[DOWNED]).expecting(DEPOSED);
    let mut files = Files::new();
    cluster.deploy(&files.project);
    files.flow_again();
    let names: Vec<_> = cluster.nodes.iter().map(|it| it.name.clone()).collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    files.flowing(FILE_EVERY, || {
        cluster.net.partition(&names[..first], &names[first..]);
        let survivors = wait_for("one side to go on alone", 2 * LOSS_WITHIN, || {
            let running: BTreeSet<_> =
                (0..nodes).filter(|it| cluster.nodes[*it].is_running()).collect();
            assert!(!running.is_empty(), "nobody goes on");
            may_survive.contains(&running).then_some(running)
        });
        let witness = *survivors.first().unwrap();
        wait_until("the survivors to do without the others", DEADLINE, || {
            (0..nodes).filter(|it| !survivors.contains(it)).all(|it| {
                cluster.gone(witness, names[it]);
                true
            })
        });
        assert!(survivors.iter().all(|it| cluster.nodes[*it].is_running()));
        cluster.net.heal();
        cluster.all_up_again(|it| it.code() == Some(DOWNED_EXIT));
    });
    files.check();
    cluster.stop();
    oracle.check(&mut cluster);
}

fn nodes(range: std::ops::Range<usize>) -> BTreeSet<usize> {
    range.collect()
}

#[test]
fn three_of_five_go_on() {
    check(Kind::MariaDb, 5, 2, &[nodes(2..5)]);
}

#[test]
fn of_two_pairs_one_goes_on() {
    check(Kind::Postgres, 4, 2, &[nodes(0..2), nodes(2..4)]);
}

#[test]
fn keep_oldest_lets_the_side_of_the_oldest_go_on_unless_that_is_all_alone() {
    if !is_wanted() {
        return;
    }
    let Some(mut it) = Divided::by("keep-oldest", Kind::Postgres, 3, &[]) else { return };
    it.cut(&[2], &[&[0, 1]]);
    it.cluster.net.heal();
    it.cluster.all_up_again(|it| it.code() == Some(DOWNED_EXIT));
    it.cut(&[0], &[&[1, 2]]);
    it.heal();
}

#[test]
fn lease_majority_lets_the_larger_side_go_on() {
    if !is_wanted() {
        return;
    }
    let Some(mut it) = Divided::by("lease-majority", Kind::MariaDb, 3, &[]) else { return };
    // The larger one is the first to ask for the lease.
    it.cut(&[0], &[&[1, 2]]);
    it.heal();
}
