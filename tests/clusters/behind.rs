//! A replica that was behind takes the place of the database while engines run: what it lacks was
//! acknowledged, so nobody works on as if nothing had happened.

use super::{ACCESS, UNDECIDED};
use crate::support::cluster::{Cluster, Commands, Kind, LOST, Oracle};

/// What a node logs as an error when the database is older than what it has seen.
const WENT_BACK: &str = "WEIR-11010";

#[track_caller]
fn check(kind: Kind) {
    let Some(mut cluster) = Cluster::of(3, kind).followed().up() else { return };
    let commands = Commands::start(&cluster, &[0, 1, 2]);
    commands.go_on(5);
    cluster.database.leave_follower_behind();
    let before = cluster.lease(0, ACCESS);
    // What is acknowledged meanwhile is what will be missing.
    commands.go_on(5);
    let versions = versions(&cluster);
    cluster.until("every node to see two more beats than the follower will have", || {
        self::versions(&cluster).iter().zip(&versions).all(|(now, before)| *now >= before + 2)
    });
    drop(commands.end());
    let after = cluster.lease(0, ACCESS);
    assert_eq!((after.owner, after.epoch), (before.owner, before.epoch), "no lease gives it away");

    cluster.database.fail_over();
    for at in 0..cluster.nodes.len() {
        let status = cluster.nodes[at].ended();
        let log = cluster.nodes[at].log();
        assert_eq!(status.code(), Some(UNDECIDED), "{log}");
        let tells = [WENT_BACK, "older than what this node has seen", "accept-restore"];
        assert!(log.lines().any(|it| tells.iter().all(|tell| it.contains(tell))), "{log}");
    }
    cluster.nodes[0].start();
    assert_eq!(cluster.nodes[0].ended().code(), Some(UNDECIDED), "it does not forget");
    assert!(cluster.nodes[0].log().contains(WENT_BACK), "{}", cluster.nodes[0].log());

    for node in &mut cluster.nodes {
        node.weir_with_conf(&["persistence", "accept-restore"]).ended(0);
        node.start();
    }
    let oracle = Oracle::of(&cluster).expecting(LOST).expecting(&[WENT_BACK, "WEIR-06008"]);
    cluster.all_up();
    let commands = Commands::start(&cluster, &[0, 1, 2]);
    commands.go_on(5);
    oracle.acknowledged(&cluster, &commands.end());
    cluster.stop();
    oracle.check(&mut cluster);
}

/// The list of members as each node has seen it. Its leader advances it all the time.
fn versions(cluster: &Cluster) -> Vec<u64> {
    cluster.nodes.iter().map(|it| it.members().map_or(0, |it| it.version)).collect()
}

#[test]
fn a_mariadb_that_lacks_what_was_acknowledged_is_refused_while_engines_run() {
    check(Kind::MariaDb);
}

#[test]
fn a_postgresql_that_lacks_what_was_acknowledged_is_refused_while_engines_run() {
    check(Kind::Postgres);
}
