//! Live workflows: what was read is published once, whatever ends a run.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use arrow::array::{AsArray as _, Int64Array, RecordBatch};
use arrow::datatypes::{Int64Type, SchemaRef};
use serde_json::{Value, json};
use weir_domain::plan::{OnError, Plan};
use weir_domain::{Fault, InstanceId, ItemStatus, PortName, StreamState, TableName};
use weir_persistence_api::{BlobKey, BlobStore as _};

use super::store;
use super::world::{Engine, StopOutcome, World, plan, schema, wait_until};
use crate::state::{MapTable, StateTable, TableKind, TableSpec};
use crate::*;

/// A live source: each item of the world is a split, and numbers may be added to it.
pub(super) struct Kind(pub(super) World);

impl SourceKind for Kind {
    fn name(&self) -> &'static str {
        "live"
    }
    fn config_schema(&self) -> schemars::Schema {
        schemars::json_schema!(true)
    }
    fn decode(&self, _: &Value) -> Result<(), ConfigError> {
        Ok(())
    }
    fn secret_use(&self) -> SecretUse {
        SecretUse::Plain
    }
    fn check(&self, _: &Value) -> Checked {
        Checked { outputs: vec![(PortName::out(), Some(schema()))], ..Checked::default() }
    }
    fn is_live(&self) -> bool {
        true
    }
    fn build(&self, config: &Value, cx: &BuildContext) -> Result<AnySource, Fault> {
        let only = config["only"].as_str().unwrap_or_default().to_owned();
        let (world, name) = (self.0.clone(), cx.stage.to_string());
        Ok(AnySource::Live(Box::new(Splitting { world, name, only })))
    }
}

struct Splitting {
    world: World,
    name: String,
    /// Its splits begin with this.
    only: String,
}

impl LiveSource for Splitting {
    fn origin(&self) -> String {
        "the world".into()
    }
    fn open(&mut self, share: Share, from: &Splits) -> Result<Box<dyn LiveReader>, Fault> {
        self.world.meet_at("open", &self.name)?;
        let (world, name, only) = (self.world.clone(), self.name.clone(), self.only.clone());
        Ok(Box::new(Reader { world, name, only, share, at: from.clone() }))
    }
}

struct Reader {
    world: World,
    name: String,
    only: String,
    share: Share,
    at: Splits,
}

impl LiveReader for Reader {
    fn schema(&self) -> SchemaRef {
        schema()
    }

    fn read(&mut self, within: Duration) -> Result<LiveRead, Fault> {
        self.world.meet_at("read", &self.name)?;
        let (items, is_ending) = self.world.with(|it| (it.items.clone(), it.is_ending(&self.name)));
        if self.world.with(|it| it.silent.iter().any(|silent| *silent == self.name)) {
            std::thread::sleep(within.min(Duration::from_millis(1)));
            return Ok(LiveRead::Nothing);
        }
        let is_its = |split: &str| split.starts_with(&self.only) && self.share.has(split);
        for (split, numbers) in items.into_iter().filter(|it| is_its(&it.0)) {
            let at = self.at.get(&split).and_then(Value::as_u64).unwrap_or(0) as usize;
            let piece = numbers[at..numbers.len().min(at + 3)].to_vec();
            if piece.is_empty() {
                continue;
            }
            self.at.insert(split, json!(at + piece.len()));
            let bytes = piece.len() as u64;
            let column: Int64Array = piece.into();
            let records = RecordBatch::try_new(schema(), vec![Arc::new(column)]).unwrap();
            let positions = Positions::Range { first: at as u64 + 1 };
            let batch = Batch::new(records, positions);
            return Ok(LiveRead::Records(Read { batch, bad: vec![], bytes }));
        }
        if is_ending {
            return Ok(LiveRead::End);
        }
        // As one that waits for its other side.
        std::thread::sleep(within.min(Duration::from_millis(1)));
        Ok(LiveRead::Nothing)
    }

    fn splits(&self) -> Splits {
        self.at.clone()
    }
}

/// Lets each number pass once, however long it is since.
pub(super) struct Unique;

fn seen() -> TableName {
    TableName::new("seen").unwrap()
}

impl OperatorKind for Unique {
    fn name(&self) -> &'static str {
        "unique"
    }
    fn config_schema(&self) -> schemars::Schema {
        schemars::json_schema!(true)
    }
    fn decode(&self, _: &Value) -> Result<(), ConfigError> {
        Ok(())
    }
    fn secret_use(&self) -> SecretUse {
        SecretUse::Plain
    }
    fn check(&self, _: &Value, input: Option<&SchemaRef>) -> Checked {
        Checked { outputs: vec![(PortName::out(), input.cloned())], ..Checked::default() }
    }
    fn tables(&self, _: &Value) -> BTreeMap<TableName, TableSpec> {
        BTreeMap::from([(seen(), TableSpec { kind: TableKind::Map, version: 1 })])
    }
    fn build(
        &self,
        _: &Value,
        input: &SchemaRef,
        _: &BuildContext,
    ) -> Result<BuiltOperator, Fault> {
        let outputs = vec![(PortName::out(), input.clone())];
        Ok(BuiltOperator { operator: Box::new(Seen(MapTable::new(1))), outputs })
    }
}

struct Seen(MapTable<i64, i64>);

impl Operator for Seen {
    fn process(&mut self, batch: Batch, out: &mut Outputs) -> Result<(), Fault> {
        let numbers = batch.records.column(0).as_primitive::<Int64Type>().clone();
        let is_new = |it: Option<i64>| {
            let number = it?;
            let is_new = self.0.get(&number).is_none();
            self.0.put(number, 1);
            Some(is_new)
        };
        let keep: arrow::array::BooleanArray = numbers.iter().map(is_new).collect();
        out.emit(0, batch.filter(&keep).unwrap());
        Ok(())
    }

    fn tables(&mut self) -> Vec<(TableName, &mut dyn StateTable)> {
        vec![(seen(), &mut self.0)]
    }
}

pub(super) fn live(lanes: u32) -> Plan {
    let mut plan = plan(OnError::DeadLetter);
    plan.instances = lanes;
    plan.stages[0].kind = "live".into();
    plan
}

/// All that was published, in order of value.
fn published(world: &World) -> Vec<i64> {
    let mut all: Vec<i64> = ["even", "odd"].iter().flat_map(|it| world.published(it)).collect();
    all.sort_unstable();
    all
}

pub(super) fn numbers(to: i64) -> Vec<i64> {
    (1..=to).filter(|it| it % 100 != 0).collect()
}

#[tokio::test]
async fn what_flows_is_published_by_checkpoints_and_goes_on_where_it_was_stopped() {
    let world = World::default();
    world.item("a", 1..=50);
    let engine = Engine::start(&world, &store()).await;
    let workflow = engine.run(live(1)).await;
    wait_until("the first are published", || published(&world) == numbers(50)).await;
    world.item("a", 1..=120);
    wait_until("the next are published", || published(&world) == numbers(120)).await;
    // Each sink publishes by itself.
    wait_until("the letter is published", || world.published("dead-letters") == [100]).await;
    wait_until("it is counted", || workflow.view().counts.records_in == 120).await;
    world.item("a", 1..=180);
    assert_eq!(workflow.stop(Duration::from_secs(10)).await, StopOutcome::Drained);
    let stream = engine.last().remove(0);
    assert_eq!(stream.state, StreamState::CommittedWithWarnings, "{:?}", stream.fault);
    assert_eq!(engine.statuses().await, [("lane-1".into(), ItemStatus::Released)]);

    world.item("b", 181..=190);
    let workflow = engine.run(live(1)).await;
    wait_until("all is published", || published(&world) == numbers(190)).await;
    assert_eq!(workflow.stop(Duration::from_secs(10)).await, StopOutcome::Drained);
    assert_eq!(published(&world), numbers(190), "nothing twice");
    assert!(world.with(|it| it.staged.is_empty()));
}

#[tokio::test]
async fn a_source_that_ends_commits_its_tail_and_is_not_read_again() {
    let world = World::default();
    world.item("a", 1..=40);
    world.with(|it| it.ending = vec!["*"]);
    // A stage that has no inputs left hears of another one's fault all the same.
    world.fault("prepare", Fault::transient(1, "on order"));
    let engine = Engine::start(&world, &store()).await;
    let workflow = engine.run(live(1)).await;
    wait_until("the lane is done", || {
        engine.last().iter().any(|it| it.state == StreamState::Committed)
    })
    .await;
    assert_eq!(published(&world), numbers(40));
    assert_eq!(workflow.stop(Duration::from_secs(10)).await, StopOutcome::Drained);
    assert_eq!(engine.statuses().await, [("lane-1".into(), ItemStatus::Done)]);
}

#[tokio::test]
async fn another_number_of_lanes_is_refused_before_anything_is_read_twice() {
    let world = World::default();
    world.item("a", 1..=20);
    world.item("b", 21..=40);
    let engine = Engine::start(&world, &store()).await;
    let workflow = engine.run(live(1)).await;
    wait_until("all is published", || published(&world) == numbers(40)).await;
    assert_eq!(workflow.stop(Duration::from_secs(10)).await, StopOutcome::Drained);
    for lanes in [2, 4] {
        let workflow = engine.run(live(lanes)).await;
        wait_until("it is refused", || workflow.view().fault.is_some_and(|it| it.code.0 == 3182))
            .await;
        assert_eq!(workflow.stop(Duration::from_secs(10)).await, StopOutcome::Drained);
    }
    assert_eq!(published(&world), numbers(40));
}

#[tokio::test]
async fn a_lane_that_fails_again_and_again_keeps_no_other_from_being_worked_on() {
    let world = World::default();
    for split in 0..12 {
        world.item(&format!("split-{split}"), split * 10 + 1..=split * 10 + 10);
    }
    for _ in 0..3 {
        world.fault("open", Fault::transient(1, "on order"));
    }
    let engine = Engine::start(&world, &store()).await;
    let workflow = engine.run_some(live(3), 1);
    wait_until("all is published", || published(&world) == numbers(120)).await;
    assert_eq!(workflow.stop(Duration::from_secs(20)).await, StopOutcome::Drained);
}

#[tokio::test]
async fn whatever_fails_on_the_way_all_is_published_once() {
    let places = ["open", "read", "write", "prepare", "publish", "panic"];
    for (at, place) in places.into_iter().enumerate() {
        let world = World::default();
        world.item("a", 1..=60);
        let engine = Engine::start(&world, &store()).await;
        world.fault(place, Fault::transient(1, "on order"));
        let workflow = engine.run(live(1)).await;
        wait_until("some are published", || published(&world).len() > at).await;
        world.fault(place, Fault::transient(1, "on order"));
        world.item("a", 1..=90);
        wait_until("all is published", || published(&world).len() >= 90).await;
        assert_eq!(workflow.stop(Duration::from_secs(20)).await, StopOutcome::Drained, "{place}");
        assert_eq!(published(&world), numbers(90), "{place}");
        assert!(world.with(|it| it.staged.is_empty()), "{place}");
    }
}

#[tokio::test]
async fn an_engine_that_dies_is_followed_by_one_that_goes_on() {
    let world = World::default();
    let store = store();
    let mut engines = Vec::new();
    for life in 1..=8_i64 {
        let engine = Engine::start(&world, &store).await;
        resume(&engine.services).await.expect("the store answers");
        world.item("a", 1..=life * 30);
        let workflow = engine.run(live(1)).await;
        let wanted = usize::try_from(life * 30 - 29).unwrap();
        wait_until("it has begun to publish", || published(&world).len() >= wanted).await;
        // In the middle of what it does: what it has told to be done may still be done.
        workflow.running.terminate(InstanceId(1));
        engines.push((engine, workflow));
    }
    let engine = Engine::start(&world, &store).await;
    resume(&engine.services).await.expect("the store answers");
    let workflow = engine.run(live(1)).await;
    wait_until("all is published", || published(&world).len() >= numbers(240).len()).await;
    assert_eq!(workflow.stop(Duration::from_secs(20)).await, StopOutcome::Drained);
    assert_eq!(published(&world), numbers(240));
}

#[tokio::test]
async fn what_an_operator_remembers_is_what_it_knew_at_the_checkpoint() {
    let world = World::default();
    let store = store();
    let mut plan = live(1);
    plan.stages[1].kind = "unique".into();
    let mut engines = Vec::new();
    for life in 1..=12_i64 {
        let engine = Engine::start(&world, &store).await;
        resume(&engine.services).await.expect("the store answers");
        // All that there was comes again, and something new.
        world.item(&format!("split-{life}"), 1..=life * 10);
        let workflow = engine.run(plan.clone()).await;
        wait_until("what is new is published", || {
            published(&world).len() >= usize::try_from(life * 10).unwrap()
        })
        .await;
        match life % 3 {
            0 => {
                workflow.stop(Duration::from_secs(10)).await;
            }
            _ => workflow.running.terminate(InstanceId(1)),
        }
        engines.push((engine, workflow));
    }
    let all: Vec<i64> = (1..=120).collect();
    assert_eq!(published(&world), all);
    let parts = world.with(|it| it.blobs.clone());
    let state = BlobKey::new("jobs/w/lane-1/state").unwrap();
    let parts = parts.blob_list(&state).await.unwrap();
    let bases = parts.iter().filter(|it| it.key.as_str().ends_with("base")).count();
    assert!(bases > 0 && parts.len() < 30, "it is compacted, and collected: {parts:?}");
}

#[tokio::test]
async fn lanes_share_the_splits_and_each_is_worked_on_by_one_instance() {
    let world = World::default();
    for split in 0..12 {
        world.item(&format!("split-{split}"), split * 10 + 1..=split * 10 + 10);
    }
    let engine = Engine::start(&world, &store()).await;
    let workflow = engine.run(live(3)).await;
    wait_until("all is published", || published(&world) == numbers(120)).await;
    assert_eq!(workflow.stop(Duration::from_secs(20)).await, StopOutcome::Drained);
    let lanes: Vec<_> = engine.statuses().await.into_iter().map(|it| it.0).collect();
    assert_eq!(lanes, ["lane-1", "lane-2", "lane-3"]);
    // One instance alone takes all of them.
    world.item("split-3", 31..=40);
    world.item("late", 121..=130);
    let workflow = engine.run_some(live(3), 1);
    wait_until("all is published", || published(&world) == numbers(130)).await;
    assert_eq!(workflow.stop(Duration::from_secs(20)).await, StopOutcome::Drained);
}
