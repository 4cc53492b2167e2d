//! Which values go into which columns, and how.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int32Array,
    Int64Array, ListArray, RecordBatch, StringArray, Time64MicrosecondArray,
    TimestampMicrosecondArray, UInt64Array,
};
use arrow::datatypes::Int32Type;
use serde_json::json;

use super::super::catalog::{Characters, Class, TableColumn, TextLimit};
use super::super::connection::DatabaseKind;
use super::super::fit::{Fit, Misfits};
use super::super::value::Column;
use super::*;

#[test]
fn values_of_all_types_are_written_with_nulls_and_extremes() {
    let columns: [(&str, ArrayRef); 10] = [
        ("i", Arc::new(Int64Array::from(vec![Some(i64::MIN), Some(i64::MAX), None]))),
        ("f", Arc::new(Float64Array::from(vec![Some(f64::MAX), Some(-0.1), None]))),
        ("t", Arc::new(StringArray::from(vec![Some(""), Some("a'\"\\ü\0"), None]))),
        ("b", Arc::new(BinaryArray::from_opt_vec(vec![Some(&[]), Some(&[0, 255]), None]))),
        ("l", Arc::new(BooleanArray::from(vec![Some(true), Some(false), None]))),
        ("d", Arc::new(Date32Array::from(vec![Some(-719_162), Some(2_932_896), None]))),
        ("c", Arc::new(Time64MicrosecondArray::from(vec![Some(0), Some(86_399_999_999), None]))),
        ("s", Arc::new(TimestampMicrosecondArray::from(vec![Some(-1), Some(1_500_000), None]))),
        (
            "z",
            Arc::new(
                TimestampMicrosecondArray::from(vec![Some(0), Some(1), None])
                    .with_timezone("+02:00"),
            ),
        ),
        (
            "n",
            Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>([
                Some(vec![Some(1), None]),
                Some(vec![]),
                None,
            ])),
        ),
    ];
    let records =
        RecordBatch::try_from_iter_with_nullable(columns.map(|it| (it.0, it.1, true))).unwrap();
    let bench = Bench::new("");
    let config = json!({ "table": "all", "createTable": true });
    let (actions, bad) = bench.prepared(&config, &stream(1, None), &records).unwrap();
    assert_eq!(bad, []);
    bench.publish(&actions).unwrap();
    let text = |it: &str| Cell::Text(it.to_owned());
    let rows = bench.ask("SELECT * FROM \"all\" ORDER BY rowid");
    let first = [
        Cell::Int(i64::MIN),
        Cell::Float(f64::MAX),
        text(""),
        Cell::Bytes(vec![]),
        Cell::Int(1),
        text("0001-01-01"),
        text("00:00:00"),
        text("1969-12-31 23:59:59.999999"),
        text("1970-01-01 00:00:00+00:00"),
        text("[1,null]"),
    ];
    assert_eq!(rows[0], first);
    assert_eq!(rows[1][2], text("a'\"\\ü\0"));
    assert_eq!(rows[1][5], text("9999-12-31"));
    assert_eq!(rows[1][8], text("1970-01-01 00:00:00.000001+00:00"));
    assert_eq!(rows[2], [const { Cell::Null }; 10]);
}

/// What becomes of the values of a field in a column of such a class.
fn fitted(
    kind: DatabaseKind,
    (class, type_name): (Class, &str),
    values: ArrayRef,
) -> (Column, Vec<(usize, String)>) {
    let column = TableColumn {
        name: "c".to_owned(),
        type_name: type_name.to_owned(),
        class,
        may_be_null: false,
        has_default: false,
        is_generated: false,
    };
    let fit = Fit { field: "f".to_owned(), column };
    let records = RecordBatch::try_from_iter_with_nullable([("f", values, true)]).unwrap();
    fit.check(records.schema().field(0), kind).unwrap();
    let mut misfits = Misfits::new();
    let values = fit.values(&records, kind, &mut misfits).unwrap();
    (values, misfits.into_iter().collect())
}

#[track_caller]
fn check(kind: DatabaseKind, class: (Class, &str), values: ArrayRef, bad: &[(usize, &str)]) {
    let (_, misfits) = fitted(kind, class, values);
    let bad: Vec<_> =
        bad.iter().map(|it| (it.0, format!("f can't be in the column c: {}", it.1))).collect();
    assert_eq!(misfits, bad);
}

#[test]
fn values_that_a_column_can_not_hold_are_told_by_row() {
    use DatabaseKind::{Mysql, Postgres, Sqlite};
    let small = || (Class::Int { min: -128, max: 127 }, "tinyint");
    let ints = Arc::new(Int32Array::from(vec![Some(127), Some(128), None]));
    check(
        Mysql,
        small(),
        ints,
        &[(1, "128 is not between -128 and 127"), (2, "it must not be null")],
    );
    let big = Arc::new(UInt64Array::from(vec![u64::MAX]));
    let big_int = (Class::Int { min: i64::MIN.into(), max: i64::MAX.into() }, "bigint");
    let why = "18446744073709551615 is not between -9223372036854775808 and 9223372036854775807";
    check(Postgres, big_int, big, &[(0, why)]);
    let limit = TextLimit { chars: Some(2), ..TextLimit::default() };
    let texts = || Arc::new(StringArray::from(vec!["üü", "abc", "a\0"]));
    check(
        Postgres,
        (Class::Text(limit), "character varying"),
        texts(),
        &[
            (1, "it has 3 characters, and there is room for 2"),
            (2, "PostgreSQL has no character with the code 0"),
        ],
    );
    let limit = TextLimit { bytes: Some(3), characters: Characters::Latin, chars: None };
    let texts = Arc::new(StringArray::from(vec!["üüü", "€", "я", "abcd"]));
    check(
        Mysql,
        (Class::Text(limit), "tinytext"),
        texts,
        &[
            (2, "the character set of the column has no \"я\""),
            (3, "it has 4 bytes, and there is room for 3"),
        ],
    );
    let floats = || Arc::new(Float64Array::from(vec![1.0, f64::NAN, f64::INFINITY]));
    let float = || (Class::Float, "double");
    check(Postgres, float(), floats(), &[]);
    check(Sqlite, float(), floats(), &[(1, "NaN is no number that it has")]);
    let both = [(1, "NaN is no number that it has"), (2, "inf is no number that it has")];
    check(Mysql, float(), floats(), &both);
    let decimals =
        Decimal128Array::from(vec![12_345, -99_999]).with_precision_and_scale(10, 2).unwrap();
    let why = "-999.99 has 3 digits before the point, and there is room for 2";
    let first = "123.45 has 3 digits before the point, and there is room for 2";
    check(
        Postgres,
        (Class::Decimal(Some((4, 2))), "numeric"),
        Arc::new(decimals),
        &[(0, first), (1, why)],
    );
    let json = Arc::new(StringArray::from(vec!["{\"a\": [1]}", "{"]));
    let (_, bad) = fitted(Postgres, (Class::Json, "jsonb"), json);
    assert_eq!(bad.len(), 1);
    let ids = ["123e4567-e89b-12d3-a456-426614174000", "123e4567"];
    check(
        Postgres,
        (Class::Uuid, "uuid"),
        Arc::new(StringArray::from(ids.to_vec())),
        &[(1, "it is no UUID")],
    );
    let late = Arc::new(TimestampMicrosecondArray::from(vec![0, 1_000_000, 4_000_000_000_000_000]));
    let (_, bad) = fitted(Mysql, (Class::Instant, "timestamp"), late);
    assert_eq!(bad.iter().map(|it| it.0).collect::<Vec<_>>(), [0, 2]);
}

#[test]
fn what_does_not_fit_is_a_dead_letter_and_the_rest_is_written() {
    let bench = Bench::new("CREATE TABLE orders (id INTEGER NOT NULL, name TEXT NOT NULL)");
    let names = StringArray::from(vec![Some("a"), None, Some("c")]);
    let ids = Int64Array::from(vec![1, 2, 3]);
    let columns: [(&str, ArrayRef); 2] = [("id", Arc::new(ids)), ("name", Arc::new(names))];
    let records =
        RecordBatch::try_from_iter_with_nullable(columns.map(|it| (it.0, it.1, true))).unwrap();
    let (actions, bad) =
        bench.prepared(&json!({ "table": "orders" }), &stream(1, None), &records).unwrap();
    assert_eq!(bad.len(), 1);
    assert_eq!(bad[0].position, 2);
    assert_eq!(bad[0].reason, "stage write: name can't be in the column name: it must not be null");
    assert_eq!(bad[0].raw.as_ref(), b"{\"id\":2}");
    bench.publish(&actions).unwrap();
    assert_eq!(bench.numbers("SELECT id FROM orders"), [1, 3]);
}
