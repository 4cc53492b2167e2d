//! The coordinator with those who hold: what is lost, what is waited for, what an engine leaves behind.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::watch;
use weir_cluster::{Facts, SingletonSettings, Singletons};
use weir_domain::Clock;
use weir_persistence_api::{LeaseStore, MemoryStore, Store};
use weir_runtime::{HostSettings, System, SystemClock};

use super::*;
use crate::testing;

const LEASE_LENGTH: Duration = Duration::from_secs(30);

#[derive(Default)]
struct Gone(Mutex<BTreeSet<String>>);

impl Owners for Gone {
    fn is_gone(&self, owner: &str) -> bool {
        self.0.lock().unwrap().contains(owner)
    }
}

struct Lab {
    system: System,
    coordinator: ResourceCoordinator,
    gone: Arc<Gone>,
    _facts: watch::Sender<Arc<Facts>>,
    _singletons: Singletons,
}

async fn lab(resources: usize) -> Lab {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let memory = MemoryStore::new(clock.clone());
    let (store, leases): (Arc<dyn Store>, Arc<dyn LeaseStore>) =
        (Arc::new(memory.clone()), Arc::new(memory));
    let system = testing::system(clock);
    let (facts, seen) = watch::channel(Arc::new(Facts::alone(system.incarnation())));
    let singletons = Singletons::new(&system, leases, seen, None, SingletonSettings::default());
    let gone = Arc::new(Gone::default());
    let coordinator = ResourceCoordinator::new(singletons.register(ResourceSingleton {
        system: system.clone(),
        store,
        settings: HostSettings::default(),
        owners: gone.clone(),
    }));
    singletons.begin();
    let resources = (0..resources).map(resource).collect();
    coordinator.declare(system.ids().command(), group(), resources).await.expect("an answer");
    Lab { system, coordinator, gone, _facts: facts, _singletons: singletons }
}

impl Lab {
    async fn hold(&self, wait: Option<Duration>) -> Result<Held, HoldFailure> {
        self.coordinator.hold(&self.system, (group(), None), LEASE_LENGTH, wait).await
    }
}

#[tokio::test]
async fn what_is_dropped_goes_to_who_waits() {
    let lab = lab(1).await;
    let first = lab.hold(None).await.expect("it is free");
    let depleted = lab.hold(None).await;
    let is_depleted = |it: &HoldFailure| {
        matches!(it, HoldFailure::Coordinator(Failure::Rejected(Rejection::Depleted { .. })))
    };
    assert!(depleted.as_ref().is_err_and(is_depleted));
    let waiting = lab.hold(Some(Duration::from_secs(60)));
    let giving_back = async {
        while lab.coordinator.groups().await.expect("an answer")[0].waiting.is_empty() {
            tokio::task::yield_now().await;
        }
        drop(first);
    };
    let (second, ()) = tokio::join!(waiting, giving_back);
    assert_eq!(second.expect("it was freed").resource, resource(0));
}

#[tokio::test]
async fn who_is_revoked_learns_it_at_the_next_renewal() {
    let lab = lab(1).await;
    let length = Duration::from_millis(600);
    let held = lab.coordinator.hold(&lab.system, (group(), None), length, None).await;
    let held = held.expect("it is free");
    let command = lab.system.ids().command();
    let revoke = async || lab.coordinator.revoke(command, group(), None).await;
    assert_eq!(revoke().await.expect("an answer"), 1);
    let next = lab.coordinator.reserve(ask(8)).await.expect("an answer");
    assert_eq!(next, Reservation::Held(resource(0)));
    assert_eq!(revoke().await.expect("an answer"), 0, "sent again, it takes nothing");
    tokio::time::timeout(Duration::from_secs(20), held.lost()).await.expect("it learns it");
    assert!(held.is_lost());
}

#[tokio::test]
async fn what_a_dead_engine_held_is_free_again() {
    let lab = lab(1).await;
    let of_another = Reserve { lease: None, wait_until: None, ..ask(7) };
    let reserved = lab.coordinator.reserve(of_another).await.expect("an answer");
    assert_eq!(reserved, Reservation::Held(resource(0)));
    lab.gone.0.lock().unwrap().insert("node-7#x".to_owned());
    let held = lab.hold(Some(Duration::from_secs(60))).await.expect("it was freed");
    assert_eq!(held.resource, resource(0));
}
