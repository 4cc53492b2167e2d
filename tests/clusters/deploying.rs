//! Deployments under fault: a node that can't activate, a canary that does badly, and the host of
//! Deployment Storage lost in the middle of commands.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use serde_json::Value;

use super::access::{done, log_in};
use super::operator::{is_default, json_of, package, runs, upload};
use super::scheduling::{Instance, running, spread};
use super::{FILE_EVERY, other};
use crate::support::cluster::{Cluster, DEPOSED, Files, Kind, LOST, Oracle};
use crate::support::flow::{CSV, read, slow, write};
use crate::support::{DEADLINE, Flow, Ran, binary, stays_so, wait_until};

const STORAGE: &str = "deployment-storage";
/// Longer than a command takes to get from its sender to the database.
const IN_FLIGHT: Duration = Duration::from_millis(500);
/// A directory that each engine has for itself, as a local disk is.
const MOUNT: &str = "/proc/self/cwd/mount";
/// The node that can't reach it.
const CUT_OFF: usize = 2;

/// Reads from a directory of its node.
fn local() -> String {
    let flow = Flow::named("local").stage(&read(CSV, "")).stage(&write("read", ""));
    let yaml = flow.yaml().replace("directory: ", "directory: local/");
    yaml.replace("directory: local/in,", &format!("directory: {MOUNT},"))
}

/// Takes so long for a file that a switch lies within.
fn steady() -> String {
    let flow = Flow::named("steady").stage(&read(CSV, ""));
    let flow = flow.stage(&slow("read", "100ms")).stage(&write("slow", ""));
    flow.yaml().replace("directory: ", "directory: steady/")
}

fn of_workflow(cluster: &Cluster, workflow: &str) -> Vec<BTreeSet<Instance>> {
    let of = |it| running(it).into_iter().filter(|it: &Instance| it.0 == workflow).collect();
    cluster.nodes.iter().map(of).collect()
}

/// How often something was logged, on all nodes.
fn said(cluster: &Cluster, text: &str) -> usize {
    let count = |log: String| log.lines().filter(|it| it.contains(text)).count();
    cluster.nodes.iter().map(|it| count(it.log())).sum()
}

fn why(cluster: &Cluster, at: usize, node: usize) -> String {
    done(cluster, at, &["deployment", "why", &cluster.nodes[node].name])
}

fn write_flow(dir: &Path, name: &str, yaml: &str) {
    std::fs::write(dir.join(name), yaml).unwrap();
}

#[test]
fn one_node_that_can_not_activate_and_a_canary_that_does_badly_disturb_nobody() {
    let setup = Cluster::of(3, Kind::MariaDb).set("weir.rest-server.trust-local=none");
    let Some(mut cluster) = setup.up() else { return };
    let oracle = Oracle::of(&cluster);
    log_in(&mut cluster);
    let mut files = Files::with_instances(3);
    let dir = files.project.dir();
    for data in ["steady/in", "steady/out", "local/out"] {
        std::fs::create_dir_all(dir.join(data)).unwrap();
    }
    write_flow(&dir, "steady.yaml", &steady());
    upload(&cluster, &files, "v-1", "DeploymentRoot");
    done(&cluster, 0, &["deployment", "activate", "v-1"]);
    runs(&cluster, "v-1");
    // Who ran it first may have been given more.
    done(&cluster, 0, &["scheduler", "rebalance", "--yes"]);
    spread(&mut cluster, &[1, 1, 2]);
    files.flow_again();

    // A file that is on its way during all that follows.
    let rows: String = (0..150).map(|it| format!("{it},1\n")).collect();
    let draft = files.project.draft();
    std::fs::write(&draft, format!("id,amount\n{rows}")).unwrap();
    std::fs::rename(draft, dir.join("steady/in/steady.csv")).unwrap();
    cluster.until("the slow file to be opened", || said(&cluster, "opened steady.csv") == 1);
    let before = of_workflow(&cluster, "steady");

    // One of three nodes can't reach what a new workflow reads.
    for node in &cluster.nodes[..CUT_OFF] {
        std::fs::create_dir(cluster.root().join(&node.name).join("mount")).unwrap();
    }
    write_flow(&dir, "local.yaml", &local());
    write_flow(&dir, "workflow.yaml", &Files::flow(3).yaml().replace("50ms", "60ms"));
    upload(&cluster, &files, "v-2", "v-1");
    done(&cluster, 1, &["deployment", "activate", "v-2"]);
    files.flowing(FILE_EVERY, || {
        cluster.until("two nodes to switch and one to say why not", || {
            let nodes = json_of(&cluster, 1, &["deployment", "nodes"]);
            let runs = |at: usize| nodes["items"][at]["current"].clone();
            (runs(0), runs(1)) == ("v-2".into(), "v-2".into())
                && nodes["items"][CUT_OFF]["state"] == "failed"
        });
        let why = why(&cluster, 1, CUT_OFF);
        for part in ["should run:  v-2", "runs:        v-1", "✗ failed", "WEIR-04200", MOUNT] {
            assert!(why.contains(part), "{part}: {why}");
        }
        let shown = json_of(&cluster, 0, &["deployment", "why", "node-3"]);
        assert_eq!(shown["failure"]["cause"]["code"], "WEIR-04200", "{shown}");
        let committed = || cluster.nodes[CUT_OFF].log().matches("WEIR-03011").count();
        let so_far = committed();
        cluster.until("it to go on with what it ran", || committed() > so_far);
    });
    assert_eq!(of_workflow(&cluster, "local")[CUT_OFF], BTreeSet::new());

    // The cause is mended, and nobody has to say so.
    std::fs::create_dir(cluster.root().join("node-3/mount")).unwrap();
    runs(&cluster, "v-2");
    assert!(!why(&cluster, 0, CUT_OFF).contains("failure"), "it is past");
    assert_eq!(of_workflow(&cluster, "steady"), before, "what is the same goes on");
    assert_eq!(said(&cluster, "opened steady.csv"), 1, "its stream was not interrupted");
    files.check();

    canary_that_does_badly(&cluster, &mut files);
    cluster.until("the slow file to be done", || dir.join("steady/out/steady.jsonl").exists());
    assert_eq!(said(&cluster, "opened steady.csv"), 1);
    assert_eq!(of_workflow(&cluster, "steady"), before);
    cluster.stop();
    oracle.check(&mut cluster);
}

/// Its records fail. It is ended for that, and its node goes back to the default by itself.
fn canary_that_does_badly(cluster: &Cluster, files: &mut Files) {
    let dir = files.project.dir();
    let sound = std::fs::read_to_string(dir.join("workflow.yaml")).unwrap();
    let bad = "{ name: map, from: read, processor: { mapping: { set: \
               { amount: \"CAST(concat('x', CAST(id AS STRING)) AS BIGINT)\" } } } }";
    let flow = Files::flow(3).yaml().replace("from: read", "from: map");
    write_flow(&dir, "workflow.yaml", &format!("{flow}    - {bad}\n"));
    upload(cluster, files, "v-3", "v-2");
    write_flow(&dir, "workflow.yaml", &sound);
    let others = [1, 2].map(|at: usize| cluster.nodes[at].log().matches("WEIR-00084").count());
    let start = ["deployment", "canary", "start", "v-3", "--nodes", "1", "--bake", "1h"];
    done(cluster, 1, &[&start[..], &["--max-errors", "10%"]].concat());
    cluster.until("the node to run the canary", || {
        assert!(is_default(cluster, 1, "v-2"), "the default is what it was");
        json_of(cluster, 1, &["deployment", "nodes"])["items"][0]["current"] == "v-3"
    });
    // Until it is ended, each node takes some of these.
    let letters = || files.project.files("dead-letters").len();
    let status = || done(cluster, 2, &["deployment", "canary", "status"]);
    let mut number = 0;
    wait_until("the canary to be ended", DEADLINE, || {
        number += 1;
        files.project.put(&format!("canary-{number}.csv"), "id,amount\n1,1\n2,2\n");
        status().starts_with("no canary runs\n")
    });
    let text = status();
    let figures = "records failed, more than 10% are accepted";
    assert!(text.contains("last: the canary v-3 was ended: ") && text.contains(figures), "{text}");
    runs(cluster, "v-2");
    assert!(is_default(cluster, 0, "v-2"));
    let after = [1, 2].map(|at: usize| cluster.nodes[at].log().matches("WEIR-00084").count());
    assert_eq!(after, others, "the other nodes never switched");
    wait_until("all files to be taken", DEADLINE, || files.project.files("in").is_empty());
    assert!(letters() > 0, "what the canary took went where its own workflow says");

    // One of them comes in again: once the item is forgotten, the default processes it.
    let letter = files.project.dead_letters()[0].clone();
    let item = letter["item"].as_str().unwrap();
    done(cluster, 1, &["access", "reset", "--source", "orders/read", item]);
    let output = files.project.path("out").join(item.replace(".csv", ".jsonl"));
    assert!(!output.exists(), "no record of it was written");
    std::fs::rename(files.project.path("done").join(item), files.project.path("in").join(item))
        .unwrap();
    wait_until("it to be processed again", DEADLINE, || output.exists());
}

/// Stores deployments and activates them, one after the other, each with a key of its own, and again
/// until it is acknowledged.
struct Client<'a> {
    cluster: &'a Cluster,
    /// Whom it asks: the first one, and the second one where that gives no answer.
    hosts: [String; 2],
    file: &'a str,
    is_over: &'a AtomicBool,
    count: &'a AtomicUsize,
}

impl Client<'_> {
    /// The tags that were stored and activated.
    fn run(&self) -> Vec<String> {
        let mut tags = Vec::new();
        while !self.is_over.load(Ordering::Relaxed) {
            let tag = format!("u-{}", tags.len());
            self.done(&["deployment", "upload", self.file, "--tag", &tag], &format!("store {tag}"));
            self.done(&["deployment", "activate", &tag], &format!("activate {tag}"));
            tags.push(tag);
        }
        tags
    }

    fn done(&self, command: &[&str], key: &str) {
        let arguments = [command, &["--idempotency-key", key]].concat();
        let mut hosts = self.hosts.iter().cycle();
        wait_until(&format!("{key} to be acknowledged"), DEADLINE, || {
            let ran = Ran::of(self.weir(hosts.next().unwrap()).args(&arguments));
            // One that is refused was done before, and is not known any more.
            assert!(![3, 4, 5, 6].contains(&ran.code.unwrap()), "{key}: {}", ran.stderr);
            ran.code == Some(0)
        });
        self.count.fetch_add(1, Ordering::Relaxed);
    }

    /// On the host of a node, which need not run.
    fn weir(&self, host: &str) -> Command {
        let program = binary().get_program().to_str().unwrap().to_owned();
        let mut command = self.cluster.net.command(host, &program);
        command.env("WEIR_CONFIG_DIR", self.cluster.root().join(host).join("profile"));
        command.env("NO_COLOR", "1");
        command
    }
}

#[test]
fn commands_that_lose_the_host_of_the_storage_are_done_once() {
    let setup = Cluster::of(3, Kind::Postgres).set("weir.packages.accept-any-signer=true");
    let Some(mut cluster) = setup.up() else { return };
    let oracle = Oracle::of(&cluster).expecting(LOST).expecting(DEPOSED);
    log_in(&mut cluster);
    let files = Files::with_instances(2);
    let file = package(&cluster, &files, "u");
    let host = cluster.holder(STORAGE);
    let epoch = cluster.lease(host, STORAGE).epoch;
    let hosts = [host, other(&cluster, host)].map(|it| cluster.nodes[it].name.clone());
    let (is_over, count) = (AtomicBool::new(false), AtomicUsize::new(0));
    // The others are asked by their places in the list without it.
    let mut doomed = cluster.nodes.remove(host);
    let client = Client { cluster: &cluster, hosts, file: &file, is_over: &is_over, count: &count };
    let go_on = |more: usize| {
        let wanted = count.load(Ordering::Relaxed) + more;
        wait_until("commands to be done", DEADLINE, || count.load(Ordering::Relaxed) >= wanted);
    };
    let tags = thread::scope(|scope| {
        let running = scope.spawn(|| client.run());
        go_on(3);
        // Whatever is being written now is written without who was asked for it, if at all.
        cluster.database.freeze();
        let so_far = count.load(Ordering::Relaxed);
        let stand_still = || count.load(Ordering::Relaxed) <= so_far + 1;
        stays_so("commands wait for the database", IN_FLIGHT, stand_still);
        doomed.kill();
        cluster.database.thaw();
        cluster.moved(0, STORAGE, epoch);
        go_on(3);
        is_over.store(true, Ordering::Relaxed);
        running.join().unwrap()
    });
    cluster.nodes.insert(host, doomed);
    cluster.nodes[host].start();
    cluster.all_up();

    let tree = json_of(&cluster, 0, &["deployment", "list"]);
    let stored: Vec<_> = tree["items"].as_array().unwrap().iter().map(|it| &it["tag"]).collect();
    let audit =
        json_of(&cluster, 1, &["audit", "list", "--object", "deployment", "--limit", "500"]);
    let mut recorded = 0;
    for tag in &tags {
        assert_eq!(stored.iter().filter(|it| **it == tag).count(), 1, "{tag} in {tree}");
        let of_tag =
            |it: &&Value| it["object"].as_str().is_some_and(|it| it.ends_with(tag.as_str()));
        let entries = audit["items"].as_array().unwrap().iter().filter(of_tag);
        let done = entries.filter(|it| it["outcome"] == "done").count();
        // Of the one that was asked for twice, the first attempt may have been recorded, too.
        assert!((2..=3).contains(&done), "one for each command: {done} of {tag} in {audit}");
        recorded += done;
    }
    assert!(recorded <= 2 * tags.len() + 1, "{recorded} entries of {} deployments", tags.len());
    assert_eq!(Oracle::changes(&cluster), 2 * tags.len() as u64, "each command has one event");
    runs(&cluster, tags.last().unwrap());
    done(&cluster, 0, &["audit", "verify"]);
    cluster.stop();
    oracle.check(&mut cluster);
}
