//! What values of each type become, and what they become again.

use arrow::array::{Array, ArrayRef};
use arrow::compute::cast;

use super::*;
use crate::cell::{Cell, column};

/// A batch with one field `v`.
fn one(values: ArrayRef) -> Batch {
    let schema = Schema::new(vec![Field::new("v", values.data_type().clone(), true)]);
    let records = RecordBatch::try_new(Arc::new(schema), vec![values]).unwrap();
    Batch::new(records, Positions::Range { first: 1 })
}

fn texts(values: &[&str], data_type: &DataType) -> ArrayRef {
    let texts: ArrayRef = Arc::new(StringArray::from(values.to_vec()));
    cast(&texts, data_type).unwrap()
}

fn parsed(name: &str) -> DataType {
    weir_formats::parse_type(name).unwrap()
}

/// The value reads as `seen` (`typeof`, and its text), and is the same once it was set to itself.
#[track_caller]
fn check_seen(values: &ArrayRef, seen: &str) {
    let body = "const v = row.v;
        const kind = v instanceof Date ? 'Date' : Array.isArray(v) ? 'Array' : typeof v;
        const text = v instanceof Date ? v.toISOString() + '+' + (v.nanos ?? 0) : typeof v == 'object'
            ? JSON.stringify(v) : String(v);
        console.log(kind + ' ' + text); row.v = v; return row;";
    let batch = one(Arc::clone(values));
    let (mut operator, opening) = started(&on_message(body), &batch.records.schema());
    let mut out = Outputs::default();
    operator.process(batch, &mut out).unwrap();
    assert_eq!(refused(&out), [""; 0], "{seen}");
    let said: Vec<_> = opening.log.drain().into_iter().map(|it| it.text).collect();
    assert_eq!(said, [format!("script: {seen}")]);
    assert_eq!(out.emitted()[0].1.records.column(0), values, "{seen}");
}

#[test]
fn every_type_is_read_and_set_without_a_loss() {
    for (name, text, seen) in [
        ("boolean", "true", "boolean true"),
        ("int8", "-128", "number -128"),
        ("uint8", "255", "number 255"),
        ("int16", "-32768", "number -32768"),
        ("uint16", "65535", "number 65535"),
        ("int32", "-2147483648", "number -2147483648"),
        ("uint32", "4294967295", "number 4294967295"),
        ("int64", "9007199254740991", "number 9007199254740991"),
        ("int64", "9007199254740993", "bigint 9007199254740993"),
        ("int64", "-9223372036854775808", "bigint -9223372036854775808"),
        ("uint64", "18446744073709551615", "bigint 18446744073709551615"),
        ("float64", "0.1", "number 0.1"),
        ("string", "naïve 🦀\0x", "string naïve 🦀\0x"),
        ("decimal(10, 2)", "12.50", "string 12.50"),
        (
            "decimal(38, 10)",
            "-1234567890123456789012345678.0123456789",
            "string -1234567890123456789012345678.0123456789",
        ),
        (
            "decimal(50, 1)",
            "1234567890123456789012345678901234567890.5",
            "string 1234567890123456789012345678901234567890.5",
        ),
        ("date", "2024-02-29", "string 2024-02-29"),
        ("time(s)", "23:59:59", "string 23:59:59"),
        ("time(us)", "23:59:59.123456", "string 23:59:59.123456"),
        ("timestamp(s)", "2024-02-29T12:00:01", "Date 2024-02-29T12:00:01.000Z+0"),
        ("timestamp(ms)", "1969-12-31T23:59:59.999", "Date 1969-12-31T23:59:59.999Z+0"),
        ("timestamp(us)", "2024-02-29T12:00:01.123456", "Date 2024-02-29T12:00:01.123Z+456000"),
        ("timestamp(ns)", "1969-12-31T23:59:59.999999999", "Date 1969-12-31T23:59:59.999Z+999999"),
        ("timestamp(us, UTC)", "2024-02-29T12:00:01.5Z", "Date 2024-02-29T12:00:01.500Z+0"),
    ] {
        check_seen(&texts(&[text], &parsed(name)), seen);
    }
    for wide in [DataType::LargeUtf8, DataType::Utf8View] {
        check_seen(&texts(&["a"], &wide), "string a");
    }
    let keys = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
    check_seen(&texts(&["a"], &keys), "string a");
    check_seen(
        &column(&DataType::Binary, &[Cell::Binary([0, 255].into())]).unwrap(),
        r#"object {"0":0,"1":255}"#,
    );
    check_seen(&texts(&["3.5"], &DataType::Float32), "number 3.5");
}

#[test]
fn nested_values_are_objects_and_lists_and_nulls_are_null() {
    let nested = parsed("list<struct<a: int64, b: list<decimal(4, 1)>>>");
    let inner = |a: i64| {
        Cell::Struct(vec![Cell::Integer(a), Cell::List(vec![Cell::Integer(15), Cell::Null])])
    };
    let values = column(&nested, &[Cell::List(vec![inner(1), Cell::Null, inner(2)])]).unwrap();
    check_seen(&values, r#"Array [{"a":1,"b":["1.5",null]},null,{"a":2,"b":["1.5",null]}]"#);
    let null = arrow::array::new_null_array(&nested, 1);
    check_seen(&null, "object null");
    let out = run(&on_message("row.v[0].a = 5; return row"), one(values));
    assert!(refused(&out)[0].contains("TypeError: 'a' is read-only"), "{:?}", refused(&out));
}

/// The value of a field of this type after a script set it.
fn set(name: &str, js: &str) -> String {
    let empty = arrow::array::new_null_array(&parsed(name), 1);
    let out = run(&on_message(&format!("row.v = {js}; return row")), one(empty));
    match out.emitted().first() {
        Some((_, batch)) => json_lines(batch).remove(0),
        None => refused(&out).remove(0).split_once("TypeError: ").unwrap().1.to_owned(),
    }
}

#[test]
fn what_is_set_is_taken_where_it_fits_and_refused_where_it_does_not() {
    for (name, js, expected) in [
        ("decimal(10, 2)", "1.005", r#"{"v":1.00}"#),
        ("decimal(10, 2)", "'1.5'", r#"{"v":1.50}"#),
        ("decimal(10, 2)", "7n", r#"{"v":7.00}"#),
        ("decimal(10, 2)", "'1.005'", "field v: 1.005 has more digits than decimal(10, 2)"),
        ("decimal(4, 2)", "100", "field v: 100 is not of type decimal(4, 2)"),
        ("date", "new Date(Date.UTC(2024, 1, 29, 23))", r#"{"v":"2024-02-29"}"#),
        ("date", "'tomorrow'", "field v: 'tomorrow' is not of type date"),
        ("timestamp(ms)", "new Date(1)", r#"{"v":"1970-01-01T00:00:00.001"}"#),
        ("timestamp(ms)", "'2024-02-29T12:00:00Z'", r#"{"v":"2024-02-29T12:00:00"}"#),
        ("timestamp(ms)", "new Date(NaN)", "field v: the Date is invalid"),
        (
            "timestamp(ns)",
            "new Date(8.64e15)",
            "field v: the time is out of the range of timestamp(ns)",
        ),
        ("timestamp(ms)", "5", "field v: 5 is not of type timestamp(ms)"),
        ("float64", "5n", "field v: a bigint is not of type float64: use Number(…)"),
        ("boolean", "1", "field v: 1 is not of type boolean"),
        ("int8", "128", "field v: 128 is out of the range of int8"),
        ("list<int64>", "[1, 2n, null]", r#"{"v":[1,2,null]}"#),
        (
            "list<int64>",
            "[1, 'x']",
            "field v: 1: 'x' is not of type int64: use Number(…) or BigInt(…)",
        ),
        ("struct<a: int64>", "({ a: 1 })", r#"{"v":{"a":1}}"#),
        ("struct<a: int64>", "({ b: 1 })", "field v: there is no field b in struct<a: int64>"),
        ("string", "undefined", "{}"),
    ] {
        assert_eq!(set(name, js), expected, "{name} = {js}");
    }
}

#[test]
fn a_field_that_must_not_be_null_is_not() {
    let id = json!({ "name": "id", "type": "int64", "nullable": false });
    let mut config = on_message("if (row.n == 1) row.id = 5; return row");
    config["outputs"] = json!({ "out": { "schema": [id] } });
    let out = run(&config, orders(&["a", "b"]));
    assert_eq!(emitted(&out), [r#"0 1: {"id":5}"#]);
    assert!(refused(&out)[0].ends_with("the field id must not be null at port out"));
}

#[test]
fn what_a_script_reads_back_is_what_it_set() {
    let out = run(&on_message("row.n = 5; row.n = row.n + 1; return row"), orders(&["a"]));
    assert_eq!(emitted(&out), [r#"0 1: {"n":6,"name":"a"}"#]);
    assert_eq!(out.emitted()[0].1.records.column(0).len(), 1);
}
