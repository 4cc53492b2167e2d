//! The contract of the leases: one holder, and an epoch that only ever increases.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use weir_domain::NodeName;

use super::{HOUR, StoreFactory, granted, lease};
use crate::{Acquired, Fence, LeaseName, LeaseStore};

const SHORT: Duration = Duration::from_millis(150);

/// Longest wait for a short lease to expire by a clock that the suite can't move.
const PATIENCE: Duration = Duration::from_secs(10);

async fn acquire<S: LeaseStore>(store: &S, owner: &str, ttl: Duration) -> Acquired {
    store.lease_acquire(&lease(), owner, ttl).await.expect("the lease store answers")
}

async fn force<S: LeaseStore>(store: &S, owner: &str, seen: (&str, u64)) -> Acquired {
    store.lease_force(&lease(), owner, HOUR, seen).await.expect("the lease store answers")
}

fn holder(acquired: Acquired) -> (String, u64) {
    match acquired {
        Acquired::Held { owner, epoch, .. } => (owner, epoch),
        granted @ Acquired::Granted(_) => panic!("the lease should be held, but: {granted:?}"),
    }
}

/// Asks until the lease is granted.
async fn acquire_in_time<S: LeaseStore>(store: &S, owner: &str) -> Fence {
    let asking = async {
        loop {
            if let Acquired::Granted(fence) = acquire(store, owner, HOUR).await {
                return fence;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, asking).await.expect("the short lease expires")
}

pub async fn a_free_lease_is_granted_and_held<F: StoreFactory>(factory: &F) {
    let store = factory.create().await;
    let fence = granted(acquire(&*store, "a", HOUR).await);
    assert_eq!(fence, Fence { lease: lease(), owner: "a".into(), epoch: 1 });
    match acquire(&*store, "b", HOUR).await {
        Acquired::Held { owner, epoch, left } => {
            assert_eq!((owner.as_str(), epoch), ("a", 1));
            assert!(!left.is_zero() && left <= HOUR, "{left:?} are left");
        }
        granted @ Acquired::Granted(_) => panic!("two holders: {granted:?}"),
    }
    let other = LeaseName("other".into());
    let elsewhere = store.lease_acquire(&other, "b", HOUR).await.expect("acquired");
    assert_eq!(granted(elsewhere).epoch, 1);
}

pub async fn the_owner_is_granted_anew<F: StoreFactory>(factory: &F) {
    let store = factory.create().await;
    let first = granted(acquire(&*store, "a", HOUR).await);
    let second = granted(acquire(&*store, "a", HOUR).await);
    assert_eq!(second.epoch, 2);
    assert_eq!(store.lease_renew(&first, HOUR).await, Ok(false));
    assert_eq!(store.lease_renew(&second, HOUR).await, Ok(true));
}

pub async fn an_expired_lease_is_taken<F: StoreFactory>(factory: &F) {
    let store = factory.create().await;
    let first = granted(acquire(&*store, "a", SHORT).await);
    factory.advance(SHORT);
    let second = acquire_in_time(&*store, "b").await;
    assert_eq!((second.owner.as_str(), second.epoch), ("b", 2));
    assert_eq!(store.lease_renew(&first, HOUR).await, Ok(false));
}

pub async fn a_renewed_lease_stays<F: StoreFactory>(factory: &F) {
    let store = factory.create().await;
    let fence = granted(acquire(&*store, "a", SHORT).await);
    assert_eq!(store.lease_renew(&fence, HOUR).await, Ok(true));
    factory.advance(SHORT * 2);
    assert_eq!(holder(acquire(&*store, "b", HOUR).await), ("a".into(), 1));
}

pub async fn a_lost_lease_is_not_renewed<F: StoreFactory>(factory: &F) {
    let store = factory.create().await;
    let unknown = Fence { lease: lease(), owner: "a".into(), epoch: 1 };
    assert_eq!(store.lease_renew(&unknown, HOUR).await, Ok(false));
    let fence = granted(acquire(&*store, "a", HOUR).await);
    for wrong in [
        Fence { owner: "b".into(), ..fence.clone() },
        Fence { epoch: 0, ..fence.clone() },
        Fence { epoch: 2, ..fence.clone() },
        Fence { lease: LeaseName("other".into()), ..fence.clone() },
    ] {
        assert_eq!(store.lease_renew(&wrong, HOUR).await, Ok(false), "{wrong:?}");
        assert_eq!(store.lease_release(&wrong).await, Ok(()));
    }
    assert_eq!(store.lease_renew(&fence, HOUR).await, Ok(true));
}

pub async fn a_released_lease_is_free<F: StoreFactory>(factory: &F) {
    let store = factory.create().await;
    let first = granted(acquire(&*store, "a", HOUR).await);
    assert_eq!(store.lease_release(&first).await, Ok(()));
    assert_eq!(store.lease_renew(&first, HOUR).await, Ok(false));
    let rows = store.lease_list().await.expect("listed");
    assert_eq!((rows[0].owner.as_str(), rows[0].epoch), ("", 1));
    assert!(rows[0].left.is_zero());
    let second = granted(acquire(&*store, "b", HOUR).await);
    assert_eq!(second.epoch, 2);
    assert_eq!(store.lease_release(&first).await, Ok(()), "releasing what is lost is harmless");
    assert_eq!(store.lease_renew(&second, HOUR).await, Ok(true));
}

pub async fn force_takes_from_the_owner_that_was_seen<F: StoreFactory>(factory: &F) {
    let store = factory.create().await;
    let first = granted(acquire(&*store, "a", HOUR).await);
    let second = granted(force(&*store, "b", ("a", first.epoch)).await);
    assert_eq!((second.owner.as_str(), second.epoch), ("b", 2));
    assert_eq!(store.lease_renew(&first, HOUR).await, Ok(false));
    assert_eq!(store.lease_renew(&second, HOUR).await, Ok(true));
}

pub async fn force_does_nothing_when_the_holder_changed<F: StoreFactory>(factory: &F) {
    let store = factory.create().await;
    assert_eq!(holder(force(&*store, "c", ("a", 1)).await), (String::new(), 0));
    assert_eq!(store.lease_list().await, Ok(vec![]));
    granted(acquire(&*store, "a", HOUR).await);
    granted(force(&*store, "b", ("a", 1)).await);
    for seen in [("a", 1), ("a", 2), ("b", 1), ("", 0)] {
        assert_eq!(holder(force(&*store, "c", seen).await), ("b".into(), 2), "seen {seen:?}");
    }
    let fence = Fence { lease: lease(), owner: "b".into(), epoch: 2 };
    assert_eq!(store.lease_renew(&fence, HOUR).await, Ok(true));
}

pub async fn one_of_many_contenders_wins<F: StoreFactory>(factory: &F) {
    let store = factory.create().await;
    let mut contenders = JoinSet::new();
    for n in 0..12 {
        let store = Arc::clone(&store);
        contenders.spawn(async move { acquire(&*store, &format!("node-{n}"), HOUR).await });
    }
    let answers = contenders.join_all().await;
    let is_granted = |it: &&Acquired| matches!(it, Acquired::Granted(_));
    assert_eq!(answers.iter().filter(is_granted).count(), 1, "{answers:?}");
}

pub async fn leases_are_listed_by_name<F: StoreFactory>(factory: &F) {
    let store = factory.create().await;
    for (name, owner) in [("scheduler", "b"), ("access", "a")] {
        let name = LeaseName(name.into());
        granted(store.lease_acquire(&name, owner, HOUR).await.expect("acquired"));
    }
    let rows = store.lease_list().await.expect("listed");
    let short: Vec<_> = rows.iter().map(|it| (it.name.0.as_str(), it.owner.as_str())).collect();
    assert_eq!(short, [("access", "a"), ("scheduler", "b")]);
    assert!(rows.iter().all(|it| it.epoch == 1 && !it.left.is_zero()));
}

pub async fn epochs_outlive_the_store<F: StoreFactory>(factory: &F) {
    let store = factory.create().await;
    let fence = granted(acquire(&*store, "a", HOUR).await);
    store.lease_release(&fence).await.expect("released");
    let Some(store) = factory.reopen(store).await else { return };
    assert_eq!(granted(acquire(&*store, "b", HOUR).await).epoch, 2);
}

pub async fn a_pin_changes_neither_owner_nor_epoch<F: StoreFactory>(factory: &F) {
    let store = factory.create().await;
    let node = |name| NodeName::new(name).expect("a valid name");
    let fence = granted(acquire(&*store, "a", HOUR).await);
    for wanted in [Some(node("node-1")), Some(node("node-2")), None] {
        assert_eq!(store.lease_pin(&lease(), wanted.as_ref()).await, Ok(()));
        let row = store.lease_list().await.expect("listed").pop().expect("one lease");
        assert_eq!((row.owner.as_str(), row.epoch, row.pinned), ("a", 1, wanted));
    }
    store.lease_pin(&lease(), Some(&node("node-3"))).await.expect("pinned");
    assert_eq!(store.lease_renew(&fence, HOUR).await, Ok(true));
    granted(force(&*store, "b", ("a", 1)).await);
    store.lease_pin(&LeaseName("other".into()), None).await.expect("not pinned");
    let rows = store.lease_list().await.expect("listed");
    assert_eq!(rows[0].pinned, Some(node("node-3")), "a pin outlives the owner");
}

pub async fn a_pin_makes_a_lease_known<F: StoreFactory>(factory: &F) {
    let store = factory.create().await;
    let node = NodeName::new("node-1").expect("a valid name");
    store.lease_pin(&lease(), Some(&node)).await.expect("pinned");
    let row = store.lease_list().await.expect("listed").pop().expect("one lease");
    assert_eq!((row.owner.as_str(), row.epoch, row.pinned), ("", 0, Some(node)));
    assert!(row.left.is_zero());
    assert_eq!(granted(acquire(&*store, "a", HOUR).await).epoch, 1);
}
