//! All singletons of one node: registered, kept, shown, moved, handed over.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{broadcast, mpsc, watch};
use weir_domain::{Fault, NodeName};
use weir_persistence_api::{Error, LeaseName, LeaseStore};
use weir_runtime::{BootClock, Phase, System, Uptime};

use super::code;
use super::facts::Facts;
use super::keeper::Keeper;
use super::peers::Peers;
use super::proxy::Proxy;
use super::rule::{Report, Rule, State};
use super::serving::{Receptionist, ServeDoor};
use super::settings::SingletonSettings;
use super::shared::{Registered, Seen, Shared};
use super::stage::{Stage, Theatre};
use super::status::{LeaseStatus, SingletonEvent};
use super::table::Owners;
use super::watcher::watch_leases;
use super::wire::Hint;
use crate::{Service, Singleton};

/// Reports that a keeper has not heard yet. Each comes from a task that waits for it to be heard.
const REPORTS: usize = 16;
/// How much longer than an instance its lease may take.
const RELEASE_WITHIN: Duration = Duration::from_secs(2);

/// Why a singleton was not moved.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MoveError {
    #[error("there is no lease {lease}; there are {known}")]
    UnknownLease { lease: LeaseName, known: String },
    #[error(
        "{node} can't have {lease}: it is not up, can't be reached, or its roles do not allow it; {candidates} can"
    )]
    NotACandidate { node: NodeName, lease: LeaseName, candidates: String },
    #[error("the wish could not be written into the store")]
    Store(#[source] Error),
    #[error("{lease} is not on {node} yet; it moves there as soon as it can")]
    NotYet { lease: LeaseName, node: NodeName },
}

/// The singletons of one node. Cheap to clone.
#[derive(Clone)]
pub struct Singletons(Arc<Inner>);

struct Inner {
    shared: Arc<Shared>,
    /// Those that wait for `begin`; absent after it.
    idle: Mutex<Option<Vec<Keeper>>>,
}

impl Singletons {
    /// Prepares everything; leases are competed for after `begin`.
    pub fn new(
        system: &System,
        store: Arc<dyn LeaseStore>,
        facts: watch::Receiver<Arc<Facts>>,
        peers: Option<Arc<dyn Peers>>,
        settings: SingletonSettings,
    ) -> Self {
        Self::with_uptime(system, store, facts, (peers, Arc::new(BootClock)), settings)
    }

    /// With another measure of time: for tests on paused time.
    pub fn with_uptime(
        system: &System,
        store: Arc<dyn LeaseStore>,
        facts: watch::Receiver<Arc<Facts>>,
        with: (Option<Arc<dyn Peers>>, Arc<dyn Uptime>),
        settings: SingletonSettings,
    ) -> Self {
        let shared = Arc::new(Shared::new(system.clone(), store, facts, with, settings));
        Self(Arc::new(Inner { shared, idle: Mutex::new(Some(Vec::new())) }))
    }

    /// Makes a singleton known, which may be here from then on. All nodes register the same.
    pub fn register<T: Singleton>(&self, singleton: T) -> Proxy<T::Service> {
        let shared = &self.0.shared;
        let name = LeaseName(<T::Service as Service>::NAME.to_owned());
        let theatre = Theatre::new(shared.system.clone(), shared.uptime.clone(), singleton);
        let door = theatre.door().clone();
        let stage: Arc<dyn Stage> = Arc::new(theatre);
        let (report, reports) = mpsc::channel(REPORTS);
        let seen = watch::Sender::new(Seen { state: State::Standby, trouble: None });
        let registered = Registered {
            stage: stage.clone(),
            serve: Arc::new(ServeDoor(door.clone())),
            reports: report.clone(),
            seen: seen.subscribe(),
        };
        let earlier = shared.registered().insert(name.clone(), registered);
        assert!(earlier.is_none(), "a singleton is registered once: {name}");
        let rule = Rule::new(shared.system.incarnation(), shared.settings.timing());
        let shared = shared.clone();
        let proxy = Proxy::new(shared.clone(), door);
        let keeper = Keeper { shared, name, stage, rule, seen, report, reports, is_leaving: false };
        match &mut *self.0.idle.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(idle) => idle.push(keeper),
            None => self.keep(keeper),
        }
        proxy
    }

    /// Begins to compete for the leases and to serve other nodes. Planned to end with the system:
    /// everything is handed over, or ended at once if this node is downed.
    pub fn begin(&self) {
        let idle = self.0.idle.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(idle) = idle else { return };
        let shared = &self.0.shared;
        let (this, downed) = (self.clone(), self.clone());
        let shutdown = shared.system.shutdown();
        let hand_over = async move { this.hand_over_all().await };
        if shutdown.add(Phase::SingletonHandOver, "singletons", hand_over).is_err() {
            // The system has gone past the point where it could give anything back.
            return;
        }
        shutdown.add_downed("singletons", async move {
            downed.abandon_all();
            Ok(())
        });
        if let Some(peers) = &shared.peers {
            peers.serve(Arc::new(Receptionist(shared.clone())));
        }
        shared.system.tasks().spawn("leases", watch_leases(shared.clone()));
        idle.into_iter().for_each(|it| self.keep(it));
    }

    #[cfg(test)]
    pub(super) fn shared(&self) -> &Arc<Shared> {
        &self.0.shared
    }

    fn keep(&self, keeper: Keeper) {
        let name = format!("lease/{}", keeper.name);
        self.0.shared.system.tasks().spawn(name, keeper.run());
    }

    /// Who has which lease, on any node.
    pub fn owners(&self) -> watch::Receiver<Arc<Owners>> {
        self.0.shared.owners.subscribe()
    }

    pub fn events(&self) -> broadcast::Receiver<SingletonEvent> {
        self.0.shared.events.subscribe()
    }

    /// The epochs as the store showed them last, also where they are lower than what is known here:
    /// a store that went back shows in nothing else. 0: a row that was there is gone.
    pub fn seen_epochs(&self) -> watch::Receiver<Arc<BTreeMap<LeaseName, u64>>> {
        self.0.shared.seen_epochs.subscribe()
    }

    /// Whether the leases can be read, as of the last attempt.
    pub fn health(&self) -> Result<(), String> {
        match &self.0.shared.table.borrow().trouble {
            None => Ok(()),
            Some(trouble) => Err(trouble.cause.clone()),
        }
    }

    /// All leases: those of the store, and those of the singletons that are registered here.
    pub fn status(&self) -> Vec<LeaseStatus> {
        let shared = &self.0.shared;
        let (now, registered) = (shared.now(), shared.registered().clone());
        let table = shared.table.borrow();
        let mut names: BTreeMap<&LeaseName, Option<&Registered>> =
            table.rows.keys().chain(table.pins.keys()).map(|it| (it, None)).collect();
        names.extend(registered.iter().map(|(name, it)| (name, Some(it))));
        let status = |(name, registered): (&LeaseName, Option<&Registered>)| {
            let row = table.rows.get(name);
            let seen = registered.map(|it| it.seen.borrow().clone());
            LeaseStatus {
                name: name.clone(),
                owner: row.and_then(super::Row::holder),
                epoch: row.map_or(0, |it| it.epoch),
                left: row.map_or(Duration::ZERO, |it| it.expires_at.saturating_sub(now)),
                pinned: table.pins.get(name).cloned(),
                since: shared.since(name),
                here: seen.as_ref().map(|it| it.state),
                trouble: seen.and_then(|it| it.trouble),
            }
        };
        names.into_iter().map(status).collect()
    }

    /// Says on which node a singleton should be, while that may have it; `None`: on any.
    pub async fn pin(&self, lease: &LeaseName, node: Option<&NodeName>) -> Result<(), MoveError> {
        let shared = &self.0.shared;
        self.check_lease(lease)?;
        let written = tokio::time::timeout(
            shared.settings.statement_within,
            shared.store.lease_pin(lease, node),
        );
        let written = written
            .await
            .unwrap_or_else(|_| Err(Error::Unknown("it did not answer in time".into())));
        written.map_err(MoveError::Store)?;
        tracing::info!(code = %code::PINNED, %lease, node = node.map(NodeName::as_str), "an administrator said where this singleton should be");
        shared.look.notify_one();
        shared.announce(&Hint::Look);
        Ok(())
    }

    /// Moves a singleton to a node that may have it, keeps it there, and waits until it is.
    pub async fn move_to(
        &self,
        lease: &LeaseName,
        node: &NodeName,
        within: Duration,
    ) -> Result<(), MoveError> {
        self.check_lease(lease)?;
        self.check_candidate(lease, node)?;
        self.pin(lease, Some(node)).await?;
        let mut owners = self.owners();
        let there = owners.wait_for(|it| it.get(lease).is_some_and(|it| it.node.name == *node));
        match tokio::time::timeout(within, there).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(_)) | Err(_) => {
                Err(MoveError::NotYet { lease: lease.clone(), node: node.clone() })
            }
        }
    }

    fn check_lease(&self, lease: &LeaseName) -> Result<(), MoveError> {
        let known: Vec<_> = self.status().into_iter().map(|it| it.name).collect();
        if known.contains(lease) {
            return Ok(());
        }
        let known = list(known.iter());
        Err(MoveError::UnknownLease { lease: lease.clone(), known })
    }

    fn check_candidate(&self, lease: &LeaseName, node: &NodeName) -> Result<(), MoveError> {
        let facts = self.0.shared.facts.borrow().clone();
        if facts.candidates.iter().any(|it| it.name == *node) {
            return Ok(());
        }
        let candidates = list(facts.candidates.iter().map(|it| &it.name));
        Err(MoveError::NotACandidate { node: node.clone(), lease: lease.clone(), candidates })
    }

    /// Hands everything over and takes nothing any more: this node leaves.
    pub async fn hand_over_all(&self) -> Result<(), Fault> {
        let shared = &self.0.shared;
        let registered = shared.registered().clone();
        let limit = shared.settings.hand_over_within + RELEASE_WITHIN;
        let hand_over = async |(name, it): (LeaseName, Registered)| {
            let mut seen = it.seen;
            let stopped = async {
                // An error says that its keeper has ended, and so has what it kept.
                let _ = it.reports.send(Report::Leave).await;
                let _ = seen.wait_for(|it| it.state == State::Stopped).await;
            };
            tokio::time::timeout(limit, stopped).await.err().map(|_| name)
        };
        let left = futures::future::join_all(registered.into_iter().map(hand_over)).await;
        shared.ended.cancel();
        let left: Vec<_> = left.into_iter().flatten().collect();
        match left.is_empty() {
            true => Ok(()),
            false => {
                let left = list(left.iter());
                let cause = format!("not handed over in time: {left}; their leases expire");
                Err(Fault::transient(code::NOT_STOPPED.0, cause))
            }
        }
    }

    /// Ends all instances at once. Their leases are taken by others, or expire.
    pub fn abandon_all(&self) {
        let shared = &self.0.shared;
        shared.ended.cancel();
        for registered in shared.registered().values() {
            registered.stage.abandon();
        }
    }
}

fn list<T: fmt::Display>(items: impl Iterator<Item = T>) -> String {
    let items: Vec<_> = items.map(|it| it.to_string()).collect();
    if items.is_empty() { "none".to_owned() } else { items.join(", ") }
}

impl fmt::Debug for Singletons {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Singletons").finish_non_exhaustive()
    }
}
