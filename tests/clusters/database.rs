//! A database that answers, but badly: it is slow, full, read-only, or busy with others.

use std::time::Duration;

use super::{ACCESS, CONTROLLERS, FILE_EVERY, LONGER_THAN_A_LEASE};
use crate::support::cluster::{
    Cluster, Commands, DEPOSED, Files, Kind, LOST, Node, Oracle, Session,
};
use crate::support::stays_so;

const SEED: u64 = 20_261_120;
/// Each second answer takes longer.
const SLOW: Duration = Duration::from_millis(450);

/// Nobody is lost while this lasts.
#[track_caller]
fn all_stay_up(cluster: &mut Cluster, time: Duration) {
    stays_so("all nodes run", time, || cluster.nodes.iter_mut().all(Node::is_running));
}

/// The epochs of all controllers.
#[track_caller]
fn epochs(cluster: &Cluster) -> [u64; CONTROLLERS.len()] {
    CONTROLLERS.map(|it| cluster.lease(0, it).epoch)
}

/// The same, once nothing moves by itself any more.
#[track_caller]
fn settled(cluster: &Cluster) -> [u64; CONTROLLERS.len()] {
    cluster.until("the controllers to be spread over the nodes", || cluster.is_spread(0));
    epochs(cluster)
}

/// A database that is slow for a while, but lets renewals through in time, delays what is to be
/// done, and no more.
#[track_caller]
pub(crate) fn check_slow(kind: Kind, seed: u64, time: Duration) {
    let Some(mut cluster) = Cluster::of(3, kind).slow_from(seed).up() else { return };
    let oracle = Oracle::of(&cluster).expecting(LOST).expecting(DEPOSED);
    let mut files = Files::new();
    cluster.deploy(&files.project);
    files.flow_again();
    let before = settled(&cluster);
    files.flowing(2 * FILE_EVERY, || {
        let commands = Commands::start(&cluster, &[0, 1, 2]);
        commands.go_on(3);
        cluster.database.slow_down();
        all_stay_up(&mut cluster, time);
        commands.go_on(3);
        cluster.database.speed_up();
        commands.go_on(3);
        let done = commands.end();
        assert!(done.gap() > SLOW, "the delay was felt");
        oracle.acknowledged(&cluster, &done);
    });
    files.check();
    assert_eq!(epochs(&cluster), before, "each renewal got through in time, so nothing moved");
    cluster.all_up();
    for node in &cluster.nodes {
        assert!(
            !node.logs().contains("member is down"),
            "nobody is taken for lost: {}",
            node.logs()
        );
    }
    cluster.stop();
    oracle.check(&mut cluster);
}

#[test]
fn a_slow_mariadb_delays_the_work_and_moves_nothing() {
    check_slow(Kind::MariaDb, SEED, Duration::from_secs(15));
}

#[test]
fn a_slow_postgresql_delays_the_work_and_moves_nothing() {
    check_slow(Kind::Postgres, SEED, Duration::from_secs(15));
}

/// While something is wrong with the database, an engine says so where people look, and nothing
/// that was acknowledged is lost; when it is cured all goes on by itself.
#[track_caller]
fn check_trouble(
    cluster: &mut Cluster,
    (begin, end): (impl FnOnce(&Cluster), impl FnOnce(&Cluster)),
    said: &[&str],
) {
    let oracle = Oracle::of(cluster).expecting(LOST).expecting(DEPOSED);
    let mut files = Files::new();
    cluster.deploy(&files.project);
    files.flow_again();
    files.flowing(FILE_EVERY, || {
        let commands = Commands::start(cluster, &[0, 1, 2]);
        commands.go_on(3);
        begin(cluster);
        cluster.until(&format!("{said:?} in a log"), || {
            cluster
                .nodes
                .iter()
                .any(|node| node.log().lines().any(|line| said.iter().all(|it| line.contains(it))))
        });
        all_stay_up(cluster, LONGER_THAN_A_LEASE);
        end(cluster);
        commands.go_on(5);
        oracle.acknowledged(cluster, &commands.end());
    });
    cluster.all_up();
    files.check();
    cluster.stop();
    oracle.check(cluster);
}

#[test]
fn a_mariadb_whose_disk_is_full_is_waited_for() {
    let Some(mut cluster) = Cluster::of(3, Kind::MariaDb).on_disk_of(80).up() else { return };
    let (begin, end) =
        (|it: &Cluster| it.database.fill_disk(), |it: &Cluster| it.database.free_disk());
    check_trouble(&mut cluster, (begin, end), &["the disk of its server is full"]);
}

#[test]
fn a_postgresql_whose_disk_is_full_is_waited_for() {
    let Some(mut cluster) = Cluster::of(3, Kind::Postgres).on_disk_of(160).up() else { return };
    let (begin, end) =
        (|it: &Cluster| it.database.fill_disk(), |it: &Cluster| it.database.free_disk());
    check_trouble(&mut cluster, (begin, end), &["the disk of its server is full"]);
}

/// What an engine says of a server that only reads.
const READ_ONLY: &[&str] = &["takes no writes", "set to read-only", "name the primary server"];

/// What an operator sees while that lasts.
#[track_caller]
fn says_read_only(cluster: &Cluster) {
    let says = |arguments: &[&str]| {
        cluster.until(&format!("{arguments:?} to say why"), || {
            let ran = cluster.nodes[0].weir(arguments);
            READ_ONLY.iter().all(|it| ran.stdout.contains(it))
        });
    };
    says(&["cluster", "status"]);
    says(&["cluster", "explain"]);
}

#[test]
fn a_mariadb_that_was_set_to_read_only_is_waited_for() {
    let Some(mut cluster) = Cluster::of(3, Kind::MariaDb).up() else { return };
    let set = |it: &Cluster, value: u8| {
        it.database.administrate(&format!("SET GLOBAL read_only = {value}"));
    };
    let begin = |it: &Cluster| {
        set(it, 1);
        says_read_only(it);
    };
    check_trouble(&mut cluster, (begin, |it: &Cluster| set(it, 0)), READ_ONLY);
}

#[test]
fn a_postgresql_that_was_set_to_read_only_is_waited_for() {
    let Some(mut cluster) = Cluster::of(3, Kind::Postgres).up() else { return };
    let reload = |it: &Cluster| it.database.administrate("SELECT pg_reload_conf()");
    let begin = |it: &Cluster| {
        it.database.administrate("ALTER SYSTEM SET default_transaction_read_only = on");
        reload(it);
        says_read_only(it);
    };
    let end = |it: &Cluster| {
        it.database.administrate("ALTER SYSTEM RESET default_transaction_read_only");
        reload(it);
    };
    check_trouble(&mut cluster, (begin, end), READ_ONLY);
}

/// Sessions of somebody else, as many as the server lets in.
fn crowd(cluster: &Cluster) -> Vec<Session> {
    let mut crowd = Vec::new();
    loop {
        let mut session = cluster.database.session();
        if session.rows("SELECT CONCAT(1)").is_err() {
            return crowd;
        }
        crowd.push(session);
    }
}

/// Others have all connections that the server allows: who is there goes on, who comes is told.
#[track_caller]
fn check_crowded(kind: Kind, said: &str) {
    let setup = Cluster::of(3, kind).server(&[match kind {
        Kind::MariaDb => "--max-connections=60",
        Kind::Postgres => "-cmax_connections=60",
    }]);
    let Some(mut cluster) = setup.up() else { return };
    let oracle = Oracle::of(&cluster).expecting(LOST);
    let mut files = Files::new();
    cluster.deploy(&files.project);
    files.flow_again();
    let before = settled(&cluster);
    files.flowing(FILE_EVERY, || {
        let commands = Commands::start(&cluster, &[0, 1, 2]);
        commands.go_on(3);
        let others = crowd(&cluster);
        all_stay_up(&mut cluster, LONGER_THAN_A_LEASE);
        commands.go_on(3);
        assert_eq!(epochs(&cluster), before, "whoever had a lease has renewed it");
        let last = cluster.nodes.len() - 1;
        cluster.nodes[last].terminate();
        cluster.nodes[last].ended();
        let mut others = others;
        others.extend(crowd(&cluster));
        cluster.nodes[last].start();
        let status = cluster.nodes[last].ended();
        let log = cluster.nodes[last].log();
        assert_eq!(status.code(), Some(1), "{log}");
        assert!(log.contains(said) && log.contains("all its connections are taken"), "{log}");
        drop(others);
        cluster.nodes[last].start();
        commands.go_on(3);
        oracle.acknowledged(&cluster, &commands.end());
    });
    cluster.all_up();
    files.check();
    cluster.stop();
    oracle.check(&mut cluster);
}

#[test]
fn a_mariadb_that_is_crowded_keeps_those_who_are_there() {
    check_crowded(Kind::MariaDb, "Too many connections");
}

#[test]
fn a_postgresql_that_is_crowded_keeps_those_who_are_there() {
    check_crowded(Kind::Postgres, "connection slots");
}

/// All connections for data wait for a table that somebody has locked: the leases do not.
#[track_caller]
fn check_locked(kind: Kind, lock: &[&str], unlock: &str) {
    let Some(mut cluster) = Cluster::of(3, kind).up() else { return };
    let oracle = Oracle::of(&cluster).expecting(LOST);
    let mut files = Files::new();
    cluster.deploy(&files.project);
    files.flow_again();
    let before = settled(&cluster);
    files.flowing(FILE_EVERY / 2, || {
        let mut somebody = cluster.database.session();
        lock.iter().for_each(|it| drop(somebody.rows(it).unwrap()));
        all_stay_up(&mut cluster, LONGER_THAN_A_LEASE);
        assert_eq!(epochs(&cluster), before, "the leases were renewed");
        somebody.rows(unlock).unwrap();
    });
    files.check();
    assert_eq!(cluster.lease(0, ACCESS).epoch, epochs(&cluster)[0]);
    cluster.all_up();
    cluster.stop();
    oracle.check(&mut cluster);
}

#[test]
fn leases_are_renewed_while_all_other_work_on_a_mariadb_waits() {
    check_locked(Kind::MariaDb, &["LOCK TABLES item WRITE, stream WRITE"], "UNLOCK TABLES");
}

#[test]
fn leases_are_renewed_while_all_other_work_on_a_postgresql_waits() {
    let lock = ["BEGIN", "LOCK TABLE item, stream IN ACCESS EXCLUSIVE MODE"];
    check_locked(Kind::Postgres, &lock, "COMMIT");
}
