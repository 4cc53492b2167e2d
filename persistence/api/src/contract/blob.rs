//! The contract of the blobs: created once, whole or not at all, listed completely.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use tokio::task::JoinSet;

use crate::{BLOB_BYTES_MAX, BlobEntry, BlobKey, BlobStore, Error};

/// How the suite gets at one back end.
#[async_trait]
pub trait BlobFactory: Send + Sync {
    type Store: BlobStore;

    /// A new and empty store.
    async fn create(&self) -> Arc<Self::Store>;

    /// Another process's view of the same blobs.
    async fn reopen(&self, store: Arc<Self::Store>) -> Arc<Self::Store>;
}

/// Runs every function of the suite as a test of its own against the factory that the expression
/// makes: `blob_suite!(Memory)`. The caller needs `tokio` with `macros`.
#[macro_export]
macro_rules! blob_suite {
    ($factory:expr) => {
        $crate::blob_suite! { @tests $factory;
            a_blob_comes_back_as_it_was_put
            a_blob_is_created_once
            one_of_many_concurrent_creations_wins
            a_put_replaces
            a_reader_sees_a_blob_whole
            a_list_has_all_that_is_below_in_order
            a_list_is_longer_than_a_page
            what_was_deleted_is_gone_and_may_be_created_again
            what_is_too_large_is_refused
            blobs_outlive_the_store
        }
    };
    (@tests $factory:expr; $($name:ident)*) => {
        mod blob {
            use super::*;

            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $name() {
                    $crate::contract::blob::$name(&$factory).await;
                }
            )*
        }
    };
}

fn key(text: &str) -> BlobKey {
    BlobKey::new(text).expect("the suite's keys are valid")
}

fn names(entries: &[BlobEntry]) -> Vec<&str> {
    entries.iter().map(|it| it.key.as_str()).collect()
}

pub async fn a_blob_comes_back_as_it_was_put<F: BlobFactory>(factory: &F) {
    let store = factory.create().await;
    for (at, length) in [0, 1, 4_095, 1 << 20, (3 << 20) + 1].into_iter().enumerate() {
        let content: Bytes = (0..length).map(|it: u32| (it / 7) as u8).collect();
        let key = key(&format!("some/where-{at}"));
        assert_eq!(store.blob_create(&key, content.clone()).await, Ok(true));
        assert!(store.blob_get(&key).await == Ok(Some(content)), "{length} bytes");
    }
    assert_eq!(store.blob_get(&key("some/where-else")).await, Ok(None));
}

pub async fn a_blob_is_created_once<F: BlobFactory>(factory: &F) {
    let store = factory.create().await;
    let key = key("log/0001");
    assert_eq!(store.blob_create(&key, "first".into()).await, Ok(true));
    assert_eq!(store.blob_create(&key, "second".into()).await, Ok(false));
    assert_eq!(store.blob_create(&key, "first".into()).await, Ok(false), "equal content too");
    assert_eq!(store.blob_get(&key).await, Ok(Some("first".into())));
}

pub async fn one_of_many_concurrent_creations_wins<F: BlobFactory>(factory: &F) {
    let store = factory.create().await;
    for round in 0..10 {
        let key = key(&format!("log/{round}"));
        let mut writers = JoinSet::new();
        for writer in 0..8 {
            let (store, key) = (Arc::clone(&store), key.clone());
            writers.spawn(async move {
                let is_new = store.blob_create(&key, format!("by {writer}").into()).await;
                (writer, is_new.expect("each is told"))
            });
        }
        let answers = writers.join_all().await;
        let winners: Vec<_> = answers.iter().filter(|it| it.1).map(|it| it.0).collect();
        assert_eq!(winners.len(), 1, "round {round}: {answers:?}");
        let expected = Bytes::from(format!("by {}", winners[0]));
        assert_eq!(store.blob_get(&key).await, Ok(Some(expected)), "round {round}");
    }
}

pub async fn a_put_replaces<F: BlobFactory>(factory: &F) {
    let store = factory.create().await;
    let key = key("a/b");
    assert_eq!(store.blob_put(&key, "a longer first".into()).await, Ok(()));
    assert_eq!(store.blob_put(&key, "second".into()).await, Ok(()));
    assert_eq!(store.blob_get(&key).await, Ok(Some("second".into())));
    assert_eq!(store.blob_create(&key, "third".into()).await, Ok(false));
}

pub async fn a_reader_sees_a_blob_whole<F: BlobFactory>(factory: &F) {
    let store = factory.create().await;
    let key = key("changing");
    let content = |seed: u8| Bytes::from(vec![seed; 200_000 + usize::from(seed)]);
    store.blob_put(&key, content(0)).await.expect("put");
    let writer = {
        let (store, key) = (Arc::clone(&store), key.clone());
        async move {
            for seed in 1..20 {
                store.blob_put(&key, content(seed)).await.expect("put");
            }
        }
    };
    let mut tasks = JoinSet::new();
    tasks.spawn(writer);
    while !tasks.is_empty() {
        let found = store.blob_get(&key).await.expect("read").expect("it is always there");
        assert!(found == content(found[0]), "half of {}", found[0]);
        if let Some(ended) = tasks.try_join_next() {
            ended.expect("the writer ended well");
        }
    }
}

pub async fn a_list_has_all_that_is_below_in_order<F: BlobFactory>(factory: &F) {
    let store = factory.create().await;
    for name in ["a/b/2", "a/b/1", "a/bc/1", "a/b.x", "a/b/c/d", "b/1", "a/b-1"] {
        store.blob_put(&key(name), name.to_owned().into()).await.expect("put");
    }
    let below = store.blob_list(&key("a/b")).await.expect("list");
    assert_eq!(names(&below), ["a/b/1", "a/b/2", "a/b/c/d"]);
    assert_eq!(below[2].bytes, 7);
    let all = store.blob_list(&key("a")).await.expect("list");
    assert_eq!(names(&all), ["a/b-1", "a/b.x", "a/b/1", "a/b/2", "a/b/c/d", "a/bc/1"]);
    assert_eq!(store.blob_list(&key("nowhere")).await, Ok(vec![]));
    assert_eq!(store.blob_list(&key("a/b/1")).await, Ok(vec![]), "a blob is not below itself");
}

pub async fn a_list_is_longer_than_a_page<F: BlobFactory>(factory: &F) {
    let store = factory.create().await;
    let keys: Vec<_> = (0..1_100).map(|it| key(&format!("many/{it:05}"))).collect();
    let mut writers = JoinSet::new();
    for chunk in keys.chunks(100) {
        let (store, chunk) = (Arc::clone(&store), chunk.to_vec());
        writers.spawn(async move {
            for key in chunk {
                store.blob_put(&key, "x".into()).await.expect("put");
            }
        });
    }
    writers.join_all().await;
    let found = store.blob_list(&key("many")).await.expect("list");
    assert!(found.iter().map(|it| &it.key).eq(&keys), "{} of {}", found.len(), keys.len());
}

pub async fn what_was_deleted_is_gone_and_may_be_created_again<F: BlobFactory>(factory: &F) {
    let store = factory.create().await;
    let key = key("a/b/c");
    assert_eq!(store.blob_delete(&key).await, Ok(()), "there was none");
    store.blob_put(&key, "1".into()).await.expect("put");
    assert_eq!(store.blob_delete(&key).await, Ok(()));
    assert_eq!(store.blob_get(&key).await, Ok(None));
    assert_eq!(store.blob_list(&self::key("a")).await, Ok(vec![]));
    assert_eq!(store.blob_create(&key, "2".into()).await, Ok(true));
}

pub async fn what_is_too_large_is_refused<F: BlobFactory>(factory: &F) {
    let store = factory.create().await;
    // Zeroed memory that nobody touches costs no pages.
    let content = Bytes::from(vec![0; BLOB_BYTES_MAX + 1]);
    let refused = store.blob_put(&key("large"), content).await;
    assert!(matches!(refused, Err(Error::Rejected(_))), "{refused:?}");
    assert_eq!(store.blob_get(&key("large")).await, Ok(None));
}

pub async fn blobs_outlive_the_store<F: BlobFactory>(factory: &F) {
    let store = factory.create().await;
    store.blob_create(&key("a/1"), "created".into()).await.expect("create");
    store.blob_put(&key("a/2"), "put".into()).await.expect("put");
    let store = factory.reopen(store).await;
    assert_eq!(store.blob_get(&key("a/1")).await, Ok(Some("created".into())));
    assert_eq!(names(&store.blob_list(&key("a")).await.expect("list")), ["a/1", "a/2"]);
    assert_eq!(store.blob_create(&key("a/1"), "again".into()).await, Ok(false));
}
