//! What operators keep between streams, and what they hear of them.

use std::sync::{Arc, Mutex};
use std::thread::ThreadId;
use std::time::Duration;

use arrow::datatypes::SchemaRef;
use serde_json::Value;
use weir_domain::plan::{OnError, Plan};
use weir_domain::{Fault, PortName, StageId};

use super::store;
use super::world::{Engine, World, plan, wait_until};
use crate::*;

/// What happened, in order.
#[derive(Clone, Default)]
struct Seen(Arc<Mutex<Vec<String>>>);

impl Seen {
    fn note(&self, what: String) {
        self.0.lock().unwrap().push(what);
    }

    fn all(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

/// Counts the streams of its instance; panics if it runs where the whole engine works.
struct Keeper {
    seen: Seen,
    engine: ThreadId,
}

impl OperatorKind for Keeper {
    fn name(&self) -> &'static str {
        "keeper"
    }
    fn config_schema(&self) -> schemars::Schema {
        schemars::json_schema!(true)
    }
    fn secret_use(&self) -> SecretUse {
        SecretUse::Plain
    }

    fn decode(&self, _: &Value) -> Result<(), ConfigError> {
        Ok(())
    }
    fn check(&self, _: &Value, input: Option<&SchemaRef>) -> Checked {
        Checked { outputs: vec![(PortName::out(), input.cloned())], ..Checked::default() }
    }
    fn blocks(&self) -> bool {
        true
    }
    fn build(
        &self,
        _: &Value,
        input: &SchemaRef,
        cx: &BuildContext,
    ) -> Result<BuiltOperator, Fault> {
        let (seen, shelf, stage) = (self.seen.clone(), cx.shelf.clone(), cx.stage.clone());
        let operator = KeeperOperator { seen, shelf, stage, engine: self.engine, count: None };
        let outputs = vec![(PortName::out(), input.clone())];
        Ok(BuiltOperator { operator: Box::new(operator), outputs })
    }
}

struct KeeperOperator {
    seen: Seen,
    shelf: Shelf,
    stage: StageId,
    engine: ThreadId,
    count: Option<Box<Count>>,
}

struct Count {
    seen: Seen,
    streams: u32,
}

impl Kept for Count {
    fn settled(&mut self, outcome: Outcome, _: &StreamLog) {
        self.seen.note(format!("{outcome:?} {}", self.streams));
    }
}

impl Operator for KeeperOperator {
    fn start(&mut self, opening: &Opening) -> Result<(), Fault> {
        let seen = self.seen.clone();
        let kept = self.shelf.take(&self.stage);
        let mut count = kept.unwrap_or_else(|| Box::new(Count { seen, streams: 0 }));
        count.streams += 1;
        self.seen.note(format!("{} starts as {}", opening.stream.item, count.streams));
        self.count = Some(count);
        Ok(())
    }

    fn process(&mut self, batch: Batch, out: &mut Outputs) -> Result<(), Fault> {
        assert_ne!(std::thread::current().id(), self.engine, "it keeps others from their work");
        out.emit(0, batch);
        Ok(())
    }
}

impl Drop for KeeperOperator {
    fn drop(&mut self) {
        if let Some(count) = self.count.take() {
            self.shelf.put(self.stage.clone(), count);
        }
    }
}

#[tokio::test]
async fn what_an_operator_keeps_hears_what_became_of_each_attempt_and_goes_on_to_the_next() {
    let (world, seen) = (World::default(), Seen::default());
    let mut engine = Engine::start(&world, &store()).await;
    let keeper = Keeper { seen: seen.clone(), engine: std::thread::current().id() };
    engine.services.registry = Arc::new(world.registry().operator(keeper));
    world.item("a", [1, 2]);
    world.fault("prepare", Fault::transient(1, "on order"));
    let mut plan: Plan = plan(OnError::Rollback);
    plan.stages[1].kind = "keeper".into();
    let workflow = engine.run(plan).await;
    let closed = |n| engine.last().iter().filter(|it| it.state.is_closed()).count() == n;
    wait_until("the first stream is closed", || closed(1)).await;
    world.fault("prepare", Fault::data(1, "on order"));
    world.item("b", [3]);
    wait_until("the second stream is closed", || closed(2)).await;
    // Of an attempt that ends before its operators begin, none hears.
    world.fault("open", Fault::transient(1, "on order"));
    world.item("c", [5]);
    wait_until("the third stream is closed", || closed(3)).await;
    workflow.stop(Duration::from_secs(10)).await;
    let expected = [
        "a starts as 1",
        "Failed 1",
        "a starts as 2",
        "Committed 2",
        "b starts as 3",
        "Failed 3",
        "c starts as 4",
        "Committed 4",
    ];
    assert_eq!(seen.all(), expected);
    assert_eq!(world.published("odd"), [1, 5]);
}
