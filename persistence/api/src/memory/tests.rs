use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use weir_domain::Timestamp;

use super::*;
use crate::contract::{Damage, ManualClock, StoreFactory};
use crate::{
    Acquired, Append, Fence, Journal, LeaseName, LeaseStore, Manifest, NewEvent, PersistenceId,
};

struct Memory(Arc<ManualClock>);

impl Memory {
    fn new() -> Self {
        Self(Arc::new(ManualClock::new(Timestamp(1_700_000_000_000))))
    }
}

#[async_trait]
impl StoreFactory for Memory {
    type Store = MemoryStore;

    async fn create(&self) -> Arc<MemoryStore> {
        Arc::new(MemoryStore::new(self.0.clone()))
    }

    async fn damage(&self, store: &MemoryStore, damage: Damage) -> bool {
        match damage {
            Damage::Event { id, sequence } => store.faults().damage_event(&id, sequence),
            Damage::Snapshot { id, sequence } => store.faults().damage_snapshot(&id, sequence),
            Damage::EventLost { .. } | Damage::Object { .. } => return false,
        }
        true
    }

    fn advance(&self, by: Duration) {
        self.0.advance(by);
    }
}

crate::contract_suite!(Memory::new());

fn append(fence: &Fence, after: u64) -> Append {
    let event = NewEvent {
        manifest: Manifest { name: "Happened".into(), version: 1 },
        payload: Bytes::from_static(b"x"),
        tags: vec![],
        command: None,
    };
    Append { id: PersistenceId("p".into()), fence: fence.clone(), after, events: vec![event] }
}

async fn store_and_fence() -> (Arc<MemoryStore>, Fence) {
    let store = Memory::new().create().await;
    let name = LeaseName("l".into());
    let Ok(Acquired::Granted(fence)) =
        store.lease_acquire(&name, "a", Duration::from_secs(60)).await
    else {
        panic!("a free lease is granted")
    };
    (store, fence)
}

#[tokio::test]
async fn an_unavailable_store_answers_nothing_and_keeps_everything() {
    let (store, fence) = store_and_fence().await;
    store.append(append(&fence, 0)).await.unwrap();
    store.faults().unavailable();
    assert!(matches!(store.append(append(&fence, 1)).await, Err(Error::Unavailable(_))));
    assert!(matches!(store.highest(&PersistenceId("p".into())).await, Err(Error::Unavailable(_))));
    store.faults().heal();
    assert_eq!(store.append(append(&fence, 1)).await, Ok(2));
}

#[tokio::test]
async fn an_unknown_outcome_is_written_or_lost_as_asked() {
    let (store, fence) = store_and_fence().await;
    let highest = async || store.highest(&PersistenceId("p".into())).await;
    store.faults().unanswered(1);
    assert!(matches!(store.append(append(&fence, 0)).await, Err(Error::Unknown(_))));
    assert_eq!(highest().await, Ok(1));
    store.faults().lost(1);
    assert!(matches!(store.append(append(&fence, 1)).await, Err(Error::Unknown(_))));
    assert_eq!(highest().await, Ok(1));
    assert_eq!(store.append(append(&fence, 1)).await, Ok(2));
}

#[tokio::test]
async fn a_slow_store_takes_its_time() {
    let (store, fence) = store_and_fence().await;
    store.faults().slow(Duration::from_secs(3600));
    let append_in_time =
        tokio::time::timeout(Duration::from_millis(10), store.append(append(&fence, 0)));
    assert!(append_in_time.await.is_err());
    store.faults().heal();
    assert_eq!(store.append(append(&fence, 0)).await, Ok(1), "who gave up has written nothing");
}
