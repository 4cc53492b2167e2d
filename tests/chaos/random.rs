//! Faults at random, round after round, on one cluster that works all the time.

use std::thread;
use std::time::Duration;

use super::schedule::{self, Fault, Step};
use super::{Seed, is_wanted, number};
use crate::clusters::{DOWNED, DOWNED_EXIT};
use crate::support::cluster::{Cluster, Commands, DB, DEPOSED, Files, Kind, LOST, Oracle};

const ROUNDS: u64 = 50;
const NODES: usize = 3;
const FILE_EVERY: Duration = Duration::from_millis(200);

fn apply(cluster: &mut Cluster, step: &Step) {
    let name = |at: usize| format!("node-{}", at + 1);
    match &step.fault {
        Fault::Kill(at) if cluster.nodes[*at].is_running() => cluster.nodes[*at].kill(),
        Fault::Restart(at) if cluster.nodes[*at].is_running() => cluster.nodes[*at].terminate(),
        Fault::Pause(at) if cluster.nodes[*at].is_running() => cluster.nodes[*at].pause(),
        // It is gone already.
        Fault::Kill(_) | Fault::Restart(_) | Fault::Pause(_) => {}
        Fault::Partition(side) => {
            for a in side {
                for b in (0..NODES).filter(|it| !side.contains(it)) {
                    cluster.net.cut(&name(*a), &name(b));
                }
            }
        }
        Fault::OneWay(from, to) => cluster.net.cut_one_way(&name(*from), &name(*to)),
        Fault::Blind(at) => cluster.net.cut(&name(*at), DB),
        Fault::Loss(percent) => {
            let hosts: Vec<_> = cluster.net.hosts().map(str::to_owned).collect();
            let hosts: Vec<_> = hosts.iter().map(String::as_str).collect();
            cluster.net.loss(&hosts, *percent);
        }
        Fault::DatabaseFrozen => cluster.database.freeze(),
        Fault::DatabaseKilled => {
            cluster.database.kill();
            cluster.database.restart();
        }
    }
    // How long a fault lasts is what a round is about.
    thread::sleep(step.lasts);
}

/// Undoes all faults, and starts again who ended, as a service manager does.
fn undo(cluster: &mut Cluster) {
    cluster.net.heal();
    cluster.database.thaw();
    for node in &mut cluster.nodes {
        if node.is_running() {
            node.resume();
        }
    }
    cluster.all_up_again(|status| matches!(status.code(), Some(0 | DOWNED_EXIT)));
}

#[track_caller]
fn check(kind: Kind) {
    if !is_wanted() {
        return;
    }
    let seed = Seed::chosen();
    let Some(mut cluster) = Cluster::of(NODES, kind).up() else { return };
    let oracle = Oracle::of(&cluster).expecting(&[DOWNED]).expecting(LOST).expecting(DEPOSED);
    let mut files = Files::new();
    cluster.deploy(&files.project);
    files.flow_again();
    for round in 0..number("WEIR_ROUNDS", ROUNDS) {
        let steps = schedule::round(seed.0, round, NODES);
        eprintln!("round {round}: {steps:?}");
        let commands = Commands::start(&cluster, &[0, 1, 2]);
        files.flowing(FILE_EVERY, || {
            for step in &steps {
                apply(&mut cluster, step);
            }
            undo(&mut cluster);
            commands.go_on(3);
        });
        oracle.acknowledged(&cluster, &commands.end());
        Oracle::journals(&cluster);
        files.flow_again();
    }
    files.check();
    cluster.stop();
    oracle.check(&mut cluster);
}

#[test]
fn nothing_is_lost_or_done_twice_on_mariadb_whatever_happens() {
    check(Kind::MariaDb);
}

#[test]
fn nothing_is_lost_or_done_twice_on_postgresql_whatever_happens() {
    check(Kind::Postgres);
}
