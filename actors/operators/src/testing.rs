//! What the tests of several kinds share: batches from JSON lines, a clock that stands, and
//! running a kind as a pipeline would.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::json::{LineDelimitedWriter, ReaderBuilder};
use serde_json::Value;
use weir_domain::{Clock, StageId, Timestamp};
use weir_stream::{Batch, BuildContext, Operator, OperatorKind, Outputs, Positions};

struct Noon;

impl Clock for Noon {
    fn now(&self) -> Timestamp {
        Timestamp(1_699_963_200_000)
    }
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
