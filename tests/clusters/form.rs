//! How a cluster comes to be.

use std::collections::BTreeSet;

use weir_domain::NodeStatus;
use weir_http_api::{ExplanationView, LeaseState};

use super::{CONTROLLERS, FILE_EVERY};
use crate::support::cluster::{Cluster, Files, Kind, Oracle};

/// Three engines from the samples share a directory of files.
#[track_caller]
fn check(kind: Kind) {
    let Some(mut cluster) = Cluster::of(3, kind).up() else { return };
    let oracle = Oracle::of(&cluster);
    for node in &cluster.nodes {
        node.logged("[WEIR-11000] trying to connect to the cluster");
        node.logged("[WEIR-11001] cluster joined, member status is up");
    }
    let members = cluster.nodes[0].members().unwrap();
    assert_eq!(members.cluster.as_str(), "weir");
    assert_eq!(members.store_trouble, None);
    let numbers: BTreeSet<_> = members.members.iter().map(|it| it.up_number).collect();
    assert_eq!(numbers, BTreeSet::from([1, 2, 3]), "each went up once");

    cluster.until("all controllers to have a place", || {
        let leases = cluster.nodes[2].leases().unwrap_or_default();
        let held = leases.iter().filter(|it| it.state == LeaseState::Held);
        let held: BTreeSet<_> = held.map(|it| it.name.as_str()).collect();
        CONTROLLERS.iter().all(|it| held.contains(it))
    });
    let mut files = Files::new();
    cluster.deploy(&files.project);
    files.put(60);
    files.flowing(FILE_EVERY, || ());
    files.check();
    cluster.stop();
    oracle.check(&mut cluster);
}

#[test]
fn three_engines_form_a_cluster_on_mariadb_and_share_files() {
    check(Kind::MariaDb);
}

#[test]
fn three_engines_form_a_cluster_on_postgresql_and_share_files() {
    check(Kind::Postgres);
}

#[test]
fn a_node_alone_waits_for_as_many_as_are_wanted_and_says_so() {
    let Some(mut cluster) = Cluster::of(2, Kind::Postgres).prepared() else { return };
    let oracle = Oracle::of(&cluster);
    // The second of the list begins: the first seed is not there.
    cluster.nodes[1].start();
    cluster.sees(1, "node-2", NodeStatus::Joining);
    assert!(!cluster.nodes[1].is_ready());
    let explained: ExplanationView = cluster.nodes[1].shown("/cluster/explain").unwrap();
    let codes: Vec<_> = explained.reasons.iter().map(|it| it.code.to_string()).collect();
    assert!(codes.contains(&"WEIR-11020".to_owned()), "{explained:?}");
    let too_few = explained.reasons.iter().find(|it| it.code.to_string() == "WEIR-11020").unwrap();
    assert!(too_few.hint.is_some(), "{explained:?}");
    cluster.nodes[0].start();
    cluster.all_up();
    cluster.stop();
    oracle.check(&mut cluster);
}
