//! Blobs on servers: their contract, and several engines on one database.

use weir_persistence_api::{BlobEntry, BlobKey, BlobStore, blob_suite, contract};

use super::*;
use crate::blob::{self, PIECE_BYTES};
use crate::server::session::{Purpose, connect};

on_both! {
    a_creation_waits_for_another_that_is_not_decided
    two_engines_that_create_one_blob_agree
    keys_differ_by_case_and_are_ordered_by_bytes
    large_blobs_come_and_go_as_small_ones_do
    pieces_that_nobody_finished_are_listed_and_deleted
    large_blobs_fit_a_server_that_takes_small_statements
    a_creation_without_an_answer_is_found_out_by_reading
    a_blob_that_was_changed_is_damaged
}

#[async_trait]
impl<D: Tested> contract::blob::BlobFactory for Factory<D> {
    type Store = ServerStore<D>;

    async fn create(&self) -> Arc<ServerStore<D>> {
        StoreFactory::create(self).await
    }

    async fn reopen(&self, store: Arc<ServerStore<D>>) -> Arc<ServerStore<D>> {
        StoreFactory::reopen(self, store).await.unwrap()
    }
}

mod contract_on_mariadb {
    use super::*;
    blob_suite!(Factory::<MariaDb>::new());
}

mod contract_on_postgres {
    use super::*;
    blob_suite!(Factory::<Postgres>::new());
}

fn key(text: &str) -> BlobKey {
    BlobKey::new(text).unwrap()
}

/// Another engine has begun to create the blob, and decides while this one waits for it.
async fn a_creation_waits_for_another_that_is_not_decided<D: Tested>() {
    let server = D::Server::shared();
    let (store, settings) = store::<D>(server).await;
    let mut other = connect::<D>(&settings, Purpose::Data).await.unwrap();
    for (decision, is_new, expected) in
        [(D::STATEMENTS.commit, false, "theirs"), (D::STATEMENTS.rollback, true, "ours")]
    {
        let key = key(&format!("log/{expected}"));
        let sum = blob::sum(key.as_str(), b"theirs");
        let values = [key.as_str().into(), 6.into(), sum.into(), b"theirs"[..].into()];
        D::script(&mut other, D::STATEMENTS.begin).await.unwrap();
        D::execute(&mut other, D::STATEMENTS.blob_create, &values).await.unwrap();
        let deciding = async {
            wait_for_lock::<D>(server, &settings.database).await;
            D::script(&mut other, decision).await.unwrap();
        };
        let (created, ()) = tokio::join!(store.blob_create(&key, "ours".into()), deciding);
        assert_eq!(created, Ok(is_new), "{decision}");
        assert_eq!(store.blob_get(&key).await, Ok(Some(expected.into())), "{decision}");
    }
}

async fn two_engines_that_create_one_blob_agree<D: Tested>() {
    let (one, settings) = store::<D>(D::Server::shared()).await;
    let two = ServerStore::<D>::open(settings).await.unwrap();
    for round in 0..50 {
        let key = key(&format!("log/{round}"));
        let (by_one, by_two) =
            tokio::join!(one.blob_create(&key, "one".into()), two.blob_create(&key, "two".into()));
        let winner = match (by_one, by_two) {
            (Ok(true), Ok(false)) => "one",
            (Ok(false), Ok(true)) => "two",
            other => panic!("round {round}: {other:?}"),
        };
        for store in [&one, &two] {
            assert_eq!(store.blob_get(&key).await, Ok(Some(winner.into())), "round {round}");
        }
    }
}

async fn keys_differ_by_case_and_are_ordered_by_bytes<D: Tested>() {
    let server = D::Server::shared();
    let any = settings(&server.database());
    let database = format!("{}_linguistic", any.database);
    server.execute_in(&any.database, &D::LINGUISTIC.replace(":name", &database));
    let settings = ServerSettings { database, ..any };
    migrate::migrate::<D>(&settings).await.unwrap();
    let store = ServerStore::<D>::open(settings).await.unwrap();
    let names = ["a/B", "a/Z", "a/_", "a/b", "a/b-c", "a/b.c", "a/b_c", "a/bc", "a/z"];
    for it in names {
        assert_eq!(store.blob_create(&key(it), it.into()).await, Ok(true), "{it}");
    }
    assert_eq!(store.blob_create(&key("A/b"), "x".into()).await, Ok(true));
    for it in names {
        assert_eq!(store.blob_get(&key(it)).await, Ok(Some(it.into())), "{it}");
    }
    let entry = |it: &&str| BlobEntry { key: key(it), bytes: it.len() as u64 };
    assert_eq!(store.blob_list(&key("a")).await, Ok(names.iter().map(entry).collect()));
    store.blob_delete(&key("a/b")).await.unwrap();
    let expected: Vec<_> = names.iter().filter(|it| **it != "a/b").map(entry).collect();
    assert_eq!(store.blob_list(&key("a")).await, Ok(expected));
}

/// So many rows there are.
async fn stored<D: Tested>(settings: &ServerSettings) -> i64 {
    let mut connection = connect::<D>(settings, Purpose::Data).await.unwrap();
    let count = "SELECT COUNT(*), CAST(0 AS SIGNED) FROM stored_blob";
    let count = if D::WAITING.contains("INNODB") {
        count.to_owned()
    } else {
        count.replace("SIGNED", "BIGINT")
    };
    D::rows::<(i64, i64)>(&mut connection, count.leak(), &[]).await.unwrap()[0].0
}

async fn large_blobs_come_and_go_as_small_ones_do<D: Tested>() {
    let (store, settings) = store::<D>(D::Server::shared()).await;
    let large = |by: u8| Bytes::from_iter((0..5 * PIECE_BYTES / 2).map(|it| (it / 3) as u8 ^ by));
    let a = key("a/1");
    assert_eq!(store.blob_create(&a, large(0)).await, Ok(true));
    for by in [0, 1] {
        assert_eq!(store.blob_create(&a, large(by)).await, Ok(false));
        assert!(store.blob_get(&a).await == Ok(Some(large(0))), "it comes back whole");
        assert_eq!(stored::<D>(&settings).await, 4);
    }
    store.blob_put(&a, large(2)).await.unwrap();
    assert!(store.blob_get(&a).await == Ok(Some(large(2))), "it was replaced");
    assert_eq!(stored::<D>(&settings).await, 4);
    store.blob_put(&key("a/11"), "small".into()).await.unwrap();
    let entry = |it: &str, bytes| BlobEntry { key: key(it), bytes };
    let expected = [entry("a/1", 5 * PIECE_BYTES as u64 / 2), entry("a/11", 5)];
    assert_eq!(store.blob_list(&key("a")).await.unwrap(), expected);
    store.blob_put(&a, "small".into()).await.unwrap();
    assert_eq!(store.blob_get(&a).await, Ok(Some("small".into())));
    store.blob_delete(&a).await.unwrap();
    assert_eq!(stored::<D>(&settings).await, 1);
}

async fn pieces_that_nobody_finished_are_listed_and_deleted<D: Tested>() {
    let server = D::Server::shared();
    let (store, settings) = store::<D>(server).await;
    let large = Bytes::from(vec![7; 2 * PIECE_BYTES]);
    store.blob_put(&key("a/1"), large).await.unwrap();
    server.execute_in(&settings.database, "DELETE FROM stored_blob WHERE blob_key = 'a/1'");
    let entry = BlobEntry { key: key("a/1"), bytes: 2 * PIECE_BYTES as u64 };
    assert_eq!(store.blob_list(&key("a")).await.unwrap(), [entry]);
    assert_eq!(store.blob_get(&key("a/1")).await, Ok(None));
    store.blob_delete(&key("a/1")).await.unwrap();
    assert_eq!(store.blob_list(&key("a")).await.unwrap(), []);
}

async fn large_blobs_fit_a_server_that_takes_small_statements<D: Tested>() {
    if !D::WAITING.contains("INNODB") {
        return;
    }
    let arguments = vec!["--max-allowed-packet=2M".to_owned()];
    let server = D::Server::start(Options { fast: true, arguments, ..Options::default() });
    let (store, _) = store::<D>(&server).await;
    let large = Bytes::from(vec![7; 20 << 20]);
    assert_eq!(store.blob_create(&key("a"), large.clone()).await, Ok(true));
    assert!(store.blob_get(&key("a")).await == Ok(Some(large)), "it comes back whole");
}

async fn a_creation_without_an_answer_is_found_out_by_reading<D: Tested>() {
    let server = D::Server::start(Options { fast: true, ..Options::default() });
    let (patient, settings) = store::<D>(&server).await;
    let deadline = Duration::from_millis(300);
    let hasty = ServerStore::<D>::open(ServerSettings { deadline, ..settings }).await.unwrap();
    hasty.blob_create(&key("a/0"), "0".into()).await.unwrap();
    server.freeze();
    let written = hasty.blob_create(&key("a/1"), "1".into()).await;
    let listed = hasty.blob_list(&key("a")).await;
    server.thaw();
    assert!(written.as_ref().is_err_and(Error::is_transient), "{written:?}");
    assert!(matches!(&listed, Err(Error::Unavailable(_))), "{listed:?}");
    wait_until("the server answers", async || {
        patient.blob_create(&key("a/1"), "1".into()).await.ok()
    })
    .await;
    assert_eq!(patient.blob_get(&key("a/1")).await, Ok(Some("1".into())));
    assert_eq!(patient.blob_create(&key("a/1"), "2".into()).await, Ok(false));
}

async fn a_blob_that_was_changed_is_damaged<D: Tested>() {
    let server = D::Server::shared();
    let (store, settings) = store::<D>(server).await;
    for it in ["a/1", "a/2"] {
        store.blob_put(&key(it), "content".into()).await.unwrap();
    }
    let change = "UPDATE stored_blob SET content = 'Content' WHERE blob_key = 'a/1'";
    server.execute_in(&settings.database, change);
    assert_says(&refusal(store.blob_get(&key("a/1")).await), &["blob a/1 is damaged", "backup"]);
    assert_eq!(store.blob_get(&key("a/2")).await, Ok(Some("content".into())));
    store.blob_put(&key("a/1"), "anew".into()).await.unwrap();
    assert_eq!(store.blob_get(&key("a/1")).await, Ok(Some("anew".into())));
}
