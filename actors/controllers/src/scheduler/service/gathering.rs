//! Registrations that come at about the same time are decided together.
//!
//! When a deployment is activated, all nodes say so within moments. Placed one by one, the first of
//! them would get all instances of a new workflow, and nothing moves them afterwards.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, Semaphore};
use weir_domain::schedule::Reach;
use weir_domain::{NodeName, NodeUid, Timestamp};
use weir_runtime::HostRef;

use crate::scheduler::{Command, Registration, Schedule};

/// How long a registration waits for nodes that have said something else in this life: another deployment may be
/// what they are to have. Those that fail try again within 2.4 s.
const WINDOW: Duration = Duration::from_secs(3);

/// How long it waits for nodes that are up and have said nothing yet: they are about to.
const SILENT_WINDOW: Duration = Duration::from_secs(5);

pub(super) struct Gathering {
    said: Mutex<Said>,
    more: Notify,
    /// One batch at a time: whoever comes out of this finds its own registration decided.
    deciding: Semaphore,
}

#[derive(Default)]
struct Said {
    waiting: BTreeMap<NodeName, Registration>,
    /// The last one of each node: one that it overtook does not count any more.
    latest: BTreeMap<NodeName, (NodeUid, Timestamp)>,
}

impl Said {
    /// Whether nothing later is known of the node's life, which this makes known. What waits and is overtaken by it
    /// waits no more.
    fn is_latest(&mut self, registration: &Registration) -> bool {
        let (node, at) = (&registration.node, registration.at);
        let known = self.latest.entry(node.name.clone()).or_insert((node.uid, at));
        if known.0 != node.uid {
            *known = (node.uid, at);
        }
        known.1 = known.1.max(at);
        let latest = *known;
        let is_overtaken = |it: &Registration| (it.node.uid, it.at) != latest;
        if self.waiting.get(&node.name).is_some_and(is_overtaken) {
            self.waiting.remove(&node.name);
        }
        latest == (node.uid, at)
    }

    /// Has it wait for others, unless the node has said something else meanwhile: whether it does.
    fn await_others(&mut self, registration: &Registration) -> bool {
        let is_latest = self.is_latest(registration);
        if is_latest {
            self.waiting.insert(registration.node.name.clone(), registration.clone());
        }
        is_latest
    }
}

impl Default for Gathering {
    fn default() -> Self {
        Self { said: Mutex::default(), more: Notify::new(), deciding: Semaphore::new(1) }
    }
}

impl Gathering {
    /// Waits for the other nodes, and has all that came decided. What became of this one is asked
    /// afterwards: it changes nothing then. `false`: the node has said something else since, and it is
    /// not to be asked.
    pub(super) async fn join(
        &self,
        registration: Registration,
        host: &HostRef<Schedule>,
        within: Duration,
    ) -> bool {
        if !self.lock().is_latest(&registration) {
            return false;
        }
        if !is_known(&registration, host, within).await {
            self.gather(&registration, host, within).await;
        }
        self.lock().is_latest(&registration)
    }

    async fn gather(
        &self,
        registration: &Registration,
        host: &HostRef<Schedule>,
        within: Duration,
    ) {
        // It was looked up meanwhile: what came later may wait already.
        if !self.lock().await_others(registration) {
            return;
        }
        let deployment = registration.deployment.clone();
        self.more.notify_waiters();
        let of = deployment.clone();
        let others = self.all_have(host, within, move |said| said == Some(&of));
        // Half of the time is for what is decided then.
        let window = WINDOW.min(within / 2);
        if tokio::time::timeout(window, others).await.is_err() {
            let silent = self.all_have(host, within, |said| said.is_some());
            let left = SILENT_WINDOW.min(within / 2).saturating_sub(window);
            let _ = tokio::time::timeout(left, silent).await;
        }
        // Never closed.
        let _permit = self.deciding.acquire().await;
        let all = self.take(&deployment);
        if !all.is_empty() {
            let nodes: Vec<_> = all.iter().map(|it| it.node.name.as_str()).collect();
            tracing::debug!(%deployment, ?nodes, "registered together");
            // A batch that failed is asked for again, one by one.
            let _ = host.ask(Command::RegisterAll(all), within).await;
        }
    }

    /// Those that wait with the same deployment: others wait for theirs.
    fn take(&self, deployment: &str) -> Vec<Registration> {
        let mut said = self.lock();
        let (all, rest): (BTreeMap<_, _>, BTreeMap<_, _>) = std::mem::take(&mut said.waiting)
            .into_iter()
            .partition(|it| it.1.deployment == deployment);
        said.waiting = rest;
        all.into_values().collect()
    }

    /// Waits until that holds for what every node that is up has said it has deployed, if it has said anything.
    async fn all_have(
        &self,
        host: &HostRef<Schedule>,
        within: Duration,
        is_awaited: impl Fn(Option<&String>) -> bool + Clone + Send + 'static,
    ) {
        loop {
            let more = self.more.notified();
            let (waiting, is_awaited) = (self.deployed(), is_awaited.clone());
            let is_complete = move |it: &Schedule| {
                let landscape = it.landscape();
                let mut up = landscape.nodes.values().filter(|it| it.reach == Reach::Up);
                up.all(|it| is_awaited(waiting.get(&it.node.name).or(it.deployment.as_ref())))
            };
            if host.query(within, is_complete).await.unwrap_or(true) {
                return;
            }
            more.await;
        }
    }

    /// What each node that waits has deployed.
    fn deployed(&self) -> BTreeMap<NodeName, String> {
        self.lock().waiting.iter().map(|it| (it.0.clone(), it.1.deployment.clone())).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Said> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether it would change nothing.
async fn is_known(registration: &Registration, host: &HostRef<Schedule>, within: Duration) -> bool {
    let (node, deployment) = (registration.node.clone(), registration.deployment.clone());
    let is_known = move |it: &Schedule| {
        let landscape = it.landscape();
        let known = landscape.nodes.get(&node.name).filter(|it| it.node == node);
        // Who is no member is told so at once.
        known.is_none_or(|it| it.deployment.as_ref() == Some(&deployment))
    };
    host.query(within, is_known).await.unwrap_or(true)
}
