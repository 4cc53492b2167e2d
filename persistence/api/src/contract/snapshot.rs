//! The contract of the snapshots.

use bytes::Bytes;

use super::{Damage, StoreFactory, append, event, journal_id, take_over};
use crate::{Error, Fence, Journal, Manifest, PersistenceId, Snapshot, SnapshotStore, Store};

fn snapshot(sequence: u64, text: &str) -> Snapshot {
    Snapshot {
        sequence,
        manifest: Manifest { name: "contract.State".into(), version: 2 },
        payload: Bytes::copy_from_slice(text.as_bytes()),
    }
}

/// A journal of so many events: snapshots are of what it has.
async fn journal<S: Store>(store: &S, fence: &Fence, name: &str, events: usize) -> PersistenceId {
    let id = journal_id(name);
    let events = vec![event("e"); events];
    store.append(append(&id, fence, 0, events)).await.expect("appended");
    id
}

pub async fn the_newest_at_or_below_is_loaded<F: StoreFactory>(factory: &F) {
    let store = factory.create().await;
    let fence = take_over(&*store, "a").await;
    let id = journal(&*store, &fence, "one", 30).await;
    let other = journal(&*store, &fence, "other", 25).await;
    assert_eq!(store.snapshot_load(&id, u64::MAX).await, Ok(None));
    assert_eq!(store.snapshot_sequences(&id).await, Ok(vec![]));
    for sequence in [10, 30, 20] {
        store.snapshot_save(&id, &fence, snapshot(sequence, "state")).await.expect("saved");
    }
    store.snapshot_save(&other, &fence, snapshot(25, "else")).await.expect("saved");
    for (at_most, expected) in
        [(u64::MAX, Some(30)), (30, Some(30)), (29, Some(20)), (10, Some(10)), (9, None)]
    {
        let loaded = store.snapshot_load(&id, at_most).await;
        assert_eq!(loaded, Ok(expected.map(|it| snapshot(it, "state"))), "at most {at_most}");
    }
    assert_eq!(store.snapshot_sequences(&id).await, Ok(vec![30, 20, 10]));
}

pub async fn saving_again_replaces<F: StoreFactory>(factory: &F) {
    let store = factory.create().await;
    let fence = take_over(&*store, "a").await;
    let id = journal(&*store, &fence, "replaced", 5).await;
    store.snapshot_save(&id, &fence, snapshot(5, "first")).await.expect("saved");
    store.snapshot_save(&id, &fence, snapshot(5, "second")).await.expect("saved");
    assert_eq!(store.snapshot_load(&id, 5).await, Ok(Some(snapshot(5, "second"))));
    assert_eq!(store.snapshot_sequences(&id).await, Ok(vec![5]));
}

pub async fn pruning_keeps_the_newest<F: StoreFactory>(factory: &F) {
    let store = factory.create().await;
    let fence = take_over(&*store, "a").await;
    let id = journal(&*store, &fence, "pruned", 5).await;
    let other = journal(&*store, &fence, "other", 1).await;
    for sequence in 1..=5 {
        store.snapshot_save(&id, &fence, snapshot(sequence, "state")).await.expect("saved");
    }
    store.snapshot_save(&other, &fence, snapshot(1, "state")).await.expect("saved");
    store.snapshot_prune(&id, &fence, 9).await.expect("pruned");
    assert_eq!(store.snapshot_sequences(&id).await, Ok(vec![5, 4, 3, 2, 1]));
    store.snapshot_prune(&id, &fence, 2).await.expect("pruned");
    assert_eq!(store.snapshot_sequences(&id).await, Ok(vec![5, 4]));
    store.snapshot_prune(&id, &fence, 0).await.expect("pruned");
    assert_eq!(store.snapshot_load(&id, u64::MAX).await, Ok(None));
    assert_eq!(store.snapshot_sequences(&other).await, Ok(vec![1]));
}

pub async fn snapshots_outlive_the_store<F: StoreFactory>(factory: &F) {
    let store = factory.create().await;
    let fence = take_over(&*store, "a").await;
    let id = journal(&*store, &fence, "durable", 7).await;
    store.snapshot_save(&id, &fence, snapshot(7, "state")).await.expect("saved");
    let Some(store) = factory.reopen(store).await else { return };
    assert_eq!(store.snapshot_load(&id, u64::MAX).await, Ok(Some(snapshot(7, "state"))));
}

pub async fn a_damaged_snapshot_leaves_the_older_one<F: StoreFactory>(factory: &F) {
    let store = factory.create().await;
    let fence = take_over(&*store, "a").await;
    let id = journal(&*store, &fence, "damaged", 22).await;
    for sequence in [11, 22] {
        store.snapshot_save(&id, &fence, snapshot(sequence, "state")).await.expect("saved");
    }
    if !factory.damage(&store, Damage::Snapshot { id: id.clone(), sequence: 22 }).await {
        return;
    }
    match store.snapshot_load(&id, u64::MAX).await {
        Err(Error::Corrupt { what, .. }) => {
            assert!(what.contains("damaged") && what.contains("22"), "{what:?} says which");
        }
        other => panic!("a damaged snapshot was not noticed: {other:?}"),
    }
    let sequences = store.snapshot_sequences(&id).await.expect("listed");
    assert_eq!(sequences, [22, 11]);
    assert_eq!(store.snapshot_load(&id, 11).await, Ok(Some(snapshot(11, "state"))));
    store.snapshot_save(&id, &fence, snapshot(22, "again")).await.expect("saved");
}

pub async fn none_stands_beyond_its_journal<F: StoreFactory>(factory: &F) {
    let store = factory.create().await;
    let fence = take_over(&*store, "a").await;
    let id = journal(&*store, &fence, "short", 3).await;
    // Another journal that is longer changes nothing.
    journal(&*store, &fence, "long", 9).await;
    let beyond = store.snapshot_save(&id, &fence, snapshot(4, "lost")).await;
    assert_eq!(beyond, Err(Error::Conflict { id: id.clone(), expected: 4, actual: 3 }));
    let none = journal_id("none");
    let beyond = store.snapshot_save(&none, &fence, snapshot(1, "lost")).await;
    assert_eq!(beyond, Err(Error::Conflict { id: none, expected: 1, actual: 0 }));
    assert_eq!(store.snapshot_sequences(&id).await, Ok(vec![]));
    // Events that were deleted were there all the same.
    store.delete_to(&id, &fence, 3).await.expect("deleted");
    assert_eq!(store.snapshot_save(&id, &fence, snapshot(3, "state")).await, Ok(()));
}
