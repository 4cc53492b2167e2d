//! Users, keys and the audit of a cluster, when the nodes that host them are killed.

use std::fs;

use serde_json::Value;

use super::other;
use crate::support::cluster::{Cluster, Kind, Oracle};

const KEYS: &str = "key-storage";
const USERS: &str = "user-storage";
const AUDIT: &str = "audit";

/// `weir` on a node's own host, which the engines don't trust.
#[track_caller]
pub(super) fn done(cluster: &Cluster, at: usize, arguments: &[&str]) -> String {
    cluster.nodes[at].weir(arguments).ended(0).stdout
}

/// Makes the first administrator, and logs her in on each node's host.
#[track_caller]
pub(super) fn log_in(cluster: &mut Cluster) {
    let host = cluster.holder(USERS);
    let secret = cluster.root().join(&cluster.nodes[host].name).join("data/set-up-secret");
    cluster.until("the secret of the first administrator", || secret.exists());
    let password = cluster.root().join("password");
    fs::write(&password, "correct horse battery\n").unwrap();
    let (secret, password) = (secret.to_str().unwrap(), password.to_str().unwrap());
    let given = ["--password-file", password];
    let set_up = ["user", "set-up", "ada", "--secret-file", secret];
    // At another node than the one that hosts the users.
    done(cluster, other(cluster, host), &[&set_up[..], &given].concat());
    for at in 0..cluster.nodes.len() {
        done(cluster, at, &[&["login", "ada"], &given[..]].concat());
    }
}

#[test]
fn keys_users_and_the_audit_outlive_the_nodes_that_host_them() {
    let setup = Cluster::of(3, Kind::Postgres)
        .set("weir.rest-server.trust-local=none")
        .set("weir.rest-server.anonymous-reads=false");
    let Some(mut cluster) = setup.up() else { return };
    let oracle = Oracle::of(&cluster);
    cluster.nodes[0].weir(&["key", "list"]).ended(4);
    log_in(&mut cluster);
    let role = ["role", "create", "keeper", "--claim", "key:read"];
    done(&cluster, 0, &role);
    done(&cluster, 1, &["key", "rotate", "Second"]);
    let shown = |cluster: &Cluster, at: usize| -> Vec<String> {
        let of = |noun| done(cluster, at, &[noun, "list", "-o", "json"]);
        ["key", "role", "user"].map(of).into()
    };
    let before = shown(&cluster, 2);
    for lease in [KEYS, USERS, AUDIT] {
        let host = cluster.holder(lease);
        let witness = other(&cluster, host);
        let epoch = cluster.lease(witness, lease).epoch;
        cluster.nodes[host].kill();
        cluster.moved(witness, lease, epoch);
        assert_eq!(shown(&cluster, witness), before, "{lease} moved");
        // Whoever took it over writes, too.
        done(&cluster, witness, &["key", "create", lease]);
        done(&cluster, witness, &["key", "delete", lease]);
        cluster.nodes[host].start();
        cluster.all_up();
    }
    done(&cluster, 0, &["audit", "verify"]);
    let entries: Value =
        serde_json::from_str(&done(&cluster, 1, &["audit", "list", "-o", "json"])).unwrap();
    let entries = entries["items"].as_array().unwrap();
    let count = |action| entries.iter().filter(|it| it["action"] == action).count();
    assert_eq!(["key rotate", "key create", "key delete"].map(count), [1, 3, 3]);
    assert_eq!(["user set-up", "user log-in", "role create"].map(count), [1, 3, 1]);
    cluster.stop();
    oracle.check(&mut cluster);
}
