//! The contract of the objects: what is there is what its digest says, until nobody needs it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::task::JoinSet;
use weir_domain::Digest;

use super::{Damage, HOUR, StoreFactory, take_over};
use crate::{Error, OBJECT_BYTES_MAX, ObjectStore, ObjectTotals};

/// How old an object must be for the sweeps that wait for it.
const AGE: Duration = Duration::from_secs(2);
const PATIENCE: Duration = Duration::from_secs(30);

/// Content of a length that is like no other.
fn content(seed: u8, length: usize) -> Bytes {
    (0..length).map(|at| seed.wrapping_add((at / 251) as u8).wrapping_mul(at as u8 | 1)).collect()
}

async fn put<S: ObjectStore>(store: &S, content: &Bytes) -> Digest {
    let digest = Digest::of(content);
    let stored = store.object_put(digest, content.clone()).await;
    assert_eq!(stored, Ok(true), "an object of {} bytes is new", content.len());
    digest
}

fn set(digests: impl IntoIterator<Item = Digest>) -> BTreeSet<Digest> {
    digests.into_iter().collect()
}

pub async fn an_object_comes_back_as_it_was_put<F: StoreFactory>(factory: &F) {
    let store = factory.create().await;
    let mib = 1 << 20;
    let mut totals = ObjectTotals::default();
    for (seed, length) in (1..).zip([0, 1, 1_000, mib - 1, mib, mib + 1, 3 * mib]) {
        let content = content(seed, length);
        let digest = put(&*store, &content).await;
        assert_eq!(store.object_get(digest).await, Ok(Some(content)), "{length} bytes");
        totals.objects += 1;
        totals.bytes += length as u64;
        assert_eq!(store.object_totals().await, Ok(totals));
    }
    assert_eq!(store.object_get(Digest::of(b"never put")).await, Ok(None));
}

pub async fn the_largest_object_is_stored_and_a_larger_one_refused<F: StoreFactory>(factory: &F) {
    let store = factory.create().await;
    let largest = Bytes::from(vec![9; OBJECT_BYTES_MAX]);
    let digest = put(&*store, &largest).await;
    let found = store.object_get(digest).await.expect("read").expect("it is there");
    assert!(found == largest, "it comes back whole");
    let larger = Bytes::from(vec![0; OBJECT_BYTES_MAX + 1]);
    let refused = store.object_put(Digest::of(&larger), larger).await;
    assert!(matches!(refused, Err(Error::Rejected(_))), "{refused:?}");
}

pub async fn an_object_is_stored_once<F: StoreFactory>(factory: &F) {
    let store = factory.create().await;
    let content = content(1, 5_000);
    let digest = put(&*store, &content).await;
    assert_eq!(store.object_put(digest, content).await, Ok(false));
    assert_eq!(store.object_totals().await, Ok(ObjectTotals { objects: 1, bytes: 5_000 }));
}

pub async fn many_who_put_one_object_store_it_whole<F: StoreFactory>(factory: &F) {
    let store = factory.create().await;
    let content = content(1, (2 << 20) + 7);
    let digest = Digest::of(&content);
    let mut writers = JoinSet::new();
    for _ in 0..6 {
        let (store, content) = (Arc::clone(&store), content.clone());
        writers.spawn(async move { store.object_put(digest, content).await });
    }
    let answers = writers.join_all().await;
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    assert_eq!(store.object_get(digest).await, Ok(Some(content.clone())));
    let totals = ObjectTotals { objects: 1, bytes: content.len() as u64 };
    assert_eq!(store.object_totals().await, Ok(totals));
}

pub async fn content_of_another_digest_is_refused<F: StoreFactory>(factory: &F) {
    let store = factory.create().await;
    let digest = Digest::of(b"right");
    let refused = store.object_put(digest, Bytes::from_static(b"wrong")).await;
    assert!(matches!(refused, Err(Error::Rejected(_))), "{refused:?}");
    assert_eq!(store.object_get(digest).await, Ok(None));
}

pub async fn missing_objects_are_named<F: StoreFactory>(factory: &F) {
    let store = factory.create().await;
    let mut stored = BTreeSet::new();
    for n in 0..10 {
        stored.insert(put(&*store, &content(n, 10)).await);
    }
    let absent: BTreeSet<_> = (0..700_u32).map(|n| Digest::of(&n.to_be_bytes())).collect();
    let asked = stored.union(&absent).copied().collect();
    assert_eq!(store.object_missing(&asked).await, Ok(absent));
    assert_eq!(store.object_missing(&stored).await, Ok(BTreeSet::new()));
    assert_eq!(store.object_missing(&BTreeSet::new()).await, Ok(BTreeSet::new()));
}

pub async fn a_sweep_takes_what_is_old_and_not_kept<F: StoreFactory>(factory: &F) {
    let store = factory.create().await;
    let fence = take_over(&*store, "a").await;
    let kept = put(&*store, &content(1, 100)).await;
    let large = put(&*store, &content(2, (2 << 20) + 1)).await;
    let keep = set([kept, Digest::of(b"never put")]);
    let young = store.object_sweep(&fence, &keep, HOUR).await;
    assert_eq!(young, Ok(ObjectTotals::default()), "they are young");
    let swept = store.object_sweep(&fence, &keep, Duration::ZERO).await;
    assert_eq!(swept, Ok(ObjectTotals { objects: 1, bytes: (2 << 20) + 1 }));
    assert_eq!(store.object_missing(&set([kept, large])).await, Ok(set([large])));
    // It may come back.
    put(&*store, &content(2, (2 << 20) + 1)).await;
    assert_eq!(store.object_get(large).await, Ok(Some(content(2, (2 << 20) + 1))));
}

pub async fn an_object_that_is_asked_for_is_young_again<F: StoreFactory>(factory: &F) {
    let store = factory.create().await;
    let fence = take_over(&*store, "a").await;
    let [asked, again, left] = [1, 2, 3].map(|seed| content(seed, 50));
    for it in [&asked, &again, &left] {
        put(&*store, it).await;
    }
    factory.advance(AGE);
    let [asked, left] = [Digest::of(&asked), Digest::of(&left)];
    let sweeping = async {
        loop {
            let missing = store.object_missing(&set([asked])).await;
            assert_eq!(missing, Ok(BTreeSet::new()), "it was young");
            let stored = store.object_put(Digest::of(&again), again.clone()).await;
            assert_eq!(stored, Ok(false), "it was young");
            store.object_sweep(&fence, &BTreeSet::new(), AGE).await.expect("swept");
            if store.object_get(left).await.expect("read").is_none() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, sweeping).await.expect("what nobody asks for grows old");
    let totals = store.object_totals().await.map(|it| it.objects);
    assert_eq!(totals, Ok(2));
}

pub async fn a_deposed_sweeper_deletes_nothing<F: StoreFactory>(factory: &F) {
    let store = factory.create().await;
    let deposed = take_over(&*store, "a").await;
    let digest = put(&*store, &content(1, 10)).await;
    take_over(&*store, "b").await;
    let refused = store.object_sweep(&deposed, &BTreeSet::new(), Duration::ZERO).await;
    assert!(matches!(refused, Err(Error::Fenced { .. })), "{refused:?}");
    assert_eq!(store.object_missing(&set([digest])).await, Ok(BTreeSet::new()));
}

pub async fn objects_outlive_the_store<F: StoreFactory>(factory: &F) {
    let store = factory.create().await;
    let content = content(1, (1 << 20) + 1);
    let digest = put(&*store, &content).await;
    let Some(store) = factory.reopen(store).await else { return };
    assert_eq!(store.object_get(digest).await, Ok(Some(content)));
}

pub async fn a_damaged_object_is_named<F: StoreFactory>(factory: &F) {
    let store = factory.create().await;
    let digest = put(&*store, &content(1, 1_000)).await;
    if !factory.damage(&store, Damage::Object { digest }).await {
        return;
    }
    match store.object_get(digest).await {
        Err(Error::Corrupt { what, .. }) => {
            assert!(what.contains(&format!("{digest:.12}")), "{what:?} says which");
        }
        other => panic!("a damaged object was not noticed: {other:?}"),
    }
}
