//! How servers carry out what must not cost more with a longer history.

use super::*;
use crate::server::dialect::Value;
use crate::server::session::{Purpose, connect};

on_both! {
    a_page_of_the_item_history_is_read_from_an_index
    a_list_of_blobs_is_read_from_an_index
    the_streams_of_an_item_are_read_from_an_index
}

async fn a_page_of_the_item_history_is_read_from_an_index<D: Tested>() {
    let server = D::Server::shared();
    let (_, settings) = store::<D>(server).await;
    let mut connection = connect::<D>(&settings, Purpose::Data).await.unwrap();
    for fill in D::FILL_ITEMS {
        D::script(&mut connection, fill).await.unwrap();
    }
    let s = D::STATEMENTS;
    let (source, name): (Value<'_>, Value<'_>) = ("w/1".into(), b"file-7"[..].into());
    let (status, limit) = ("failed".into(), 10.into());
    let time = |it: i64| Value::from(it);
    let range = [source, time(0), time(15_000), time(15_000), name];
    let newest = [&range[..], &[limit]].concat();
    let of_status = [&range[..], &[status, limit]].concat();
    for (what, statement, values) in [
        ("by name", s.item_by_name, &[source, name, limit][..]),
        ("newest", s.item_newest, &newest),
        ("newest of status", s.item_newest_of_status, &of_status),
    ] {
        let plan = plan::<D>(&mut connection, statement, values).await;
        for costly in D::COSTLY {
            assert!(!plan.contains(costly), "{what}: {costly}: {plan}");
        }
    }
    let plan = plan::<D>(&mut connection, s.item_count, &[source, status, limit]).await;
    assert!(plan.contains("item_by_status"), "{plan}");
}

async fn a_list_of_blobs_is_read_from_an_index<D: Tested>() {
    let (_, settings) = store::<D>(D::Server::shared()).await;
    let mut connection = connect::<D>(&settings, Purpose::Data).await.unwrap();
    for fill in D::FILL_BLOBS {
        D::script(&mut connection, fill).await.unwrap();
    }
    let range = ["jobs/1007/".into(), "jobs/10070".into()];
    let plan = plan::<D>(&mut connection, D::STATEMENTS.blob_list, &range).await;
    for costly in D::COSTLY {
        assert!(!plan.contains(costly), "{costly}: {plan}");
    }
}

async fn the_streams_of_an_item_are_read_from_an_index<D: Tested>() {
    let (_, settings) = store::<D>(D::Server::shared()).await;
    let mut connection = connect::<D>(&settings, Purpose::Data).await.unwrap();
    for fill in D::FILL_STREAMS {
        D::script(&mut connection, fill).await.unwrap();
    }
    let item = Value::from("\"in/7.csv\"");
    for before in [None, Some("00010000")].map(Value::from) {
        let values = ["w-1".into(), item, item, before, before, 10.into()];
        let plan = plan::<D>(&mut connection, D::STATEMENTS.stream_of_item, &values).await;
        assert!(plan.contains("stream_item"), "{plan}");
        // Those of one item are few, and may be sorted.
        for costly in D::COSTLY.iter().filter(|it| **it != "Sort") {
            assert!(!plan.contains(costly), "{costly}: {plan}");
        }
    }
}

async fn plan<D: Tested>(
    connection: &mut D::Connection,
    statement: &str,
    values: &[Value<'_>],
) -> String {
    let explain: &'static str = format!("{}{statement}", D::EXPLAIN).leak();
    let lines: Vec<(String,)> = D::rows(connection, explain, values).await.unwrap();
    lines.into_iter().map(|it| it.0).collect::<Vec<_>>().join("\n")
}
