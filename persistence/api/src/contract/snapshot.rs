//! The contract of the snapshots.

use bytes::Bytes;

use super::{Damage, StoreFactory, journal_id, take_over};
use crate::{Error, Manifest, Snapshot, SnapshotStore};

fn snapshot(sequence: u64, text: &str) -> Snapshot {
    Snapshot {
        sequence,
        manifest: Manifest { name: "contract.State".into(), version: 2 },
        payload: Bytes::copy_from_slice(text.as_bytes()),
    }
}

pub async fn the_newest_at_or_below_is_loaded<F: StoreFactory>(factory: &F) {
    let store = factory.create().await;
    let fence = take_over(&*store, "a").await;
    let (id, other) = (journal_id("one"), journal_id("other"));
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
    let id = journal_id("replaced");
    store.snapshot_save(&id, &fence, snapshot(5, "first")).await.expect("saved");
    store.snapshot_save(&id, &fence, snapshot(5, "second")).await.expect("saved");
    assert_eq!(store.snapshot_load(&id, 5).await, Ok(Some(snapshot(5, "second"))));
    assert_eq!(store.snapshot_sequences(&id).await, Ok(vec![5]));
}

pub async fn pruning_keeps_the_newest<F: StoreFactory>(factory: &F) {
    let store = factory.create().await;
    let fence = take_over(&*store, "a").await;
    let (id, other) = (journal_id("pruned"), journal_id("other"));
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
    let id = journal_id("durable");
    store.snapshot_save(&id, &fence, snapshot(7, "state")).await.expect("saved");
    let Some(store) = factory.reopen(store).await else { return };
    assert_eq!(store.snapshot_load(&id, u64::MAX).await, Ok(Some(snapshot(7, "state"))));
}

pub async fn a_damaged_snapshot_leaves_the_older_one<F: StoreFactory>(factory: &F) {
    let store = factory.create().await;
    let fence = take_over(&*store, "a").await;
    let id = journal_id("damaged");
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
