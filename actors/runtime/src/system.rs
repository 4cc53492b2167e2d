//! The system: everything that an actor may need from its surroundings, as one value.
//!
//! It is cheap to clone and passed down explicitly. Whoever has it can name things, measure time,
//! spawn tasks and ask for a stop; nothing of it is global.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Semaphore;
use weir_domain::{Clock, Incarnation, NodeName, NodeUid, Timestamp};
use weir_persistence_api::PersistenceId;

use crate::{DeadLetters, EventStream, Gate, IdSource, PhaseTimeouts, Shutdown, Tasks};

/// Journals that are read at once: more would only make each of them, and the store, slower.
const RECOVERIES_AT_ONCE: usize = 4;

pub struct SystemSettings {
    pub node: NodeName,
    pub clock: Arc<dyn Clock>,
    pub ids: IdSource,
    pub shutdown: PhaseTimeouts,
}

#[derive(Clone)]
pub struct System(Arc<Inner>);

struct Inner {
    node: NodeName,
    uid: NodeUid,
    owner: String,
    clock: Arc<dyn Clock>,
    started_at: Timestamp,
    ids: IdSource,
    events: EventStream,
    dead_letters: DeadLetters,
    tasks: Tasks,
    shutdown: Shutdown,
    recoveries: Semaphore,
    /// The highest event of each journal that was ever known here to be durable.
    durable: Mutex<BTreeMap<PersistenceId, Arc<AtomicU64>>>,
}

impl System {
    /// Each system is a new incarnation of its node.
    pub fn new(settings: SystemSettings) -> Self {
        let SystemSettings { node, clock, ids, shutdown } = settings;
        let uid = ids.node();
        let events = EventStream::default();
        let tasks = Tasks::new(events.clone());
        Self(Arc::new(Inner {
            owner: format!("{node}#{uid}"),
            started_at: clock.now(),
            dead_letters: DeadLetters::new(events.clone()),
            shutdown: Shutdown::new(tasks.clone(), events.clone(), shutdown),
            recoveries: Semaphore::new(RECOVERIES_AT_ONCE),
            durable: Mutex::default(),
            node,
            uid,
            clock,
            ids,
            events,
            tasks,
        }))
    }

    pub fn node(&self) -> &NodeName {
        &self.0.node
    }

    pub fn uid(&self) -> NodeUid {
        self.0.uid
    }

    /// `node-name#incarnation`: who holds a lease or a claim.
    pub fn owner(&self) -> &str {
        &self.0.owner
    }

    /// This life of the node.
    pub fn incarnation(&self) -> Incarnation {
        Incarnation { name: self.0.node.clone(), uid: self.0.uid }
    }

    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.0.clock
    }

    pub fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    pub fn started_at(&self) -> Timestamp {
        self.0.started_at
    }

    pub fn ids(&self) -> &IdSource {
        &self.0.ids
    }

    pub fn events(&self) -> &EventStream {
        &self.0.events
    }

    pub fn dead_letters(&self) -> &DeadLetters {
        &self.0.dead_letters
    }

    pub fn tasks(&self) -> &Tasks {
        &self.0.tasks
    }

    pub fn shutdown(&self) -> &Shutdown {
        &self.0.shutdown
    }

    /// Permits to read a journal.
    pub(crate) fn recoveries(&self) -> &Semaphore {
        &self.0.recoveries
    }

    /// The highest event of a journal that is known to be durable. It outlives controllers, so that
    /// one that is started anew does not begin with a journal that has lost events.
    pub(crate) fn durable(&self, journal: &PersistenceId) -> Arc<AtomicU64> {
        let mut durable = self.0.durable.lock().unwrap_or_else(PoisonError::into_inner);
        durable.entry(journal.clone()).or_default().clone()
    }

    /// A bound for the mailbox of an actor of this system.
    pub fn gate(&self, actor: impl Into<Arc<str>>, limit: usize) -> Gate {
        Gate::new(actor.into(), limit, self.0.dead_letters.clone())
    }
}

#[cfg(test)]
pub(crate) mod testing {
    //! A system for the tests of this crate.

    use std::time::Duration;

    use super::*;
    use crate::{ManualClock, SystemSettings};

    pub(crate) fn system() -> System {
        let clock: Arc<dyn Clock> = Arc::new(ManualClock::at(Timestamp(1_700_000_000_000)));
        let ids = IdSource::seeded(clock.clone(), 42);
        let node = NodeName::new("node-1").unwrap();
        System::new(SystemSettings { node, clock, ids, shutdown: PhaseTimeouts::default() })
    }

    /// Lets other tasks run until the condition holds. The deadline follows paused time.
    pub(crate) async fn wait_until(what: &str, condition: impl Fn() -> bool) {
        let until = async {
            while !condition() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        let waited = tokio::time::timeout(Duration::from_secs(600), until).await;
        assert!(waited.is_ok(), "waited in vain: {what}");
    }
}
