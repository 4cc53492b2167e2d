//! The host with the in-memory store, on paused time.

mod commands;
mod effects;
mod forms;
mod groups;
mod holding;
mod recovery;
mod writes;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use weir_domain::{CommandId, Fault};
use weir_persistence_api::{
    Acquired, Append, Fence, Journal, LeaseName, LeaseStore, MemoryStore, NewEvent, PersistenceId,
    SnapshotStore, StoredEvent,
};

use super::{
    Decision, EffectHandler, EventSourced, HostRef, HostSettings, HostSpec, HostStatus, Retention,
    codec,
};
use crate::system::testing::{system, wait_until};
use crate::{AskError, Backoff, System, code};

const SECOND: Duration = Duration::from_secs(1);

/// Parcels that were accepted and must be delivered.
///
/// - P1: a parcel is delivered only after it was accepted.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
struct Parcels {
    accepted: u64,
    owed: BTreeSet<u32>,
}

#[derive(Debug, Clone)]
enum Command {
    Accept(u32),
    AcceptAll(Vec<u32>),
    ConfirmDelivered(u32),
    /// Decides an event of so many bytes.
    Remark(usize),
    /// Decides an event that contradicts the state.
    Mistake,
    /// Panics while it decides.
    Bug,
    Restate,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Event {
    Accepted { parcel: u32 },
    Delivered { parcel: u32 },
    Remarked { text: String },
    Restated { all: Parcels },
}

#[derive(Debug, PartialEq)]
enum Effect {
    Deliver(u32),
}

#[derive(Debug, PartialEq, thiserror::Error)]
enum Rejection {
    #[error("parcel {0} is not known")]
    Unknown(u32),
}

impl EventSourced for Parcels {
    type Command = Command;
    type Event = Event;
    type Effect = Effect;
    type Rejection = Rejection;

    const RETENTION: Retention = Retention { every: 10, keep: 2 };

    fn decide(&self, command: Command) -> Decision<Self> {
        match command {
            Command::Accept(parcel) if self.owed.contains(&parcel) => Ok(vec![]),
            Command::Accept(parcel) => Ok(vec![Event::Accepted { parcel }]),
            Command::AcceptAll(parcels) => {
                Ok(parcels.into_iter().map(|parcel| Event::Accepted { parcel }).collect())
            }
            Command::ConfirmDelivered(parcel) if self.owed.contains(&parcel) => {
                Ok(vec![Event::Delivered { parcel }])
            }
            Command::ConfirmDelivered(parcel) => Err(Rejection::Unknown(parcel)),
            Command::Remark(bytes) => Ok(vec![Event::Remarked { text: "x".repeat(bytes) }]),
            Command::Bug => panic!("a decision that fails its own assertion"),
            Command::Restate => Ok(vec![Event::Restated { all: self.clone() }]),
            Command::Mistake => Ok(vec![Event::Delivered { parcel: 999 }]),
        }
    }

    fn apply(&mut self, event: &Event) {
        match event {
            Event::Accepted { parcel } => {
                self.accepted += 1;
                self.owed.insert(*parcel);
            }
            Event::Delivered { parcel } => {
                assert!(self.owed.remove(parcel), "P1: parcel {parcel} was never accepted");
            }
            Event::Remarked { .. } => {}
            Event::Restated { all } => self.clone_from(all),
        }
    }

    fn restates(event: &Event) -> bool {
        matches!(event, Event::Restated { .. })
    }

    fn outstanding(&self) -> Vec<Effect> {
        self.owed.iter().map(|it| Effect::Deliver(*it)).collect()
    }
}

/// Delivers nothing; counts how often it was asked to.
#[derive(Default)]
struct Courier {
    runs: Mutex<BTreeMap<u32, u32>>,
    /// Fails that often for a parcel.
    failures: Mutex<BTreeMap<u32, u32>>,
    /// Confirms what it delivered.
    confirms: bool,
    /// How long a delivery takes.
    takes: Duration,
    now: Mutex<BTreeMap<u32, u32>>,
    panics: bool,
}

impl Courier {
    fn runs(&self, parcel: u32) -> u32 {
        self.runs.lock().unwrap().get(&parcel).copied().unwrap_or(0)
    }

    fn all_runs(&self) -> BTreeMap<u32, u32> {
        self.runs.lock().unwrap().clone()
    }
}

#[async_trait]
impl EffectHandler<Parcels> for Courier {
    async fn run(&self, effect: &Effect, _: &Fence) -> Result<Option<Command>, Fault> {
        let Effect::Deliver(parcel) = *effect;
        *self.runs.lock().unwrap().entry(parcel).or_default() += 1;
        let at_once = {
            let mut now = self.now.lock().unwrap();
            *now.entry(parcel).and_modify(|it| *it += 1).or_insert(1)
        };
        assert_eq!(at_once, 1, "H5: parcel {parcel} is delivered twice at once");
        tokio::time::sleep(self.takes).await;
        self.now.lock().unwrap().remove(&parcel);
        assert!(!self.panics, "a flat tyre");
        if let Some(left) = self.failures.lock().unwrap().get_mut(&parcel).filter(|it| **it > 0) {
            *left -= 1;
            return Err(Fault::transient(1, "nobody at home"));
        }
        Ok(self.confirms.then_some(Command::ConfirmDelivered(parcel)))
    }
}

/// One controller on a store that outlives it.
struct Office {
    system: System,
    store: MemoryStore,
    fence: Fence,
    courier: Arc<Courier>,
    settings: HostSettings,
}

fn id() -> PersistenceId {
    PersistenceId("parcels".into())
}

async fn office() -> Office {
    office_with(Courier::default()).await
}

async fn office_with(courier: Courier) -> Office {
    let system = system();
    let store = MemoryStore::new(system.clock().clone());
    let fence = lease(&store, "node-1#1").await;
    let retry = Backoff { min: SECOND, max: 8 * SECOND, jitter: 0.0 };
    let settings = HostSettings {
        page: 7,
        store_retry: retry,
        effect_retry: retry,
        ..HostSettings::default()
    };
    Office { system, store, fence, courier: Arc::new(courier), settings }
}

/// Makes the owner the writer.
async fn lease(store: &MemoryStore, owner: &str) -> Fence {
    let name = LeaseName("parcels".into());
    let seen = store.lease_list().await.unwrap().into_iter().find(|it| it.name == name);
    let ttl = Duration::from_secs(3_600);
    let acquired = match seen {
        None => store.lease_acquire(&name, owner, ttl).await,
        Some(row) => store.lease_force(&name, owner, ttl, (&row.owner, row.epoch)).await,
    };
    match acquired.unwrap() {
        Acquired::Granted(fence) => fence,
        held @ Acquired::Held { .. } => panic!("the lease was not granted: {held:?}"),
    }
}

impl Office {
    async fn open(&self) -> HostRef<Parcels> {
        let spec = HostSpec {
            id: id(),
            fence: self.fence.clone(),
            store: Arc::new(self.store.clone()),
            effects: self.courier.clone(),
            settings: self.settings.clone(),
        };
        HostRef::start(&self.system, spec).await.unwrap()
    }

    async fn opened(&self) -> HostRef<Parcels> {
        let parcels = self.open().await;
        parcels.ready(SECOND).await.unwrap();
        parcels
    }

    /// What is stored, read without a host.
    async fn events(&self) -> Vec<Event> {
        let stored = self.store.replay(&id(), 0, 10_000).await.unwrap();
        stored.iter().map(|it| codec::event_from_stored::<Parcels>(it).unwrap()).collect()
    }

    /// Writes past the host, as somebody else would.
    async fn write(&self, after: u64, events: &[Event]) {
        let events = events.iter().map(|it| codec::event_to_stored::<Parcels>(it, None).unwrap());
        self.write_raw(after, events.collect()).await;
    }

    async fn write_raw(&self, after: u64, events: Vec<NewEvent>) {
        let append = Append { id: id(), fence: self.fence.clone(), after, events };
        self.store.append(append).await.unwrap();
    }
}

async fn accept(parcels: &HostRef<Parcels>, parcel: u32) -> Result<u64, AskError<Rejection>> {
    parcels.ask(Command::Accept(parcel), 60 * SECOND).await
}

async fn state(parcels: &HostRef<Parcels>) -> Parcels {
    parcels.query(SECOND, Parcels::clone).await.unwrap()
}

async fn failed(parcels: &HostRef<Parcels>) -> Fault {
    let failed = parcels.wait_for(|it| match it {
        HostStatus::Failed { cause } => Some(cause.clone()),
        _ => None,
    });
    tokio::time::timeout(60 * SECOND, failed).await.expect("it fails")
}

async fn suspended(parcels: &HostRef<Parcels>) {
    let suspended = parcels.wait_for(|it| matches!(it, HostStatus::Suspended { .. }).then_some(()));
    tokio::time::timeout(60 * SECOND, suspended).await.expect("it is suspended");
}

fn accepted(parcels: impl IntoIterator<Item = u32>) -> Vec<Event> {
    parcels.into_iter().map(|parcel| Event::Accepted { parcel }).collect()
}
