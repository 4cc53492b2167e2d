//! How SQLite carries out what must not cost more with a longer history.

use sqlx::{AssertSqlSafe, SqlSafeStr, query_as};

use super::*;

async fn plan(store: &SqliteStore, statement: &str) -> Vec<String> {
    let explain = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {statement}")).into_sql_str();
    let plan: Vec<(i64, i64, i64, String)> =
        query_as(explain).fetch_all(&store.readers).await.unwrap();
    plan.into_iter().map(|it| it.3).collect()
}

#[tokio::test]
async fn a_list_of_blobs_is_read_from_an_index() {
    let factory = Sqlite::new();
    let store = factory.create().await;
    let plan = plan(&store, statement::BLOB_LIST).await;
    let [only] = &plan[..] else { panic!("{plan:?}") };
    assert!(only.contains("SEARCH stored_blob USING INDEX"), "{plan:?}");
}

#[tokio::test]
async fn the_streams_of_an_item_are_read_from_an_index() {
    let factory = Sqlite::new();
    let store = factory.create().await;
    let plan = plan(&store, statement::STREAM_OF_ITEM).await;
    let [only] = &plan[..] else { panic!("{plan:?}") };
    assert!(
        only.contains("USING INDEX stream_item (workflow=? AND <expr>=? AND id<?)"),
        "{plan:?}"
    );
}

#[tokio::test]
async fn a_page_of_the_item_history_is_read_from_an_index() {
    let factory = Sqlite::new();
    let store = factory.create().await;
    for (statement, index) in [
        (statement::ITEM_BY_NAME, "PRIMARY KEY"),
        (statement::ITEM_NEWEST, "item_by_time"),
        (statement::ITEM_NEWEST_OF_STATUS, "item_by_status"),
        (statement::ITEM_COUNT, "item_by_status"),
        (statement::ITEM_SOURCE_AFTER, "item_by_"),
        (statement::ITEM_NAMED, "PRIMARY KEY"),
        (statement::ITEM_FORGET, "item_claim"),
        (statement::ITEM_CLEAR, "item_claim"),
        (statement::ITEM_DENY, "item_claim"),
    ] {
        let plan = plan(&store, statement).await;
        let item = plan.iter().find(|it| it.contains(" item ")).expect("it reads items");
        assert!(item.starts_with("SEARCH item") && item.contains(index), "{statement}: {plan:?}");
        assert!(!plan.iter().any(|it| it.contains("TEMP B-TREE")), "{statement}: {plan:?}");
    }
}
