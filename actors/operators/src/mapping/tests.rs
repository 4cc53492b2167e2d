//! Mappings as data: configuration, records, and what comes out.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, RecordBatch, StructArray};
use arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef};
use serde_json::{Value, json};
use weir_stream::{Batch, OperatorKind, Outputs, Positions};

use super::MappingKind;
use crate::testing::{batch, build_operator, check_operator, field, json_lines, refused, run};

fn flights() -> SchemaRef {
    let origin = Fields::from(vec![field("code", DataType::Utf8), field("city", DataType::Utf8)]);
    Arc::new(Schema::new(vec![
        field("carrier", DataType::Utf8),
        field("delay", DataType::Utf8),
        field("miles", DataType::Int64),
        field("origin", DataType::Struct(origin)),
        field("a.b", DataType::Int64),
    ]))
}

const RECORDS: &str = r#"{"carrier":"AA","delay":"14","miles":100,"origin":{"code":"BOS","city":"Boston"},"a.b":1}
{"carrier":"UA","delay":"x","miles":0,"origin":null,"a.b":2}
{"carrier":"DL","delay":"-3","miles":50,"origin":{"code":"JFK","city":null},"a.b":3}"#;

fn map(config: &Value) -> Outputs {
    let mut operator = build_operator(&MappingKind, config, &flights());
    run(&mut *operator, batch(&flights(), RECORDS))
}

fn lines(out: &Outputs) -> Vec<String> {
    out.emitted()
        .iter()
        .flat_map(|(port, it)| {
            assert_eq!(*port, 0);
            json_lines(it)
        })
        .collect()
}

#[test]
fn later_fields_use_earlier_ones_and_replaced_fields_keep_their_place() {
    let out = map(&json!({
        "set": { "delay": "TRY_CAST(delay AS INT)", "late": "delay > 10", "n": 5 },
        "drop": ["origin", "a.b", "miles"],
    }));
    assert_eq!(
        lines(&out),
        [
            r#"{"carrier":"AA","delay":14,"late":true,"n":5}"#,
            r#"{"carrier":"UA","n":5}"#,
            r#"{"carrier":"DL","delay":-3,"late":false,"n":5}"#,
        ]
    );
    assert!(refused(&out).is_empty());
}

#[test]
fn a_record_without_a_value_is_refused_with_its_field_and_the_others_go_on() {
    let out = map(&json!({
        "set": { "delay": "CAST(delay AS INT)", "speed": "1000 / miles", "sum": "delay + speed" },
        "drop": ["origin", "a.b", "miles"],
    }));
    assert_eq!(
        lines(&out),
        [
            r#"{"carrier":"AA","delay":14,"speed":10,"sum":24}"#,
            r#"{"carrier":"DL","delay":-3,"speed":20,"sum":17}"#,
        ]
    );
    assert_eq!(refused(&out), ["2: delay: cannot cast string 'x' to value of int32 type"]);
    assert_eq!(out.emitted()[0].1.positions.at(1), 3);
    let raw = std::str::from_utf8(&out.refused()[0].raw).unwrap();
    assert!(raw.starts_with(r#"{"carrier":"UA","delay":"x""#), "{raw}");
}

#[test]
fn select_hands_on_only_what_is_named_in_its_order() {
    let out = map(&json!({
        "mode": "select",
        "keep": ["miles", "origin.code"],
        "rename": { "carrier": "airline" },
        "set": { "upper": "upper(airline)", "code": "origin.code" },
    }));
    assert_eq!(
        lines(&out),
        [
            r#"{"miles":100,"origin":{"code":"BOS"},"airline":"AA","upper":"AA","code":"BOS"}"#,
            r#"{"miles":0,"airline":"UA","upper":"UA"}"#,
            r#"{"miles":50,"origin":{"code":"JFK"},"airline":"DL","upper":"DL","code":"JFK"}"#,
        ]
    );
}

#[test]
fn nested_fields_are_set_renamed_moved_and_dropped() {
    let out = map(&json!({
        "mode": "extend",
        "rename": { "origin.city": "origin.town", "a.b": "ab" },
        "set": { "origin.town": "coalesce(origin.town, carrier)", "to.name": "'x'", "to.pos.lat": 1.5 },
        "drop": ["delay", "miles", "carrier"],
    }));
    assert_eq!(
        lines(&out),
        [
            r#"{"origin":{"code":"BOS","town":"Boston"},"ab":1,"to":{"name":"x","pos":{"lat":1.5}}}"#,
            r#"{"origin":{"town":"UA"},"ab":2,"to":{"name":"x","pos":{"lat":1.5}}}"#,
            r#"{"origin":{"code":"JFK","town":"DL"},"ab":3,"to":{"name":"x","pos":{"lat":1.5}}}"#,
        ]
    );
}

#[test]
fn a_record_that_loses_its_last_field_disappears() {
    let moved = map(&json!({
        "rename": { "origin.code": "code", "origin.city": "city" },
        "drop": ["carrier", "delay", "miles", "a.b"],
    }));
    let expected = [r#"{"code":"BOS","city":"Boston"}"#, "{}", r#"{"code":"JFK"}"#];
    assert_eq!(lines(&moved), expected);
    let dropped =
        map(&json!({ "drop": ["origin.code", "origin.city", "carrier", "delay", "a.b"] }));
    assert_eq!(lines(&dropped)[0], r#"{"miles":100}"#);
}

#[test]
fn now_is_the_time_of_the_runtime() {
    let out = map(&json!({ "mode": "select", "set": { "at": "CAST(now() AS DATE)" } }));
    assert_eq!(lines(&out)[0], r#"{"at":"2023-11-14"}"#);
}

#[test]
fn what_is_wrong_is_found_with_its_key_and_a_way_out() {
    let findings = |config: Value| check_operator(&MappingKind, &config, Some(&flights()));
    assert_eq!(
        findings(json!({
            "rename": { "carier": "x", "miles": "delay" },
            "set": { "speed": "mils / 2", "twice": "speed * 2", "carrier.name": "1", "a..b": "1" },
            "drop": ["origin.ctiy", "speed", "delay.x"],
        })),
        [
            "rename.carier: there is no field carier | did you mean carrier?",
            "rename.miles: there is a field delay already | choose another name, or replace the field with set",
            "set.speed: there is no field mils (at column 1 of the expression) | did you mean miles?",
            "set.carrier.name: carrier is string, it has no fields inside | choose another name, or drop the field first",
            "set.a..b: a..b has an empty name between its dots | ",
            "drop[0]: there is no field origin.ctiy | did you mean origin.city?",
            "drop[2]: delay is string, it has no fields inside | choose another name, or drop the field first",
        ]
    );
    assert_eq!(
        findings(json!({ "keep": ["miles"] })),
        [
            "keep: keep has no meaning with mode: extend, which keeps all fields | set mode: select, or remove keep"
        ]
    );
    assert_eq!(
        findings(json!({})),
        [": the mapping changes nothing | add set, rename or drop, or remove the stage"]
    );
    assert_eq!(
        findings(json!({ "mode": "select" })),
        [": the mapping leaves no field | keep or set at least one"]
    );
}

#[test]
fn without_a_schema_the_syntax_is_checked() {
    let config = json!({ "set": { "a": "b +", "c": "uper(d)", "e": "anything" } });
    assert_eq!(
        check_operator(&MappingKind, &config, None),
        [
            "set.a: expected an expression, found the end (at column 4 of the expression) | ",
            "set.c: there is no function uper (at column 1 of the expression) | did you mean upper?",
        ]
    );
    assert_eq!(MappingKind.check(&config, None).outputs[0].1, None);
}

#[test]
fn a_configuration_that_does_not_fit_names_the_key() {
    let error = |config: Value| MappingKind.decode(&config).unwrap_err().path().to_string();
    assert_eq!(error(json!({ "set": { "a": ["x"] } })), "set.a");
    assert_eq!(error(json!({ "drop": [1] })), "drop[0]");
    assert_eq!(error(json!({ "sett": {} })), "sett");
    assert_eq!(error(json!({ "mode": "all" })), "mode");
}

#[test]
fn not_null_stays_not_null_where_a_field_is_only_copied() {
    let input = Arc::new(Schema::new(vec![Field::new("id", DataType::Int64, false)]));
    let config = json!({ "set": { "copy": "id", "more": "id + 1" } });
    let output = MappingKind.check(&config, Some(&input)).outputs[0].1.clone().unwrap();
    assert!(!output.field_with_name("copy").unwrap().is_nullable());
    assert!(output.field_with_name("more").unwrap().is_nullable());
}

#[test]
fn what_a_null_record_hides_stays_hidden_when_the_record_comes_to_be() {
    let inner = Fields::from(vec![Field::new("x", DataType::Int64, false)]);
    let values: ArrayRef = Arc::new(Int64Array::from(vec![1, 99]));
    let nulls = vec![true, false].into();
    let record: ArrayRef = Arc::new(StructArray::new(inner.clone(), vec![values], Some(nulls)));
    let schema = Arc::new(Schema::new(vec![field("r", DataType::Struct(inner))]));
    let records = RecordBatch::try_new(Arc::clone(&schema), vec![record]).unwrap();
    let given = Batch::new(records, Positions::Range { first: 1 });

    let config = json!({ "set": { "r.y": 7 }, "rename": { "r.x": "r.z" } });
    let out = run(&mut *build_operator(&MappingKind, &config, &schema), given.clone());
    let expected = [r#"{"r":{"z":1,"y":7}}"#, r#"{"r":{"y":7}}"#];
    assert_eq!(lines(&out), expected);

    let config = json!({ "rename": { "r.x": "x" } });
    let out = run(&mut *build_operator(&MappingKind, &config, &schema), given);
    let column = out.emitted()[0].1.records.column(0).clone();
    assert!(
        column.is_null(1) && column.as_primitive::<arrow::datatypes::Int64Type>().value(0) == 1
    );
}
