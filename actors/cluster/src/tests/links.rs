//! The same over the real links, on their network in memory.

use std::net::SocketAddr;

use weir_domain::NodeStatus::{Down, Removed};
use weir_remote::{Remote, Settings};

use super::*;
use crate::{LinkMesh, Mesh, code};

const SECOND: Duration = Duration::from_secs(1);

/// A cluster under test, and the network of its links.
struct Linked {
    world: World,
    network: weir_remote::Network,
}

fn host(n: u8) -> String {
    address(n).host
}

impl Linked {
    fn new() -> Self {
        Self { world: World::new(), network: weir_remote::Network::new(7) }
    }

    async fn start(&self, n: u8) -> Running {
        self.start_as(n, n).await
    }

    /// A node with the name of one and the address of another.
    async fn start_as(&self, n: u8, at: u8) -> Running {
        let system = self.world.system(n);
        let mut settings = ClusterSettings::new(cluster(), address(at));
        settings.seeds = vec![address(1), address(2)];
        let store: Arc<dyn MemberStore> = Arc::new(self.world.store.clone());
        let claim = Claim::take(&system, &settings, &*store).await.unwrap();
        let admission = Admission::default();
        let mut local = self.network.local(&system, &cluster());
        (local.address, local.cluster_id) = (address(at), Some(claim.identity.id));
        let bind = Settings::new(SocketAddr::from(([127, 0, 0, 1], 5843)));
        let gatekeeper = Arc::new(admission.clone());
        let remote: Remote = self.network.start(&system, local, bind, gatekeeper).await.unwrap();
        let mesh: Arc<dyn Mesh> = LinkMesh::start(&system, remote);
        let cluster =
            Cluster::start(&system, settings, claim, store, Some(mesh), admission).unwrap();
        let shutdown = system.shutdown().clone();
        let report = system_tasks().spawn("report", async move { shutdown.run().await });
        Running { system, cluster, report }
    }

    async fn start_up(&self, count: u8) -> Vec<Running> {
        let mut nodes = Vec::new();
        for n in 1..=count {
            nodes.push(self.start(n).await);
        }
        let all = || nodes.iter().all(|it| it.sees_up(count.into()));
        self.world.within(10 * SECOND, "all are up", all).await;
        nodes
    }
}

#[tokio::test(start_paused = true)]
async fn nodes_find_each_other_over_links() {
    let linked = Linked::new();
    let nodes = linked.start_up(3).await;
    let details = || nodes.iter().all(|it| it.cluster.details().len() == 3);
    linked.world.within(10 * SECOND, "gossip goes round", details).await;
    let up = |it: &Running| it.cluster.links().iter().filter(|it| it.is_up()).count();
    assert!(nodes.iter().all(|it| up(it) == 2));
}

#[tokio::test(start_paused = true)]
async fn a_killed_process_is_known_to_be_gone_and_comes_back() {
    let linked = Linked::new();
    let nodes = linked.start_up(3).await;
    linked.network.kill(&host(1));
    let killed = nodes[0].uid();
    let is_known = || nodes[1..].iter().all(|it| it.view().has_ended(killed));
    linked.world.within(2 * SECOND, "its end is proven", is_known).await;
    let again = linked.start(1).await;
    let is_up = || again.sees_up(3) && nodes[1..].iter().all(|it| it.sees_up(3));
    linked.world.within(5 * SECOND, "it is up again", is_up).await;
}

#[tokio::test(start_paused = true)]
async fn a_partition_is_resolved_and_the_downed_are_refused_afterwards() {
    let linked = Linked::new();
    let nodes = linked.start_up(3).await;
    let [one, two, three] = [1, 2, 3].map(host);
    linked.network.partition(&[&one], &[&two, &three]);
    linked.world.within(20 * SECOND, "the minority stops", || nodes[0].is_stopping()).await;
    let ended = |it: &Running| matches!(it.status_of(&nodes[0]), Some(Down | Removed));
    linked.world.within(5 * SECOND, "it is out", || nodes[1..].iter().all(ended)).await;
    linked.network.heal_all();
    linked.world.pass(5 * SECOND).await;
    assert!(nodes[1..].iter().all(|it| it.sees_up(2) && !it.is_stopping()));
}

#[tokio::test(start_paused = true)]
async fn a_frozen_node_is_taken_out_and_stops_when_it_thaws() {
    let linked = Linked::new();
    let nodes = linked.start_up(3).await;
    linked.network.freeze(&host(3));
    let is_out = || nodes[..2].iter().all(|it| it.sees_up(2));
    linked.world.within(20 * SECOND, "it is taken out", is_out).await;
    linked.network.thaw(&host(3));
    linked.world.within(5 * SECOND, "it stops", || nodes[2].is_stopping()).await;
}

#[tokio::test(start_paused = true)]
async fn a_taken_name_is_refused_over_links() {
    let linked = Linked::new();
    let nodes = linked.start_up(2).await;
    let second = linked.start_as(2, 9).await;
    linked.world.within(10 * SECOND, "it stops", || second.is_stopping()).await;
    match second.reason().await {
        Reason::Failed(fault) => assert_eq!(fault.code, code::DUPLICATE_NAME),
        other => panic!("{other:?}"),
    }
    linked.world.pass(10 * SECOND).await;
    assert!(nodes.iter().all(|it| it.sees_up(2) && !it.is_stopping()));
}

#[tokio::test(start_paused = true)]
async fn a_node_that_leaves_says_goodbye() {
    let linked = Linked::new();
    let mut nodes = linked.start_up(2).await;
    let leaving = nodes.remove(1);
    leaving.system.shutdown().request(Reason::Signal("SIGTERM"));
    linked.world.within(5 * SECOND, "it ends", || leaving.report.is_finished()).await;
    assert!(leaving.report.join().await.unwrap().is_clean());
    assert!(nodes[0].sees_up(1));
}
