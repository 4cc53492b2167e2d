//! From a configuration and a schema to folds: all that is wrong with it is found here.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use weir_stream::type_name;

use super::config::{AggregateConfig, LIMIT, LIMIT_MAX, Make, ValueConfig};
use super::fold::{By, Count, Distinct, Exact, Float, Fold, Pick, Render};
use super::scalar;
use crate::keys::{Keys, Wrong, unknown_field, wrong_fields};

pub(super) struct AggregatePlan {
    pub(super) keys: Keys,
    pub(super) folds: Vec<Box<dyn Fold>>,
    pub(super) output: SchemaRef,
}

/// What is wrong, with or without a schema.
pub(super) fn wrong(config: &AggregateConfig, input: Option<&SchemaRef>) -> Vec<Wrong> {
    let mut wrong = wrong_fields("key", &config.key, input);
    if config.values.is_empty() {
        let fix = "name at least one: { name: records, make: count }";
        wrong.push(("values".into(), "nothing is kept".into(), fix.into()));
    }
    if config.ttl.is_some_and(|it| it.0 == 0) {
        wrong.push((
            "ttl".into(),
            "nothing would be remembered".into(),
            "write for instance 1d, or leave it out".into(),
        ));
    }
    for (at, value) in config.values.iter().enumerate() {
        let path = |key: &str| format!("values[{at}].{key}");
        if let Some((key, cause, fix)) = wrong_name(value, &config.values[..at], input) {
            wrong.push((path(key), cause, fix));
        }
        if let Some((key, cause, fix)) = wrong_value(value, input) {
            wrong.push((path(key), cause, fix));
        }
    }
    wrong
}

/// The key inside the value, the cause and the fix.
type WrongValue = (&'static str, String, String);

fn wrong_name(
    value: &ValueConfig,
    before: &[ValueConfig],
    input: Option<&SchemaRef>,
) -> Option<WrongValue> {
    let name = &value.name;
    let is_there = input.is_some_and(|it| it.column_with_name(name).is_some());
    let cause = if name.is_empty() {
        "a field needs a name".to_owned()
    } else if is_there {
        format!("there is a field {name} already")
    } else if before.iter().any(|it| it.name == *name) {
        format!("the value {name} is there twice")
    } else {
        return None;
    };
    Some(("name", cause, "choose another name".into()))
}

fn wrong_value(value: &ValueConfig, input: Option<&SchemaRef>) -> Option<WrongValue> {
    let make = value.make.as_str();
    match value.limit {
        Some(_) if value.make != Make::CountDistinct => {
            let cause = format!("{make} knows no limit");
            return Some(("limit", cause, "leave it out, or make countDistinct".into()));
        }
        Some(limit) if !(1..=LIMIT_MAX).contains(&limit) => {
            let cause = format!("{limit} different values can't be the limit");
            return Some(("limit", cause, format!("write 1 to {LIMIT_MAX}")));
        }
        _ => {}
    }
    let Some(name) = &value.field else {
        let fix = format!("say field: and the field to make the {make} of");
        return (value.make != Make::Count)
            .then(|| ("field", format!("{make} needs a field"), fix));
    };
    if let Some((cause, fix)) = unknown_field(name, input) {
        return Some(("field", cause, fix));
    }
    let data_type = input?.field_with_name(name).ok()?.data_type();
    if made(value.make, data_type).is_some() {
        return None;
    }
    let found = type_name(data_type);
    let fix = match value.make {
        Make::Sum | Make::Avg => "take a field of numbers, or CAST it in a mapping before",
        _ => "take a field inside it, or CAST it in a mapping before",
    };
    Some(("field", format!("{name} is {found}, of which there is no {make}"), fix.into()))
}

/// What a value is made with, and the type that it has.
enum Made {
    Count,
    Distinct,
    Exact(DataType, Render),
    Float,
    Pick(By),
}

/// Digits behind the point that the average of decimals has more than they have.
const MORE_DIGITS: i8 = 4;
const SCALE_MAX: i8 = 38;

/// Nothing, if there is no such thing.
fn made(make: Make, data_type: &DataType) -> Option<Made> {
    let is_nested = scalar::class(data_type).is_none();
    match make {
        Make::Count => Some(Made::Count),
        _ if is_nested => None,
        Make::CountDistinct => Some(Made::Distinct),
        Make::Min => Some(Made::Pick(By::Least)),
        Make::Max => Some(Made::Pick(By::Greatest)),
        Make::First => Some(Made::Pick(By::First)),
        Make::Last => Some(Made::Pick(By::Last)),
        Make::Sum | Make::Avg if data_type.is_floating() => Some(Made::Float),
        Make::Sum | Make::Avg => {
            let class = scalar::class(data_type)?;
            let render = match (data_type.is_integer(), &class, make) {
                (true, _, Make::Sum) => Render::Int,
                (true, ..) => Render::Ratio,
                (false, DataType::Decimal128(_, scale), Make::Sum) => {
                    Render::Decimal { scale: *scale }
                }
                (false, DataType::Decimal128(_, scale), _) => {
                    let more = (SCALE_MAX - scale).clamp(0, MORE_DIGITS).unsigned_abs();
                    Render::DecimalRatio { scale: *scale, more }
                }
                _ => return None,
            };
            Some(Made::Exact(class, render))
        }
    }
}

/// For a configuration with which nothing is wrong; an error is a reason why that is not so.
pub(super) fn plan(
    config: &AggregateConfig,
    input: &SchemaRef,
    version: u32,
) -> Result<AggregatePlan, String> {
    if let Some((path, cause, fix)) = wrong(config, Some(input)).into_iter().next() {
        return Err(format!("{path}: {cause}: {fix}"));
    }
    let keys = Keys::of(&config.key, input).map_err(|it| it.to_string())?;
    let mut fields: Vec<_> = input.fields().iter().cloned().collect();
    let mut folds = Vec::with_capacity(config.values.len());
    for value in &config.values {
        let (fold, data_type) = fold(value, input, version)?;
        let is_count = matches!(value.make, Make::Count | Make::CountDistinct);
        fields.push(Arc::new(Field::new(&value.name, data_type, !is_count)));
        folds.push(fold);
    }
    let output = Schema::new_with_metadata(fields, input.metadata().clone());
    Ok(AggregatePlan { keys, folds, output: Arc::new(output) })
}

fn fold(
    value: &ValueConfig,
    input: &SchemaRef,
    version: u32,
) -> Result<(Box<dyn Fold>, DataType), String> {
    let Some(name) = &value.field else {
        return Ok((Box::new(Count::new(None)), DataType::Int64));
    };
    let column = input.index_of(name).map_err(|it| it.to_string())?;
    let data_type = input.field(column).data_type();
    let unfit = || format!("{} of {}", value.make.as_str(), type_name(data_type));
    Ok(match made(value.make, data_type).ok_or_else(unfit)? {
        Made::Count => (Box::new(Count::new(Some(column))), DataType::Int64),
        Made::Distinct => {
            let values = Keys::of(std::slice::from_ref(name), input);
            let values = (column, values.map_err(|it| it.to_string())?);
            let limit = value.limit.unwrap_or(LIMIT);
            (Box::new(Distinct::new(values, limit, version)), DataType::Int64)
        }
        Made::Exact(class, render) => {
            (Box::new(Exact::new(column, class, render)), render.data_type())
        }
        Made::Float => (Box::new(Float::new(column, value.make == Make::Avg)), DataType::Float64),
        Made::Pick(by) => {
            let pick = Pick::new(column, by, data_type).ok_or_else(unfit)?;
            (Box::new(pick), data_type.clone())
        }
    })
}
