//! Several nodes in one process, with real gossip, on paused time.

mod life;
mod links;
mod refusals;
mod splits;

use std::sync::Arc;
use std::time::Duration;

use weir_domain::{Clock, Member, NodeName, NodeStatus, NodeUid, Timestamp};
use weir_persistence_api::{MemberStore, MemoryStore};
use weir_runtime::{
    IdSource, ManualClock, PhaseTimeouts, Reason, Report, System, SystemSettings, Task,
};

use crate::testing::network::Network;
use crate::testing::{address, cluster};
use crate::{Admission, Claim, Cluster, ClusterSettings, Details, Error, View};

/// A cluster under test.
struct World {
    network: Network,
    clock: Arc<ManualClock>,
    store: MemoryStore,
    started: std::cell::Cell<u64>,
}

/// One running node of it.
struct Running {
    system: System,
    cluster: Cluster,
    report: Task<Report>,
}

impl World {
    fn new() -> Self {
        let clock = Arc::new(ManualClock::at(Timestamp(1_700_000_000_000)));
        let store = MemoryStore::new(clock.clone());
        let network = Network::default();
        let started = std::cell::Cell::new(0);
        Self { network, clock, store, started }
    }

    fn system(&self, n: u8) -> System {
        self.started.set(self.started.get() + 1);
        let clock: Arc<dyn Clock> = self.clock.clone();
        let ids = IdSource::seeded(clock.clone(), self.started.get());
        let node = NodeName::new(format!("node-{n:03}")).unwrap();
        System::new(SystemSettings { node, clock, ids, shutdown: PhaseTimeouts::default() })
    }

    async fn start(&self, n: u8) -> Running {
        self.start_with(n, |_| {}).await.unwrap()
    }

    async fn start_with(
        &self,
        n: u8,
        change: impl FnOnce(&mut ClusterSettings),
    ) -> Result<Running, Error> {
        let system = self.system(n);
        let mut settings = ClusterSettings::new(cluster(), address(n));
        settings.seeds = vec![address(1), address(2)];
        settings.describe =
            Arc::new(move || Details { processors: n.into(), ..Details::default() });
        change(&mut settings);
        let admission = Admission::default();
        let at = settings.address.clone();
        let mesh = self.network.add(system.incarnation(), at, admission.clone());
        let store: Arc<dyn MemberStore> = Arc::new(self.store.clone());
        let claim = Claim::take(&system, &settings, &*store).await?;
        let cluster = Cluster::start(&system, settings, claim, store, Some(mesh), admission)?;
        let shutdown = system.shutdown().clone();
        let report = system_tasks().spawn("report", async move { shutdown.run().await });
        Ok(Running { system, cluster, report })
    }

    /// Lets time pass until the condition holds.
    async fn until(&self, what: &str, condition: impl Fn() -> bool) {
        self.within(Duration::from_secs(60), what, condition).await;
    }

    async fn within(&self, limit: Duration, what: &str, condition: impl Fn() -> bool) {
        let step = Duration::from_millis(20);
        let mut passed = Duration::ZERO;
        while !condition() {
            assert!(passed < limit, "waited {limit:?} in vain: {what}");
            self.network.tick();
            self.clock.advance(step);
            tokio::time::sleep(step).await;
            passed += step;
        }
    }

    async fn pass(&self, length: Duration) {
        let watch = weir_runtime::Stopwatch::start();
        self.within(length * 2, "time passes", || watch.elapsed() >= length).await;
    }

    async fn start_up(&self, count: u8) -> Vec<Running> {
        let mut nodes = Vec::new();
        for n in 1..=count {
            nodes.push(self.start(n).await);
        }
        self.until("all are up", || nodes.iter().all(|it| it.sees_up(count.into()))).await;
        nodes
    }

    fn cut(&self, left: &[&Running], right: &[&Running]) {
        for a in left {
            right.iter().for_each(|b| self.network.cut(a.uid(), b.uid()));
        }
    }
}

/// Tasks of nobody's system.
fn system_tasks() -> weir_runtime::Tasks {
    World::new().system(255).tasks().clone()
}

impl Running {
    fn uid(&self) -> NodeUid {
        self.system.uid()
    }

    fn view(&self) -> Arc<View> {
        self.cluster.view().borrow().clone()
    }

    fn status_of(&self, node: &Running) -> Option<NodeStatus> {
        self.view().member(node.uid()).map(|it: &Member| it.status)
    }

    fn sees_up(&self, count: usize) -> bool {
        let view = self.view();
        let up = view.members.iter().filter(|it| it.status == NodeStatus::Up).count();
        up == count && view.reach.unreachable.is_empty()
    }

    fn is_stopping(&self) -> bool {
        self.system.shutdown().stopping().is_stopping()
    }

    async fn reason(self) -> Reason {
        self.report.join().await.unwrap().reason
    }
}
