//! The coordinator before a store in memory, asked by two engines, and after it moved.

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use weir_cluster::{Instance, RequestContext, Service as _, Singleton as _};
use weir_domain::{ClaimId, CommandId, Fingerprint, Item, Reprocess, StreamId, Timestamp};
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
    }))
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
