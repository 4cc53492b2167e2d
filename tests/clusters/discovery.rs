//! How nodes find each other: by a name in the DNS, or by seeds in whatever order.
//!
//! Members' addresses are in the database, too. So that a link is proof of discovery, the names of
//! the nodes themselves lead nowhere here.

use weir_domain::NodeStatus;
use weir_http_api::{ExplanationView, LinkState, LinkView, Page};

use super::NOBODY_GIVEN_UP;
use crate::support::cluster::{Cluster, Kind, Oracle};
use crate::support::{DEADLINE, wait_until_is};

const BY_DNS: &str = "weir.cluster.discovery.dns=engines";
const NO_SEEDS: &str = "weir.cluster.seed-nodes=[]";
/// What is said of a name that can't be resolved.
const UNRESOLVED: &str = "WEIR-11014";

#[test]
fn nodes_without_seeds_find_each_other_by_a_name_and_again_when_an_address_has_changed() {
    let setup = Cluster::of(3, Kind::Postgres).with_dns().set(NO_SEEDS).set(BY_DNS);
    let Some(mut cluster) = setup.prepared() else { return };
    let oracle = Oracle::of(&cluster);
    let engines = ["node-1", "node-2", "node-3"].map(|it| ("engines", it));
    cluster.set_names(&engines);
    cluster.nodes.iter_mut().for_each(|it| it.start());
    cluster.all_up();
    let log = cluster.nodes[0].log();
    assert!(!log.contains(UNRESOLVED), "{log}");

    // As where machines come and go: it comes back with another address.
    cluster.nodes[2].terminate();
    assert_eq!(cluster.nodes[2].ended().code(), Some(0), "{}", cluster.nodes[2].log());
    cluster.net.readdress("node-3", 77);
    cluster.set_names(&engines);
    cluster.nodes[2].start();
    cluster.all_up();
    let up = ["node-2", "node-3"].map(str::to_owned).to_vec();
    wait_until_is("the list of links", DEADLINE, &up, || links(&cluster, 0));
    cluster.stop();
    oracle.check(&mut cluster);
}

#[test]
fn a_name_that_can_not_be_resolved_is_told_and_tried_again() {
    let setup =
        Cluster::of(2, Kind::MariaDb).with_dns().set(NO_SEEDS).set(BY_DNS).set(NOBODY_GIVEN_UP);
    let Some(mut cluster) = setup.prepared() else { return };
    let oracle = Oracle::of(&cluster);
    cluster.nodes.iter_mut().for_each(|it| it.start());
    cluster.nodes[0].logged(UNRESOLVED);
    cluster.sees(0, "node-1", NodeStatus::Joining);
    let ran = cluster.nodes[0].weir(&["cluster", "explain"]);
    let said = "weir.cluster.discovery.dns: engines can't be resolved";
    assert!(ran.stdout.contains(said) && ran.stdout.contains(UNRESOLVED), "{}", ran.stdout);

    cluster.set_names(&[("engines", "node-1"), ("engines", "node-2")]);
    cluster.all_up();
    cluster.nodes[0].logged("weir.cluster.discovery.dns is resolved again");
    let explained: ExplanationView = cluster.nodes[0].shown("/cluster/explain").unwrap();
    assert_eq!(explained.reasons.len(), 1, "all is as it should be: {explained:?}");
    cluster.stop();
    oracle.check(&mut cluster);
}

#[test]
fn seeds_in_another_order_lead_to_the_same_cluster() {
    let Some(mut cluster) = Cluster::of(3, Kind::MariaDb).prepared() else { return };
    let oracle = Oracle::of(&cluster);
    let seeds = ["node-3", "node-2", "node-1"].map(|it| format!("\"weir://weir@{it}:5843\""));
    let reversed = format!("weir.cluster.seed-nodes=[{}]", seeds.join(","));
    for (at, settings) in [(0, &[reversed.as_str()][..]), (1, &[]), (2, &[])] {
        cluster.nodes[at].start_with(settings);
    }
    cluster.all_up();
    let leaders: Vec<_> = cluster.nodes.iter().map(|it| it.members().unwrap().leader).collect();
    assert!(leaders[0].is_some() && leaders.iter().all(|it| *it == leaders[0]), "{leaders:?}");
    cluster.stop();
    oracle.check(&mut cluster);
}

/// The names of the peers of a node, if all its links are up and no address is dialled in vain.
fn links(cluster: &Cluster, from: usize) -> Vec<String> {
    let Some(links) = cluster.nodes[from].shown::<Page<LinkView>>("/cluster/links") else {
        return Vec::new();
    };
    let name = |it: &LinkView| match (&it.peer, it.state) {
        (Some(peer), LinkState::Up) => peer.name.to_string(),
        _ => format!("{}: {:?}", it.address, it.trouble),
    };
    links.items.iter().map(name).collect()
}
