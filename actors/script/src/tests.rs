//! Scripts as their authors write them, over batches as pipelines bring them.

mod ceiling;
mod limits;
mod streams;
mod values;

use std::sync::Arc;

use arrow::array::{Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::json::LineDelimitedWriter;
use serde_json::{Value, json};
use weir_domain::{Clock, Fault, StageId, Timestamp};
use weir_stream::{
    Batch, BuildContext, Opening, Operator, OperatorKind, Outputs, Positions, Shelf, StreamContext,
    StreamLog,
};

use crate::JavaScriptKind;

struct Noon;

impl Clock for Noon {
    fn now(&self) -> Timestamp {
        Timestamp(1_699_963_200_000)
    }
}

fn context(shelf: &Shelf) -> BuildContext {
    BuildContext {
        shelf: shelf.clone(),
        ..BuildContext::alone(StageId::new("script").unwrap(), ".", Arc::new(Noon))
    }
}

fn opening() -> Opening {
    let stream = StreamContext {
        workflow: weir_domain::WorkflowName::new("orders").unwrap(),
        instance: weir_domain::InstanceId(1),
        stream: weir_domain::StreamId("0192f0c1-2222-7333-8444-000000000001".parse().unwrap()),
        item: "a.csv".into(),
        segment: None,
        opened_at: Timestamp(1_699_963_200_000),
    };
    Opening { stream: Arc::new(stream), log: StreamLog::default(), stop: Default::default() }
}

/// Records `{"n": 1, "name": "a"}`, from position 1 on.
fn orders(names: &[&str]) -> Batch {
    let schema = Schema::new(vec![
        Field::new("n", DataType::Int64, true),
        Field::new("name", DataType::Utf8, true),
    ]);
    let numbers: Int64Array = (1..).take(names.len()).collect::<Vec<i64>>().into();
    let names = StringArray::from(names.to_vec());
    let columns: Vec<arrow::array::ArrayRef> = vec![Arc::new(numbers), Arc::new(names)];
    let records = RecordBatch::try_new(Arc::new(schema), columns).unwrap();
    Batch::new(records, Positions::Range { first: 1 })
}

fn build(config: &Value, input: &SchemaRef, shelf: &Shelf) -> Box<dyn Operator> {
    JavaScriptKind.decode(config).unwrap();
    let checked = JavaScriptKind.check(config, Some(input));
    assert_eq!(checked.findings, [], "{config}");
    let built = JavaScriptKind.build(config, input, &context(shelf)).unwrap();
    let promised: Vec<_> =
        checked.outputs.into_iter().map(|(port, schema)| (port, schema.unwrap())).collect();
    assert_eq!(built.outputs, promised);
    built.operator
}

fn started(config: &Value, input: &SchemaRef) -> (Box<dyn Operator>, Opening) {
    let (mut operator, opening) = (build(config, input, &Shelf::default()), opening());
    operator.start(&opening).unwrap();
    (operator, opening)
}

/// What one stream of this batch makes, and its end.
fn run(config: &Value, batch: Batch) -> Outputs {
    try_run(config, batch).unwrap()
}

fn try_run(config: &Value, batch: Batch) -> Result<Outputs, Fault> {
    let mut operator = build(config, &batch.records.schema(), &Shelf::default());
    let mut out = Outputs::default();
    operator.start(&opening())?;
    operator.process(batch, &mut out)?;
    operator.finish(&mut out)?;
    Ok(out)
}

/// What was emitted, as `port position: JSON`.
fn emitted(out: &Outputs) -> Vec<String> {
    let mut lines = Vec::new();
    for (port, batch) in out.emitted() {
        for (row, json) in json_lines(batch).into_iter().enumerate() {
            lines.push(format!("{port} {}: {json}", batch.positions.at(row)));
        }
    }
    lines
}

fn json_lines(batch: &Batch) -> Vec<String> {
    let mut writer = LineDelimitedWriter::new(Vec::new());
    writer.write(&batch.records).unwrap();
    writer.finish().unwrap();
    let text = String::from_utf8(writer.into_inner()).unwrap();
    text.lines().map(str::to_owned).collect()
}

/// What was refused, as `position: reason`.
fn refused(out: &Outputs) -> Vec<String> {
    out.refused().iter().map(|it| format!("{}: {}", it.position, it.reason)).collect()
}

/// A script of which only `onMessage` matters.
fn on_message(body: &str) -> Value {
    json!({ "script": format!("export function onMessage(row) {{ {body} }}") })
}

/// The script makes these records of `a`, `b` and `c`, and refuses none.
#[track_caller]
fn check(config: &Value, expected: &[&str]) -> Outputs {
    let out = run(config, orders(&["a", "b", "c"]));
    assert_eq!(refused(&out), [""; 0]);
    assert_eq!(emitted(&out), expected);
    out
}

#[test]
fn what_is_returned_goes_on_and_what_is_not_is_dropped() {
    let out = check(
        &on_message("if (row.n != 2) return row"),
        &[r#"0 1: {"n":1,"name":"a"}"#, r#"0 3: {"n":3,"name":"c"}"#],
    );
    assert_eq!(out.dropped(), 1);
}

#[test]
fn a_field_that_is_set_changes_and_the_others_are_shared() {
    let batch = orders(&["a", "b"]);
    let name = Arc::clone(batch.records.column(1));
    let out = run(&on_message("row.n = row.n * 10; return row"), batch);
    assert_eq!(emitted(&out), [r#"0 1: {"n":10,"name":"a"}"#, r#"0 2: {"n":20,"name":"b"}"#]);
    assert!(Arc::ptr_eq(out.emitted()[0].1.records.column(1), &name));
    check(
        &on_message("if (row.n == 2) row.name = null; return row"),
        &[r#"0 1: {"n":1,"name":"a"}"#, r#"0 2: {"n":2}"#, r#"0 3: {"n":3,"name":"c"}"#],
    );
}

#[test]
fn a_record_leaves_as_it_is_when_it_is_emitted_by_each_port_with_its_fields() {
    let minutes = json!({ "name": "minutes", "type": "int64" });
    let config = json!({
        "script": "export function onMessage(row) {
            row.minutes = row.n * 60;
            emit('long', row);
            row.name = row.name.toUpperCase();
            emit('short', row);
            emit('short', { name: 'made', n: 7 });
        }",
        "outputs": {
            "long": { "add": [minutes] },
            "short": { "schema": [{ "name": "name", "type": "string" }] },
        },
    });
    let out = run(&config, orders(&["a", "b"]));
    assert_eq!(
        emitted(&out),
        [
            r#"0 1: {"n":1,"name":"a","minutes":60}"#,
            r#"0 2: {"n":2,"name":"b","minutes":120}"#,
            r#"1 1: {"name":"A"}"#,
            r#"1 1: {"name":"made"}"#,
            r#"1 2: {"name":"B"}"#,
            r#"1 2: {"name":"made"}"#,
        ]
    );
    assert_eq!(out.dropped(), 0);
}

#[test]
fn a_row_is_read_taken_apart_and_copied() {
    let script = "
        const {n, name} = row;
        const copied = {...copy(row), name: name + name};
        if (Object.keys(copied).join() != 'n,name') throw Error('keys ' + Object.keys(copied));
        if (JSON.stringify(row) != JSON.stringify({n, name})) throw Error(JSON.stringify(row));
        if (!('n' in row) || 'x' in row || row.x !== undefined) throw Error('in');
        if (String(row) != '[object Object]' || row.hasOwnProperty('n')) throw Error(String(row));
        return [row, copied];";
    let out = run(&on_message(script), orders(&["a"]));
    assert_eq!(refused(&out), [""; 0]);
    assert_eq!(emitted(&out), [r#"0 1: {"n":1,"name":"a"}"#, r#"0 1: {"n":1,"name":"aa"}"#]);
}

#[test]
fn a_record_that_throws_is_refused_with_its_place_and_leaves_nothing() {
    let script = "
export function onMessage(row) {
  emit('out', row);
  if (row.n == 2)
    row.missing.length;
  return { n: row.n };
}";
    let mut out = run(&json!({ "script": script }), orders(&["a", "b", "c"]));
    let reason = "2: line 5, column 5 of the script: \
                  TypeError: cannot read property 'length' of undefined";
    assert_eq!(refused(&out), [reason]);
    assert_eq!(
        emitted(&out),
        [
            r#"0 1: {"n":1,"name":"a"}"#,
            r#"0 1: {"n":1}"#,
            r#"0 3: {"n":3,"name":"c"}"#,
            r#"0 3: {"n":3}"#,
        ]
    );
    let file = json!({ "file": "scripts/a.js", "text": script });
    out = run(&json!({ "script": file }), orders(&["a", "b"]));
    assert!(refused(&out)[0].starts_with("2: scripts/a.js:5:5: TypeError"), "{:?}", refused(&out));
}

/// Each of these is refused for its only record.
#[test]
fn mistakes_are_told_as_they_are() {
    let told = |body: &str| {
        let out = run(&on_message(body), orders(&["a"]));
        assert_eq!(emitted(&out), [""; 0], "{body}");
        let reason = refused(&out).join(";");
        let plain = reason.trim_start_matches("1: ");
        plain.split_once("script: ").map_or(plain, |it| it.1).to_owned()
    };
    for (body, expected) in [
        ("row.nam = 1", "TypeError: there is no field nam: did you mean name?"),
        ("row.n = 'x'", "TypeError: field n: 'x' is not of type int64: use Number(…) or BigInt(…)"),
        ("row.n = 1.5", "TypeError: field n: 1.5 is not of type int64: use Math.round(…)"),
        (
            "row.n = 2n ** 63n",
            "TypeError: field n: 9223372036854775808 is out of the range of int64",
        ),
        (
            "row.n = 2 ** 53",
            "TypeError: field n: 9007199254740992 is not of type int64: use Math.round(…)",
        ),
        ("row.name = 5", "TypeError: field name: 5 is not of type string: use String(…)"),
        (
            "row.name = '\\ud800'",
            "TypeError: field name: the text has half of a character (a lone surrogate)",
        ),
        ("return {...row, n: 5}", "TypeError: a row can't be spread: write {...copy(row), …}"),
        (
            "const {n, ...rest} = row; return rest",
            "TypeError: a row can't be spread: write {...copy(row), …}",
        ),
        ("emit('outs', row)", "TypeError: there is no port outs: did you mean out?"),
        ("emit('out', {nam: 1})", "TypeError: there is no field nam: did you mean name?"),
        ("emit('out', 5)", "TypeError: a record is a row or an object, and this is of type int"),
        ("throw 'up'", "up was thrown"),
        ("return new Promise(() => {})", "the promise can't settle: nothing will ever resolve it"),
        ("return Promise.reject(RangeError('no'))", "RangeError: no"),
        ("return import('fs')", "ReferenceError: could not load module 'fs'"),
    ] {
        assert_eq!(told(body), expected, "{body}");
    }
}

#[test]
fn a_row_that_is_kept_says_so_and_a_copy_does_not() {
    let script = "
        let kept, copied;
        export function onMessage(row) {
            if (kept) emit('out', copied), kept.n;
            kept = row; copied = copy(row);
        }
        export function onStreamEnd() { emit('out', copied) }";
    let out = run(&json!({ "script": script }), orders(&["a", "b"]));
    let reason = "2: line 4, column 44 of the script: TypeError: the row is used after its onMessage \
                  ended: keep a copy instead, copy(row)";
    assert_eq!(refused(&out), [reason]);
    assert_eq!(emitted(&out), [r#"0 2: {"n":1,"name":"a"}"#]);
}

#[test]
fn promises_are_waited_for() {
    let script = "export async function onMessage(row) { row.n = await Promise.resolve(row.n + 1); \
                  return row }";
    check(
        &json!({ "script": script }),
        &[r#"0 1: {"n":2,"name":"a"}"#, r#"0 2: {"n":3,"name":"b"}"#, r#"0 3: {"n":4,"name":"c"}"#],
    );
}

/// Findings as `place path: cause | fix`.
fn findings(config: &Value) -> Vec<String> {
    JavaScriptKind.decode(config).unwrap();
    let input = orders(&["a"]).records.schema();
    let found = JavaScriptKind.check(config, Some(&input)).findings;
    found.iter().map(|it| format!("{} {}: {} | {}", it.place, it.path, it.cause, it.fix)).collect()
}

#[test]
fn what_is_wrong_is_found_before_it_runs() {
    let text = "export function onMessage(row) {\n  return row +;\n}";
    let file = json!({ "script": { "file": "a.js", "text": text } });
    assert_eq!(
        findings(&file),
        ["a.js:2:15 script: SyntaxError: unexpected token in expression: ';' | "]
    );
    let inline = json!({ "script": text });
    let says = " script: line 2, column 15 of the script: SyntaxError: unexpected token in expression: ';' | ";
    assert_eq!(findings(&inline), [says]);
    for (config, expected) in [
        (
            json!({ "script": "function onMessage() {}" }),
            " script: the script exports no onMessage: write export function onMessage(row) { … } | ",
        ),
        (
            json!({ "script": "export const onMessage = 5" }),
            " script: onMessage is exported and no function | ",
        ),
        (
            json!({ "script": "export function onMessage() {}; export function onStart() {}" }),
            " script: onStart is exported, and nothing ever calls it | did you mean onStreamStart?",
        ),
        (
            json!({ "script": "export function onMessage() {}; while (true);", "limits": { "time": "20ms" } }),
            " script: the script takes more than 20ms before any of its functions | \
             look for a loop that does not end",
        ),
        (
            json!({ "script": { "file": "a.js" } }),
            " script: the file a.js was not read | check that the project has the file",
        ),
        (
            json!({ "script": "", "limits": { "time": "0s" } }),
            " limits.time: no call may take any time | write for instance 1s",
        ),
        (
            json!({ "script": "", "outputs": { "out": { "add": [{ "name": "n", "type": "int64" }] } } }),
            " outputs.out.add[0].name: the input has a field n already | \
             a script may set it as it is: leave it out here, or name this one otherwise",
        ),
        (
            json!({ "script": "", "outputs": { "out": { "schema": [{ "name": "n", "type": "string" }] } } }),
            " outputs.out: the field n is string here and int64 elsewhere | \
             give both the same type, or one of them another name",
        ),
    ] {
        assert_eq!(findings(&config), [expected], "{config}");
    }
}
