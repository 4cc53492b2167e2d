//! Where an instance lives, and how its start is given up.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use weir_domain::Fault;
use weir_persistence_api::{Fence, LeaseName, LeaseRow};
use weir_runtime::Uptime;

use super::super::ProxyError;
use super::super::stage::{self, Served, Stage, Theatre};
use super::SECOND;
use super::world::{Access, Time, idle_world, wait_until};
use crate::{Instance, Nothing, RequestContext, Service, Singleton, Unavailable};

/// Never ends its start.
#[derive(Clone, Default)]
struct Endless {
    under_way: Arc<AtomicU32>,
}

/// Answers that it does not know.
struct Vague;

#[async_trait]
impl Service for Vague {
    type Request = ();
    type Response = ();
    const NAME: &'static str = "vague";
    const VERSION: u32 = 1;

    async fn serve(&self, (): (), _: RequestContext) -> Result<(), Unavailable> {
        Err(Unavailable::uncertain("it did not answer in time"))
    }
}

#[async_trait]
impl Singleton for Vague {
    type Service = Self;

    async fn start(&self, _: Fence) -> Result<Instance<Self>, Fault> {
        Ok(Instance::new(Arc::new(Self), Arc::new(Nothing)))
    }
}

struct UnderWay(Arc<AtomicU32>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[async_trait]
impl Singleton for Endless {
    type Service = Vague;

    async fn start(&self, _: Fence) -> Result<Instance<Vague>, Fault> {
        self.under_way.fetch_add(1, Ordering::SeqCst);
        let _under_way = UnderWay(self.under_way.clone());
        std::future::pending().await
    }
}

#[derive(Default)]
struct ByHand(AtomicU64);

impl Uptime for ByHand {
    fn uptime(&self) -> Duration {
        Duration::from_secs(self.0.load(Ordering::SeqCst))
    }
}

fn fence(epoch: u64) -> Fence {
    Fence { lease: LeaseName("access".into()), owner: "node-1#1".into(), epoch }
}

#[tokio::test(start_paused = true)]
async fn a_node_that_leaves_gives_up_what_is_being_started() {
    let world = idle_world(1);
    let (node, endless) = (&world.nodes[0], Endless::default());
    node.singletons.register(endless.clone());
    node.singletons.begin();
    let under_way = || endless.under_way.load(Ordering::SeqCst);
    wait_until("it is being started", || under_way() == 1).await;
    assert_eq!(node.singletons.hand_over_all().await, Ok(()));
    assert_eq!(under_way(), 0);
    let runs = || node.system.tasks().running().iter().any(|it| it.ends_with("/run"));
    wait_until("nothing is left", || !runs()).await;
    let rows = node.singletons.status();
    assert!(rows.iter().all(|it| it.owner.is_none()), "{rows:?}");
}

#[tokio::test(start_paused = true)]
async fn the_end_of_one_epoch_does_not_end_the_next_one() {
    let (system, uptime) = (Time::begin().system(1), Arc::new(ByHand::default()));
    let theatre = Theatre::new(system, uptime, Access);
    let opening = theatre.open(5);
    theatre.start(fence(5), opening).await.unwrap();
    theatre.abandon();
    let (early, opening) = (theatre.open(6), theatre.open(6));
    assert!(theatre.start(fence(6), early).await.is_err(), "it was given up");
    theatre.start(fence(6), opening).await.unwrap();
    theatre.finish(5, SECOND).await;
    assert!(stage::is_here(theatre.door()));
    theatre.finish(6, SECOND).await;
    assert!(!stage::is_here(theatre.door()));
}

#[tokio::test(start_paused = true)]
async fn nobody_is_let_in_past_the_deadline_of_the_lease() {
    let (system, uptime) = (Time::begin().system(1), Arc::new(ByHand::default()));
    let command = system.ids().command();
    let theatre = Theatre::new(system, uptime.clone(), Access);
    let opening = theatre.open(5);
    theatre.start(fence(5), opening).await.unwrap();
    theatre.live_until(Some(4 * SECOND));
    let ask = async || stage::serve(theatre.door(), (), (command, SECOND), 5).await;
    assert!(matches!(ask().await, Served::Done(())));
    uptime.0.store(4, Ordering::SeqCst);
    assert!(matches!(ask().await, Served::Shut(_)), "its keeper has not looked yet");
    theatre.live_until(Some(6 * SECOND));
    assert!(matches!(ask().await, Served::Done(())));
}

#[tokio::test(start_paused = true)]
async fn what_may_have_been_done_is_not_called_undone() {
    let world = idle_world(2);
    let proxies: Vec<_> = world.nodes.iter().map(|it| it.singletons.register(Vague)).collect();
    world.nodes.iter().for_each(|it| it.singletons.begin());
    for proxy in proxies {
        let refused = proxy.ask((), 20 * SECOND).await.unwrap_err();
        assert!(matches!(refused, ProxyError::Unsettled { .. }), "{refused}");
    }
}

#[tokio::test(start_paused = true)]
async fn epochs_that_go_back_are_seen() {
    let world = idle_world(1);
    let (shared, lease) = (world.nodes[0].singletons.shared(), LeaseName("access".into()));
    let seen = world.nodes[0].singletons.seen_epochs();
    let row = |epoch| LeaseRow {
        name: lease.clone(),
        owner: String::new(),
        epoch,
        left: Duration::ZERO,
        pinned: None,
    };
    for (rows, expected) in [(vec![row(5)], 5), (vec![row(3)], 3), (vec![], 0)] {
        shared.note_epochs(&rows);
        assert_eq!(seen.borrow()[&lease], expected);
    }
}
