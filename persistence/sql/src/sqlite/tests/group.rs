//! Group commit: what shares a commit, what does not spoil it, and what callers learn when the
//! writer can't go on.

use futures::future::join_all;
use sqlx::Connection;
use weir_persistence_api::{Journal, StreamFilter, StreamStore};

use super::*;

#[tokio::test]
async fn concurrent_appends_share_a_commit() {
    let factory = Sqlite::new();
    let store = factory.create().await;
    let fence = fence(&store).await;
    let before = store.commits();
    let appends = (0..200).map(|n| store.append(append(&format!("actor-{n}"), &fence, 0, b"x")));
    for answer in join_all(appends).await {
        assert_eq!(answer, Ok(1));
    }
    let commits = store.commits() - before;
    assert!((1..100).contains(&commits), "200 appends took {commits} commits");
}

#[tokio::test]
async fn a_refused_request_spoils_no_other_of_its_group() {
    let factory = Sqlite::new();
    let store = factory.create().await;
    let fence = fence(&store).await;
    let stale = Fence { epoch: 99, ..fence.clone() };
    let before = store.commits();
    let answers = join_all([
        store.append(append("one", &fence, 0, b"1")),
        store.append(append("one", &stale, 1, b"x")),
        store.append(append("two", &fence, 7, b"x")),
        store.append(append("one", &fence, 1, b"2")),
    ])
    .await;
    assert_eq!(store.commits() - before, 1);
    assert_eq!((&answers[0], &answers[3]), (&Ok(1), &Ok(2)));
    assert!(matches!(answers[1], Err(Error::Fenced { .. })), "{:?}", answers[1]);
    assert!(matches!(answers[2], Err(Error::Conflict { actual: 0, .. })), "{:?}", answers[2]);
    let stored = store.replay(&PersistenceId("one".into()), 0, 10).await.unwrap();
    assert_eq!(stored.len(), 2);
}

/// The second event of the append meets a row that was put there by hand; the first is written
/// by then.
#[tokio::test]
async fn what_a_refused_request_had_written_is_undone() {
    let factory = Sqlite::new();
    let store = factory.create().await;
    let fence = fence(&store).await;
    let stray = store.writer.write(|connection| {
        Box::pin(async move {
            let insert =
                "INSERT INTO event_journal VALUES (900, 'one', 2, '', 0, 0, '', 0, x'', 0, NULL)";
            query(insert).execute(connection).await?;
            Ok(())
        })
    });
    stray.await.unwrap();
    let mut refused = append("one", &fence, 0, b"1");
    refused.events.push(refused.events[0].clone());
    let answers = join_all([
        store.append(refused),
        store.append(append("two", &fence, 0, b"1")),
        store.append(append("one", &fence, 0, b"1")),
    ])
    .await;
    match &answers[0] {
        Err(Error::Corrupt { what, reason }) => {
            assert!(what.contains("one") && reason.contains("event 2"), "{what}: {reason}");
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(answers[1..], [Ok(1), Ok(1)]);
}

/// Lets the database grow no further, as on a full disk.
async fn fill(store: &SqliteStore) {
    let filled = store.writer.write(|connection| {
        Box::pin(async move {
            query("PRAGMA max_page_count = 1").execute(connection).await?;
            Ok(())
        })
    });
    filled.await.unwrap();
}

#[tokio::test]
async fn a_full_disk_refuses_the_group_and_the_store_goes_on() {
    let factory = Sqlite::new();
    let store = factory.create().await;
    let fence = fence(&store).await;
    fill(&store).await;
    let large = vec![b'x'; 1 << 20];
    let answers = join_all([
        store.append(append("small", &fence, 0, b"1")),
        store.append(append("large", &fence, 0, &large)),
    ])
    .await;
    assert!(matches!(&answers[0], Err(Error::Unavailable(_))), "{answers:?}");
    match &answers[1] {
        Err(Error::Unavailable(why)) => assert!(why.contains("full"), "{why}"),
        other => panic!("{other:?}"),
    }
    assert_eq!(store.highest(&PersistenceId("small".into())).await, Ok(0));
    // The connection is opened anew, without the bound: as if there were room again.
    assert_eq!(store.append(append("large", &fence, 0, &large)).await, Ok(1));
}

/// Takes the lock of the database, as another process would.
async fn lock(path: &Path) -> SqliteConnection {
    let mut other = Settings::default().writer(path).connect().await.unwrap();
    query(statement::BEGIN).execute(&mut other).await.unwrap();
    other
}

#[tokio::test]
async fn a_locked_database_is_unavailable() {
    let factory = Sqlite::new();
    let path = factory.path(0);
    let busy_timeout = Duration::from_millis(20);
    let store =
        factory.open(&path, Settings { busy_timeout, ..Settings::default() }).await.unwrap();
    let fence = fence(&store).await;
    let other = lock(&path).await;
    match store.append(append("one", &fence, 0, b"x")).await {
        Err(Error::Unavailable(why)) => assert!(why.contains("another process"), "{why}"),
        answer => panic!("{answer:?}"),
    }
    assert_eq!(store.highest(&PersistenceId("one".into())).await, Ok(0), "reads go on");
    other.close().await.unwrap();
    assert_eq!(store.append(append("one", &fence, 0, b"x")).await, Ok(1));
}

#[tokio::test]
async fn only_what_was_begun_has_an_unknown_outcome() {
    let factory = Sqlite::new();
    let path = factory.path(0);
    let settings = Settings {
        queue: 1,
        group_max: 1,
        deadline: Duration::from_millis(300),
        busy_timeout: Duration::from_secs(60),
        ..Settings::default()
    };
    let patient = factory.open(&path, Settings::default()).await.unwrap();
    let fence = fence(&patient).await;
    patient.close().await;
    let store = factory.open(&path, settings).await.unwrap();
    let other = lock(&path).await;
    let answers = join_all((0..4).map(|n| {
        let id = format!("actor-{n}");
        let append = append(&id, &fence, 0, b"x");
        let store = &store;
        async move { (store.append(append).await, id) }
    }))
    .await;
    let unknown = answers.iter().filter(|it| matches!(it.0, Err(Error::Unknown(_)))).count();
    let unavailable =
        answers.iter().filter(|it| matches!(it.0, Err(Error::Unavailable(_)))).count();
    assert_eq!((unknown, unavailable), (1, 3), "{answers:?}");

    other.close().await.unwrap();
    store.close().await;
    let store = factory.open(&path, Settings::default()).await.unwrap();
    for (answer, id) in answers {
        let was_begun = matches!(answer, Err(Error::Unknown(_)));
        let highest = store.highest(&PersistenceId(id)).await;
        assert_eq!(highest, Ok(u64::from(was_begun)), "what was not begun is never done");
    }
}

#[tokio::test]
async fn a_closed_store_finishes_its_queue_and_answers_no_more() {
    let factory = Sqlite::new();
    let store = factory.create().await;
    let fence = fence(&store).await;
    let (answers, ()) = tokio::join!(
        join_all((0..20).map(|n| store.append(append(&format!("actor-{n}"), &fence, 0, b"x")))),
        store.close(),
    );
    assert!(answers.iter().all(|it| *it == Ok(1)), "{answers:?}");
    let late = store.append(append("late", &fence, 0, b"x")).await;
    assert_eq!(late, Err(Error::Unavailable("it is closed".into())));
    let list = store.stream_list(StreamFilter::default()).await;
    assert!(matches!(list, Err(Error::Unavailable(_))), "{list:?}");
    store.close().await;
    let log = factory.path(0).with_extension("db-wal");
    assert!(!log.exists(), "the log was written back");
}
