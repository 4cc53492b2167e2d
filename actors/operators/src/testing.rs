//! What the tests of several kinds share: batches from JSON lines, a clock that stands, and
//! running a kind as a pipeline would.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::json::{LineDelimitedWriter, ReaderBuilder};
use serde_json::Value;
use weir_domain::{Clock, StageId, TableName, Timestamp};
use weir_stream::{Batch, BuildContext, Epoch, Operator, OperatorKind, Outputs, Positions};

struct Noon;

impl Clock for Noon {
    fn now(&self) -> Timestamp {
        Timestamp(1_699_963_200_000)
    }
}

/// A clock that is set by hand, in milliseconds since 1970.
#[derive(Default)]
pub(crate) struct Hand(AtomicI64);

impl Hand {
    pub(crate) fn set(&self, now: i64) {
        self.0.store(now, Ordering::Relaxed);
    }
}

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::Relaxed))
    }
}

/// What checkpoints hold of an operator's tables.
#[derive(Default)]
pub(crate) struct Kept {
    parts: BTreeMap<TableName, Vec<Vec<u8>>>,
    epoch: u32,
}

impl Kept {
    /// Takes a checkpoint.
    pub(crate) fn take(&mut self, operator: &mut dyn Operator) {
        self.epoch += 1;
        for (name, table) in operator.tables() {
            if let Some(changed) = table.freeze(Epoch::new(1, self.epoch)) {
                let parts = changed.encode().into_iter().map(|it| it.to_vec());
                self.parts.entry(name).or_default().extend(parts);
            }
        }
    }

    pub(crate) fn without(mut self, table: &str) -> Self {
        self.parts.retain(|name, _| name.as_str() != table);
        self
    }

    /// Gives an operator that was just built what was kept.
    pub(crate) fn restore(&self, operator: &mut dyn Operator) {
        for (name, table) in operator.tables() {
            for part in self.parts.get(&name).into_iter().flatten() {
                table.load(part).unwrap();
            }
        }
    }
}

/// Runs records, which are JSON lines, in batches of these lengths, and begins again from a checkpoint
/// where it is so said: what came after it is lost, and read again.
pub(crate) fn in_batches(
    build: impl Fn() -> Box<dyn Operator>,
    schema: &SchemaRef,
    lines: &[String],
    cuts: &[(usize, bool)],
) -> Vec<Outputs> {
    let (mut operator, mut kept, mut outs) = (build(), Kept::default(), Vec::new());
    let (mut from, mut cuts) = (0, cuts.iter().cycle());
    while let Some((length, restarts)) = cuts.next().filter(|_| from < lines.len()) {
        let to = (from + length).min(lines.len());
        let mut batch = batch(schema, &lines[from..to].concat());
        batch.positions = Positions::Range { first: from as u64 + 1 };
        if *restarts {
            kept.take(&mut *operator);
            run(&mut *operator, batch.clone());
            operator = build();
            kept.restore(&mut *operator);
        }
        outs.push(run(&mut *operator, batch));
        from = to;
    }
    outs
}

pub(crate) fn context() -> BuildContext {
    BuildContext::alone(StageId::new("stage").unwrap(), ".", Arc::new(Noon))
}

pub(crate) fn field(name: &str, data_type: DataType) -> Field {
    Field::new(name, data_type, true)
}

pub(crate) fn batch(schema: &SchemaRef, json_lines: &str) -> Batch {
    let mut reader = ReaderBuilder::new(Arc::clone(schema))
        .with_batch_size(1 << 16)
        .build(json_lines.as_bytes())
        .unwrap();
    Batch::new(reader.next().unwrap().unwrap(), Positions::Range { first: 1 })
}

/// Records `{"n": 0}`, `{"n": 1}` …
pub(crate) fn numbers(rows: usize) -> Batch {
    let schema = Arc::new(Schema::new(vec![field("n", DataType::Int64)]));
    let lines: String = (0..rows).map(|it| format!("{{\"n\":{it}}}\n")).collect();
    batch(&schema, &lines)
}

pub(crate) fn build_operator(
    kind: &dyn OperatorKind,
    config: &Value,
    input: &SchemaRef,
) -> Box<dyn Operator> {
    kind.decode(config).unwrap();
    let checked = kind.check(config, Some(input));
    assert_eq!(checked.findings, [], "{config}");
    let built = kind.build(config, input, &context()).unwrap();
    let promised: Vec<_> =
        checked.outputs.into_iter().map(|(port, schema)| (port, schema.unwrap())).collect();
    assert_eq!(built.outputs, promised);
    built.operator
}

pub(crate) fn run(operator: &mut dyn Operator, batch: Batch) -> Outputs {
    let mut out = Outputs::default();
    operator.process(batch, &mut out).unwrap();
    out
}

/// Findings as `path: cause | fix`.
pub(crate) fn check_operator(
    kind: &dyn OperatorKind,
    config: &Value,
    input: Option<&SchemaRef>,
) -> Vec<String> {
    kind.decode(config).unwrap();
    let findings = kind.check(config, input).findings;
    findings.iter().map(|it| format!("{}: {} | {}", it.path, it.cause, it.fix)).collect()
}

/// The records of a batch as JSON lines.
pub(crate) fn json_lines(batch: &Batch) -> Vec<String> {
    let mut writer = LineDelimitedWriter::new(Vec::new());
    writer.write(&batch.records).unwrap();
    writer.finish().unwrap();
    let text = String::from_utf8(writer.into_inner()).unwrap();
    text.lines().map(str::to_owned).collect()
}

/// What was refused, as `position: reason`.
pub(crate) fn refused(out: &Outputs) -> Vec<String> {
    out.refused().iter().map(|it| format!("{}: {}", it.position, it.reason)).collect()
}
