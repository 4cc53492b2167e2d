//! What happens around the records: hooks, state, the log.

use weir_stream::{Kept, Outcome};

use super::*;
use crate::operator::KeptEngine;

/// Lives one stream of an instance, to its outcome. Returns what it emitted and said.
fn live(
    config: &Value,
    shelf: &Shelf,
    names: &[&str],
    outcome: Outcome,
) -> (Vec<String>, Vec<String>) {
    let (batch, opening) = (orders(names), opening());
    let mut operator = build(config, &batch.records.schema(), shelf);
    let mut out = Outputs::default();
    operator.start(&opening).unwrap();
    operator.process(batch, &mut out).unwrap();
    operator.finish(&mut out).unwrap();
    drop(operator);
    let stage = StageId::new("script").unwrap();
    let mut kept = shelf.take::<KeptEngine>(&stage).unwrap();
    kept.settled(outcome, &opening.log);
    shelf.put(stage, kept);
    (emitted(&out), opening.log.drain().into_iter().map(|it| it.text).collect())
}

#[test]
fn the_hooks_are_called_in_order_and_say_into_the_log_of_their_stream() {
    let script = "
        export function onInit(given) { console.log('init', given.a, [1, 'x']) }
        export function onStreamStart(stream) { console.info('start', stream.workflow, stream.item) }
        export function onMessage(row) { console.debug('message', row); return row }
        export function onStreamEnd() { console.log('end'); emit('out', { n: 99 }) }
        export function onCommit() { console.log('commit') }
        export function onRollback() { console.warn('rollback') }";
    let config = json!({ "script": script, "arguments": { "a": true } });
    let shelf = Shelf::default();
    let (out, said) = live(&config, &shelf, &["a"], Outcome::Committed);
    assert_eq!(out, [r#"0 1: {"n":1,"name":"a"}"#, r#"0 1: {"n":99}"#]);
    assert_eq!(
        said,
        [
            r#"script: init true [1,"x"]"#,
            "script: start orders a.csv",
            r#"script: message {"n":1,"name":"a"}"#,
            "script: end",
            "script: commit",
        ]
    );
    let (_, said) = live(&config, &shelf, &[], Outcome::Failed);
    assert_eq!(said, ["script: start orders a.csv", "script: end", "script: rollback"]);
}

#[test]
fn state_stays_with_a_commit_and_is_undone_with_a_rollback() {
    let script = "
        export function onInit() { state.seen = 0 }
        export function onMessage(row) { state.seen++; row.n = state.seen; return row }";
    let (config, shelf) = (json!({ "script": script }), Shelf::default());
    let last = |names: &[&str], outcome| live(&config, &shelf, names, outcome).0.pop().unwrap();
    assert_eq!(last(&["a", "b"], Outcome::Committed), r#"0 2: {"n":2,"name":"b"}"#);
    assert_eq!(last(&["c"], Outcome::Failed), r#"0 1: {"n":3,"name":"c"}"#);
    assert_eq!(last(&["c"], Outcome::Committed), r#"0 1: {"n":3,"name":"c"}"#);
}

#[test]
fn an_engine_that_a_limit_ended_is_not_kept() {
    let mut config = on_message("while (true);");
    config["limits"] = json!({ "time": "20ms" });
    let shelf = Shelf::default();
    let mut operator = build(&config, &orders(&["a"]).records.schema(), &shelf);
    operator.start(&opening()).unwrap();
    operator.process(orders(&["a"]), &mut Outputs::default()).unwrap_err();
    drop(operator);
    assert!(shelf.take::<KeptEngine>(&StageId::new("script").unwrap()).is_none());
}

#[test]
fn an_engine_takes_the_schema_of_each_stream() {
    let (config, shelf) = (on_message("row.n = row.n + 1; return row"), Shelf::default());
    live(&config, &shelf, &["a"], Outcome::Committed);
    let schema = Schema::new(vec![Field::new("n", DataType::Float64, true)]);
    let column: arrow::array::ArrayRef = Arc::new(arrow::array::Float64Array::from(vec![0.5]));
    let records = RecordBatch::try_new(Arc::new(schema), vec![column]).unwrap();
    let mut operator = build(&config, &records.schema(), &shelf);
    let mut out = Outputs::default();
    operator.start(&opening()).unwrap();
    operator.process(Batch::new(records, Positions::Range { first: 8 }), &mut out).unwrap();
    assert_eq!(emitted(&out), [r#"0 8: {"n":1.5}"#]);
}

#[test]
fn hooks_outside_of_a_record_can_not_emit_and_fail_the_stream() {
    let script =
        "export function onStreamStart() { emit('out', {}) }\nexport function onMessage() {}";
    let fault = try_run(&json!({ "script": script }), orders(&["a"])).unwrap_err();
    let told = "stage script, onStreamStart: line 1, column 34 of the script: \
                TypeError: records are emitted in onMessage and onStreamEnd only";
    assert_eq!((fault.kind, fault.message.as_str()), (weir_domain::FaultKind::Data, told));
}

#[test]
fn a_state_that_is_no_json_fails_the_next_stream_and_says_so() {
    let script = "export function onInit() { state.self = state }\nexport function onMessage() {}";
    let fault = try_run(&json!({ "script": script }), orders(&["a"])).unwrap_err();
    assert_eq!(fault.message, "stage script, state: TypeError: circular reference");
}
