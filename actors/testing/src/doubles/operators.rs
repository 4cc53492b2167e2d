//! Operators as they are, in the time of the case: the clock shows when the record came that an
//! operator has in hand, and nobody waits.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use arrow::datatypes::SchemaRef;
use schemars::Schema;
use serde_json::Value;
use weir_domain::{Clock, Fault, TableName, Timestamp};
use weir_stream::state::{StateTable, TableSpec};
use weir_stream::{
    Batch, BuildContext, BuiltOperator, Checked, ConfigError, Opening, Operator, OperatorKind,
    Outputs, SecretUse,
};

use crate::world::World;

pub(super) struct Timed {
    pub(super) kind: Arc<dyn OperatorKind>,
    pub(super) world: World,
}

impl OperatorKind for Timed {
    fn name(&self) -> &'static str {
        self.kind.name()
    }

    fn config_schema(&self) -> Schema {
        self.kind.config_schema()
    }

    fn decode(&self, config: &Value) -> Result<(), ConfigError> {
        self.kind.decode(config)
    }

    fn secret_use(&self) -> SecretUse {
        self.kind.secret_use()
    }

    fn check(&self, config: &Value, input: Option<&SchemaRef>) -> Checked {
        self.kind.check(config, input)
    }

    fn tables(&self, config: &Value) -> BTreeMap<TableName, TableSpec> {
        self.kind.tables(config)
    }

    fn blocks(&self) -> bool {
        self.kind.blocks()
    }

    fn build(
        &self,
        config: &Value,
        input: &SchemaRef,
        cx: &BuildContext,
    ) -> Result<BuiltOperator, Fault> {
        let clock = StageClock(Arc::new(AtomicI64::new(cx.clock.now().0)));
        let cx = BuildContext { clock: Arc::new(clock.clone()), ..cx.clone() };
        let BuiltOperator { operator, outputs } = self.kind.build(config, input, &cx)?;
        let operator = TimedOperator { operator, clock, world: self.world.clone() };
        Ok(BuiltOperator { operator: Box::new(operator), outputs })
    }
}

/// The time at one stage.
#[derive(Clone)]
struct StageClock(Arc<AtomicI64>);

impl Clock for StageClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}

struct TimedOperator {
    operator: Box<dyn Operator>,
    clock: StageClock,
    world: World,
}

impl TimedOperator {
    fn advance(&self, at: Option<Timestamp>) {
        if let Some(Timestamp(at)) = at {
            self.clock.0.fetch_max(at, Ordering::SeqCst);
        }
    }
}

impl Operator for TimedOperator {
    fn start(&mut self, opening: &Opening) -> Result<(), Fault> {
        self.advance(self.world.time_of_item(&opening.stream.item));
        self.operator.start(opening)
    }

    /// A batch is of one moment: sources end theirs where the time moves.
    fn process(&mut self, batch: Batch, out: &mut Outputs) -> Result<(), Fault> {
        if batch.rows() > 0 {
            self.advance(self.world.time_of(batch.positions.at(0)));
        }
        self.operator.process(batch, out)?;
        out.forget_waits();
        Ok(())
    }

    fn tables(&mut self) -> Vec<(TableName, &mut dyn StateTable)> {
        self.operator.tables()
    }

    fn finish(&mut self, out: &mut Outputs) -> Result<(), Fault> {
        self.operator.finish(out)?;
        out.forget_waits();
        Ok(())
    }
}
