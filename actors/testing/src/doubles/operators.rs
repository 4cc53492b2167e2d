//! Operators as they are, in the time of the case: the clock shows when the record came that an
//! operator has in hand, and nobody waits.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use arrow::datatypes::SchemaRef;
use schemars::Schema;
use serde_json::Value;
use weir_domain::{Clock, Fault, PortName, StageId, TableName, Timestamp};
use weir_stream::state::{StateTable, TableSpec};
use weir_stream::{
    Batch, BuildContext, BuiltOperator, Checked, ConfigError, Opening, Operator, OperatorKind,
    Outputs, SecretUse,
};

use crate::seen::Witness;
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
        let eye = self.world.witness().map(|witness| Eye {
            witness,
            stage: cx.stage.clone(),
            item: String::new(),
            ports: outputs.iter().map(|it| it.0.clone()).collect(),
        });
        let operator = TimedOperator { operator, clock, world: self.world.clone(), eye };
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
    eye: Option<Eye>,
}

/// Sees what an operator makes of what.
struct Eye {
    witness: Arc<Witness>,
    stage: StageId,
    item: String,
    ports: Vec<PortName>,
}

/// What there was in the outputs before.
#[derive(Clone, Copy)]
struct Mark {
    batches: usize,
    bad: usize,
    dropped: usize,
}

impl Mark {
    fn of(out: &Outputs) -> Self {
        Self { batches: out.emitted().len(), bad: out.refused().len(), dropped: out.dropped() }
    }
}

impl Eye {
    fn came(&self, batch: &Batch) {
        self.witness.came(&self.stage, &self.item, batch);
    }

    fn left(&self, out: &Outputs, before: Mark, is_of_end: bool) {
        let at = (&self.stage, self.item.as_str());
        for (port, batch) in &out.emitted()[before.batches..] {
            if let Some(port) = self.ports.get(*port) {
                self.witness.left(at, (port, batch), is_of_end);
            }
        }
        self.witness.failed(at.0, at.1, &out.refused()[before.bad..]);
        self.witness.dropped(at.0, out.dropped() - before.dropped);
    }
}

impl TimedOperator {
    /// Lets the operator work, and sees what came of it.
    fn seen(
        &mut self,
        out: &mut Outputs,
        is_of_end: bool,
        work: impl FnOnce(&mut dyn Operator, &mut Outputs) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        let before = Mark::of(out);
        let worked = work(&mut *self.operator, out);
        if let Some(eye) = &self.eye {
            eye.left(out, before, is_of_end);
            if let Err(fault) = &worked {
                eye.witness.faulted(&eye.stage, fault);
            }
        }
        out.forget_waits();
        worked
    }

    fn advance(&self, at: Option<Timestamp>) {
        if let Some(Timestamp(at)) = at {
            self.clock.0.fetch_max(at, Ordering::SeqCst);
        }
    }
}

impl Operator for TimedOperator {
    fn start(&mut self, opening: &Opening) -> Result<(), Fault> {
        self.advance(self.world.time_of_item(&opening.stream.item));
        if let Some(eye) = &mut self.eye {
            eye.item.clone_from(&opening.stream.item);
        }
        self.operator.start(opening)
    }

    /// A batch is of one moment: sources end theirs where the time moves.
    fn process(&mut self, batch: Batch, out: &mut Outputs) -> Result<(), Fault> {
        if batch.rows() > 0 {
            self.advance(self.world.time_of(batch.positions.at(0)));
        }
        if let Some(eye) = &self.eye {
            eye.came(&batch);
        }
        self.seen(out, false, |operator, out| operator.process(batch, out))
    }

    fn tables(&mut self) -> Vec<(TableName, &mut dyn StateTable)> {
        self.operator.tables()
    }

    fn finish(&mut self, out: &mut Outputs) -> Result<(), Fault> {
        self.seen(out, true, |operator, out| operator.finish(out))
    }
}
