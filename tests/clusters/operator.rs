//! An operator's day, at the command line of four engines.

use serde_json::{Value, json};

use super::access::{done, log_in};
use super::scheduling::spread;
use super::{CONTROLLERS, FILE_EVERY, other};
use crate::support::cluster::{Cluster, Files, Kind, Oracle};
use crate::support::{DEADLINE, wait_until};

/// The node whose host packages are built on: it trusts its own signatures.
const DESK: usize = 0;

pub(super) fn json_of(cluster: &Cluster, at: usize, arguments: &[&str]) -> Value {
    let text = done(cluster, at, &[arguments, &["-o", "json"]].concat());
    serde_json::from_str(&text).unwrap()
}

/// Builds the project as it is now; returns the file of its package.
#[track_caller]
pub(super) fn package(cluster: &Cluster, files: &Files, tag: &str) -> String {
    let file = cluster.root().join(format!("{tag}.weir"));
    let (project, file) = (files.project.dir(), file.to_str().unwrap().to_owned());
    let build = ["build", project.to_str().unwrap(), "--tag", tag, "--file", &file];
    cluster.nodes[DESK].weir_with_conf(&build).ended(0);
    file
}

/// Builds the project as it is now, and stores it.
#[track_caller]
pub(super) fn upload(cluster: &Cluster, files: &Files, tag: &str, base: &str) {
    let file = package(cluster, files, tag);
    done(cluster, DESK, &["deployment", "upload", &file, "--base", base]);
}

/// Waits until this deployment is the default and all nodes run it.
#[track_caller]
pub(super) fn runs(cluster: &Cluster, tag: &str) {
    wait_until(&format!("all nodes to run {tag}"), DEADLINE, || {
        let text = done(cluster, DESK, &["deployment", "nodes"]);
        let rows: Vec<Vec<&str>> =
            text.lines().skip(1).map(|it| it.split_whitespace().collect()).collect();
        rows.len() == cluster.nodes.len()
            && rows.iter().all(|it| it[1..5] == ["✓", "active", tag, tag])
    });
}

pub(super) fn is_default(cluster: &Cluster, at: usize, tag: &str) -> bool {
    let text = done(cluster, at, &["deployment", "list"]);
    let line = text.lines().find(|it| it.split_whitespace().any(|word| word == tag));
    line.is_some_and(|it| it.contains(" default "))
}

/// What was acknowledged of each controller, as a node tells it.
fn acknowledged(cluster: &Cluster, at: usize) -> Vec<String> {
    let shown = |arguments: &[&str]| done(cluster, at, &[arguments, &["-o", "json"]].concat());
    let settings = json_of(cluster, at, &["scheduler", "show", "orders"])["settings"].to_string();
    vec![
        shown(&["key", "list"]),
        shown(&["user", "list"]),
        shown(&["deployment", "assignments"]),
        settings,
    ]
}

#[test]
fn an_operators_day_on_four_engines() {
    let setup = Cluster::of(4, Kind::Postgres).set("weir.rest-server.trust-local=none");
    let Some(mut cluster) = setup.up() else { return };
    let oracle = Oracle::of(&cluster);
    log_in(&mut cluster);

    // Deploy.
    let mut files = Files::with_instances(2);
    upload(&cluster, &files, "day-1", "DeploymentRoot");
    let plan = done(&cluster, 1, &["deployment", "activate", "day-1", "--dry-run"]);
    assert!(plan.contains("orders") && !is_default(&cluster, 1, "day-1"), "{plan}");
    done(&cluster, 1, &["deployment", "activate", "day-1"]);
    runs(&cluster, "day-1");
    spread(&mut cluster, &[0, 0, 1, 1]);
    files.flow_again();

    // Scale from 2 to 12, with a limit. What is asked for is shown before.
    done(&cluster, 2, &["scheduler", "set", "orders", "--node", "node-1", "--max", "1"]);
    let target = ["scheduler", "set", "orders", "--target", "12"];
    let preview = done(&cluster, 3, &[&target[..], &["--dry-run"]].concat());
    assert_eq!(preview.lines().filter(|it| it.starts_with("+ orders/")).count(), 10, "{preview}");
    done(&cluster, 3, &target);
    let twelve = spread(&mut cluster, &[1, 3, 4, 4]);
    assert_eq!(twelve[0].len(), 1, "the limit of node-1 holds");
    let impossible = ["scheduler", "set", "orders", "--min", "3", "--max", "2"];
    assert_ne!(cluster.nodes[0].weir(&impossible).code, Some(0));

    // A canary that does well becomes the default; the default before it is one command away.
    let changed = Files::flow(2).yaml().replace("interval: 50ms", "interval: 60ms");
    std::fs::write(files.project.dir().join("workflow.yaml"), changed).unwrap();
    upload(&cluster, &files, "day-2", "day-1");
    let begin = ["deployment", "canary", "start", "day-2", "--nodes", "1", "--bake", "2s"];
    done(&cluster, 1, &begin);
    files.flowing(FILE_EVERY, || {
        wait_until("the canary to be promoted", DEADLINE, || is_default(&cluster, 2, "day-2"));
    });
    runs(&cluster, "day-2");
    done(&cluster, 3, &["deployment", "rollback"]);
    runs(&cluster, "day-1");
    cluster.nodes[0].weir(&["deployment", "delete", "day-1"]).ended(5);

    // A key, a user, and partitions of which one is taken from its holder.
    done(&cluster, 0, &["key", "rotate", "Autumn"]);
    done(&cluster, 1, &["role", "create", "watcher", "--claim", "workflow:read"]);
    let password = cluster.root().join("password");
    let given = ["--password-file", password.to_str().unwrap()];
    done(&cluster, 1, &[&["user", "create", "bob", "--role", "watcher"], &given[..]].concat());
    done(&cluster, 2, &["user", "set", "bob", "--disable"]);
    let profile = ["--profile", "bob", "login", "bob"];
    cluster.nodes[3].weir(&[&profile[..], &given[..]].concat()).ended(4);
    let rest = |cluster: &Cluster, at: usize, action: &str, body: Value| {
        let answer = cluster.nodes[at].rest(
            "POST",
            &format!("/api/v1/resources:{action}"),
            &body.to_string(),
        );
        (answer.status, serde_json::from_str::<Value>(&answer.body).unwrap_or_default())
    };
    let partitions = json!({ "group": "topic", "resources": ["0", "1", "2"] });
    assert_eq!(rest(&cluster, 0, "declare", partitions).0, 200);
    for (at, n) in ["0", "1", "2"].into_iter().enumerate() {
        let (status, got) =
            rest(&cluster, at, "reserve", json!({ "group": "topic", "lease": "10m" }));
        assert_eq!((status, &got["resource"]), (200, &n.into()), "{got}");
    }
    assert_eq!(rest(&cluster, 3, "reserve", json!({ "group": "topic" })).0, 409);
    done(&cluster, 3, &["access", "revoke", "topic", "1"]);
    let (status, got) = rest(&cluster, 3, "reserve", json!({ "group": "topic", "lease": "10m" }));
    assert_eq!((status, &got["resource"]), (200, &"1".into()), "{got}");

    // Each controller loses the engine that hosts it, while files flow. Nothing that was
    // acknowledged is lost, and whoever takes over takes commands.
    let before = acknowledged(&cluster, 0);
    files.flowing(FILE_EVERY, || {
        for lease in CONTROLLERS {
            let host = cluster.holder(lease);
            let witness = other(&cluster, host);
            let epoch = cluster.lease(witness, lease).epoch;
            cluster.nodes[host].kill();
            cluster.moved(witness, lease, epoch);
            assert_eq!(acknowledged(&cluster, witness), before, "{lease} moved");
            assert!(is_default(&cluster, witness, "day-1"), "{lease} moved");
            done(&cluster, witness, &["key", "create", lease]);
            done(&cluster, witness, &["key", "delete", lease]);
            cluster.nodes[host].start();
            cluster.all_up();
        }
    });
    files.check();
    let all: usize = spread_of(&mut cluster);
    assert_eq!(all, 12);

    // Everything of a source is processed again, once it was counted.
    let reset = ["access", "reset", "--source", "orders/read", "--match", "f0000*"];
    let counted = done(&cluster, 2, &[&reset[..], &["--dry-run"]].concat());
    assert!(counted.contains("10 "), "{counted}");
    done(&cluster, 2, &reset);
    let left = ["access", "items", "--source", "orders/read", "--match", "f0000*"];
    let items = json_of(&cluster, 1, &left);
    assert_eq!(items["items"], json!([]), "they are forgotten, and found no more");

    done(&cluster, 3, &["audit", "verify"]);
    cluster.stop();
    oracle.check(&mut cluster);
}

/// How many instances run, once they are as many as are wanted.
fn spread_of(cluster: &mut Cluster) -> usize {
    let count = |cluster: &Cluster| {
        let shown = json_of(cluster, 0, &["scheduler", "show", "orders"]);
        shown["instances"].as_array().map_or(0, Vec::len)
    };
    wait_until("all instances to be placed", DEADLINE, || count(cluster) == 12);
    count(cluster)
}
