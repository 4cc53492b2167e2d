//! Faults that last: poor networks, links that come and go, busy machines, long outages.

use std::process::{Child, Command};
use std::thread;
use std::time::Duration;

use weir_runtime::Stopwatch;

use super::{Seed, is_wanted};
use crate::clusters::database::check_slow;
use crate::clusters::{ACCESS, DOWNED, FILE_EVERY};
use crate::support::cluster::{Cluster, DEPOSED, Files, Kind, LOST, Oracle};

/// Three nodes with files that flow.
fn at_work(kind: Kind) -> Option<(Cluster, Files)> {
    let cluster = is_wanted().then(|| Cluster::of(3, kind).up()).flatten()?;
    let mut files = Files::new();
    cluster.deploy(&files.project);
    files.flow_again();
    Some((cluster, files))
}

/// Nobody is downed while this lasts.
#[track_caller]
fn all_stay(cluster: &mut Cluster, time: Duration) {
    let watch = Stopwatch::start();
    while watch.elapsed() < time {
        for node in &mut cluster.nodes {
            assert!(node.is_running(), "{} ended:\n{}", node.name, node.log());
        }
        thread::sleep(Duration::from_millis(200));
    }
}

#[test]
fn a_network_that_loses_a_fifth_of_all_packets_downs_nobody() {
    let Some((mut cluster, mut files)) = at_work(Kind::MariaDb) else { return };
    let oracle = Oracle::of(&cluster);
    cluster.net.loss(&["node-1", "node-2", "node-3"], 20);
    files.flowing(FILE_EVERY, || all_stay(&mut cluster, Duration::from_secs(120)));
    cluster.net.heal();
    cluster.all_up();
    files.check();
    cluster.stop();
    oracle.check(&mut cluster);
}

#[test]
fn a_busy_machine_downs_nobody() {
    let Some((mut cluster, mut files)) = at_work(Kind::Postgres) else { return };
    // A look at the database may take long; that is no loss of anybody.
    let oracle = Oracle::of(&cluster).expecting(LOST);
    let _hogs: Vec<_> = (0..16).map(|_| Hog::start()).collect();
    files.flowing(FILE_EVERY, || all_stay(&mut cluster, Duration::from_secs(120)));
    drop(_hogs);
    cluster.all_up();
    files.check();
    cluster.stop();
    oracle.check(&mut cluster);
}

/// Uses a processor for nothing.
struct Hog(Child);

impl Hog {
    fn start() -> Self {
        let watched = ["--pdeathsig", "KILL", "sh", "-c", "while :; do :; done"];
        Self(Command::new("setpriv").args(watched).spawn().unwrap())
    }
}

impl Drop for Hog {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_link_that_comes_and_goes_leaves_a_cluster_that_works() {
    let Some((mut cluster, mut files)) = at_work(Kind::MariaDb) else { return };
    let oracle = Oracle::of(&cluster).expecting(&[DOWNED]).expecting(DEPOSED);
    files.flowing(FILE_EVERY, || {
        for _ in 0..20 {
            cluster.net.cut("node-1", "node-2");
            thread::sleep(Duration::from_secs(3));
            cluster.net.heal();
            thread::sleep(Duration::from_secs(3));
        }
        cluster.all_up_again(|it| it.code() == Some(crate::clusters::DOWNED_EXIT));
    });
    files.check();
    cluster.stop();
    oracle.check(&mut cluster);
}

#[test]
fn a_long_outage_of_the_database_is_waited_for() {
    let Some((mut cluster, mut files)) = at_work(Kind::Postgres) else { return };
    let oracle = Oracle::of(&cluster).expecting(LOST).expecting(DEPOSED);
    let before = cluster.lease(0, ACCESS);
    files.flowing(FILE_EVERY, || {
        cluster.database.freeze();
        thread::sleep(Duration::from_secs(120));
        cluster.database.thaw();
    });
    files.check();
    let after = cluster.lease(0, ACCESS);
    assert_eq!((after.owner, after.epoch), (before.owner, before.epoch), "nobody else took it");
    cluster.all_up();
    cluster.stop();
    oracle.check(&mut cluster);
}

#[test]
fn a_database_that_is_slow_for_five_minutes_moves_nothing() {
    if is_wanted() {
        let seed = Seed::chosen();
        check_slow(Kind::MariaDb, seed.0, Duration::from_secs(300));
        check_slow(Kind::Postgres, seed.0, Duration::from_secs(300));
    }
}

#[test]
fn twenty_rolling_restarts_leave_no_member_behind() {
    let Some((mut cluster, mut files)) = at_work(Kind::MariaDb) else { return };
    let oracle = Oracle::of(&cluster);
    files.flowing(FILE_EVERY, || {
        for round in 0..20 {
            let at = round % 3;
            cluster.nodes[at].terminate();
            let status = cluster.nodes[at].ended();
            assert_eq!(status.code(), Some(0), "{}", cluster.nodes[at].log());
            cluster.nodes[at].start();
            cluster.all_up();
        }
    });
    let members = cluster.nodes[0].members().unwrap();
    let living = members.members.iter().filter(|it| it.status == weir_domain::NodeStatus::Up);
    assert_eq!(living.count(), 3, "{members:?}");
    files.check();
    cluster.stop();
    oracle.check(&mut cluster);
}

#[test]
fn whoever_loses_a_lease_by_hand_stops_at_once() {
    let Some((mut cluster, files)) = at_work(Kind::Postgres) else { return };
    let oracle = Oracle::of(&cluster);
    let before = cluster.lease(0, ACCESS);
    cluster.database.execute(
        "UPDATE lease SET owner = '', expires_at = 0, epoch = epoch + 1 \
         WHERE name = 'access-coordinator'",
    );
    cluster.moved(0, ACCESS, before.epoch + 1);
    let mut files = files;
    files.flow_again();
    files.check();
    cluster.all_up();
    cluster.stop();
    oracle.check(&mut cluster);
}
