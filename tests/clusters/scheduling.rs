//! Instances in a cluster: how many there are, where, and what moves them.

use std::collections::BTreeSet;
use std::path::Path;

use super::{FILE_EVERY, LONGER_THAN_A_LEASE, NOBODY_GIVEN_UP, SCHEDULER, other};
use crate::support::cluster::{Cluster, DB, DEPOSED, Files, Kind, LOST, Node, Oracle};
use crate::support::flow::{CSV, read, write};
use crate::support::{DEADLINE, Flow, Project, stays_so, wait_until};

/// Workflow and number of an instance.
pub(super) type Instance = (String, u64);

/// What is started on a node in its present life and has not ended, by its log.
pub(super) fn running(node: &Node) -> BTreeSet<Instance> {
    let mut running = BTreeSet::new();
    for line in node.log().lines() {
        let word = |key: &str| {
            let word = line.split_whitespace().find_map(|it| it.strip_prefix(key));
            word.unwrap_or_default().to_owned()
        };
        let instance = || (word("workflow="), word("instance=").parse().unwrap_or(0));
        if line.contains("instance started") {
            assert!(running.insert(instance()), "it was started twice: {line}");
        } else if line.contains("instance ended") || line.contains("instance failed") {
            running.remove(&instance());
        }
    }
    running
}

/// Of all nodes that run.
fn everywhere(cluster: &mut Cluster) -> Vec<BTreeSet<Instance>> {
    let of = |it: &mut Node| if it.is_running() { running(it) } else { BTreeSet::new() };
    cluster.nodes.iter_mut().map(of).collect()
}

/// Waits until each node runs so many.
#[track_caller]
pub(super) fn spread(cluster: &mut Cluster, counts: &[usize]) -> Vec<BTreeSet<Instance>> {
    let mut all = Vec::new();
    let mut sorted = counts.to_vec();
    sorted.sort_unstable();
    wait_until(&format!("instances to be spread as {counts:?}"), 2 * DEADLINE, || {
        all = everywhere(cluster);
        let mut lengths: Vec<_> = all.iter().map(BTreeSet::len).collect();
        lengths.sort_unstable();
        lengths == sorted
    });
    all
}

/// Wants so many instances of the workflow. `dir` is its project's.
#[track_caller]
fn scale(cluster: &Cluster, dir: &Path, instances: u32) {
    std::fs::write(dir.join("workflow.yaml"), Files::flow(instances).yaml()).unwrap();
    let dir = dir.to_str().unwrap();
    let planned = cluster.nodes[0].weir(&["deployment", "apply", dir, "--dry-run"]).ended(0);
    assert!(planned.stdout.contains("  stays     orders\n"), "{}", planned.stdout);
    cluster.nodes[0].weir(&["deployment", "apply", dir]).ended(0);
}

#[track_caller]
fn assert_kept(before: &[BTreeSet<Instance>], after: &[BTreeSet<Instance>], but: Option<usize>) {
    for (at, (before, after)) in before.iter().zip(after).enumerate() {
        assert!(Some(at) == but || before.is_subset(after), "{before:?} became {after:?}");
    }
}

#[test]
fn instances_are_spread_and_only_those_of_a_lost_node_begin_elsewhere() {
    let Some(mut cluster) = Cluster::of(3, Kind::Postgres).up() else { return };
    let oracle = Oracle::of(&cluster);
    let mut files = Files::with_instances(2);
    cluster.deploy(&files.project);
    let two = spread(&mut cluster, &[0, 1, 1]);
    files.flow_again();
    let dir = files.project.dir();
    scale(&cluster, &dir, 12);
    let twelve = spread(&mut cluster, &[4, 4, 4]);
    assert_kept(&two, &twelve, None);

    files.flowing(FILE_EVERY, || {
        // With the scheduler itself.
        let lost = cluster.holder(SCHEDULER);
        let (witness, name) = (other(&cluster, lost), cluster.nodes[lost].name.clone());
        cluster.nodes[lost].kill();
        cluster.gone(witness, &name);
        let left = spread(&mut cluster, &[0, 6, 6]);
        assert_kept(&twelve, &left, Some(lost));

        cluster.nodes[lost].start();
        cluster.all_up();
        // Nothing moves to it; it gets what is missing.
        scale(&cluster, &dir, 15);
        let joined = spread(&mut cluster, &[3, 6, 6]);
        assert_eq!(joined[lost].len(), 3);
        assert_kept(&left, &joined, Some(lost));
    });
    files.check();
    cluster.stop();
    oracle.check(&mut cluster);
}

#[test]
fn a_scheduler_that_moves_moves_nothing_else() {
    let Some(mut cluster) = Cluster::of(3, Kind::MariaDb).up() else { return };
    let oracle = Oracle::of(&cluster);
    let mut files = Files::new();
    cluster.deploy(&files.project);
    let before = spread(&mut cluster, &[2, 2, 2]);
    let holder = cluster.holder(SCHEDULER);
    let (target, epoch) = (other(&cluster, holder), cluster.lease(holder, SCHEDULER).epoch);
    let name = cluster.nodes[target].name.clone();
    cluster.nodes[holder].weir(&["cluster", "move", SCHEDULER, &name]).ended(0);
    cluster.moved(holder, SCHEDULER, epoch);
    // The new one places, so it has spoken to all.
    scale(&cluster, &files.project.dir(), 9);
    let after = spread(&mut cluster, &[3, 3, 3]);
    assert_kept(&before, &after, None);
    files.flow_again();
    files.check();
    cluster.stop();
    oracle.check(&mut cluster);
}

#[test]
fn a_scheduler_that_is_cut_off_stops_nothing_and_starts_nothing_twice() {
    let Some(mut cluster) = Cluster::of(3, Kind::Postgres).set(NOBODY_GIVEN_UP).up() else {
        return;
    };
    let oracle = Oracle::of(&cluster).expecting(LOST).expecting(DEPOSED);
    let mut files = Files::new();
    cluster.deploy(&files.project);
    let before = spread(&mut cluster, &[2, 2, 2]);
    files.flow_again();
    let stays = |cluster: &mut Cluster, what: &str| {
        stays_so(what, LONGER_THAN_A_LEASE, || everywhere(cluster) == before);
    };
    // From the database: another one schedules.
    let blind = cluster.holder(SCHEDULER);
    let (witness, name) = (other(&cluster, blind), cluster.nodes[blind].name.clone());
    let epoch = cluster.lease(witness, SCHEDULER).epoch;
    cluster.net.cut(&name, DB);
    cluster.moved(witness, SCHEDULER, epoch);
    stays(&mut cluster, "all go on without the one that lost the database");
    cluster.net.heal();
    cluster.all_up();
    stays(&mut cluster, "nothing moves when it has the database again");
    // From the others, and not from the database.
    let alone = cluster.holder(SCHEDULER);
    let names: Vec<_> = cluster.nodes.iter().map(|it| it.name.clone()).collect();
    let rest = [other(&cluster, alone), other(&cluster, other(&cluster, alone))];
    cluster.net.partition(&[&names[alone]], &rest.map(|it| names[it].as_str()));
    for it in rest {
        cluster.reaches(it, &names[alone], false);
    }
    stays(&mut cluster, "all go on without the one that lost the others");
    cluster.net.heal();
    cluster.all_up();
    stays(&mut cluster, "nothing moves when it is found again");
    // Whoever schedules now has spoken to all.
    scale(&cluster, &files.project.dir(), 9);
    let after = spread(&mut cluster, &[3, 3, 3]);
    assert_kept(&before, &after, None);
    let all: BTreeSet<_> = after.iter().flatten().collect();
    assert_eq!(all.len(), 9, "no instance runs twice: {after:?}");
    files.flow_again();
    files.check();
    cluster.stop();
    oracle.check(&mut cluster);
}

#[test]
fn another_deployment_leaves_alone_what_is_the_same_in_it() {
    let Some(mut cluster) = Cluster::of(2, Kind::Postgres).up() else { return };
    let oracle = Oracle::of(&cluster);
    let flow = |name: &str, input: &str, instances: u32| {
        let source = read(CSV, "").replace("directory: in,", &format!("directory: {input},"));
        let flow = Flow::named(name).with(&format!("instances: {instances}"));
        flow.stage(&source).stage(&write("read", "")).yaml()
    };
    let project = Project::empty();
    std::fs::create_dir_all(project.path("other")).unwrap();
    project.asset("same.yaml", &flow("same", "in", 2));
    project.asset("changed.yaml", &flow("changed", "other", 2));
    cluster.deploy(&project);
    let before = spread(&mut cluster, &[2, 2]);
    let changed = flow("changed", "other", 2).replace("interval: 50ms", "interval: 60ms");
    project.asset("changed.yaml", &changed);
    let ends = |cluster: &Cluster| -> Vec<String> {
        let logs: Vec<_> = cluster.nodes.iter().map(Node::log).collect();
        let lines = logs.iter().flat_map(|it| it.lines());
        lines.filter(|it| it.contains("instance ended")).map(str::to_owned).collect()
    };
    cluster.deploy(&project);
    wait_until("the changed ones to end", DEADLINE, || ends(&cluster).len() == 2);
    // Those that began anew are the same, where they were.
    assert_eq!(spread(&mut cluster, &[2, 2]), before);
    assert!(ends(&cluster).iter().all(|it| it.contains("workflow=changed")));
    cluster.stop();
    oracle.check(&mut cluster);
}

#[test]
fn a_drained_node_is_emptied_and_gets_nothing_until_it_is_undrained() {
    let Some(mut cluster) = Cluster::of(3, Kind::MariaDb).up() else { return };
    let oracle = Oracle::of(&cluster);
    let mut files = Files::new();
    cluster.deploy(&files.project);
    let before = spread(&mut cluster, &[2, 2, 2]);
    let name = cluster.nodes[2].name.clone();
    let told = |cluster: &Cluster, verb: &str| {
        let answer = cluster.nodes[0].rest("POST", &format!("/api/v1/nodes/{name}/{verb}"), "");
        assert_eq!(answer.status, 200, "{}", answer.body);
    };
    let plan =
        cluster.nodes[0].rest("POST", &format!("/api/v1/nodes/{name}/drain?dryRun=true"), "");
    assert_eq!(plan.status, 200, "{}", plan.body);
    let plan: serde_json::Value = serde_json::from_str(&plan.body).unwrap();
    told(&cluster, "drain");
    let drained = spread(&mut cluster, &[0, 3, 3]);
    assert!(drained[2].is_empty());
    // As it was planned.
    for it in plan["moves"].as_array().unwrap() {
        let to = cluster.nodes.iter().position(|node| it["to"] == node.name.as_str()).unwrap();
        let becomes = it["becomes"].as_u64().unwrap();
        assert!(drained[to].iter().any(|of| of.1 == becomes), "{plan:#}: {drained:?}");
    }
    assert_kept(&before, &drained, Some(2));
    // Also through a restart.
    cluster.nodes[2].terminate();
    assert_eq!(cluster.nodes[2].ended().code(), Some(0));
    cluster.nodes[2].start();
    cluster.all_up();
    scale(&cluster, &files.project.dir(), 8);
    let eight = spread(&mut cluster, &[0, 4, 4]);
    assert!(eight[2].is_empty());
    told(&cluster, "undrain");
    scale(&cluster, &files.project.dir(), 10);
    let after = spread(&mut cluster, &[2, 4, 4]);
    assert_kept(&eight, &after, None);
    files.flow_again();
    files.check();
    cluster.stop();
    oracle.check(&mut cluster);
}
