//! Blobs on SQLite: their contract, and two connections that write.

use weir_persistence_api::{BlobKey, BlobStore, blob_suite, contract};

use super::*;
use crate::blob::PIECE_BYTES;
use crate::{Backend, Database};

#[async_trait]
impl contract::blob::BlobFactory for Sqlite {
    type Store = SqliteStore;

    async fn create(&self) -> Arc<SqliteStore> {
        StoreFactory::create(self).await
    }

    async fn reopen(&self, store: Arc<SqliteStore>) -> Arc<SqliteStore> {
        StoreFactory::reopen(self, store).await.unwrap()
    }
}

blob_suite!(Sqlite::new());

fn key(text: &str) -> BlobKey {
    BlobKey::new(text).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_connections_that_create_one_blob_agree() {
    let factory = Sqlite::new();
    let one = StoreFactory::create(&factory).await;
    let two = factory.open(&factory.path(0), Settings::default()).await.unwrap();
    for round in 0..50 {
        let key = key(&format!("log/{round}"));
        let (by_one, by_two) =
            tokio::join!(one.blob_create(&key, "one".into()), two.blob_create(&key, "two".into()));
        let winner = match (by_one, by_two) {
            (Ok(true), Ok(false)) => "one",
            (Ok(false), Ok(true)) => "two",
            other => panic!("round {round}: {other:?}"),
        };
        for store in [&*one, &two] {
            assert_eq!(store.blob_get(&key).await, Ok(Some(winner.into())), "round {round}");
        }
    }
}

#[tokio::test]
async fn large_blobs_come_and_go_as_small_ones_do() {
    let factory = Sqlite::new();
    let store = StoreFactory::create(&factory).await;
    let large = |by: u8| Bytes::from(vec![by; 5 * PIECE_BYTES / 2]);
    assert_eq!(store.blob_create(&key("a/1"), large(1)).await, Ok(true));
    assert_eq!(store.blob_create(&key("a/1"), large(2)).await, Ok(false));
    assert!(store.blob_get(&key("a/1")).await == Ok(Some(large(1))), "it comes back whole");
    store.blob_put(&key("a/1"), large(3)).await.unwrap();
    assert!(store.blob_get(&key("a/1")).await == Ok(Some(large(3))), "it was replaced");
    let count = || async {
        let count = sqlx::query_as("SELECT COUNT(*) FROM stored_blob").fetch_one(&store.readers);
        let (count,): (i64,) = count.await.unwrap();
        count
    };
    assert_eq!(count().await, 4);
    store.blob_delete(&key("a/1")).await.unwrap();
    assert_eq!(count().await, 0);
}

#[tokio::test]
async fn a_blob_that_was_changed_is_damaged() {
    let factory = Sqlite::new();
    let store = StoreFactory::create(&factory).await;
    store.blob_put(&key("a/1"), "content".into()).await.unwrap();
    let change = store.writer.write(|connection| {
        Box::pin(async move {
            query("UPDATE stored_blob SET content = CAST('Content' AS BLOB)")
                .execute(connection)
                .await?;
            Ok(())
        })
    });
    change.await.unwrap();
    match store.blob_get(&key("a/1")).await {
        Err(Error::Corrupt { what, reason }) => {
            assert!(what == "blob a/1" && reason.contains("backup"), "{what}: {reason}");
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_handle_of_a_database_is_one_of_its_blobs() {
    let factory = Sqlite::new();
    let (path, settings) = (factory.path(0), Settings::default());
    let backend = Backend::Sqlite { path, settings };
    let database: Arc<dyn Database> = crate::open(backend, factory.clock.clone()).await.unwrap();
    let blobs: Arc<dyn BlobStore> = database.clone();
    assert_eq!(blobs.blob_create(&key("a"), "x".into()).await, Ok(true));
    database.close().await;
    let closed = Error::Unavailable("it is closed".into());
    assert_eq!(blobs.blob_create(&key("b"), "x".into()).await, Err(closed));
}
