//! What the keepers, the watcher and the proxies of one node share.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, broadcast, mpsc, watch};
use tokio_util::sync::CancellationToken;
use weir_domain::{NodeUid, Timestamp};
use weir_persistence_api::{LeaseName, LeaseRow, LeaseStore};
use weir_runtime::{System, Uptime};

use super::facts::Facts;
use super::peers::Peers;
use super::place::{Placing, place};
use super::rule::{Report, State};
use super::serving::ServeOne;
use super::settings::SingletonSettings;
use super::stage::Stage;
use super::status::SingletonEvent;
use super::table::{Owner, Owners, Row, Table};

/// Events that a subscriber may be behind.
const EVENTS: usize = 256;

pub(super) struct Shared {
    pub(super) system: System,
    pub(super) store: Arc<dyn LeaseStore>,
    pub(super) peers: Option<Arc<dyn Peers>>,
    pub(super) facts: watch::Receiver<Arc<Facts>>,
    pub(super) settings: SingletonSettings,
    pub(super) uptime: Arc<dyn Uptime>,
    pub(super) table: watch::Sender<Table>,
    pub(super) owners: watch::Sender<Arc<Owners>>,
    /// The epochs of the last good read, unlike those of the table as they were read.
    pub(super) seen_epochs: watch::Sender<Arc<BTreeMap<LeaseName, u64>>>,
    pub(super) events: broadcast::Sender<SingletonEvent>,
    /// Asks the watcher to read the leases now.
    pub(super) look: Notify,
    /// Set when this node keeps no leases any more.
    pub(super) ended: CancellationToken,
    registered: Mutex<BTreeMap<LeaseName, Registered>>,
    /// When each lease was first seen with its present owner.
    since: Mutex<BTreeMap<LeaseName, Timestamp>>,
}

/// A singleton that may be here.
#[derive(Clone)]
pub(super) struct Registered {
    pub(super) stage: Arc<dyn Stage>,
    pub(super) serve: Arc<dyn ServeOne>,
    pub(super) reports: mpsc::Sender<Report>,
    pub(super) seen: watch::Receiver<Seen>,
}

/// What a keeper shows of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) state: State,
    pub(super) trouble: Option<String>,
}

impl Shared {
    pub(super) fn new(
        system: System,
        store: Arc<dyn LeaseStore>,
        facts: watch::Receiver<Arc<Facts>>,
        (peers, uptime): (Option<Arc<dyn Peers>>, Arc<dyn Uptime>),
        settings: SingletonSettings,
    ) -> Self {
        Self {
            system,
            store,
            peers,
            facts,
            uptime,
            settings,
            table: watch::Sender::default(),
            owners: watch::Sender::default(),
            seen_epochs: watch::Sender::default(),
            events: broadcast::Sender::new(EVENTS),
            look: Notify::new(),
            ended: CancellationToken::new(),
            registered: Mutex::default(),
            since: Mutex::default(),
        }
    }

    pub(super) fn now(&self) -> Duration {
        self.uptime.uptime()
    }

    pub(super) fn registered(&self) -> MutexGuard<'_, BTreeMap<LeaseName, Registered>> {
        self.registered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn since(&self, name: &LeaseName) -> Option<Timestamp> {
        self.since.lock().unwrap_or_else(PoisonError::into_inner).get(name).copied()
    }

    /// Changes what is known of the leases, and tells who has which: both in one order for all.
    pub(super) fn change_table(&self, change: impl FnOnce(&mut Table)) {
        self.table.send_modify(|table| {
            change(table);
            let new = Arc::new(table.owners());
            let old = self.owners.borrow().clone();
            if old != new {
                self.owners.send_replace(new.clone());
                self.tell_moves(&old, &new);
            }
        });
    }

    fn tell_moves(&self, old: &Owners, new: &Owners) {
        let names: BTreeSet<_> = old.keys().chain(new.keys()).collect();
        for name in names {
            let (from, to) = (old.get(name), new.get(name));
            if from == to {
                continue;
            }
            let epoch = to.or(from).map_or(0, |it| it.epoch);
            let now = self.system.now();
            self.since.lock().unwrap_or_else(PoisonError::into_inner).insert(name.clone(), now);
            let node = |it: &Owner| it.node.clone();
            let (lease, from, to) = (name.clone(), from.map(node), to.map(node));
            // An error only says that nobody listens.
            let _ = self.events.send(SingletonEvent::Moved { lease, from, to, epoch });
        }
    }

    /// Notes what the store showed, before the table drops what it takes for old news.
    pub(super) fn note_epochs(&self, rows: &[LeaseRow]) {
        self.seen_epochs.send_if_modified(|seen| {
            // A row that is gone had an epoch before.
            let gone = seen.keys().map(|it| (it.clone(), 0));
            let mut new: BTreeMap<_, _> = gone.collect();
            new.extend(rows.iter().map(|it| (it.name.clone(), it.epoch)));
            let is_changed = **seen != new;
            *seen = Arc::new(new);
            is_changed
        });
    }

    pub(super) fn learn(&self, name: &LeaseName, row: Row) {
        self.change_table(|table| table.learn(name.clone(), row));
    }

    /// Where the singleton should be, as things are now.
    pub(super) fn preferred(
        &self,
        name: &LeaseName,
        facts: &Facts,
        table: &Table,
    ) -> Option<NodeUid> {
        let registered: Vec<LeaseName> = self.registered().keys().cloned().collect();
        let now = self.now();
        let is_there = |it: NodeUid| {
            let takes_it = !table.leaving.contains(&it) && !table.declines(name, it, now);
            takes_it && facts.is_candidate(it)
        };
        if let Some(to) = table.offer(name).filter(|it| is_there(*it)) {
            return Some(to);
        }
        let holders = table.rows.iter().filter_map(|(name, row)| Some((name, row.holder()?.uid)));
        let placing = Placing {
            singletons: registered.iter().collect(),
            nodes: facts.candidates.iter().filter(|it| is_there(it.uid)).collect(),
            holders: holders.collect(),
            pins: table.pins.iter().collect(),
            spread: self.settings.spread,
        };
        place(&placing).get(name).copied()
    }
}
