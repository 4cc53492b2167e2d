//! Opening: new, again, newer than this program, not ours, not at all.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use sqlx::Connection;

use super::*;

/// Changes the database behind the store's back.
async fn execute(path: &Path, statement: &'static str) {
    let mut other = Settings::default().writer(path).connect().await.unwrap();
    query(statement).execute(&mut other).await.unwrap();
    other.close().await.unwrap();
}

async fn refusal(factory: &Sqlite, path: &Path) -> Error {
    match factory.open(path, Settings::default()).await {
        Err(error) => error,
        Ok(_) => panic!("{} should be refused", path.display()),
    }
}

#[tokio::test]
async fn commits_are_synchronous_and_in_a_write_ahead_log() {
    let factory = Sqlite::new();
    let store = factory.create().await;
    let pragmas = store.writer.write(|connection| {
        Box::pin(async move {
            let mode: String =
                query_scalar("PRAGMA journal_mode").fetch_one(&mut *connection).await?;
            let full: i64 = query_scalar("PRAGMA synchronous").fetch_one(&mut *connection).await?;
            let keys: i64 = query_scalar("PRAGMA foreign_keys").fetch_one(&mut *connection).await?;
            Ok((mode, full, keys))
        })
    });
    assert_eq!(pragmas.await, Ok(("wal".into(), 2, 1)));
}

#[tokio::test]
async fn its_files_are_for_its_user_and_a_group_that_was_let_in() {
    let mode = |path: &str| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let factory = Sqlite::new();
    let store = factory.create().await;
    fence(&store).await;
    let path = factory.path(0).display().to_string();
    let all = [path.clone(), format!("{path}-wal"), format!("{path}-shm")];
    assert_eq!(all.each_ref().map(|it| mode(it)), [0o600; 3]);
    store.close().await;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    let store = factory.open(&factory.path(0), Settings::default()).await.unwrap();
    fence(&store).await;
    assert_eq!(all.each_ref().map(|it| mode(it)), [0o640; 3]);
}

#[tokio::test]
async fn a_second_opening_changes_nothing() {
    let factory = Sqlite::new();
    let store = factory.create().await;
    let first = fence(&store).await;
    store.close().await;
    let store = factory.open(&factory.path(0), Settings::default()).await.unwrap();
    assert_eq!(fence(&store).await.epoch, first.epoch + 1);
    let versions: Vec<i64> = query_scalar("SELECT version FROM schema_version ORDER BY version")
        .fetch_all(&store.readers)
        .await
        .unwrap();
    assert_eq!(versions, (1..=migrate::LATEST).collect::<Vec<_>>());
}

#[tokio::test]
async fn migrations_may_be_run_again() {
    let factory = Sqlite::new();
    let store = factory.create().await;
    let first = fence(&store).await;
    store.close().await;
    execute(&factory.path(0), "DELETE FROM schema_version").await;
    let store = factory.open(&factory.path(0), Settings::default()).await.unwrap();
    assert_eq!(fence(&store).await.epoch, first.epoch + 1);
}

#[tokio::test]
async fn a_newer_schema_is_refused_with_what_to_do() {
    let factory = Sqlite::new();
    factory.create().await.close().await;
    let path = factory.path(0);
    execute(&path, "INSERT INTO schema_version VALUES (999, 'later', 0)").await;
    match refusal(&factory, &path).await {
        Error::Rejected(why) => {
            for part in ["weir-0.db", "999", "newer program"] {
                assert!(why.contains(part), "{why}");
            }
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn somebody_elses_database_is_refused_and_left_alone() {
    let factory = Sqlite::new();
    let path = factory.path(0);
    execute(&path, "CREATE TABLE bookmarks (url TEXT)").await;
    match refusal(&factory, &path).await {
        Error::Rejected(why) => assert!(why.contains("not one of Weir"), "{why}"),
        other => panic!("{other:?}"),
    }
    execute(&path, "INSERT INTO bookmarks VALUES ('still there')").await;
}

#[tokio::test]
async fn a_missing_directory_is_named() {
    let factory = Sqlite::new();
    let path = factory.directory.path().join("none").join("weir.db");
    match refusal(&factory, &path).await {
        Error::Unavailable(why) => {
            let named = why.contains("none/weir.db") && why.contains("directory exists");
            assert!(named, "{why}");
        }
        other => panic!("{other:?}"),
    }
}
