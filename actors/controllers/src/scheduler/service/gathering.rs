//! Registrations that come at about the same time are decided together.
//!
//! When a deployment is activated, all nodes say so within moments. Placed one by one, the first of
//! them would get all instances of a new workflow, and nothing moves them afterwards.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, Semaphore};
use weir_domain::schedule::Reach;
use weir_domain::{Incarnation, NodeName, NodeUid, Timestamp};
use weir_runtime::HostRef;

use crate::scheduler::{Command, Registration, Schedule};

/// How long a registration waits for nodes that have said something else in this life: another deployment may be
/// what they are to have. Those that fail try again within 2.4 s.
const WINDOW: Duration = Duration::from_secs(3);

/// How long it waits for nodes that are up and have said nothing yet: they are about to.
const SILENT_WINDOW: Duration = Duration::from_secs(5);

pub(super) struct Gathering {
    waiting: Mutex<BTreeMap<NodeName, Registration>>,
    /// The last one of each node: one that it overtook does not count any more.
    latest: Mutex<BTreeMap<NodeName, (NodeUid, Timestamp)>>,
    more: Notify,
    /// One batch at a time: whoever comes out of this finds its own registration decided.
    deciding: Semaphore,
}

impl Default for Gathering {
    fn default() -> Self {
        Self {
            waiting: Mutex::default(),
            latest: Mutex::default(),
            more: Notify::new(),
            deciding: Semaphore::new(1),
        }
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
        let said = (registration.node.clone(), registration.at);
        if !self.is_latest(&said) {
            return false;
        }
        if !is_known(&registration, host, within).await {
            self.gather(registration, host, within).await;
        }
        self.is_latest(&said)
    }

    /// Whether nothing later is known of the node's life, which this makes known.
    fn is_latest(&self, (node, at): &(Incarnation, Timestamp)) -> bool {
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        let known = latest.entry(node.name.clone()).or_insert((node.uid, *at));
        if known.0 != node.uid {
            *known = (node.uid, *at);
        }
        known.1 = known.1.max(*at);
        known.1 == *at
    }

    async fn gather(&self, registration: Registration, host: &HostRef<Schedule>, within: Duration) {
        let deployment = registration.deployment.clone();
        self.lock().insert(registration.node.name.clone(), registration);
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
            // A batch that failed is asked for again, one by one.
            let _ = host.ask(Command::RegisterAll(all), within).await;
        }
    }

    /// Those that wait with the same deployment: others wait for theirs.
    fn take(&self, deployment: &str) -> Vec<Registration> {
        let mut waiting = self.lock();
        let (all, rest): (BTreeMap<_, _>, BTreeMap<_, _>) =
            std::mem::take(&mut *waiting).into_iter().partition(|it| it.1.deployment == deployment);
        *waiting = rest;
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
            let (waiting, is_awaited) = (self.said(), is_awaited.clone());
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
    fn said(&self) -> BTreeMap<NodeName, String> {
        self.lock().iter().map(|it| (it.0.clone(), it.1.deployment.clone())).collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<NodeName, Registration>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
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
