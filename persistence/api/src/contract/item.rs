//! The contract of the item history: exclusive claims, final decisions.

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use tokio::task::JoinSet;
use weir_domain::{
    ClaimId, Fingerprint, InstanceId, Item, ItemStatus, Reprocess, SourceName, StreamId, Timestamp,
};

use super::sweep::{forget, swept};
use super::{StoreFactory, take_over};
use crate::item_rule::NAME_BYTES_MAX;
use crate::{
    Adoption, Claim, ClaimRequest, Error, Fence, ItemChange, ItemFilter, ItemHistory, ItemRow,
    ItemStore, Settlement, item_page,
};

pub(super) fn source() -> SourceName {
    SourceName::stored("flights/read")
}

pub(super) fn claim_id(n: u128) -> ClaimId {
    format!("{n:032x}").parse().expect("32 hexadecimal digits are an id")
}

pub(super) fn stream_id(n: u128) -> StreamId {
    format!("{n:032x}").parse().expect("32 hexadecimal digits are an id")
}

fn item(name: &str, size: u64, modified_ns: i64) -> Item {
    let fingerprint = Fingerprint { size, modified_ns, device: 1, inode: 2 };
    Item { name: name.to_owned(), fingerprint }
}

/// A request under the n-th claim and stream, at the n-th millisecond.
pub(super) fn request(n: u32, names: &[&str]) -> ClaimRequest {
    ClaimRequest {
        source: source(),
        candidates: names.iter().map(|it| item(it, 10, 20)).collect(),
        reprocess: Reprocess::Never,
        claim: claim_id(n.into()),
        stream: stream_id(n.into()),
        owner: "engine-1#a".into(),
        now: Timestamp(n.into()),
        settlement: Bytes::from_static(b"undo"),
        clearance: false,
        instance: Some(InstanceId(3)),
        interval: None,
        lists_more: false,
    }
}

/// The claim of the n-th request goes from its owner to engine-2, with another id.
pub(super) fn adoption(n: u128, new: u128) -> Adoption {
    Adoption {
        claim: claim_id(n),
        from: "engine-1#a".into(),
        new_claim: claim_id(new),
        owner: "engine-2#b".into(),
    }
}

async fn claim<S: ItemStore>(store: &S, fence: &Fence, request: ClaimRequest) -> Option<Claim> {
    store.item_claim(fence, request).await.expect("the item store answers")
}

async fn claimed_name<S: ItemStore>(
    store: &S,
    fence: &Fence,
    request: ClaimRequest,
) -> Option<String> {
    claim(store, fence, request).await.map(|it| it.item.name)
}

async fn settle<S: ItemStore>(
    store: &S,
    fence: &Fence,
    n: u128,
    settlement: Settlement,
) -> crate::Result<()> {
    store.item_settle(fence, claim_id(n), settlement, Timestamp(99)).await
}

async fn commit<S: ItemStore>(store: &S, fence: &Fence, n: u128) -> crate::Result<()> {
    store.item_commit(fence, claim_id(n), Bytes::from_static(b"publish")).await
}

async fn fail<S: ItemStore>(store: &S, fence: &Fence, n: u128) -> crate::Result<()> {
    store.item_fail(fence, claim_id(n), Bytes::from_static(b"move away")).await
}

pub(super) async fn rows<S: ItemStore>(store: &S, filter: ItemFilter) -> Vec<ItemRow> {
    item_page::page(store, &filter, None, 1_000).await.expect("listed").rows
}

pub(super) async fn statuses<S: ItemStore>(store: &S) -> Vec<(String, ItemStatus)> {
    let rows = rows(store, ItemFilter::default()).await;
    rows.into_iter().map(|it| (it.item, it.status)).collect()
}

async fn open_settlements<S: ItemStore>(store: &S) -> Vec<(ItemStatus, Bytes)> {
    let open = store.item_unfinished().await.expect("listed");
    open.into_iter().map(|it| (it.status, it.settlement)).collect()
}

pub async fn the_first_free_candidate_is_claimed<F: StoreFactory>(factory: &F) {
    let store = factory.create().await;
    let fence = take_over(&*store, "a").await;
    assert_eq!(claim(&*store, &fence, request(1, &[])).await, None);
    let first = claim(&*store, &fence, request(1, &["c", "a", "b"])).await;
    let expected =
        Claim { id: claim_id(1), source: source(), item: item("c", 10, 20), stream: stream_id(1) };
    assert_eq!(first, Some(expected));
    let next = async |n, names: &[&str]| claimed_name(&*store, &fence, request(n, names)).await;
    assert_eq!(next(2, &["c", "a", "b"]).await.as_deref(), Some("a"));
    assert_eq!(next(3, &["c", "a"]).await, None);
    // The same name in another source is another item.
    let elsewhere = ClaimRequest { source: SourceName::stored("other/read"), ..request(4, &["c"]) };
    assert_eq!(claimed_name(&*store, &fence, elsewhere).await.as_deref(), Some("c"));
}

pub async fn a_committed_item_runs_through_its_states<F: StoreFactory>(factory: &F) {
    let store = factory.create().await;
    let fence = take_over(&*store, "a").await;
    claim(&*store, &fence, request(1, &["a"])).await.expect("claimed");
    assert_eq!(open_settlements(&*store).await, [(ItemStatus::Acquired, "undo".into())]);
    assert_eq!(commit(&*store, &fence, 1).await, Ok(()));
    assert_eq!(open_settlements(&*store).await, [(ItemStatus::Committing, "publish".into())]);
    assert_eq!(settle(&*store, &fence, 1, Settlement::Done).await, Ok(()));
    assert_eq!(open_settlements(&*store).await, []);
    let row = rows(&*store, ItemFilter::default()).await.pop().expect("one row");
    assert_eq!((row.status, row.settled_at), (ItemStatus::Done, Some(Timestamp(99))));
    assert_eq!((row.owner.as_str(), row.claimed_at), ("engine-1#a", Timestamp(1)));
    assert_eq!((row.source, row.stream), (source(), Some(stream_id(1))));
    assert_eq!((row.instance, row.cleared_at), (Some(InstanceId(3)), None));
    assert_eq!(row.claim, claim_id(1).to_string());
    assert_eq!(claim(&*store, &fence, request(2, &["a"])).await, None);
}

pub async fn a_failed_item_is_held_until_it_is_settled<F: StoreFactory>(factory: &F) {
    let store = factory.create().await;
    let fence = take_over(&*store, "a").await;
    claim(&*store, &fence, request(1, &["a"])).await.expect("claimed");
    assert_eq!(fail(&*store, &fence, 1).await, Ok(()));
    assert_eq!(open_settlements(&*store).await, [(ItemStatus::Failed, "move away".into())]);
    let again = |n| ClaimRequest { reprocess: Reprocess::Always, ..request(n, &["a"]) };
    assert_eq!(claim(&*store, &fence, again(2)).await, None, "its settlement is still owed");
    assert_eq!(settle(&*store, &fence, 1, Settlement::Failed).await, Ok(()));
    assert_eq!(open_settlements(&*store).await, []);
    assert_eq!(claim(&*store, &fence, request(3, &["a"])).await, None);
    assert_eq!(claimed_name(&*store, &fence, again(4)).await.as_deref(), Some("a"));
    // Without anything to be done a claim may fail in one step.
    assert_eq!(settle(&*store, &fence, 4, Settlement::Failed).await, Ok(()));
    assert_eq!(statuses(&*store).await, [("a".into(), ItemStatus::Failed)]);
}

pub async fn a_released_item_is_claimed_at_once<F: StoreFactory>(factory: &F) {
    let store = factory.create().await;
    let fence = take_over(&*store, "a").await;
    claim(&*store, &fence, request(1, &["a"])).await.expect("claimed");
    assert_eq!(settle(&*store, &fence, 1, Settlement::Released).await, Ok(()));
    assert_eq!(open_settlements(&*store).await, []);
    assert_eq!(statuses(&*store).await, [("a".into(), ItemStatus::Released)]);
    assert_eq!(claimed_name(&*store, &fence, request(2, &["a"])).await.as_deref(), Some("a"));
}

pub async fn a_lost_claim_stays_lost<F: StoreFactory>(factory: &F) {
    let store = factory.create().await;
    let fence = take_over(&*store, "a").await;
    claim(&*store, &fence, request(1, &["a"])).await.expect("claimed");
    settle(&*store, &fence, 1, Settlement::Released).await.expect("released");
    assert_eq!(commit(&*store, &fence, 1).await, Err(Error::ClaimLost));
    claim(&*store, &fence, request(2, &["a"])).await.expect("claimed by another");
    for n in [1, 7] {
        assert_eq!(commit(&*store, &fence, n).await, Err(Error::ClaimLost));
        assert_eq!(fail(&*store, &fence, n).await, Err(Error::ClaimLost));
        for settlement in [Settlement::Done, Settlement::Failed, Settlement::Released] {
            let answer = settle(&*store, &fence, n, settlement).await;
            assert_eq!(answer, Err(Error::ClaimLost), "{settlement:?}");
        }
    }
    assert_eq!(open_settlements(&*store).await, [(ItemStatus::Acquired, "undo".into())]);
    assert_eq!(commit(&*store, &fence, 2).await, Ok(()));
}

pub async fn decisions_are_final_and_may_be_repeated<F: StoreFactory>(factory: &F) {
    let store = factory.create().await;
    let fence = take_over(&*store, "a").await;
    claim(&*store, &fence, request(1, &["a"])).await.expect("claimed");
    claim(&*store, &fence, request(2, &["b"])).await.expect("claimed");
    commit(&*store, &fence, 1).await.expect("committed");
    let other = store.item_commit(&fence, claim_id(1), Bytes::from_static(b"other")).await;
    assert_eq!(other, Ok(()), "deciding again is harmless and keeps what was decided");
    fail(&*store, &fence, 2).await.expect("failed");
    fail(&*store, &fence, 2).await.expect("failed again");
    let kept =
        [(ItemStatus::Committing, "publish".into()), (ItemStatus::Failed, "move away".into())];
    assert_eq!(open_settlements(&*store).await, kept);

    assert_eq!(fail(&*store, &fence, 1).await, Err(Error::ClaimLost));
    assert_eq!(commit(&*store, &fence, 2).await, Err(Error::ClaimLost));
    for (n, refused) in [
        (1, [Settlement::Failed, Settlement::Released]),
        (2, [Settlement::Done, Settlement::Released]),
    ] {
        for settlement in refused {
            let answer = settle(&*store, &fence, n, settlement).await;
            assert_eq!(answer, Err(Error::ClaimLost), "{n} {settlement:?}");
        }
    }
    for _ in 0..2 {
        assert_eq!(settle(&*store, &fence, 1, Settlement::Done).await, Ok(()));
        assert_eq!(settle(&*store, &fence, 2, Settlement::Failed).await, Ok(()));
    }
    assert_eq!(commit(&*store, &fence, 1).await, Ok(()));
    assert_eq!(fail(&*store, &fence, 2).await, Ok(()));
    assert_eq!(open_settlements(&*store).await, []);
    let settled = [("a".into(), ItemStatus::Done), ("b".into(), ItemStatus::Failed)];
    assert_eq!(statuses(&*store).await, settled);
}

pub async fn history_decides_by_the_mode<F: StoreFactory>(factory: &F) {
    let store = factory.create().await;
    let fence = take_over(&*store, "a").await;
    let mut n = 0;
    let mut ask = async |reprocess, found: Item| {
        n += 1;
        let request = ClaimRequest { reprocess, candidates: vec![found], ..request(n, &[]) };
        let granted = claim(&*store, &fence, request).await.is_some();
        if granted {
            commit(&*store, &fence, n.into()).await.expect("committed");
            settle(&*store, &fence, n.into(), Settlement::Done).await.expect("settled");
        }
        granted
    };
    assert!(ask(Reprocess::Never, item("a", 1, 1)).await);
    assert!(!ask(Reprocess::Never, item("a", 2, 2)).await);
    assert!(!ask(Reprocess::WhenChanged, item("a", 1, 1)).await);
    let mut moved = item("a", 1, 1);
    moved.fingerprint.inode = 77;
    assert!(!ask(Reprocess::WhenChanged, moved).await, "only size and time count");
    assert!(ask(Reprocess::WhenChanged, item("a", 1, 2)).await);
    assert!(!ask(Reprocess::WhenChanged, item("a", 1, 2)).await, "compared with the last claim");
    assert!(ask(Reprocess::WhenChanged, item("a", 3, 2)).await);
    assert!(ask(Reprocess::Always, item("a", 3, 2)).await);
}

pub async fn a_repeated_request_answers_the_same_claim<F: StoreFactory>(factory: &F) {
    let store = factory.create().await;
    let fence = take_over(&*store, "a").await;
    let first = claim(&*store, &fence, request(1, &["a", "b"])).await;
    assert_eq!(claim(&*store, &fence, request(1, &["a", "b"])).await, first);
    assert_eq!(statuses(&*store).await, [("a".into(), ItemStatus::Acquired)]);
    commit(&*store, &fence, 1).await.expect("committed");
    let late = store.item_claim(&fence, request(1, &["a", "b"])).await;
    assert_eq!(late, Err(Error::ClaimLost));
}

pub async fn two_claimers_never_get_the_same_item<F: StoreFactory>(factory: &F) {
    let store = factory.create().await;
    let fence = take_over(&*store, "a").await;
    let names: Vec<_> = (0..20).map(|n| format!("file-{n:02}.csv")).collect();
    let mut claimers = JoinSet::new();
    for claimer in 0..4_u32 {
        let (store, fence, names) = (Arc::clone(&store), fence.clone(), names.clone());
        claimers.spawn(async move {
            let names: Vec<_> = names.iter().map(String::as_str).collect();
            let mut got = Vec::new();
            for n in 0.. {
                let request = request(claimer * 1000 + n, &names);
                let Some(name) = claimed_name(&*store, &fence, request).await else { break };
                got.push(name);
            }
            got
        });
    }
    let got: Vec<_> = claimers.join_all().await.into_iter().flatten().collect();
    assert_eq!(got.len(), names.len());
    assert_eq!(got.into_iter().collect::<BTreeSet<_>>(), names.into_iter().collect());
}

pub async fn many_candidates_are_searched_to_the_end<F: StoreFactory>(factory: &F) {
    let store = factory.create().await;
    let fence = take_over(&*store, "a").await;
    let names: Vec<_> = (0..1000).map(|n| format!("file '{n:04}' \"\\\u{e9}.csv")).collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    for (n, name) in (1..).zip(&names[..600]) {
        claim(&*store, &fence, request(n, &[name])).await.expect("claimed");
    }
    let found = claimed_name(&*store, &fence, request(5000, &names)).await;
    assert_eq!(found.as_deref(), Some(names[600]));
    let backwards: Vec<_> = names.iter().rev().copied().collect();
    let found = claimed_name(&*store, &fence, request(5001, &backwards)).await;
    assert_eq!(found.as_deref(), Some(names[999]));
}

pub async fn names_may_hold_any_character<F: StoreFactory>(factory: &F) {
    let store = factory.create().await;
    let fence = take_over(&*store, "a").await;
    let names = ["", "A", "a", "\u{e9}", "e\u{301}", "quote\"'\\", "nul\0", "nul\0byte", "\n\t"];
    for (n, name) in (1..).zip(names) {
        let found = claimed_name(&*store, &fence, request(n, &[name])).await;
        assert_eq!(found.as_deref(), Some(name));
    }
    for (n, name) in (100..).zip(names) {
        assert_eq!(claim(&*store, &fence, request(n, &[name])).await, None, "{name:?} is held");
    }
    for n in 1..=names.len() {
        settle(&*store, &fence, n as u128, Settlement::Failed).await.expect("settled");
    }
    let names = names.map(str::to_owned).to_vec();
    let filter = ItemFilter { names: Some(names.clone()), ..ItemFilter::default() };
    assert_eq!(forget(&*store, &fence, 1, filter).await, names.len() as u64);
}

pub async fn a_name_that_is_too_long_is_passed_over<F: StoreFactory>(factory: &F) {
    let store = factory.create().await;
    let fence = take_over(&*store, "a").await;
    let (long, too_long) = ("x".repeat(NAME_BYTES_MAX), "x".repeat(NAME_BYTES_MAX + 1));
    let next =
        async |n| claimed_name(&*store, &fence, request(n, &[&too_long, &long, "short"])).await;
    assert_eq!(next(1).await, Some(long.clone()));
    assert_eq!(next(2).await.as_deref(), Some("short"));
    assert_eq!(next(3).await, None);
}

pub async fn reset_forgets_what_is_settled<F: StoreFactory>(factory: &F) {
    let store = factory.create().await;
    let fence = take_over(&*store, "a").await;
    let names = ["acquired", "committing", "done", "failed", "owed", "released"];
    for (n, name) in (1..).zip(names) {
        claim(&*store, &fence, request(n, &[name])).await.expect("claimed");
    }
    for n in [2, 3] {
        commit(&*store, &fence, n).await.expect("committed");
    }
    fail(&*store, &fence, 5).await.expect("failed");
    for (n, settlement) in
        [(3, Settlement::Done), (4, Settlement::Failed), (6, Settlement::Released)]
    {
        settle(&*store, &fence, n, settlement).await.expect("settled");
    }
    let mut n = 0;
    let mut reset = async |names: Option<Vec<&str>>| {
        n += 1;
        let names = names.map(|it| it.into_iter().map(str::to_owned).collect());
        forget(&*store, &fence, n, ItemFilter { names, ..ItemFilter::default() }).await
    };
    assert_eq!(reset(Some(vec![])).await, 0);
    assert_eq!(reset(Some(vec!["done", "acquired", "never seen"])).await, 1);
    assert_eq!(reset(None).await, 2);
    let held: Vec<_> = statuses(&*store).await.into_iter().map(|it| it.0).collect();
    assert_eq!(held, ["acquired", "committing", "owed"]);
    assert_eq!(settle(&*store, &fence, 3, Settlement::Done).await, Err(Error::ClaimLost));
    assert_eq!(
        claimed_name(&*store, &fence, request(10, &["done"])).await.as_deref(),
        Some("done")
    );
}

pub async fn unfinished_claims_come_oldest_first<F: StoreFactory>(factory: &F) {
    let store = factory.create().await;
    let fence = take_over(&*store, "a").await;
    assert_eq!(store.item_unfinished().await, Ok(vec![]));
    for (n, name) in [(30, "a"), (10, "c"), (20, "b")] {
        claim(&*store, &fence, request(n, &[name])).await.expect("claimed");
    }
    let same_time = ClaimRequest { now: Timestamp(20), ..request(15, &["d"]) };
    claim(&*store, &fence, same_time).await.expect("claimed");
    let open = store.item_unfinished().await.expect("listed");
    let names: Vec<_> = open.iter().map(|it| it.claim.item.name.as_str()).collect();
    assert_eq!(names, ["c", "d", "b", "a"]);
    assert_eq!(open[0].claim.id, claim_id(10));
    assert_eq!((open[0].claim.stream, &open[0].claim.source), (stream_id(10), &source()));
    assert_eq!(open[0].owner, "engine-1#a");
}

pub async fn an_unfinished_claim_goes_to_another_owner<F: StoreFactory>(factory: &F) {
    let store = factory.create().await;
    let fence = take_over(&*store, "a").await;
    for (n, name) in [(1, "acquired"), (2, "committing"), (3, "failed")] {
        claim(&*store, &fence, request(n, &[name])).await.expect("claimed");
    }
    commit(&*store, &fence, 2).await.expect("committed");
    fail(&*store, &fence, 3).await.expect("failed");
    let before = store.item_unfinished().await.expect("listed");
    for (n, mut expected) in (1..).zip(before) {
        expected.claim.id = claim_id(n + 10);
        expected.owner = "engine-2#b".into();
        let adopted = store.item_adopt(&fence, adoption(n, n + 10)).await;
        assert_eq!(adopted, Ok(Some(expected)));
        assert_eq!(commit(&*store, &fence, n).await, Err(Error::ClaimLost), "the old id is lost");
    }
    assert_eq!(commit(&*store, &fence, 11).await, Ok(()));
    for (n, settlement) in
        [(11, Settlement::Done), (12, Settlement::Done), (13, Settlement::Failed)]
    {
        assert_eq!(settle(&*store, &fence, n, settlement).await, Ok(()));
    }
    assert_eq!(open_settlements(&*store).await, []);
}

pub async fn what_is_not_the_owners_is_not_adopted<F: StoreFactory>(factory: &F) {
    let store = factory.create().await;
    let fence = take_over(&*store, "a").await;
    claim(&*store, &fence, request(1, &["held"])).await.expect("claimed");
    claim(&*store, &fence, request(2, &["ended"])).await.expect("claimed");
    settle(&*store, &fence, 2, Settlement::Released).await.expect("released");
    let before = store.item_unfinished().await;
    let of_another = Adoption { from: "engine-9#z".into(), ..adoption(1, 11) };
    for refused in [of_another, adoption(2, 12), adoption(7, 17)] {
        assert_eq!(store.item_adopt(&fence, refused.clone()).await, Ok(None), "{refused:?}");
    }
    assert_eq!(store.item_unfinished().await, before);
}

pub async fn adopting_again_answers_the_same<F: StoreFactory>(factory: &F) {
    let store = factory.create().await;
    let fence = take_over(&*store, "a").await;
    claim(&*store, &fence, request(1, &["a"])).await.expect("claimed");
    let first = store.item_adopt(&fence, adoption(1, 11)).await;
    assert!(matches!(first, Ok(Some(_))), "{first:?}");
    assert_eq!(store.item_adopt(&fence, adoption(1, 11)).await, first);
    let late = Adoption { owner: "engine-3#c".into(), ..adoption(1, 13) };
    assert_eq!(store.item_adopt(&fence, late).await, Ok(None), "another was faster");
    settle(&*store, &fence, 11, Settlement::Failed).await.expect("settled");
    assert_eq!(store.item_adopt(&fence, adoption(1, 11)).await, Ok(None), "it has ended");
}

pub async fn items_are_listed_page_by_page<F: StoreFactory>(factory: &F) {
    let store = factory.create().await;
    let fence = take_over(&*store, "a").await;
    let other = SourceName::stored("airports/read");
    for (n, name) in [(1, "b"), (2, "a"), (3, "c")] {
        claim(&*store, &fence, request(n, &[name])).await.expect("claimed");
    }
    let elsewhere = ClaimRequest { source: other.clone(), ..request(4, &["z"]) };
    claim(&*store, &fence, elsewhere).await.expect("claimed");
    commit(&*store, &fence, 1).await.expect("committed");
    for limit in [1, 2, 3, 4, 9] {
        let list = async |filter: ItemFilter| paged(&*store, &filter, limit).await;
        let all = ItemFilter::default();
        assert_eq!(list(all.clone()).await, ["z", "a", "b", "c"]);
        let of_source = ItemFilter { source: Some(source()), ..all.clone() };
        assert_eq!(list(of_source.clone()).await, ["a", "b", "c"]);
        let committing = ItemFilter { status: Some(ItemStatus::Committing), ..all.clone() };
        assert_eq!(list(committing).await, ["b"]);
        let acquired = ItemFilter { status: Some(ItemStatus::Acquired), ..all.clone() };
        assert_eq!(list(acquired.clone()).await, ["z", "c", "a"], "the newest of a source first");
        let since = Some(Timestamp(3));
        let young = ItemFilter { since, ..all.clone() };
        assert_eq!(list(young).await, ["z", "c"]);
        let until = Some(Timestamp(3));
        let old = ItemFilter { until, ..all.clone() };
        assert_eq!(list(old.clone()).await, ["a", "b"]);
        let old_and_acquired = ItemFilter { status: Some(ItemStatus::Acquired), ..old };
        assert_eq!(list(old_and_acquired).await, ["a"]);
        let names = |names: &[&str]| Some(names.iter().map(|it| (*it).to_owned()).collect());
        let named = ItemFilter { names: names(&["c", "x", "a", "c"]), ..of_source.clone() };
        assert_eq!(list(named).await, ["a", "c"]);
        let none =
            ItemFilter { source: Some(other.clone()), status: Some(ItemStatus::Done), ..all };
        assert_eq!(list(none).await, Vec::<String>::new());
    }
    let none = item_page::page(&*store, &ItemFilter::default(), None, 0).await.expect("listed");
    assert_eq!((none.rows.len(), none.next), (0, None));
}

/// All pages of so many, one after the other: each is full but the last.
async fn paged<S: ItemStore>(store: &S, filter: &ItemFilter, limit: u32) -> Vec<String> {
    let (mut names, mut after) = (Vec::new(), None);
    loop {
        let page = item_page::page(store, filter, after, limit).await.expect("listed");
        assert!(page.rows.len() <= limit as usize);
        names.extend(page.rows.into_iter().map(|it| it.item));
        match page.next {
            Some(next) => after = Some(next),
            None => return names,
        }
    }
}

pub async fn items_are_found_by_a_pattern<F: StoreFactory>(factory: &F) {
    let store = factory.create().await;
    let fence = take_over(&*store, "a").await;
    let names = ["a/1.csv", "a/2.csv", "a", "ab.json", "b.csv", "\u{e9}.csv", "z"];
    for (n, name) in (1..).zip(names) {
        claim(&*store, &fence, request(n, &[name])).await.expect("claimed");
    }
    settle(&*store, &fence, 1, Settlement::Failed).await.expect("settled");
    for (pattern, expected) in [
        ("a*", &["a", "a/1.csv", "a/2.csv", "ab.json"][..]),
        ("*.csv", &["a/1.csv", "a/2.csv", "b.csv", "\u{e9}.csv"]),
        ("?.csv", &["b.csv", "\u{e9}.csv"]),
        ("a", &["a"]),
        ("\u{e9}*", &["\u{e9}.csv"]),
        ("nothing*", &[]),
    ] {
        let pattern = Some(pattern.parse().expect("a pattern"));
        for limit in [1, 3, 100] {
            let filter = ItemFilter { pattern: pattern.clone(), ..ItemFilter::default() };
            assert_eq!(paged(&*store, &filter, limit).await, expected, "{pattern:?}");
            let failed = ItemFilter { status: Some(ItemStatus::Failed), ..filter };
            let expected: Vec<_> = expected.iter().filter(|it| **it == "a/1.csv").collect();
            assert_eq!(paged(&*store, &failed, limit).await.len(), expected.len(), "{pattern:?}");
        }
    }
}

pub async fn a_page_ends_however_little_matches<F: StoreFactory>(factory: &F) {
    let store = factory.create().await;
    let fence = take_over(&*store, "a").await;
    let names: Vec<_> = (0..2_500).map(|n| format!("{n:05}.csv")).collect();
    for (n, name) in (1..).zip(&names) {
        claim(&*store, &fence, request(n, &[name])).await.expect("claimed");
    }
    let pattern = Some("*2499.csv".parse().expect("a pattern"));
    let filter = ItemFilter { pattern, ..ItemFilter::default() };
    let mut after = None;
    let mut pages = 0;
    let found = loop {
        let page = item_page::examine(&*store, &filter, after, 1_000).await.expect("listed");
        assert!(page.examined <= 1_001, "{}", page.examined);
        pages += 1;
        if let Some(found) = page.rows.first() {
            break found.item.clone();
        }
        after = Some(page.next.expect("it is not at the end"));
    };
    assert_eq!((pages, found.as_str()), (3, "02499.csv"));
}

pub async fn items_that_are_new_wait_for_clearance<F: StoreFactory>(factory: &F) {
    let store = factory.create().await;
    let fence = take_over(&*store, "a").await;
    let ask = |n, names: &[&str]| ClaimRequest { clearance: true, ..request(n, names) };
    assert_eq!(claim(&*store, &fence, ask(1, &["a", "b", "c"])).await, None);
    assert_eq!(claim(&*store, &fence, ask(2, &["a", "b", "c"])).await, None, "asked once");
    let waiting = |it: &str| (it.to_owned(), ItemStatus::Waiting);
    assert_eq!(statuses(&*store).await, ["a", "b", "c"].map(waiting));
    let row = &rows(&*store, ItemFilter::default()).await[0];
    assert_eq!((row.stream, row.owner.as_str(), row.claimed_at), (None, "", Timestamp(1)));
    assert_eq!(store.item_unfinished().await, Ok(vec![]));
    let named =
        |name: &str| ItemFilter { names: Some(vec![name.to_owned()]), ..ItemFilter::default() };
    assert_eq!(swept(&*store, &fence, 1, ItemChange::Clear, named("b")).await.changed, 1);
    assert_eq!(swept(&*store, &fence, 2, ItemChange::Deny, named("c")).await.changed, 1);
    assert_eq!(swept(&*store, &fence, 3, ItemChange::Clear, named("c")).await.changed, 0);
    let claimed = claimed_name(&*store, &fence, ask(3, &["a", "b", "c"])).await;
    assert_eq!(claimed.as_deref(), Some("b"));
    let found = rows(&*store, named("b")).await.pop().expect("one row");
    assert_eq!((found.status, found.stream), (ItemStatus::Acquired, Some(stream_id(3))));
    assert!(found.cleared_at.is_some());
    settle(&*store, &fence, 3, Settlement::Failed).await.expect("settled");
    let again = ClaimRequest { reprocess: Reprocess::Always, ..ask(4, &["b", "c"]) };
    assert_eq!(claimed_name(&*store, &fence, again).await.as_deref(), Some("b"), "not asked twice");
    commit(&*store, &fence, 4).await.expect("committed");
    settle(&*store, &fence, 4, Settlement::Done).await.expect("settled");
    let again = ClaimRequest { reprocess: Reprocess::Always, ..ask(5, &["b", "c"]) };
    assert_eq!(claim(&*store, &fence, again).await, None, "it was supplied again");
    let expected = [waiting("a"), waiting("b"), ("c".to_owned(), ItemStatus::Denied)];
    assert_eq!(statuses(&*store).await, expected);
    assert_eq!(forget(&*store, &fence, 4, named("c")).await, 1);
    assert_eq!(claimed_name(&*store, &fence, request(6, &["c"])).await.as_deref(), Some("c"));
}

pub async fn sources_are_counted_by_status<F: StoreFactory>(factory: &F) {
    let store = factory.create().await;
    let fence = take_over(&*store, "a").await;
    assert_eq!(item_page::sources(&*store, None, 9).await, Ok(vec![]));
    for (n, name) in [(1, "a"), (2, "b"), (3, "c")] {
        claim(&*store, &fence, request(n, &[name])).await.expect("claimed");
    }
    settle(&*store, &fence, 2, Settlement::Failed).await.expect("settled");
    let other = SourceName::stored("airports/read");
    let elsewhere = ClaimRequest { source: other.clone(), ..request(4, &["z"]) };
    claim(&*store, &fence, elsewhere).await.expect("claimed");
    let found = item_page::sources(&*store, None, 9).await.expect("listed");
    let counts = |at: usize| {
        let counts = found[at].counts.iter();
        counts.map(|(status, it)| (status.as_str(), it.count)).collect::<Vec<_>>()
    };
    assert_eq!(
        found.iter().map(|it| it.source.clone()).collect::<Vec<_>>(),
        [other.clone(), source()]
    );
    assert_eq!(
        (counts(0), counts(1)),
        (vec![("acquired", 1)], vec![("acquired", 2), ("failed", 1)])
    );
    let rest = item_page::sources(&*store, Some(other), 9).await.expect("listed");
    assert_eq!(rest.len(), 1);
    assert_eq!(store.item_count(&source(), ItemStatus::Acquired, 1).await, Ok(1), "it stops there");
}

pub async fn fingerprints_come_back_whole<F: StoreFactory>(factory: &F) {
    let store = factory.create().await;
    let fence = take_over(&*store, "a").await;
    let extreme =
        Fingerprint { size: u64::MAX, modified_ns: i64::MIN, device: u64::MAX - 1, inode: 1 << 63 };
    let found = Item { name: "x".into(), fingerprint: extreme.clone() };
    let request = ClaimRequest { candidates: vec![found.clone()], ..request(1, &[]) };
    assert_eq!(claim(&*store, &fence, request.clone()).await.map(|it| it.item), Some(found));
    assert_eq!(rows(&*store, ItemFilter::default()).await[0].fingerprint, extreme);
    settle(&*store, &fence, 1, Settlement::Failed).await.expect("settled");
    let again = ClaimRequest { claim: claim_id(2), reprocess: Reprocess::WhenChanged, ..request };
    assert_eq!(claim(&*store, &fence, again).await, None, "nothing changed");
}

pub async fn items_outlive_the_store<F: StoreFactory>(factory: &F) {
    let store = factory.create().await;
    let fence = take_over(&*store, "a").await;
    for (n, name) in [(1, "a"), (2, "b")] {
        claim(&*store, &fence, request(n, &[name])).await.expect("claimed");
    }
    commit(&*store, &fence, 1).await.expect("committed");
    let before = store.item_unfinished().await.expect("listed");
    let Some(store) = factory.reopen(store).await else { return };
    assert_eq!(store.item_unfinished().await, Ok(before));
    assert_eq!(settle(&*store, &fence, 1, Settlement::Done).await, Ok(()));
    assert_eq!(claim(&*store, &fence, request(3, &["a", "b"])).await, None);
}
