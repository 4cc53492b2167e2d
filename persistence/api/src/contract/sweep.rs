//! The contract of sweeps: what they change, and that they go on where they were.

use weir_domain::{SweepId, Timestamp};

use super::item::{claim_id, request, rows, source, statuses};
use super::{StoreFactory, take_over};
use crate::{Error, Fence, ItemChange, ItemFilter, ItemStore, Settlement, Sweep, advance};

fn sweep_id(n: u128) -> SweepId {
    format!("{n:032x}").parse().expect("32 hexadecimal digits are an id")
}

/// The n-th sweep, over items of the suite's source.
pub(super) fn sweep(n: u128, change: ItemChange, filter: ItemFilter) -> Sweep {
    Sweep {
        id: sweep_id(n),
        change,
        dry_run: false,
        filter: ItemFilter { source: Some(source()), ..filter },
        by: "somebody".into(),
        begun_at: Timestamp(50),
        ended_at: None,
        after: None,
        examined: 0,
        changed: 0,
        kept: 0,
        revision: 0,
    }
}

/// A whole sweep.
pub(super) async fn swept<S: ItemStore>(
    store: &S,
    fence: &Fence,
    n: u128,
    change: ItemChange,
    filter: ItemFilter,
) -> Sweep {
    run(store, fence, sweep(n, change, filter)).await
}

pub(super) async fn run<S: ItemStore>(store: &S, fence: &Fence, sweep: Sweep) -> Sweep {
    let mut sweep = store.sweep_begin(fence, sweep).await.expect("it begins");
    while sweep.is_open() {
        sweep = advance(store, fence, sweep, Timestamp(60)).await.expect("it goes on");
    }
    sweep
}

/// How many items a sweep forgets.
pub(super) async fn forget<S: ItemStore>(
    store: &S,
    fence: &Fence,
    n: u128,
    filter: ItemFilter,
) -> u64 {
    swept(store, fence, n, ItemChange::Forget, filter).await.changed
}

pub async fn a_sweep_goes_on_where_it_was<F: StoreFactory>(factory: &F) {
    let store = factory.create().await;
    let fence = take_over(&*store, "a").await;
    for n in 1..=1_200_u32 {
        let name = format!("{n:05}");
        let claimed = store.item_claim(&fence, request(n, &[&name])).await.expect("answered");
        claimed.expect("it is free");
        if n != 7 {
            let settled =
                store.item_settle(&fence, claim_id(n.into()), Settlement::Failed, Timestamp(9));
            settled.await.expect("settled");
        }
    }
    let all = ItemFilter::default;
    let dry = Sweep { dry_run: true, ..sweep(1, ItemChange::Forget, all()) };
    let counted = run(&*store, &fence, dry).await;
    assert_eq!((counted.changed, counted.kept, counted.examined), (1_199, 1, 1_200));
    assert_eq!(statuses(&*store).await.len(), 1_000, "the first page: nothing was changed");

    let begun =
        store.sweep_begin(&fence, sweep(2, ItemChange::Forget, all())).await.expect("begun");
    let first = advance(&*store, &fence, begun.clone(), Timestamp(60)).await.expect("a step");
    assert!(first.is_open() && first.changed == 999, "{first:?}");
    assert_eq!(store.sweep_open().await, Ok(vec![first.clone()]));
    let late = advance(&*store, &fence, begun, Timestamp(60)).await;
    assert!(matches!(late, Err(Error::Rejected(_))), "W1: a step is taken once: {late:?}");
    // Whoever begins it again goes on with it.
    let ended = run(&*store, &fence, sweep(2, ItemChange::Forget, all())).await;
    assert_eq!((ended.changed, ended.kept, ended.ended_at), (1_199, 1, Some(Timestamp(60))));
    assert_eq!(store.sweep_load(sweep_id(2)).await, Ok(Some(ended.clone())));
    assert_eq!(store.sweep_load(sweep_id(9)).await, Ok(None));
    assert_eq!(store.sweep_open().await, Ok(vec![]));
    let again = run(&*store, &fence, sweep(2, ItemChange::Clear, all())).await;
    assert_eq!(again, ended, "one id is one sweep");
    let left: Vec<_> = statuses(&*store).await.into_iter().map(|it| it.0).collect();
    assert_eq!(left, ["00007"]);
}

pub async fn what_was_claimed_since_is_left_alone<F: StoreFactory>(factory: &F) {
    let store = factory.create().await;
    let fence = take_over(&*store, "a").await;
    store.item_claim(&fence, request(1, &["a"])).await.expect("answered").expect("it is free");
    let released = store.item_settle(&fence, claim_id(1), Settlement::Released, Timestamp(9));
    released.await.expect("released");
    let seen = rows(&*store, ItemFilter::default()).await.pop().expect("one row").claim;
    let begun = store.sweep_begin(&fence, sweep(1, ItemChange::Forget, ItemFilter::default()));
    let begun = begun.await.expect("begun");
    store.item_claim(&fence, request(2, &["a"])).await.expect("answered").expect("it is free");
    store.item_commit(&fence, claim_id(2), bytes::Bytes::new()).await.expect("committed");
    let settled = store.item_settle(&fence, claim_id(2), Settlement::Done, Timestamp(9));
    settled.await.expect("settled");
    let step = Sweep { revision: 1, ended_at: Some(Timestamp(60)), ..begun };
    let step = store.sweep_step(&fence, step, Some((ItemChange::Forget, vec![seen]))).await;
    let step = step.expect("a step");
    assert_eq!((step.changed, step.kept), (0, 1), "W2");
    assert_eq!(statuses(&*store).await.len(), 1);
}
