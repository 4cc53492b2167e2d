//! Records that fail, among records that don't.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef};
use weir_domain::Timestamp;

use crate::{Expression, Failure, Predicate};

const NOW: Timestamp = Timestamp(979_389_300_000);

fn schema() -> SchemaRef {
    let text = Field::new("t", DataType::Utf8, true);
    Arc::new(Schema::new(vec![text, Field::new("n", DataType::Int64, true)]))
}

fn batch(texts: &[&str], numbers: &[Option<i64>]) -> RecordBatch {
    let columns: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from(texts.to_vec())),
        Arc::new(Int64Array::from(numbers.to_vec())),
    ];
    RecordBatch::try_new(schema(), columns).unwrap()
}

fn failures(text: &str, batch: &RecordBatch) -> Vec<Failure> {
    let expression = Expression::compile(text, &schema()).unwrap();
    let isolated = expression.evaluate_isolating(batch, NOW);
    assert_eq!(isolated.values.len(), batch.num_rows());
    assert_eq!(expression.evaluate(batch, NOW).is_err(), !isolated.failures.is_empty());
    isolated.failures
}

fn failure(row: usize, reason: &str) -> Failure {
    Failure { row, reason: reason.into() }
}

#[test]
fn a_cast_that_fails_takes_its_own_record_only() {
    let batch = batch(&["1", "x", "3", "", "5"], &[None; 5]);
    let expression = Expression::compile("CAST(t AS INT) * 10", &schema()).unwrap();
    let isolated = expression.evaluate_isolating(&batch, NOW);
    let values: Vec<_> = isolated.values.as_primitive::<Int64Type>().iter().collect();
    assert_eq!(isolated.failures.len(), 2);
    assert_eq!(isolated.failures[0], failure(1, "cannot cast string 'x' to value of int32 type"));
    assert_eq!(isolated.failures[1].row, 3);
    assert_eq!(values, [Some(10), None, Some(30), None, Some(50)]);
}

#[test]
fn every_record_may_fail_and_none() {
    let rows = 2_048;
    let bad = batch(&vec!["x"; rows], &vec![None; rows]);
    let rows_failed: Vec<_> = failures("CAST(t AS INT)", &bad).iter().map(|it| it.row).collect();
    assert_eq!(rows_failed, (0..rows).collect::<Vec<_>>());
    let good = batch(&vec!["1"; rows], &vec![None; rows]);
    assert_eq!(failures("CAST(t AS INT)", &good), []);
    assert_eq!(failures("CAST(t AS INT)", &good.slice(0, 0)), []);
}

#[test]
fn arithmetic_never_wraps_and_integers_never_divide_by_zero() {
    let batch = batch(&["", "", ""], &[Some(i64::MAX), Some(0), None]);
    let overflow = "the result does not fit its type: 9223372036854775807 + 1";
    assert_eq!(failures("n + 1", &batch), [failure(0, overflow)]);
    assert_eq!(failures("1 / n", &batch), [failure(1, "division by zero")]);
    assert_eq!(failures("CASE WHEN n <> 0 THEN 1 / n END", &batch), []);
    assert_eq!(failures("1.0 / n", &batch), []);
    assert_eq!(failures("CAST(n AS INT)", &batch).len(), 1);
    assert_eq!(failures("TRY_CAST(n AS INT)", &batch), []);
}

#[test]
fn a_constant_that_can_not_be_cast_is_wrong_for_every_record() {
    let error = Expression::compile("CAST('abc' AS INT) + n", &schema()).unwrap_err();
    assert_eq!(error.message, "cannot cast string 'abc' to value of int32 type");
    assert!(Expression::compile("TRY_CAST('abc' AS INT) + n", &schema()).is_ok());
}

#[test]
fn a_timestamp_that_does_not_parse_says_so() {
    let batch = batch(&["2001/01/13 12:35", "13.1.2001"], &[None, None]);
    let found = failures("to_timestamp(t, '%Y/%m/%d %H:%M')", &batch);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].row, 1);
    assert!(found[0].reason.contains("13.1.2001"), "{found:?}");
}

#[test]
fn a_condition_that_fails_is_no_match_and_null_is_none_either() {
    let batch = batch(&["1", "x", "9"], &[Some(1), Some(2), None]);
    let predicate = Predicate::compile("CAST(t AS INT) > 0", &schema()).unwrap();
    let found = predicate.matches_isolating(&batch, NOW);
    assert_eq!(found.matches.iter().collect::<Vec<_>>(), [Some(true), Some(false), Some(true)]);
    assert_eq!(found.failures.len(), 1);

    let predicate = Predicate::compile("n > 0", &schema()).unwrap();
    let matches = predicate.matches(&batch, NOW).unwrap();
    assert_eq!(matches.iter().collect::<Vec<_>>(), [Some(true), Some(true), Some(false)]);
    assert_eq!(matches.null_count(), 0);
}

#[test]
fn now_is_the_time_that_was_given() {
    let batch = batch(&["", ""], &[None, None]);
    let expression = Expression::compile("to_unixtime(now())", &schema()).unwrap();
    let values = expression.evaluate(&batch, NOW).unwrap();
    assert_eq!(values.as_primitive::<Int64Type>().values(), &[979_389_300; 2]);
    assert_eq!(expression.columns(), Vec::<String>::new());
    let expression = Expression::compile("t || current_date", &schema()).unwrap();
    let values = expression.evaluate(&batch, NOW).unwrap();
    assert_eq!(values.as_string::<i32>().value(0), "2001-01-13");
    assert_eq!(expression.columns(), ["t"]);
}

#[test]
fn columns_behind_the_schema_do_no_harm() {
    let wide = RecordBatch::try_from_iter(vec![
        ("t", Arc::new(StringArray::from(vec!["a"])) as ArrayRef),
        ("n", Arc::new(Int64Array::from(vec![1]))),
        ("more", Arc::new(Int64Array::from(vec![2]))),
    ]);
    let expression = Expression::compile("n + to_unixtime(now())", &schema()).unwrap();
    let values = expression.evaluate(&wide.unwrap(), NOW).unwrap();
    assert_eq!(values.as_primitive::<Int64Type>().value(0), 979_389_301);
}
