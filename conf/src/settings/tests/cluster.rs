//! Settings of the cluster, of its database and of its management.

use super::*;

/// A cluster on a database, as far as all others agree.
const SHARED: &str = "weir { persistence.journal { plugin = postgresql, postgresql.host = db }, \
                      secrets.master-key.file = k }\n";

fn check_shared(text: &str, expected: &[&str]) {
    check(&format!("{SHARED}{text}"), expected);
}

#[test]
fn peers_reach_a_node_where_it_says_or_else_where_it_listens() {
    let address = |text: &str| {
        let settings = load(&format!("{SHARED}{text}"));
        (settings.cluster.address("host-9", 7).to_string(), settings.rest_url("host-9", 8))
    };
    let own = |a: &str, b: &str| (a.to_owned(), b.to_owned());
    assert_eq!(address(""), own("weir://weir@127.0.0.1:5843", "http://127.0.0.1:8"));
    assert_eq!(
        address(
            "weir.cluster.canonical { host = n-1, port = 0 }\nweir.rest-server.bind.host = \"::\""
        ),
        own("weir://weir@n-1:7", "http://n-1:8")
    );
    assert_eq!(
        address("weir.cluster { name = x, bind.host = 0.0.0.0, tls { certificate = a, key = b, ca = c } }
            weir.rest-server { bind.host = 0.0.0.0, canonical { host = \"::1\", port = 99 } }"),
        own("weir://x@host-9:5843", "http://[::1]:99")
    );
}

#[test]
fn the_nodes_of_a_sample_differ_by_their_canonical_host_alone() {
    for directory in ["cluster-mariadb", "cluster-postgresql"] {
        let node = |n: usize| {
            let file = PathBuf::from(directory).join(format!("node-{n}.conf"));
            let text = fs::read_to_string(&file).unwrap();
            let settings = Settings::load_with(Some(&file), &[], Some(HashMap::new())).unwrap();
            (text, settings)
        };
        let (first_text, first) = node(1);
        assert_eq!(first.cluster.address("x", 0).to_string(), "weir://weir@node-1:5843");
        assert_eq!(first.cluster.address("x", 0), first.cluster.seed_nodes[0]);
        for n in [2, 3] {
            let (text, mut settings) = node(n);
            assert_eq!(settings.node.name.as_ref().unwrap().as_str(), format!("node-{n}"));
            assert_eq!(settings.cluster.address("x", 0), settings.cluster.seed_nodes[n - 1]);
            settings.cluster.canonical = first.cluster.canonical.clone();
            settings.node = first.node.clone();
            assert_eq!(settings, first);
            let same = |it: &str| {
                it.replace(&format!("node-{n}"), "node-1").replace("Engine 2", "Engine 1")
            };
            assert_eq!(same(&text).replace("Engine 3", "Engine 1"), first_text);
        }
    }
}

#[test]
fn seed_nodes_are_addresses_of_this_cluster_and_need_a_database_that_is_shared() {
    check_shared(
        "weir.cluster.seed-nodes = [\"weir://weir@a:1\", \"http://b\", \"weir://other@c:5843\"]",
        &[
            "FILE:2:47: error[WEIR-01102] weir.cluster.seed-nodes[1]: \"http://b\" is no address of a node: it begins with weir://; it looks like weir://cluster@host:5843",
        ],
    );
    check_shared(
        "weir.cluster.seed-nodes = [\"weir://weir@a:1\", \"weir://other@c\", \"weir://weir@a:1\"]",
        &[
            "FILE:2:47: error[WEIR-01110] weir.cluster.seed-nodes[1]: weir://other@c:5843 is of cluster other, not of weir\n  fix: write weir://weir@c:5843",
            "FILE:2:65: error[WEIR-01110] weir.cluster.seed-nodes[2]: weir://weir@a:1 is listed twice\n  fix: list every node once",
        ],
    );
    check(
        "weir.cluster { seed-nodes = [\"weir://weir@a\"]\n min-nr-of-members = 2 }",
        &[
            "FILE:1:30: error[WEIR-01110] weir.cluster.seed-nodes: several engines need a database that they share, and sqlite is one engine's own\n  fix: set persistence.journal.plugin to mariadb, mysql or postgresql, or remove this",
            "FILE:2:22: error[WEIR-01110] weir.cluster.min-nr-of-members: several engines need a database that they share, and sqlite is one engine's own\n  fix: set persistence.journal.plugin to mariadb, mysql or postgresql, or remove this",
        ],
    );
}

#[test]
fn without_certificates_a_node_is_reached_from_its_own_machine_only() {
    check_shared(
        "weir.cluster.bind.host = 0.0.0.0",
        &[
            "FILE:2:26: error[WEIR-01110] weir.cluster.bind.host: \"0.0.0.0\" is reached from other machines, and without certificates anybody there could join the cluster\n  fix: make certificates with `weir certs dev --dir DIR HOST…` and name them in cluster.tls, or listen on 127.0.0.1",
        ],
    );
    check_shared(
        "weir.cluster.tls { certificate = a.pem, key = a.key }",
        &[
            "FILE:2:34: error[WEIR-01110] weir.cluster.tls.certificate: cluster.tls.ca is missing: the three files belong together\n  fix: name certificate, key and ca, or none of them",
        ],
    );
    for host in ["localhost", "127.0.0.9", "\"::1\""] {
        check_shared(&format!("weir.cluster.bind.host = {host}"), &[]);
    }
    check("weir.cluster.bind.host = 0.0.0.0", &[]);
}

#[test]
fn a_lease_is_renewed_before_its_owner_must_stop() {
    check_shared(
        "weir.cluster.singleton { lease-ttl = 3s }",
        &[
            "FILE:2:38: error[WEIR-01110] weir.cluster.singleton.lease-ttl: a lease of 3s with a margin of 1500ms leaves 1500ms, too little for a renewal every 2s\n  fix: lower renew-every or margin, or raise lease-ttl",
        ],
    );
    check_shared(
        "weir.cluster.singleton { margin = 6s }\nweir.cluster.heartbeat.deadline = 500ms",
        &[
            "FILE:3:35: error[WEIR-01110] weir.cluster.heartbeat.deadline: 500ms is not more than 500ms, the value of cluster.heartbeat.every\n  fix: set it to more than 500ms, or change cluster.heartbeat.every",
            "FILE:2:35: error[WEIR-01110] weir.cluster.singleton.margin: 6s is not less than 6s, the value of cluster.singleton.lease-ttl\n  fix: set it to less than 6s, or change cluster.singleton.lease-ttl",
        ],
    );
}

#[test]
fn a_quorum_is_more_than_half() {
    let quorum = |size: u32| {
        format!(
            "weir.cluster {{ seed-nodes = [\"weir://weir@a\", \"weir://weir@b\", \"weir://weir@c\"]
              split-brain-resolver {{ active-strategy = static-quorum\n static-quorum.size = {size} }} }}"
        )
    };
    check_shared(
        &quorum(0),
        &[
            "FILE:4:23: error[WEIR-01110] weir.cluster.split-brain-resolver.static-quorum.size: static-quorum needs to know how many nodes are a quorum\n  fix: set it to more than half of the nodes, as 2 of 3",
        ],
    );
    check_shared(
        &quorum(1),
        &[
            "FILE:4:23: error[WEIR-01110] weir.cluster.split-brain-resolver.static-quorum.size: 1 is too small: 3 seed nodes can split into two sides with 1 each, and both would go on\n  fix: set it to 2 or more",
        ],
    );
    check_shared(&quorum(2), &[]);
}

#[test]
fn a_database_must_be_told_where_it_is() {
    check(
        "weir.persistence.journal { plugin = mariadb\n mysql { user = \"\", tls { mode = require, ca = ca.pem } } }
 weir.secrets.master-key.file = k",
        &[
            "FILE:1:37: error[WEIR-01110] weir.persistence.journal.plugin: the database is on a server, and its host is not named\n  fix: set persistence.journal.mysql.host",
            "FILE:2:17: error[WEIR-01110] weir.persistence.journal.mysql.user: it is empty\n  fix: write for instance weir",
            "FILE:2:48: error[WEIR-01110] weir.persistence.journal.mysql.tls.ca: it has no effect: the certificate of the database is not verified\n  fix: set persistence.journal.mysql.tls.mode to verify, or remove this",
        ],
    );
}

#[test]
fn who_may_change_the_cluster_needs_a_token() {
    check(
        "weir.management.read-only = false",
        &[
            "FILE:1:29: error[WEIR-01110] weir.management.read-only: anybody could change the cluster: read-only is false and there is no token\n  fix: set management.token, or read-only = true",
        ],
    );
    check(
        "weir.management { read-only = false, token = \"hunter2\" }",
        &[
            "FILE:1:46: error[WEIR-01110] weir.management.token: it is too short: it has less than 16 characters\n  fix: make one with `openssl rand -hex 32`",
        ],
    );
    check("weir.management { read-only = false, token = \"0123456789abcdef\" }", &[]);
}

#[test]
fn a_password_is_shown_nowhere() {
    let text = "weir.persistence.journal.mysql.password = \"s3cret-pass\"";
    let settings = load(text);
    let password = settings.persistence.journal.mysql.password.as_ref().unwrap();
    assert_eq!(password.expose(), "s3cret-pass");
    for shown in [format!("{settings:?}"), settings.effective().to_string()] {
        assert!(shown.contains("******") && !shown.contains("s3cret"), "{shown}");
    }
    // Without quotes it may look like a number, a list, or keys.
    for value in ["4711", "[s3cret]", "{ s3cret = 4711 }", "true"] {
        let read = load_in(&[], &format!("weir.persistence.journal.mysql.password = {value}"), &[]);
        let shown = read.map_err(|it| it.join("\n")).map(|it| format!("{it:?}"));
        let shown = shown.unwrap_or_else(|it| it);
        assert!(!shown.contains("4711") && !shown.contains("s3cret"), "{shown}");
    }
    assert_eq!(
        load_in(&[("P", "4711")], "weir.persistence.journal.mysql.password = ${?P}", &[])
            .unwrap()
            .persistence
            .journal
            .mysql
            .password,
        Some(Secret::new("4711"))
    );
}

/// What systemd runs is a command of ours, with a sample's place.
#[test]
fn the_units_start_what_there_is() {
    for (unit, command) in [
        (
            "weir-reactive-engine.service",
            "/usr/bin/weir reactive-engine --conf /etc/weir/weir.conf",
        ),
        (
            "weir-config-server.service",
            "/usr/bin/weir config-server --conf /etc/weir/config-server.conf",
        ),
    ] {
        let text = fs::read_to_string(PathBuf::from("systemd").join(unit)).unwrap();
        let values: Vec<_> = text.lines().filter_map(|it| it.split_once('=')).collect();
        let value = |key: &str| values.iter().find(|it| it.0 == key).map(|it| it.1);
        assert_eq!(value("ExecStart"), Some(command));
        assert_eq!((value("Type"), value("Restart")), (Some("exec"), Some("always")));
        assert_eq!(value("User"), Some("weir"));
        for section in ["[Unit]", "[Service]", "[Install]"] {
            assert!(text.contains(&format!("{section}\n")), "{unit} has no {section}");
        }
    }
}
