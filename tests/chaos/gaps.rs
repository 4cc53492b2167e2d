//! How long a client waits when the node that serves it is lost: measured, printed, not asserted.

use std::thread;
use std::time::Duration;

use super::{is_wanted, number};
use crate::clusters::{DOWNED, DOWNED_EXIT, other};
use crate::support::cluster::{Cluster, Commands, DEPOSED, Kind, LOST, Oracle};

const ROUNDS: usize = 10;
const SERVES: &str = "deployment-storage";

/// How the holder is lost.
#[derive(Debug, Clone, Copy)]
enum Loss {
    Killed,
    Paused,
    Cut,
    Left,
}

/// Loses the holder under commands to another node, and brings it back.
fn lose(cluster: &mut Cluster, loss: Loss) {
    let holder = cluster.holder(SERVES);
    let name = cluster.nodes[holder].name.clone();
    let rest: Vec<_> = cluster.net.hosts().filter(|it| it.starts_with("node-")).collect();
    let rest: Vec<_> = rest.into_iter().filter(|it| *it != name).map(str::to_owned).collect();
    let rest: Vec<_> = rest.iter().map(String::as_str).collect();
    let epoch = cluster.lease(other(cluster, holder), SERVES).epoch;
    match loss {
        Loss::Killed => cluster.nodes[holder].kill(),
        Loss::Paused => cluster.nodes[holder].pause(),
        Loss::Cut => cluster.net.partition(&[name.as_str()], &rest),
        Loss::Left => cluster.nodes[holder].terminate(),
    }
    cluster.moved(other(cluster, holder), SERVES, epoch);
    if let Loss::Paused = loss {
        cluster.gone(other(cluster, holder), &name);
        cluster.nodes[holder].resume();
    }
    if let Loss::Cut | Loss::Paused = loss {
        cluster.nodes[holder].ended();
    }
}

fn gaps(cluster: &mut Cluster, oracle: &Oracle, loss: Loss) -> Vec<Duration> {
    let mut gaps = Vec::new();
    for _ in 0..number("WEIR_ROUNDS", ROUNDS) {
        let holder = cluster.holder(SERVES);
        let commands = Commands::start(cluster, &[other(cluster, holder)]);
        commands.go_on(10);
        lose(cluster, loss);
        commands.go_on(10);
        let done = commands.end();
        oracle.acknowledged(cluster, &done);
        gaps.push(done.gap());
        cluster.net.heal();
        cluster.all_up_again(|it| matches!(it.code(), Some(0 | DOWNED_EXIT)));
        // The next holder must be there for good, or the round measures two moves.
        thread::sleep(Duration::from_secs(6));
    }
    gaps.sort();
    gaps
}

#[test]
fn gaps_of_acknowledged_commands_are_measured() {
    if !is_wanted() {
        return;
    }
    let Some(mut cluster) = Cluster::of(3, Kind::MariaDb).up() else { return };
    let oracle = Oracle::of(&cluster).expecting(&[DOWNED]).expecting(LOST).expecting(DEPOSED);
    eprintln!("{:10}{:>8}{:>12}{:>12}", "loss", "rounds", "median", "longest");
    for loss in [Loss::Killed, Loss::Paused, Loss::Cut, Loss::Left] {
        let gaps = gaps(&mut cluster, &oracle, loss);
        let ms = |at: usize| format!("{} ms", gaps[at].as_millis());
        let name = format!("{loss:?}").to_lowercase();
        let (median, longest) = (ms(gaps.len() / 2), ms(gaps.len() - 1));
        eprintln!("{name:10}{:>8}{median:>12}{longest:>12}", gaps.len());
    }
    cluster.stop();
    oracle.check(&mut cluster);
}
