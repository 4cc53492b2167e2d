//! The contract of the fence: the store itself refuses every write of a deposed writer.

use std::time::Duration;

use bytes::Bytes;
use weir_domain::Timestamp;

use super::{
    StoreFactory, append, event, granted, item, journal_id, lease, stream, sweep, tagged, take_over,
};
use crate::{
    Error, Fence, ItemChange, ItemFilter, Journal, LeaseStore, Manifest, Result, Settlement,
    Snapshot, Store, StreamFilter, Sweep, Tag,
};

/// Every kind of fenced write, each tried under the fence: what the store answered.
async fn try_everything<S: Store>(store: &S, fence: &Fence) -> Vec<(&'static str, Result<()>)> {
    let id = journal_id("fenced");
    let snapshot = Snapshot {
        sequence: 1,
        manifest: Manifest { name: "contract.State".into(), version: 1 },
        payload: Bytes::new(),
    };
    let claim = item::claim_id(77);
    let adoption = item::adoption(77, 78);
    let sweep = sweep::sweep(77, ItemChange::Forget, ItemFilter::default());
    let step = Sweep { revision: 1, ..sweep.clone() };
    let settled = store.item_settle(fence, claim, Settlement::Done, Timestamp(1)).await;
    let events = vec![tagged("stale", &["stale"])];
    let changes = vec![(stream::open(9, "fenced"), vec![])];
    vec![
        ("append", store.append(append(&id, fence, 0, events)).await.map(drop)),
        ("empty append", store.append(append(&id, fence, 0, vec![])).await.map(drop)),
        ("delete", store.delete_to(&id, fence, 1).await),
        ("snapshot_save", store.snapshot_save(&id, fence, snapshot).await),
        ("snapshot_prune", store.snapshot_prune(&id, fence, 0).await),
        ("item_claim", store.item_claim(fence, item::request(77, &["f"])).await.map(drop)),
        ("item_commit", store.item_commit(fence, claim, Bytes::new()).await),
        ("item_fail", store.item_fail(fence, claim, Bytes::new()).await),
        ("item_settle", settled),
        ("item_adopt", store.item_adopt(fence, adoption).await.map(drop)),
        ("sweep_begin", store.sweep_begin(fence, sweep.clone()).await.map(drop)),
        ("sweep_step", store.sweep_step(fence, step, None).await.map(drop)),
        ("stream_save", store.stream_save(fence, changes).await),
        ("stream_prune", store.stream_prune(fence, 0.into()).await.map(drop)),
    ]
}

fn assert_fenced(answers: Vec<(&'static str, Result<()>)>, fence: &Fence) {
    let fenced = Error::Fenced { lease: fence.lease.clone(), epoch: fence.epoch };
    for (what, answer) in answers {
        assert_eq!(answer, Err(fenced.clone()), "{what}");
    }
}

async fn assert_untouched<S: Store>(store: &S) {
    let id = journal_id("fenced");
    assert_eq!(store.highest(&id).await, Ok(0));
    assert_eq!(store.replay(&id, 0, 10).await, Ok(vec![]));
    assert_eq!(store.tagged(&Tag("stale".into()), 0, 10).await, Ok(vec![]));
    assert_eq!(store.snapshot_sequences(&id).await, Ok(vec![]));
    assert_eq!(store.item_unfinished().await, Ok(vec![]));
    let streams = StreamFilter { limit: 10, ..StreamFilter::default() };
    assert_eq!(store.stream_list(streams).await, Ok(vec![]));
}

pub async fn a_deposed_writer_is_refused_everywhere<F: StoreFactory>(factory: &F) {
    let store = factory.create().await;
    let deposed = take_over(&*store, "a").await;
    let current = take_over(&*store, "b").await;
    assert!(current.epoch > deposed.epoch);
    assert_fenced(try_everything(&*store, &deposed).await, &deposed);
    assert_untouched(&*store).await;
    // An old epoch of the same owner is as deposed as another owner.
    let again = take_over(&*store, "b").await;
    assert_fenced(try_everything(&*store, &current).await, &current);
    store.lease_release(&again).await.expect("released");
    assert_fenced(try_everything(&*store, &again).await, &again);
    assert_untouched(&*store).await;
}

pub async fn a_refused_write_changes_nothing<F: StoreFactory>(factory: &F) {
    let store = factory.create().await;
    let deposed = take_over(&*store, "a").await;
    let current = take_over(&*store, "b").await;
    let id = journal_id("kept");
    store.append(append(&id, &current, 0, vec![event("1")])).await.expect("appended");
    let stale = store.append(append(&id, &deposed, 1, vec![event("x")])).await;
    assert!(matches!(stale, Err(Error::Fenced { .. })), "{stale:?}");
    let deleted = store.delete_to(&id, &deposed, 1).await;
    assert!(matches!(deleted, Err(Error::Fenced { .. })), "{deleted:?}");
    assert_eq!(store.replay(&id, 0, 10).await.map(|it| it.len()), Ok(1));
    assert_eq!(store.append(append(&id, &current, 1, vec![event("2")])).await, Ok(2));
}

/// Safety needs no clock: the lease row decides, not its expiry.
pub async fn an_expired_lease_that_nobody_took_still_writes<F: StoreFactory>(factory: &F) {
    let store = factory.create().await;
    let ttl = Duration::from_millis(1);
    let acquired = store.lease_acquire(&lease(), "a", ttl).await.expect("acquired");
    let fence = granted(acquired);
    factory.advance(Duration::from_secs(5));
    let id = journal_id("late");
    assert_eq!(store.append(append(&id, &fence, 0, vec![event("1")])).await, Ok(1));
    assert_eq!(store.lease_renew(&fence, ttl).await, Ok(true));
}

pub async fn a_writer_without_a_lease_is_refused<F: StoreFactory>(factory: &F) {
    let store = factory.create().await;
    let invented = Fence { lease: lease(), owner: "nobody".into(), epoch: 0 };
    assert_fenced(try_everything(&*store, &invented).await, &invented);
    assert_untouched(&*store).await;
}
