//! How many rows a script takes in a second of one core, in batches as pipelines bring them. What
//! counts is the time that the core worked for it (Linux says so), whoever else uses the machine.
//!
//! `cargo run --release -p weir-script --example rows`

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray};
use serde_json::{Value, json};
use weir_domain::{Clock, StageId, Timestamp};
use weir_stream::{
    Batch, BuildContext, Opening, OperatorKind, Outputs, Positions, StreamContext, StreamLog,
};

const ROWS: usize = 8_192;
const BATCHES: usize = 50;

struct Noon;

impl Clock for Noon {
    fn now(&self) -> Timestamp {
        Timestamp(0)
    }
}

fn main() {
    let added = json!({ "out": { "add": [{ "name": "late", "type": "boolean" }] } });
    for (what, body, outputs) in [
        ("returns the row", "return row", json!({})),
        ("reads two numbers, sets one", "row.delay = row.delay + row.taxi; return row", json!({})),
        ("reads two numbers, adds a field", "row.late = row.delay > row.taxi; return row", added),
        ("reads two texts, sets one", "row.from = row.from + row.to; return row", json!({})),
        ("filters by a number", "if (row.delay > 100) return row", json!({})),
        ("makes an object", "return { ...copy(row), delay: 0 }", json!({})),
    ] {
        let script = format!("export function onMessage(row) {{ {body} }}");
        let rate = rate(&json!({ "script": script, "outputs": outputs }));
        println!("{what:<34} {rate:>6.2} M rows/s");
    }
}

/// Millions of rows a second: the best of five.
fn rate(config: &Value) -> f64 {
    let batch = batch();
    let cx = BuildContext::alone(StageId::new("script").expect("a name"), ".", Arc::new(Noon));
    let built = JAVASCRIPT.build(config, &batch.records.schema(), &cx).expect("a sound script");
    let mut operator = built.operator;
    operator.start(&opening()).expect("it starts");
    let mut best = f64::MAX;
    for _ in 0..5 {
        let began = worked_seconds();
        for _ in 0..BATCHES {
            let mut out = Outputs::default();
            operator.process(batch.clone(), &mut out).expect("no limit is met");
            assert!(out.refused().is_empty(), "{}", out.refused()[0].reason);
        }
        best = best.min(worked_seconds() - began);
    }
    (ROWS * BATCHES) as f64 / best / 1e6
}

/// How long a core worked for this thread so far.
fn worked_seconds() -> f64 {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").expect("Linux has it");
    let nanos = told.split_whitespace().next().and_then(|it| it.parse::<f64>().ok());
    nanos.expect("its first number") / 1e9
}

const JAVASCRIPT: weir_script::JavaScriptKind = weir_script::JavaScriptKind;

fn batch() -> Batch {
    let numbers = |step: i64| (0..ROWS as i64).map(|it| it * step % 300).collect::<Vec<_>>();
    let texts = |of: &str| (0..ROWS).map(|it| format!("{of}{it}")).collect::<Vec<_>>();
    let distance: Vec<f64> = numbers(3).into_iter().map(|it| it as f64).collect();
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("delay", Arc::new(Int64Array::from(numbers(7)))),
        ("taxi", Arc::new(Int64Array::from(numbers(11)))),
        ("distance", Arc::new(Float64Array::from(distance))),
        ("from", Arc::new(StringArray::from(texts("LEB")))),
        ("to", Arc::new(StringArray::from(texts("BOS")))),
    ];
    let records = RecordBatch::try_from_iter(columns).expect("columns of one length");
    Batch::new(records, Positions::Range { first: 1 })
}

fn opening() -> Opening {
    let stream = StreamContext {
        workflow: weir_domain::WorkflowName::new("bench").expect("a name"),
        instance: weir_domain::InstanceId(1),
        stream: weir_domain::StreamId(
            "0192f0c1-2222-7333-8444-000000000001".parse().expect("an id"),
        ),
        item: "bench".into(),
        segment: None,
        opened_at: Timestamp(0),
    };
    Opening { stream: Arc::new(stream), log: StreamLog::default(), stop: Default::default() }
}
