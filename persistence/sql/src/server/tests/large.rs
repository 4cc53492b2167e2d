//! Large contents, and names that servers like to take for others.

use weir_persistence_api::{Snapshot, SnapshotStore};

use super::*;

on_both! {
    megabytes_come_back_whole
    what_is_too_large_for_the_server_is_refused_before_it_is_sent
    ids_differ_by_case_accent_and_form
    names_that_can_not_be_told_from_others_are_refused
    many_events_are_deleted_in_steps
}

async fn megabytes_come_back_whole<D: Tested>() {
    let (store, _) = store::<D>(D::Server::shared()).await;
    let fence = fence(&store).await;
    let payload: Vec<u8> = (0..=255).cycle().take(1 << 20).collect();
    let mut three = append("large", &fence, 0, &payload);
    three.events = vec![event(&payload); 3];
    assert_eq!(store.append(three).await, Ok(3));
    let stored = store.replay(&id("large"), 0, 10).await.unwrap();
    assert!(stored.iter().all(|it| it.payload[..] == payload[..]));
    let manifest = Manifest { name: "State".into(), version: 1 };
    let snapshot = Snapshot { sequence: 3, manifest, payload: payload.into() };
    store.snapshot_save(&id("large"), &fence, snapshot.clone()).await.unwrap();
    assert_eq!(store.snapshot_load(&id("large"), 9).await, Ok(Some(snapshot)));
}

async fn what_is_too_large_for_the_server_is_refused_before_it_is_sent<D: Tested>() {
    let server = D::Server::shared();
    let limit = server.execute_in(
        match D::WAITING.contains("INNODB") {
            true => "mysql",
            false => return,
        },
        "SELECT @@GLOBAL.max_allowed_packet",
    );
    let limit: usize = limit.trim().parse().unwrap();
    let (store, _) = store::<D>(server).await;
    let fence = fence(&store).await;
    store.append(append("one", &fence, 0, b"1")).await.unwrap();
    let answer = store.append(append("one", &fence, 1, &vec![0; limit])).await;
    assert_says(&refusal(answer), &["append", "one", "max_allowed_packet"]);
    assert_eq!(store.append(append("one", &fence, 1, b"2")).await, Ok(2));
}

async fn ids_differ_by_case_accent_and_form<D: Tested>() {
    let (store, _) = store::<D>(D::Server::shared()).await;
    let fence = fence(&store).await;
    let ids = ["a", "A", "\u{e4}", "a\u{308}", "\u{df}", "ss", "\u{1f600}", "a ", "'\"\\%_"];
    for (n, it) in ids.iter().filter(|it| !it.ends_with(' ')).enumerate() {
        assert_eq!(store.append(append(it, &fence, 0, it.as_bytes())).await, Ok(1), "{n}: {it}");
    }
    for it in ids.iter().filter(|it| !it.ends_with(' ')) {
        let stored = store.replay(&id(it), 0, 10).await.unwrap();
        assert_eq!((stored.len(), &stored[0].payload[..]), (1, it.as_bytes()));
    }
}

async fn names_that_can_not_be_told_from_others_are_refused<D: Tested>() {
    let (store, _) = store::<D>(D::Server::shared()).await;
    let fence = fence(&store).await;
    for bad in ["a ", "nul\0", &"x".repeat(256)] {
        let answer = store.append(append(bad, &fence, 0, b"x")).await;
        assert!(matches!(answer, Err(Error::Rejected(_))), "{answer:?}");
        let answer = store.lease_acquire(&LeaseName(bad.into()), "a", HOUR).await;
        assert!(matches!(answer, Err(Error::Rejected(_))), "{answer:?}");
    }
    assert_eq!(store.append(append("a", &fence, 0, b"x")).await, Ok(1));
}

async fn many_events_are_deleted_in_steps<D: Tested>() {
    let (store, _) = store::<D>(D::Server::shared()).await;
    let fence = fence(&store).await;
    for page in 0..25 {
        let mut many = append("many", &fence, page * 500, b"");
        many.events = vec![event(b"x"); 500];
        store.append(many).await.unwrap();
    }
    store.delete_to(&id("many"), &fence, 12_001).await.unwrap();
    let rest = store.replay(&id("many"), 0, 1_000).await.unwrap();
    assert_eq!((rest.len(), rest[0].sequence), (499, 12_002));
    store.delete_to(&id("many"), &fence, u64::MAX).await.unwrap();
    assert_eq!(store.highest(&id("many")).await, Ok(12_500));
    assert_eq!(store.append(append("many", &fence, 12_500, b"x")).await, Ok(12_501));
}
