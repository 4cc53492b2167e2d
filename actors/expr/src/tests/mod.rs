//! Tests of the whole crate, from text to values.

mod docs;
mod isolation;
mod limits;
mod refusals;

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef, TimeUnit};
use arrow::json::{LineDelimitedWriter, ReaderBuilder};

use weir_domain::Timestamp;

use crate::Expression;

/// Noon of 14 November 2023.
const NOW: Timestamp = Timestamp(1_699_963_200_000);

/// The schema of the record in `docs/expressions.md`.
fn flights() -> SchemaRef {
    let field = |name: &str, it: DataType| Field::new(name, it, true);
    let list = |it: DataType| DataType::List(Arc::new(Field::new("item", it, true)));
    let structure = |it: Vec<Field>| DataType::Struct(Fields::from(it));
    let position =
        structure(vec![field("lat", DataType::Float64), field("lon", DataType::Float64)]);
    let origin = structure(vec![
        field("code", DataType::Utf8),
        field("city", DataType::Utf8),
        field("pos", position),
    ]);
    let leg = structure(vec![field("to", DataType::Utf8), field("miles", DataType::Int64)]);
    Arc::new(Schema::new(vec![
        field("FlightDate", DataType::Date32),
        field("dep_time", DataType::Timestamp(TimeUnit::Microsecond, None)),
        field("date", DataType::Utf8),
        field("carrier", DataType::Utf8),
        field("flight", DataType::Int64),
        field("dep_delay", DataType::Int64),
        field("arr_delay", DataType::Int64),
        field("distance", DataType::Float64),
        field("cancelled", DataType::Boolean),
        field("note", DataType::Utf8),
        field("gate no", DataType::Utf8),
        field("origin", origin),
        field("legs", list(leg)),
        field("codes", list(DataType::Int64)),
    ]))
}

/// Records written as JSON lines, or as one object over several lines.
fn records(schema: &SchemaRef, json: &str) -> RecordBatch {
    let mut reader = ReaderBuilder::new(Arc::clone(schema)).build(json.as_bytes()).unwrap();
    reader.next().unwrap().unwrap()
}

/// The values of an expression, each as JSON.
fn values(expression: &Expression, batch: &RecordBatch) -> Vec<String> {
    let array = expression.evaluate(batch, NOW).unwrap();
    assert_eq!(array.data_type(), expression.data_type());
    assert_eq!(array.len(), batch.num_rows());
    let schema = Schema::new(vec![Field::new("v", array.data_type().clone(), true)]);
    let batch = RecordBatch::try_new(Arc::new(schema), vec![array]).unwrap();
    let mut writer = LineDelimitedWriter::new(Vec::new());
    writer.write(&batch).unwrap();
    writer.finish().unwrap();
    let text = String::from_utf8(writer.into_inner()).unwrap();
    let value = |it: &str| match it.strip_prefix("{\"v\":") {
        Some(rest) => rest.strip_suffix('}').unwrap().to_owned(),
        None => "null".to_owned(),
    };
    text.lines().map(value).collect()
}
