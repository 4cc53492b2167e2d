//! The store on real files: the contract, and what is SQLite's own.

mod blobs;
mod crash;
mod damage;
mod group;
mod open;
mod plans;

use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use sqlx::query;
use tempfile::TempDir;
use weir_persistence_api::contract::{Damage, ManualClock, StoreFactory};
use weir_persistence_api::{
    Acquired, Append, LeaseName, LeaseStore, Manifest, NewEvent, PersistenceId, contract_suite,
};

use super::*;

/// One database in a directory of its own.
struct Sqlite {
    directory: TempDir,
    clock: Arc<ManualClock>,
}

impl Sqlite {
    fn new() -> Self {
        let clock = Arc::new(ManualClock::new(Timestamp(1_700_000_000_000)));
        Self { directory: tempfile::tempdir().unwrap(), clock }
    }

    fn path(&self, n: usize) -> PathBuf {
        self.directory.path().join(format!("weir-{n}.db"))
    }

    async fn open(&self, path: &Path, settings: Settings) -> Result<SqliteStore, Error> {
        SqliteStore::open(path, self.clock.clone(), settings).await
    }
}

#[async_trait]
impl StoreFactory for Sqlite {
    type Store = SqliteStore;

    async fn create(&self) -> Arc<SqliteStore> {
        let unused = (0..).map(|n| self.path(n)).find(|it| !it.exists()).unwrap();
        Arc::new(self.open(&unused, Settings::default()).await.unwrap())
    }

    async fn reopen(&self, store: Arc<SqliteStore>) -> Option<Arc<SqliteStore>> {
        store.close().await;
        let newest = (0..).map(|n| self.path(n)).take_while(|it| it.exists()).last()?;
        Some(Arc::new(self.open(&newest, Settings::default()).await.unwrap()))
    }

    async fn damage(&self, store: &SqliteStore, damage: Damage) -> bool {
        let (statement, id, sequence) = match damage {
            Damage::Event { id, sequence } => (
                "UPDATE event_journal SET event_payload = zeroblob(length(event_payload))
                 WHERE persistence_id = ?1 AND sequence_number = ?2",
                id,
                sequence,
            ),
            Damage::EventLost { id, sequence } => (
                "DELETE FROM event_journal WHERE persistence_id = ?1 AND sequence_number = ?2",
                id,
                sequence,
            ),
            Damage::Snapshot { id, sequence } => (
                "UPDATE snapshot SET snapshot_ser_version = 9
                 WHERE persistence_id = ?1 AND sequence_number = ?2",
                id,
                sequence,
            ),
            Damage::Object { digest } => (
                "UPDATE object_chunk SET content = zeroblob(size) WHERE digest = ?1 AND number = ?2",
                PersistenceId(digest.to_string()),
                0,
            ),
        };
        let work = store.writer.write(move |connection| {
            Box::pin(async move {
                let damage = query(statement).bind(id.0).bind(bound(sequence));
                Ok(damage.execute(connection).await?.rows_affected())
            })
        });
        work.await.unwrap() == 1
    }

    fn advance(&self, by: Duration) {
        self.clock.advance(by);
    }
}

contract_suite!(Sqlite::new());

async fn fence(store: &SqliteStore) -> Fence {
    let name = LeaseName("tests".into());
    let acquired = store.lease_acquire(&name, "a", Duration::from_secs(60)).await;
    match acquired.unwrap() {
        Acquired::Granted(fence) => fence,
        held @ Acquired::Held { .. } => panic!("{held:?}"),
    }
}

fn append(id: &str, fence: &Fence, after: u64, payload: &[u8]) -> Append {
    let event = NewEvent {
        manifest: Manifest { name: "tests.Happened".into(), version: 1 },
        payload: Bytes::copy_from_slice(payload),
        tags: vec![],
        command: None,
    };
    Append { id: PersistenceId(id.into()), fence: fence.clone(), after, events: vec![event] }
}
