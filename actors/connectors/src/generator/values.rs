//! The values of records: functions of seed, partition, number and field, and of nothing else.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;

use super::config::FieldConfig;

pub(super) fn schema(fields: &[FieldConfig]) -> SchemaRef {
    let field = |it: &FieldConfig| Field::new(it.name(), data_type(it), false);
    Arc::new(Schema::new(fields.iter().map(field).collect::<Vec<_>>()))
}

fn data_type(field: &FieldConfig) -> DataType {
    match field {
        FieldConfig::Sequence { .. }
        | FieldConfig::Partition { .. }
        | FieldConfig::Integer { .. } => DataType::Int64,
        FieldConfig::Float { .. } => DataType::Float64,
        FieldConfig::Choice { .. } | FieldConfig::Text { .. } => DataType::Utf8,
        FieldConfig::Boolean { .. } => DataType::Boolean,
    }
}

/// Records that follow each other in one partition.
pub(super) fn batch(
    schema: &SchemaRef,
    fields: &[FieldConfig],
    of: Run,
) -> Result<RecordBatch, ArrowError> {
    let column = |(at, it): (usize, &FieldConfig)| column(it, of, at as u64);
    RecordBatch::try_new(schema.clone(), fields.iter().enumerate().map(column).collect())
}

/// Which records.
#[derive(Debug, Clone, Copy)]
pub(super) struct Run {
    pub(super) seed: u64,
    pub(super) partition: u32,
    pub(super) first: u64,
    pub(super) rows: u64,
}

fn column(make: &FieldConfig, of: Run, field: u64) -> ArrayRef {
    let stream = mix(of.seed ^ mix(u64::from(of.partition) << 32 | field));
    let numbers = of.first..of.first + of.rows;
    let random = move |number: u64| mix(stream ^ mix(number));
    match make {
        FieldConfig::Sequence { .. } => {
            Arc::new(numbers.map(|it| it as i64).collect::<Int64Array>())
        }
        FieldConfig::Partition { .. } => {
            Arc::new(numbers.map(|_| i64::from(of.partition)).collect::<Int64Array>())
        }
        FieldConfig::Integer { min, max, .. } => {
            let span = u128::from(max.abs_diff(*min)) + 1;
            let value = |it| min.wrapping_add_unsigned(below(random(it), span));
            Arc::new(numbers.map(value).collect::<Int64Array>())
        }
        FieldConfig::Float { min, max, .. } => {
            let value = |it| min + (max - min) * fraction(random(it));
            Arc::new(numbers.map(value).collect::<Float64Array>())
        }
        FieldConfig::Choice { values, .. } => {
            let value = |it| &values[below(random(it), values.len() as u128) as usize];
            Arc::new(StringArray::from_iter_values(numbers.map(value)))
        }
        FieldConfig::Text { length, .. } => {
            Arc::new(StringArray::from_iter_values(numbers.map(|it| text(random(it), *length))))
        }
        FieldConfig::Boolean { percent, .. } => {
            let value = |it| Some(below(random(it), 100) < u64::from(*percent));
            Arc::new(numbers.map(value).collect::<BooleanArray>())
        }
    }
}

/// A number from 0 up to, and without, the bound.
fn below(random: u64, bound: u128) -> u64 {
    ((u128::from(random) * bound) >> 64) as u64
}

fn fraction(random: u64) -> f64 {
    (random >> 11) as f64 / (1_u64 << 53) as f64
}

fn text(mut random: u64, length: usize) -> String {
    const LETTERS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let mut letter = || {
        random = mix(random);
        char::from(LETTERS[(random >> 59) as usize])
    };
    (0..length).map(|_| letter()).collect()
}

/// The finalizer of SplitMix64: every bit of what comes in changes about half of what goes out.
fn mix(it: u64) -> u64 {
    let it = it.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let it = (it ^ it >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let it = (it ^ it >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    it ^ it >> 31
}

#[cfg(test)]
mod tests {
    use arrow::array::AsArray as _;
    use arrow::datatypes::{Float64Type, Int64Type};
    use serde_json::json;

    use super::*;

    fn fields() -> Vec<FieldConfig> {
        let fields = json!([
            { "name": "f0", "make": "sequence" },
            { "name": "f1", "make": "partition" },
            { "name": "f2", "make": "integer", "min": -3, "max": 3 },
            { "name": "f3", "make": "integer", "min": i64::MIN, "max": i64::MAX },
            { "name": "f4", "make": "float", "min": 1.0, "max": 2.0 },
            { "name": "f5", "make": "choice", "values": ["a", "b"] },
            { "name": "f6", "make": "text", "length": 7 },
            { "name": "f7", "make": "boolean", "percent": 25 },
        ]);
        serde_json::from_value(fields).unwrap()
    }

    #[test]
    fn a_key_of_another_sort_of_field_is_refused() {
        let field = json!({ "name": "n", "make": "sequence", "min": 3 });
        assert!(serde_json::from_value::<FieldConfig>(field).is_err());
    }

    fn made(first: u64, rows: u64) -> RecordBatch {
        let fields = fields();
        let run = Run { seed: 7, partition: 2, first, rows };
        batch(&schema(&fields), &fields, run).unwrap()
    }

    #[test]
    fn a_record_is_the_same_whenever_it_is_made() {
        let all = made(0, 1_000);
        assert_eq!(made(400, 100), all.slice(400, 100));
        let fields = fields();
        let other = Run { seed: 8, partition: 2, first: 0, rows: 1_000 };
        let other = batch(&schema(&fields), &fields, other).unwrap();
        assert_eq!(other.column(0), all.column(0));
        assert_ne!(other.column(3), all.column(3));
    }

    #[test]
    fn values_are_what_was_asked_for() {
        let all = made(0, 10_000);
        let integers = all.column(2).as_primitive::<Int64Type>();
        for value in -3..=3 {
            let times = integers.iter().filter(|it| *it == Some(value)).count();
            assert!((1_200..1_700).contains(&times), "{value}: {times} of 10000 times");
        }
        let floats = all.column(4).as_primitive::<Float64Type>();
        assert!(floats.iter().flatten().all(|it| (1.0..2.0).contains(&it)));
        assert!(all.column(6).as_string::<i32>().iter().flatten().all(|it| it.len() == 7));
        let trues = all.column(7).as_boolean().true_count();
        assert!((2_200..2_800).contains(&trues), "{trues}");
    }
}
