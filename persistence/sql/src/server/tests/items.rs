//! Claims of one fence that run side by side.

use weir_domain::{
    ClaimId, Fingerprint, Item, ItemStatus, Reprocess, SourceName, StreamId, Timestamp,
};
use weir_persistence_api::{ClaimRequest, ItemFilter, ItemStore, Settlement, item_page};

use super::*;
use crate::server::error::Failure;
use crate::server::item::{first_free, take};
use crate::server::session::{Purpose, connect};

on_both! {
    a_claim_that_stalled_does_not_take_what_was_done_meanwhile
    a_claim_that_stalled_does_not_take_what_is_held_meanwhile
}

fn claim_id(n: u128) -> ClaimId {
    format!("{n:032x}").parse().unwrap()
}

fn stream_id(n: u128) -> StreamId {
    format!("{n:032x}").parse().unwrap()
}

pub(super) fn request(n: u32) -> ClaimRequest {
    ClaimRequest {
        source: SourceName::stored("w/s"),
        candidates: vec![Item { name: "a.csv".into(), fingerprint: Fingerprint::default() }],
        reprocess: Reprocess::Never,
        claim: claim_id(n.into()),
        stream: stream_id(n.into()),
        owner: "a".into(),
        now: Timestamp(n.into()),
        settlement: Bytes::from_static(b"undo"),
        clearance: false,
        instance: None,
        interval: None,
        lists_more: false,
    }
}

/// Looks for something free, stalls while the others work, and then goes on.
async fn stalled<D: Tested>(
    settings: &ServerSettings,
    request: &ClaimRequest,
    meanwhile: impl Future<Output = ()>,
) -> bool {
    let mut stalled = connect::<D>(settings, Purpose::Data).await.unwrap();
    D::script(&mut stalled, D::STATEMENTS.begin).await.unwrap();
    let free = first_free::<D>(&mut stalled, request).await.ok().flatten().expect("it is free");
    meanwhile.await;
    let taken = take::<D>(&mut stalled, request, free).await;
    D::script(&mut stalled, D::STATEMENTS.rollback).await.unwrap();
    match taken {
        Ok(_) => true,
        Err(Failure::Overtaken) => false,
        Err(Failure::Sql(e)) => panic!("{e}"),
        Err(Failure::Refused(e)) => panic!("{e}"),
    }
}

async fn a_claim_that_stalled_does_not_take_what_was_done_meanwhile<D: Tested>() {
    let (store, settings) = store::<D>(D::Server::shared()).await;
    let fence = fence(&store).await;
    store.item_claim(&fence, request(1)).await.unwrap().expect("it is free");
    store.item_settle(&fence, claim_id(1), Settlement::Released, Timestamp(2)).await.unwrap();
    let late = request(3);
    let others = async {
        store.item_claim(&fence, request(2)).await.unwrap().expect("it was given back");
        store.item_commit(&fence, claim_id(2), Bytes::new()).await.unwrap();
        store.item_settle(&fence, claim_id(2), Settlement::Done, Timestamp(3)).await.unwrap();
    };
    assert!(!stalled::<D>(&settings, &late, others).await, "it was processed by another claim");
    let rows = item_page::page(&store, &ItemFilter::default(), None, 9).await.unwrap().rows;
    assert_eq!((rows[0].status, rows[0].stream), (ItemStatus::Done, Some(stream_id(2))));
    assert_eq!(store.item_claim(&fence, late).await, Ok(None), "done again, it finds that out");
}

async fn a_claim_that_stalled_does_not_take_what_is_held_meanwhile<D: Tested>() {
    let (store, settings) = store::<D>(D::Server::shared()).await;
    let fence = fence(&store).await;
    let late = request(3);
    let others = async {
        store.item_claim(&fence, request(1)).await.unwrap().expect("it is free");
    };
    assert!(!stalled::<D>(&settings, &late, others).await, "another claim holds it");
    assert_eq!(store.item_unfinished().await.map(|it| it.len()), Ok(1));
}
