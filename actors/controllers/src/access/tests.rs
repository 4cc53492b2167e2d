//! The coordinator before a store in memory, asked by two engines, and after it moved.

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use weir_cluster::{Instance, RequestContext, Service as _, Singleton as _};
use weir_domain::{
    ClaimId, CommandId, Fingerprint, Item, ItemStatus, Millis, Reprocess, StreamId, Timestamp,
};
use weir_persistence_api::{Acquired, Fence, LeaseName, LeaseStore as _, MemoryStore};
use weir_runtime::{RestartPolicy, System, SystemClock};

use super::*;

const HOUR: Duration = Duration::from_secs(3_600);

/// The store of a cluster, and its coordinator of today.
struct Lab {
    system: System,
    store: MemoryStore,
    coordinator: Instance<AccessService>,
    fence: Fence,
}

impl Lab {
    async fn new() -> Self {
        let clock = Arc::new(SystemClock);
        let system = crate::testing::system(clock.clone());
        let store = MemoryStore::new(clock);
        let lease = LeaseName(LEASE.to_owned());
        let granted = store.lease_acquire(&lease, "node-1#a", HOUR).await;
        let Ok(Acquired::Granted(fence)) = granted else { panic!("{granted:?}") };
        let coordinator = start(&system, &store, fence.clone()).await;
        Self { system, store, coordinator, fence }
    }

    /// The lease goes to another node, where a coordinator starts; returns the one that is deposed.
    async fn moves(&mut self) -> Instance<AccessService> {
        let Fence { lease, owner, epoch } = self.fence.clone();
        let forced = self.store.lease_force(&lease, "node-2#b", HOUR, (&owner, epoch)).await;
        let Ok(Acquired::Granted(fence)) = forced else { panic!("{forced:?}") };
        let next = start(&self.system, &self.store, fence.clone()).await;
        self.fence = fence;
        std::mem::replace(&mut self.coordinator, next)
    }

    async fn ask(&self, request: Request) -> Response {
        ask(&self.coordinator, request).await
    }
}

async fn start(system: &System, store: &MemoryStore, fence: Fence) -> Instance<AccessService> {
    let (system, store) = (system.clone(), Arc::new(store.clone()));
    let singleton = AccessSingleton { system, store, restarts: RestartPolicy::default() };
    singleton.start(fence).await.expect("nothing is in its way")
}

async fn ask(coordinator: &Instance<AccessService>, request: Request) -> Response {
    let command: CommandId = format!("{:032x}", 1).parse().unwrap();
    let context = RequestContext { command, within: ASK_WITHIN, epoch: 1 };
    coordinator.service.serve(request, context).await.expect("it runs")
}

fn id(n: u32) -> ClaimId {
    format!("{n:032x}").parse().unwrap()
}

fn stream(n: u32) -> StreamId {
    format!("{n:032x}").parse().unwrap()
}

/// Claims the one file of the source, as the n-th claim.
fn claim(n: u32, reprocess: Reprocess) -> Request {
    let fingerprint = Fingerprint { size: 10, modified_ns: 20, device: 1, inode: 2 };
    Request::Claim(Box::new(ClaimRequest {
        source: SourceName::stored("flights/read"),
        candidates: vec![Item { name: "a.csv".into(), fingerprint }],
        reprocess,
        claim: id(n),
        stream: stream(n),
        owner: owner(n),
        now: Timestamp(i64::from(n)),
        settlement: Bytes::from_static(b"undo"),
        clearance: false,
        instance: None,
        interval: None,
        lists_more: false,
    }))
}

/// The same of several files.
fn offer(n: u32, names: &[&str]) -> Request {
    let Request::Claim(mut request) = claim(n, Reprocess::WhenChanged) else { unreachable!() };
    let item = request.candidates.remove(0);
    let named = |name: &&str| Item { name: (*name).to_owned(), ..item.clone() };
    request.candidates = names.iter().map(named).collect();
    Request::Claim(request)
}

/// The engine that made the n-th claim.
fn owner(n: u32) -> String {
    format!("engine-{n}#x")
}

/// The n-th claim goes to another engine, as its claim.
fn adopt(n: u32, new: u32) -> Request {
    let adoption = Adoption { claim: id(n), from: owner(n), new_claim: id(new), owner: owner(new) };
    Request::Adopt(Box::new(adoption))
}

fn commit(n: u32) -> Request {
    Request::Commit { claim: id(n), settlement: Bytes::from_static(b"publish") }
}

fn fail(n: u32) -> Request {
    Request::Fail { claim: id(n), settlement: Bytes::from_static(b"undo") }
}

fn settle(n: u32, settlement: Settlement) -> Request {
    Request::Settle { claim: id(n), settlement }
}

fn claimed(response: &Response) -> Option<ClaimId> {
    match response {
        Response::Claimed(claim) => claim.as_ref().map(|it| it.id),
        other => panic!("{other:?}"),
    }
}

fn is_lost(response: &Response) -> bool {
    matches!(response, Response::Failed(Error::ClaimLost))
}

fn is_done(response: &Response) -> bool {
    matches!(response, Response::Done)
}

#[tokio::test]
async fn of_all_who_claim_an_item_at_once_one_gets_it() {
    let lab = Lab::new().await;
    let asked = (1..=32).map(|n| lab.ask(claim(n, Reprocess::Always)));
    let granted = join_all(asked).await.iter().filter(|it| claimed(it).is_some()).count();
    assert_eq!(granted, 1, "A1");
}

#[tokio::test]
async fn an_item_is_held_until_all_that_its_claim_owes_is_done() {
    let lab = Lab::new().await;
    let again = async |n| claimed(&lab.ask(claim(n, Reprocess::Always)).await);
    assert_eq!(again(1).await, Some(id(1)));
    assert_eq!(again(2).await, None, "A1: it is being processed");
    assert!(is_done(&lab.ask(commit(1)).await));
    assert_eq!(again(2).await, None, "A1: it is not published yet");
    assert!(is_done(&lab.ask(settle(1, Settlement::Done)).await));
    assert_eq!(again(2).await, Some(id(2)));
    assert!(is_done(&lab.ask(fail(2)).await));
    assert_eq!(again(3).await, None, "A1: it is not moved away yet");
    assert!(is_done(&lab.ask(settle(2, Settlement::Failed)).await));
    assert_eq!(again(3).await, Some(id(3)));
}

#[tokio::test]
async fn a_claim_that_was_granted_is_answered_again_and_is_no_second_one() {
    let mut lab = Lab::new().await;
    assert_eq!(claimed(&lab.ask(claim(1, Reprocess::Never)).await), Some(id(1)));
    lab.moves().await;
    let again = lab.ask(claim(1, Reprocess::Never)).await;
    assert_eq!(claimed(&again), Some(id(1)), "its answer may have been lost with the other one");
    assert!(
        matches!(lab.ask(Request::Unfinished).await, Response::Unfinished(it) if it.len() == 1)
    );
}

#[tokio::test]
async fn a_claim_that_ended_never_comes_back() {
    let lab = Lab::new().await;
    lab.ask(claim(1, Reprocess::Always)).await;
    assert!(is_done(&lab.ask(settle(1, Settlement::Released)).await));
    assert!(is_lost(&lab.ask(claim(1, Reprocess::Always)).await), "A2");
    assert_eq!(claimed(&lab.ask(claim(2, Reprocess::Always)).await), Some(id(2)));
    for late in [commit(1), fail(1), settle(1, Settlement::Done)] {
        let answer = lab.ask(late.clone()).await;
        assert!(is_lost(&answer), "A2: {late:?}: {answer:?}");
    }
    assert_eq!(claimed(&lab.ask(claim(1, Reprocess::Always)).await), None, "A2");
    assert!(is_done(&lab.ask(commit(2)).await), "the one that holds it is not disturbed");
}

#[tokio::test]
async fn a_claim_that_was_taken_over_never_comes_back() {
    let lab = Lab::new().await;
    lab.ask(claim(1, Reprocess::Always)).await;
    let adopted = lab.ask(adopt(1, 2)).await;
    assert!(matches!(adopted, Response::Adopted(Some(it)) if it.claim.id == id(2)));
    for late in [commit(1), fail(1), settle(1, Settlement::Released)] {
        let answer = lab.ask(late.clone()).await;
        assert!(is_lost(&answer), "A2: {late:?}: {answer:?}");
    }
    assert!(matches!(lab.ask(adopt(1, 3)).await, Response::Adopted(None)), "A1: it has an owner");
    assert_eq!(claimed(&lab.ask(claim(1, Reprocess::Always)).await), None, "A2");
    assert!(is_done(&lab.ask(commit(2)).await));
}

#[tokio::test]
async fn a_coordinator_that_was_deposed_decides_nothing() {
    let mut lab = Lab::new().await;
    lab.ask(claim(1, Reprocess::Never)).await;
    let deposed = lab.moves().await;
    for late in
        [claim(2, Reprocess::Never), commit(1), settle(1, Settlement::Released), adopt(1, 2)]
    {
        let answer = ask(&deposed, late.clone()).await;
        let is_fenced = matches!(answer, Response::Failed(Error::Fenced { .. }));
        assert!(is_fenced, "{late:?}: {answer:?}");
    }
    assert!(is_done(&lab.ask(commit(1)).await));
}

/// All items as `name:status`, by pages of two.
async fn listed(lab: &Lab, filter: ItemFilter) -> String {
    let (mut after, mut items) = (None, Vec::new());
    loop {
        let page = Request::Page { filter: Box::new(filter.clone()), after, limit: 2 };
        let Response::Page(page) = lab.ask(page).await else { panic!("a page") };
        items.extend(page.rows.iter().map(|it| format!("{}:{}", it.item, it.status)));
        after = page.next;
        if after.is_none() {
            return items.join(" ");
        }
    }
}

fn of_status(status: ItemStatus) -> ItemFilter {
    ItemFilter { status: Some(status), ..ItemFilter::default() }
}

async fn counts(lab: &Lab) -> String {
    let Response::Sources(sources) = lab.ask(Request::Sources { after: None, limit: 9 }).await
    else {
        panic!("sources")
    };
    let of = |it: &SourceRow| {
        it.counts.iter().map(|(status, it)| format!("{status}={}", it.count)).collect::<Vec<_>>()
    };
    sources.iter().flat_map(of).collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn what_is_offered_and_not_claimed_is_pending() {
    let lab = Lab::new().await;
    assert!(matches!(lab.ask(offer(1, &["a", "b", "c", "d"])).await, Response::Claimed(Some(_))));
    let all = ItemFilter::default();
    assert_eq!(listed(&lab, all.clone()).await, "a:acquired b:pending c:pending d:pending");
    assert_eq!(listed(&lab, of_status(ItemStatus::Pending)).await, "d:pending c:pending b:pending");
    let names = Some(vec!["c".to_owned(), "a".to_owned(), "x".to_owned()]);
    let named =
        ItemFilter { names, source: Some(SourceName::stored("flights/read")), ..all.clone() };
    assert_eq!(listed(&lab, named).await, "a:acquired c:pending");
    let c_or_later = ItemFilter { pattern: Some("c*".parse().unwrap()), ..all.clone() };
    assert_eq!(listed(&lab, c_or_later).await, "c:pending");
    assert_eq!(counts(&lab).await, "acquired=1 pending=3");

    let settle = Request::Settle { claim: id(1), settlement: Settlement::Failed };
    assert!(matches!(lab.ask(settle).await, Response::Done));
    assert!(matches!(lab.ask(offer(2, &["a", "b", "c"])).await, Response::Claimed(Some(_))));
    assert_eq!(listed(&lab, all.clone()).await, "a:failed b:acquired c:pending");
    assert_eq!(counts(&lab).await, "acquired=1 failed=1 pending=1");
    // It takes the place of what was before: one that changed is processed again.
    let Request::Claim(mut changed) = offer(3, &["c", "a"]) else { unreachable!() };
    changed.candidates[1].fingerprint.size += 1;
    assert!(matches!(lab.ask(Request::Claim(changed)).await, Response::Claimed(Some(_))));
    assert_eq!(listed(&lab, all.clone()).await, "a:pending b:acquired c:acquired");
    assert_eq!(listed(&lab, of_status(ItemStatus::Failed)).await, "");
    assert_eq!(counts(&lab).await, "acquired=2 pending=1");

    // Somebody took it away, and the source says that nothing is there.
    assert!(matches!(lab.ask(offer(4, &[])).await, Response::Claimed(None)));
    assert_eq!(
        counts(&lab).await,
        "acquired=2 pending=1",
        "of another one nothing is known by that"
    );
    assert!(matches!(lab.ask(offer(3, &[])).await, Response::Claimed(None)));
    assert_eq!(listed(&lab, all).await, "a:failed b:acquired c:acquired");
}

#[tokio::test]
async fn what_a_source_lists_beyond_its_offer_is_not_counted_and_said_to_be_there() {
    let lab = Lab::new().await;
    let has_more = async |request: Request| {
        assert!(matches!(lab.ask(request).await, Response::Claimed(Some(_))));
        let Response::Sources(sources) = lab.ask(Request::Sources { after: None, limit: 9 }).await
        else {
            panic!("sources")
        };
        let counts = &sources[0].counts;
        assert_eq!(counts["pending"].count, 1);
        assert!(!counts["acquired"].has_more);
        counts["pending"].has_more
    };
    assert!(!has_more(offer(1, &["a", "b"])).await);
    let Request::Claim(mut more) = offer(2, &["c", "d"]) else { unreachable!() };
    more.lists_more = true;
    assert!(has_more(Request::Claim(more)).await);
}

#[tokio::test(start_paused = true)]
async fn an_offer_that_nobody_renews_counts_no_longer_than_its_stream_lives() {
    let lab = Lab::new().await;
    let later = async |seconds| tokio::time::advance(Duration::from_secs(seconds)).await;
    let Request::Claim(mut request) = offer(1, &["a", "b"]) else { unreachable!() };
    request.interval = Some(Millis(60_000));
    assert!(matches!(lab.ask(Request::Claim(request)).await, Response::Claimed(Some(_))));
    later(600).await;
    assert_eq!(counts(&lab).await, "acquired=1 pending=1", "its instance is busy");
    assert!(is_done(&lab.ask(settle(1, Settlement::Failed)).await));
    assert_eq!(counts(&lab).await, "failed=1", "its instance never came back");

    let Request::Claim(mut request) = offer(2, &["a", "c"]) else { unreachable!() };
    request.interval = Some(Millis(60_000));
    request.claim = id(3);
    request.candidates[0].fingerprint.size += 1;
    assert!(matches!(lab.ask(Request::Claim(request)).await, Response::Claimed(Some(_))));
    assert!(is_lost(&lab.ask(settle(2, Settlement::Released)).await));
    assert_eq!(counts(&lab).await, "acquired=1 pending=1");
    assert!(is_done(&lab.ask(settle(3, Settlement::Released)).await));
    later(120).await;
    assert_eq!(counts(&lab).await, "pending=2", "it may look again any moment");
    later(120).await;
    assert_eq!(counts(&lab).await, "released=1");
}

#[tokio::test]
async fn pending_items_are_told_anew_after_a_move_and_may_be_all_that_is_known_of_a_source() {
    let mut lab = Lab::new().await;
    assert!(matches!(lab.ask(offer(1, &["a", "b"])).await, Response::Claimed(Some(_))));
    let former = lab.moves().await;
    assert_eq!(counts(&lab).await, "acquired=1");
    drop(former);
    let Request::Claim(mut elsewhere) = offer(2, &["x"]) else { unreachable!() };
    elsewhere.source = SourceName::stored("a/first");
    assert!(matches!(lab.ask(Request::Claim(elsewhere)).await, Response::Claimed(Some(_))));
    lab.ask(offer(3, &["a"])).await;
    assert_eq!(counts(&lab).await, "acquired=1 acquired=1");
}
