//! The fence under concurrency: whoever holds the lock of a lease decides, and what comes later
//! sees it.

use std::sync::Arc;

use futures::FutureExt as _;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use weir_persistence_api::Tag;

use super::*;
use crate::server::error::{Failure, Outcome};
use crate::server::session::{Purpose, connect};
use crate::server::transaction::check_fence;

on_both! {
    an_append_waits_for_a_take_over_and_is_refused
    a_take_over_waits_for_a_transaction_under_the_fence
    a_lease_is_renewed_while_a_transaction_under_it_waits
    a_writer_that_is_deposed_in_a_transaction_is_refused
    a_deposed_writer_is_told_so_whatever_was_in_the_way_of_its_work
    a_refused_append_spoils_no_other_of_its_group
    an_append_that_waits_for_its_lease_holds_up_no_other
    two_engines_never_write_the_same_number
    a_reader_of_tags_misses_nothing_of_two_engines
    renewing_is_not_starved_by_appends
}

async fn an_append_waits_for_a_take_over_and_is_refused<D: Tested>() {
    let server = D::Server::shared();
    let (store, settings) = store::<D>(server).await;
    let fence = fence(&store).await;
    let mut other = connect::<D>(&settings, Purpose::Data).await.unwrap();
    D::script(&mut other, D::STATEMENTS.begin).await.unwrap();
    let name = &fence.lease.0;
    let values = ["b".into(), 60_000.into(), name.into(), "a".into(), 1.into()];
    D::number(&mut other, D::STATEMENTS.lease_force, &values).await.unwrap();

    let mut late = append("one", &fence, 0, b"late");
    late.events.push(event(b"late too"));
    let writing = store.append(late);
    let deciding = async {
        wait_for_lock::<D>(server, &settings.database).await;
        D::script(&mut other, D::STATEMENTS.commit).await.unwrap();
    };
    let (answer, ()) = tokio::join!(writing, deciding);
    assert_eq!(answer, Err(Error::Fenced { lease: lease(), epoch: 1 }));
    assert_eq!(store.highest(&id("one")).await, Ok(0));
}

async fn a_take_over_waits_for_a_transaction_under_the_fence<D: Tested>() {
    let server = D::Server::shared();
    let (store, settings) = store::<D>(server).await;
    let fence = fence(&store).await;
    let mut writing = connect::<D>(&settings, Purpose::Data).await.unwrap();
    D::script(&mut writing, D::STATEMENTS.begin).await.unwrap();
    assert!(check_fence::<D>(&mut writing, &fence).await.is_ok());
    let name = lease();
    let taking = store.lease_force(&name, "b", HOUR, ("a", 1));
    let committing = async {
        wait_for_lock::<D>(server, &settings.database).await;
        D::script(&mut writing, D::STATEMENTS.commit).await.unwrap();
    };
    let (taken, ()) = tokio::join!(taking, committing);
    assert!(matches!(taken, Ok(Acquired::Granted(Fence { epoch: 2, .. }))), "{taken:?}");
    let late = store.append(append("one", &fence, 0, b"late")).await;
    assert!(matches!(late, Err(Error::Fenced { .. })), "{late:?}");
}

/// A transaction under the fence; does something while its work waits.
async fn in_the_middle<D: Tested, T>(
    store: &ServerStore<D>,
    fence: &Fence,
    meanwhile: impl Future<Output = T>,
) -> (Result<()>, T) {
    let (begun, may_end) = (Notify::new(), Notify::new());
    let gates = (&begun, &may_end);
    let working = store.sessions.transaction(Some(fence), &gates, |_, (begun, may_end)| {
        let work = async move {
            begun.notify_one();
            may_end.notified().await;
            Ok(())
        };
        work.boxed()
    });
    let meanwhile = async {
        let begun = tokio::time::timeout(Duration::from_secs(30), begun.notified()).await;
        begun.expect("the work begins");
        let done = meanwhile.await;
        may_end.notify_one();
        done
    };
    tokio::join!(working, meanwhile)
}

async fn a_lease_is_renewed_while_a_transaction_under_it_waits<D: Tested>() {
    let (store, _) = store::<D>(D::Server::shared()).await;
    let fence = fence(&store).await;
    let done = in_the_middle(&store, &fence, store.lease_renew(&fence, HOUR)).await;
    assert_eq!(done, (Ok(()), Ok(true)));
}

async fn a_writer_that_is_deposed_in_a_transaction_is_refused<D: Tested>() {
    let (store, _) = store::<D>(D::Server::shared()).await;
    let (fence, name) = (fence(&store).await, lease());
    let taking = store.lease_force(&name, "b", HOUR, ("a", 1));
    let (worked, taken) = in_the_middle(&store, &fence, taking).await;
    assert!(matches!(taken, Ok(Acquired::Granted(Fence { epoch: 2, .. }))), "{taken:?}");
    assert_eq!(worked, Err(Error::Fenced { lease: lease(), epoch: 1 }));
}

/// Work under the fence that others overtake, that the server refuses, and that takes too long.
async fn work_in_vain<D: Tested>(store: &ServerStore<D>, fence: &Fence) -> [Error; 3] {
    let (sessions, fence) = (&store.sessions, Some(fence));
    let overtaken = sessions
        .transaction(fence, &(), |_, ()| async { Outcome::<()>::Err(Failure::Overtaken) }.boxed());
    let overtaken = refusal(overtaken.await);
    let refused = sessions.transaction(fence, &(), |connection, ()| {
        async { Ok(D::script(connection, "SELECT * FROM nothing_of_ours").await?) }.boxed()
    });
    let refused = refusal(refused.await);
    let endless =
        sessions.transaction(fence, &(), |_, ()| std::future::pending::<Outcome<()>>().boxed());
    [overtaken, refused, refusal(endless.await)]
}

async fn a_deposed_writer_is_told_so_whatever_was_in_the_way_of_its_work<D: Tested>() {
    let (_, settings) = store::<D>(D::Server::shared()).await;
    let hasty = ServerSettings { deadline: Duration::from_secs(1), ..settings };
    let store = ServerStore::<D>::open(hasty).await.unwrap();
    let deposed = fence(&store).await;
    let [overtaken, refused, endless] = work_in_vain(&store, &deposed).await;
    assert_says(&overtaken, &["not available", "others were faster"]);
    assert_says(&refused, &["refused", "nothing_of_ours"]);
    assert_says(&endless, &["not available", "did not answer"]);
    let taken = store.lease_force(&lease(), "b", HOUR, ("a", 1)).await;
    assert!(matches!(taken, Ok(Acquired::Granted(_))), "{taken:?}");
    let fenced = Error::Fenced { lease: lease(), epoch: 1 };
    assert_eq!(work_in_vain(&store, &deposed).await, [fenced.clone(), fenced.clone(), fenced]);
}

async fn a_refused_append_spoils_no_other_of_its_group<D: Tested>() {
    let (store, _) = store::<D>(D::Server::shared()).await;
    let fence = fence(&store).await;
    let stale = Fence { epoch: 99, ..fence.clone() };
    for round in 0..20_u64 {
        let two = format!("two-{round}");
        let (one, other, three) = tokio::join!(
            store.append(append("one", &fence, round, b"1")),
            store.append(append("other", &stale, 0, b"x")),
            store.append(append(&two, &fence, 7, b"x")),
        );
        assert_eq!(one, Ok(round + 1));
        assert!(matches!(other, Err(Error::Fenced { .. })), "{other:?}");
        assert!(matches!(three, Err(Error::Conflict { actual: 0, .. })), "{three:?}");
    }
    assert_eq!(store.highest(&id("other")).await, Ok(0));
}

async fn an_append_that_waits_for_its_lease_holds_up_no_other<D: Tested>() {
    let server = D::Server::shared();
    let (_, settings) = store::<D>(server).await;
    let two_writers = ServerSettings { connections: 6, ..settings.clone() };
    let store = ServerStore::<D>::open(two_writers).await.unwrap();
    let held = fence(&store).await;
    let free = store.lease_acquire(&LeaseName("free".into()), "a", HOUR).await.unwrap();
    let Acquired::Granted(free) = free else { panic!("{free:?}") };
    let mut other = connect::<D>(&settings, Purpose::Data).await.unwrap();
    D::script(&mut other, D::STATEMENTS.begin).await.unwrap();
    let name = &held.lease.0;
    let values = ["b".into(), 60_000.into(), name.into(), "a".into(), 1.into()];
    D::number(&mut other, D::STATEMENTS.lease_force, &values).await.unwrap();

    let waiting = store.append(append("held", &held, 0, b"1"));
    let others = async {
        wait_for_lock::<D>(server, &settings.database).await;
        let written = store.append(append("free", &free, 0, b"1")).await;
        D::script(&mut other, D::STATEMENTS.commit).await.unwrap();
        written
    };
    let (refused, written) = tokio::join!(waiting, others);
    assert_eq!(written, Ok(1), "it was written while the other waited");
    assert!(matches!(refused, Err(Error::Fenced { .. })), "{refused:?}");
}

/// Two processes with one fence should not be; the journal stays whole all the same.
async fn two_engines_never_write_the_same_number<D: Tested>() {
    let (one, settings) = store::<D>(D::Server::shared()).await;
    let two = ServerStore::<D>::open(settings).await.unwrap();
    let fence = fence(&one).await;
    let write = async |store: &ServerStore<D>| {
        let (mut at, mut written) = (0, 0);
        while written < 30 {
            match store.append(append("shared", &fence, at, b"x")).await {
                Ok(highest) => {
                    at = highest;
                    written += 1;
                }
                Err(Error::Conflict { actual, .. }) => at = actual,
                Err(other) => panic!("{other}"),
            }
        }
    };
    tokio::join!(write(&one), write(&two));
    let stored = one.replay(&id("shared"), 0, 100).await.unwrap();
    let numbers: Vec<_> = stored.iter().map(|it| it.sequence).collect();
    assert_eq!(numbers, (1..=60).collect::<Vec<_>>());
}

async fn a_reader_of_tags_misses_nothing_of_two_engines<D: Tested>() {
    let (one, settings) = store::<D>(D::Server::shared()).await;
    let two = Arc::new(ServerStore::<D>::open(settings).await.unwrap());
    let one = Arc::new(one);
    let fence = fence(&one).await;
    let mut writers = JoinSet::new();
    for (n, store) in [&one, &two, &one, &two].into_iter().enumerate() {
        let (store, fence) = (Arc::clone(store), fence.clone());
        writers.spawn(async move {
            for after in 0..25 {
                let mut tagged = append(&format!("writer-{n}"), &fence, after, b"x");
                tagged.events[0].tags = vec![Tag("b".into()), Tag("a".into())];
                store.append(tagged).await.unwrap();
            }
        });
    }
    let (mut seen, mut offset) = (Vec::new(), 0);
    loop {
        let is_last = writers.is_empty();
        let page = two.tagged(&Tag("a".into()), offset, 7).await.unwrap();
        let is_empty = page.is_empty();
        for it in page {
            assert!(it.offset > offset, "places increase");
            offset = it.offset;
            seen.push((it.event.id, it.event.sequence));
        }
        if is_last && is_empty {
            break;
        }
        while let Some(ended) = writers.try_join_next() {
            ended.unwrap();
        }
    }
    assert_eq!(seen.len(), 100);
    assert_eq!(offset, 100, "places are contiguous: none was given and not committed");
}

/// Those who share a lock may keep others from it for ever: leases must not be lost to that.
async fn renewing_is_not_starved_by_appends<D: Tested>() {
    let (store, _) = store::<D>(D::Server::shared()).await;
    let store = Arc::new(store);
    let fence = fence(&store).await;
    let mut writers = JoinSet::new();
    for n in 0..8 {
        let (store, fence) = (Arc::clone(&store), fence.clone());
        writers.spawn(async move {
            for after in 0..100 {
                let to = format!("writer-{n}");
                store.append(append(&to, &fence, after, b"x")).await.unwrap();
            }
        });
    }
    while !writers.is_empty() {
        assert_eq!(store.lease_renew(&fence, HOUR).await, Ok(true));
        while let Some(ended) = writers.try_join_next() {
            ended.unwrap();
        }
    }
}
