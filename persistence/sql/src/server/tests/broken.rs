//! What callers learn when the server is frozen, restarted, or ends a session; and that nothing
//! is lost or written twice.

use weir_persistence_api::{ClaimRequest, ItemStore, MemberStore};

use super::*;
use crate::server::session::{Purpose, connect};

on_both! {
    a_frozen_server_is_told_from_a_refusal_and_nothing_is_lost
    an_append_that_is_not_answered_in_time_is_unknown
    a_killed_session_leaves_an_append_unknown
    a_restarted_server_is_used_again
    a_given_up_call_leaves_no_session_behind
    a_closed_store_answers_no_more
}

/// Long enough for a server that works on a machine that is busy.
const HASTY: Duration = Duration::from_secs(2);

async fn a_frozen_server_is_told_from_a_refusal_and_nothing_is_lost<D: Tested>() {
    let server = D::Server::start(Options { fast: true, ..Options::default() });
    let (patient, settings) = store::<D>(&server).await;
    let fence = fence(&patient).await;
    let hasty = ServerSettings {
        deadline: HASTY,
        lease_deadline: HASTY,
        connect_deadline: HASTY,
        ..settings
    };
    let hasty = ServerStore::<D>::open(hasty).await.unwrap();
    hasty.append(append("one", &fence, 0, b"1")).await.unwrap();

    server.freeze();
    let written = hasty.append(append("one", &fence, 1, b"2")).await;
    let read = hasty.highest(&id("one")).await;
    let renewed = hasty.lease_renew(&fence, HOUR).await;
    let listed = hasty.member_list().await;
    server.thaw();
    // A connection that rested is tried out first: then it is known that nothing was written.
    assert!(written.as_ref().is_err_and(Error::is_transient), "{written:?}");
    assert!(matches!(&read, Err(Error::Unavailable(_))), "{read:?}");
    assert!(matches!(&listed, Err(Error::Unavailable(_))), "{listed:?}");
    assert!(renewed.as_ref().is_err_and(Error::is_transient), "{renewed:?}");

    // The server may still do what it was sent; a caller reads back and goes on from there.
    let after = wait_until("the server answers", async || {
        let highest = patient.highest(&id("one")).await.ok()?;
        let mut event = append("one", &fence, highest, b"3");
        event.events[0].payload = "3".into();
        patient.append(event).await.ok()
    })
    .await;
    let stored = patient.replay(&id("one"), 0, 10).await.unwrap();
    assert_eq!(stored.len() as u64, after);
    assert_eq!(patient.lease_renew(&fence, HOUR).await, Ok(true));
}

async fn an_append_that_is_not_answered_in_time_is_unknown<D: Tested>() {
    let (patient, settings) = store::<D>(D::Server::shared()).await;
    let fence = fence(&patient).await;
    let hasty = ServerSettings { deadline: HASTY, ..settings.clone() };
    let hasty = ServerStore::<D>::open(hasty).await.unwrap();
    hasty.append(append("one", &fence, 0, b"1")).await.unwrap();
    let mut other = connect::<D>(&settings, Purpose::Data).await.unwrap();
    D::script(&mut other, D::STATEMENTS.begin).await.unwrap();
    let values = [60_000.into(), (&fence.lease.0).into(), "a".into(), 1.into()];
    D::execute(&mut other, D::STATEMENTS.lease_renew, &values).await.unwrap();
    match hasty.append(append("one", &fence, 1, b"2")).await {
        Err(Error::Unknown(why)) => assert!(why.contains("did not answer for 2000 ms"), "{why}"),
        answer => panic!("{answer:?}"),
    }
    D::script(&mut other, D::STATEMENTS.rollback).await.unwrap();
    // The server may do yet what it was sent: it is done once, whoever comes first.
    let again = patient.append(append("one", &fence, 1, b"2")).await;
    assert!(matches!(again, Ok(2) | Err(Error::Conflict { actual: 2, .. })), "{again:?}");
    assert_eq!(patient.replay(&id("one"), 0, 10).await.map(|it| it.len()), Ok(2));
}

async fn a_killed_session_leaves_an_append_unknown<D: Tested>() {
    let server = D::Server::shared();
    let (store, settings) = store::<D>(server).await;
    let fence = fence(&store).await;
    store.append(append("one", &fence, 0, b"1")).await.unwrap();
    let mut other = connect::<D>(&settings, Purpose::Data).await.unwrap();
    D::script(&mut other, D::STATEMENTS.begin).await.unwrap();
    let values = [60_000.into(), (&fence.lease.0).into(), "a".into(), 1.into()];
    D::execute(&mut other, D::STATEMENTS.lease_renew, &values).await.unwrap();

    let writing = store.append(append("one", &fence, 1, b"2"));
    let killing = async {
        wait_for_lock::<D>(server, &settings.database).await;
        let session = server.execute_in(&settings.database, D::APPENDING).trim().to_owned();
        server.execute_in(&settings.database, &D::KILL.replace(":id", &session));
    };
    let (answer, ()) = tokio::join!(writing, killing);
    assert!(matches!(answer, Err(Error::Unknown(_))), "{answer:?}");
    D::script(&mut other, D::STATEMENTS.rollback).await.unwrap();
    assert_eq!(store.highest(&id("one")).await, Ok(1), "it was not written");
    assert_eq!(store.append(append("one", &fence, 1, b"2")).await, Ok(2));
}

async fn a_restarted_server_is_used_again<D: Tested>() {
    let mut server = D::Server::start(Options { fast: true, ..Options::default() });
    let (store, _) = store::<D>(&server).await;
    let fence = fence(&store).await;
    store.append(append("one", &fence, 0, b"1")).await.unwrap();
    server.restart();
    assert_eq!(store.highest(&id("one")).await, Ok(1), "a read finds a new connection by itself");
    let highest = wait_until("an append is written", async || {
        let at = store.highest(&id("one")).await.ok()?;
        store.append(append("one", &fence, at, b"2")).await.ok()
    })
    .await;
    assert_eq!(store.replay(&id("one"), 0, 10).await.map(|it| it.len() as u64), Ok(highest));
    wait_until("the lease is renewed", async || {
        store.lease_renew(&fence, HOUR).await.ok().filter(|it| *it)
    })
    .await;
    drop(server);
    let gone = store.highest(&id("one")).await;
    assert_says(&refusal(gone), &["can't be reached", "check host and port"]);
}

/// A caller that goes away in the middle leaves neither a lock nor an answer for the next one.
async fn a_given_up_call_leaves_no_session_behind<D: Tested>() {
    let server = D::Server::shared();
    let (store, settings) = store::<D>(server).await;
    let fence = fence(&store).await;
    let mut other = connect::<D>(&settings, Purpose::Data).await.unwrap();
    D::script(&mut other, D::STATEMENTS.begin).await.unwrap();
    let values = [60_000.into(), (&fence.lease.0).into(), "a".into(), 1.into()];
    D::execute(&mut other, D::STATEMENTS.lease_renew, &values).await.unwrap();
    for _ in 0..4 {
        let nothing = ClaimRequest { candidates: vec![], ..items::request(1) };
        let waiting = store.item_claim(&fence, nothing);
        let given_up = tokio::time::timeout(Duration::from_millis(50), waiting).await;
        assert!(given_up.is_err(), "it waits for the lock: {given_up:?}");
    }
    D::script(&mut other, D::STATEMENTS.commit).await.unwrap();
    assert_eq!(store.item_unfinished().await, Ok(vec![]));
    let nothing = ClaimRequest { candidates: vec![], ..items::request(1) };
    assert_eq!(store.item_claim(&fence, nothing).await, Ok(None));
    assert_eq!(store.lease_renew(&fence, HOUR).await, Ok(true));
    assert_eq!(store.append(append("one", &fence, 0, b"1")).await, Ok(1));
}

async fn a_closed_store_answers_no_more<D: Tested>() {
    let (store, _) = store::<D>(D::Server::shared()).await;
    let fence = fence(&store).await;
    assert_eq!(store.health().await, Ok(()));
    let writing = futures::future::join_all(
        (0..20).map(|n| store.append(append(&format!("actor-{n}"), &fence, 0, b"x"))),
    );
    let (answers, ()) = tokio::join!(writing, store.close());
    assert!(answers.iter().all(|it| *it == Ok(1)), "{answers:?}");
    let closed = Error::Unavailable("it is closed".into());
    assert_eq!(store.append(append("late", &fence, 0, b"x")).await, Err(closed.clone()));
    assert_eq!(store.highest(&id("late")).await, Err(closed.clone()));
    assert_eq!(store.lease_renew(&fence, HOUR).await, Err(closed.clone()));
    assert_eq!(store.health().await, Err(closed));
}
