//! What values of each type become.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Decimal128Array, Int64Array, RecordBatch, UInt64Array,
};
use arrow::datatypes::{
    DataType, Decimal128Type, Field, Float64Type, Int64Type, Schema, SchemaRef, TimeUnit,
};
use serde_json::{Value, json};
use weir_stream::{Batch, Outputs, Positions};

use crate::aggregate::{AggregateKind, scalar};
use crate::testing::{Kept, build_operator, refused, run};

pub(super) fn column(name: &str, array: ArrayRef) -> (SchemaRef, Batch) {
    let schema = Arc::new(Schema::new(vec![Field::new(name, array.data_type().clone(), true)]));
    let records = RecordBatch::try_new(Arc::clone(&schema), vec![array]).unwrap();
    (schema, Batch::new(records, Positions::Range { first: 1 }))
}

/// The column of each value after the batch, which comes twice, with a restart between.
fn twice(values: &Value, array: ArrayRef) -> (RecordBatch, Outputs) {
    let (schema, batch) = column("v", array);
    let config = json!({ "values": values });
    let build = || build_operator(&AggregateKind, &config, &schema);
    let (mut first, mut second, mut kept) = (build(), build(), Kept::default());
    run(&mut *first, batch.clone());
    kept.take(&mut *first);
    kept.restore(&mut *second);
    let out = run(&mut *second, batch);
    (out.emitted()[0].1.records.clone(), out)
}

#[test]
fn values_of_every_plain_type_are_remembered_as_they_were() {
    use DataType::*;
    let types = [
        Int8,
        Int16,
        Int32,
        Int64,
        UInt8,
        UInt16,
        UInt32,
        UInt64,
        Float16,
        Float32,
        Float64,
        Decimal32(9, 2),
        Decimal64(18, 2),
        Decimal128(38, 2),
        Utf8,
        LargeUtf8,
        Utf8View,
        Binary,
        LargeBinary,
        BinaryView,
        FixedSizeBinary(1),
        Date32,
        Date64,
        Time32(TimeUnit::Second),
        Time32(TimeUnit::Millisecond),
        Time64(TimeUnit::Microsecond),
        Time64(TimeUnit::Nanosecond),
        Timestamp(TimeUnit::Second, None),
        Timestamp(TimeUnit::Nanosecond, Some("UTC".into())),
        Timestamp(TimeUnit::Millisecond, Some("+02:00".into())),
        Duration(TimeUnit::Second),
        Dictionary(Box::new(Int32), Box::new(Utf8)),
    ];
    let values = json!([
        { "name": "min", "make": "min", "field": "v" },
        { "name": "max", "make": "max", "field": "v" },
        { "name": "first", "make": "first", "field": "v" },
        { "name": "last", "make": "last", "field": "v" },
        { "name": "kinds", "make": "countDistinct", "field": "v" },
    ]);
    let days = 86_400_000;
    for data_type in types {
        let numbers: Vec<_> = [Some(2), Some(1), None, Some(3), Some(2)]
            .map(|it: Option<i64>| it.map(|it| if data_type == Date64 { it * days } else { it }))
            .to_vec();
        let numbers: ArrayRef = Arc::new(Int64Array::from(numbers));
        let array = scalar::convert(&numbers, &data_type).unwrap_or_else(|error| {
            let texts = scalar::convert(&numbers, &Utf8).unwrap();
            scalar::convert(&texts, &data_type).unwrap_or_else(|_| panic!("{error}"))
        });
        let (records, _) = twice(&values, Arc::clone(&array));
        let last = |name: &str| records.column_by_name(name).unwrap().slice(4, 1);
        for (name, row) in [("min", 1), ("max", 3), ("first", 0), ("last", 4)] {
            assert_eq!(last(name).data_type(), &data_type, "{name}");
            assert_eq!(&last(name), &array.slice(row, 1), "{name} of {data_type}");
        }
        assert_eq!(last("kinds").as_primitive::<Int64Type>().value(0), 3, "{data_type}");
    }
}

#[test]
fn truth_values_have_a_least_and_a_greatest_too() {
    let values = json!([
        { "name": "all", "make": "min", "field": "v" },
        { "name": "any", "make": "max", "field": "v" },
    ]);
    let array = BooleanArray::from(vec![None, Some(true), Some(false)]);
    let (records, _) = twice(&values, Arc::new(array));
    let at = |name: &str| records.column_by_name(name).unwrap().as_boolean().value(2);
    assert_eq!((at("all"), at("any")), (false, true));
}

fn sum_and_avg() -> Value {
    json!([
        { "name": "sum", "make": "sum", "field": "v" },
        { "name": "avg", "make": "avg", "field": "v" },
    ])
}

#[test]
fn decimals_keep_their_digits_and_averages_have_four_more() {
    let array = Decimal128Array::from(vec![Some(100), None, Some(-1), Some(1)]);
    let array = array.with_precision_and_scale(9, 2).unwrap();
    let (records, _) = twice(&sum_and_avg(), Arc::new(array));
    let (sum, avg) = (records.column(1), records.column(2));
    assert_eq!(sum.data_type(), &DataType::Decimal128(38, 2));
    assert_eq!(avg.data_type(), &DataType::Decimal128(38, 6));
    assert_eq!(sum.as_primitive::<Decimal128Type>().value(3), 200);
    // 2.00 of six values.
    assert_eq!(avg.as_primitive::<Decimal128Type>().value(3), 333_333);
    // 2.00 and then 1.99, of five.
    assert_eq!(avg.as_primitive::<Decimal128Type>().value(2), 398_000);

    let large = Decimal128Array::from(vec![9 * 10_i128.pow(37)]);
    let large = large.with_precision_and_scale(38, 0).unwrap();
    let sum = json!([{ "name": "sum", "make": "sum", "field": "v" }]);
    let (schema, batch) = column("v", Arc::new(large));
    let mut operator = build_operator(&AggregateKind, &json!({ "values": sum }), &schema);
    assert_eq!(refused(&run(&mut *operator, batch.clone())), [""; 0]);
    let out = run(&mut *operator, batch);
    assert_eq!(refused(&out), ["1: sum: the sum is more than a decimal holds"]);
}

#[test]
fn integers_without_a_sign_are_summed_up_to_an_int64_and_averaged_beyond() {
    let array: ArrayRef = Arc::new(UInt64Array::from(vec![u64::MAX, 1 << 62]));
    let avg = json!([{ "name": "avg", "make": "avg", "field": "v" }]);
    let (records, _) = twice(&avg, Arc::clone(&array));
    let average = (u64::MAX as f64 + (1_u64 << 62) as f64) / 2.0;
    assert_eq!(records.column(1).as_primitive::<Float64Type>().value(1), average);
    let sum = json!([{ "name": "sum", "make": "sum", "field": "v" }]);
    let (schema, batch) = column("v", array);
    let mut operator = build_operator(&AggregateKind, &json!({ "values": sum }), &schema);
    let out = run(&mut *operator, batch);
    assert_eq!(refused(&out), ["1: sum: the sum is more than an int64 holds"]);
    assert_eq!(out.emitted()[0].1.records.column(1).as_primitive::<Int64Type>().value(0), 1 << 62);
}
