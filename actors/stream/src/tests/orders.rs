//! What operators tell open streams.

use std::time::Duration;

use weir_domain::plan::{OnError, Plan, Retry};
use weir_domain::{Fault, ItemStatus, Millis, Stream, StreamOrder, StreamState};

use super::store;
use super::world::{Engine, World, plan, wait_until};

async fn begun(world: &World) -> Engine {
    world.item("a", 1..=30);
    Engine::start(world, &store()).await
}

/// Waits long before it tries again.
fn patient() -> Plan {
    let plan = plan(OnError::Rollback);
    let retry = Retry { max_backoff: Millis(600_000), min_backoff: Millis(600_000), ..plan.retry };
    Plan { retry, ..plan }
}

impl Engine {
    async fn open(&self) {
        wait_until("a stream is open", || !self.last().is_empty()).await;
    }

    /// Tells its only stream.
    fn tell(&self, order: StreamOrder) -> usize {
        let streams: Vec<_> = self.last().iter().map(|it| it.id).collect();
        self.services.streams.order(order, &streams).len()
    }

    async fn until(&self, state: StreamState) -> Stream {
        wait_until(state.as_str(), || self.last()[0].state == state).await;
        self.last().remove(0)
    }
}

#[tokio::test]
async fn a_paused_stream_reads_nothing_more_until_it_is_resumed() {
    let world = World::default();
    world.with(|it| it.hold_reads = true);
    let engine = begun(&world).await;
    let workflow = engine.run(patient()).await;
    engine.open().await;
    // One that is paused before it begins to read reads nothing at all.
    wait_until("it reads", || world.with(|it| it.reads) > 0).await;
    wait_until("it is paused", || engine.tell(StreamOrder::Pause) == 1).await;
    engine.until(StreamState::Paused).await;
    world.with(|it| it.hold_reads = false);
    // The one read that had begun, and no other.
    wait_until("it was read", || engine.last()[0].counts.records_in == 3).await;
    let looks = engine.streams.lock().unwrap().values().next().unwrap().len();
    let more = || engine.streams.lock().unwrap().values().next().unwrap().len();
    wait_until("it was looked at again", || more() > looks + 1).await;
    assert_eq!(engine.last()[0].counts.records_in, 3);
    assert_eq!(engine.tell(StreamOrder::Resume), 1);
    let stream = engine.until(StreamState::Committed).await;
    assert_eq!(stream.counts.records_in, 30);
    assert_eq!(engine.tell(StreamOrder::Pause), 0, "it is not open any more");
    workflow.stop(Duration::from_secs(10)).await;
}

#[tokio::test]
async fn an_aborted_stream_leaves_nothing_and_its_item_has_failed() {
    let world = World::default();
    world.with(|it| it.hold_reads = true);
    let engine = begun(&world).await;
    let workflow = engine.run(patient()).await;
    engine.open().await;
    assert_eq!(engine.tell(StreamOrder::Pause), 1);
    assert_eq!(engine.tell(StreamOrder::Abort), 1, "also one that is paused");
    world.with(|it| it.hold_reads = false);
    let stream = engine.until(StreamState::RolledBack).await;
    assert_eq!(stream.attempts, 1);
    assert_eq!(stream.fault.unwrap().message, "an operator aborted the stream");
    wait_until("it is settled", || world.with(|it| !it.settled.is_empty())).await;
    assert_eq!(engine.statuses().await, [("a".into(), ItemStatus::Failed)]);
    assert!(world.with(|it| it.staged.is_empty() && it.published.is_empty()));
    workflow.stop(Duration::from_secs(10)).await;
}

#[tokio::test]
async fn a_stream_that_hangs_is_terminated_without_waiting_for_it() {
    let world = World::default();
    world.with(|it| it.hold_writes = true);
    let engine = begun(&world).await;
    let workflow = engine.run(patient()).await;
    engine.open().await;
    wait_until("it hangs", || world.with(|it| it.writes > 0)).await;
    assert_eq!(engine.tell(StreamOrder::Terminate), 1);
    let stream = engine.until(StreamState::RolledBack).await;
    assert_eq!(stream.fault.unwrap().message, "an operator terminated the stream");
    world.with(|it| it.hold_writes = false);
    assert_eq!(engine.statuses().await, [("a".into(), ItemStatus::Failed)]);
    wait_until("nothing is left", || world.with(|it| it.staged.is_empty())).await;
    assert!(world.with(|it| it.published.is_empty()));
    workflow.stop(Duration::from_secs(10)).await;
}

#[tokio::test]
async fn a_stream_that_is_shut_down_begins_no_other_attempt() {
    let world = World::default();
    world.fault("open", Fault::transient(1, "the disk is away"));
    let engine = begun(&world).await;
    let workflow = engine.run(patient()).await;
    engine.open().await;
    engine.until(StreamState::Retrying).await;
    assert_eq!(engine.tell(StreamOrder::Shutdown), 1);
    let stream = engine.until(StreamState::RolledBack).await;
    assert_eq!((stream.attempts, stream.fault.unwrap().message.as_str()), (1, "the disk is away"));
    assert_eq!(engine.statuses().await, [("a".into(), ItemStatus::Failed)]);
    workflow.stop(Duration::from_secs(10)).await;
}

#[tokio::test]
async fn a_stream_that_is_shut_down_finishes_what_it_has_begun() {
    let world = World::default();
    world.with(|it| it.hold_reads = true);
    let engine = begun(&world).await;
    let workflow = engine.run(patient()).await;
    engine.open().await;
    assert_eq!(engine.tell(StreamOrder::Pause), 1);
    assert_eq!(engine.tell(StreamOrder::Shutdown), 1);
    world.with(|it| it.hold_reads = false);
    assert_eq!(engine.until(StreamState::Committed).await.counts.records_in, 30);
    workflow.stop(Duration::from_secs(10)).await;
}

#[tokio::test]
async fn what_is_paused_when_all_was_read_is_not_committed_before_it_is_resumed() {
    let world = World::default();
    world.with(|it| it.hold_writes = true);
    let engine = begun(&world).await;
    let workflow = engine.run(patient()).await;
    engine.open().await;
    wait_until("all is read", || engine.last()[0].counts.records_in == 30).await;
    assert_eq!(engine.tell(StreamOrder::Pause), 1);
    world.with(|it| it.hold_writes = false);
    let is_prepared = || engine.last()[0].counts.records_out == 30;
    wait_until("all is written", is_prepared).await;
    assert_eq!(engine.last()[0].state, StreamState::Paused);
    assert!(world.with(|it| it.published.is_empty()));
    assert_eq!(engine.tell(StreamOrder::Resume), 1);
    engine.until(StreamState::Committed).await;
    assert_eq!(world.published("even").len(), 15);
    workflow.stop(Duration::from_secs(10)).await;
}
