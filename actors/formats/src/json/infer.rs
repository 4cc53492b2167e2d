//! The schema of JSON records that declare none, from the first of them.
//!
//! Fields come in the order in which they first stand. Whole numbers widen to fractions; scalars
//! of several kinds become strings. Where a value is nested in one record and not in another, the
//! first sighting holds, and the others are bad records later. A field that is always null is a
//! string.

use std::fmt;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef};
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use crate::type_name::list_of;

/// A schema, and whether scalars of several kinds have to be read as strings.
pub(crate) struct Inferred {
    pub(crate) schema: SchemaRef,
    pub(crate) has_mixed_scalars: bool,
}

/// Infers from records as they stand; those that are no JSON objects don't count.
pub(crate) fn infer<'a>(records: impl Iterator<Item = &'a [u8]>) -> Inferred {
    let mut whole = Shape::Object(Vec::new());
    for record in records {
        if let Ok(shape @ Shape::Object(_)) = serde_json::from_slice::<Shape>(record) {
            whole.merge(shape);
        }
    }
    let mut has_mixed_scalars = false;
    let fields = match whole {
        Shape::Object(members) => fields(&members, &mut has_mixed_scalars),
        _ => Fields::empty(),
    };
    Inferred { schema: Arc::new(Schema::new(fields)), has_mixed_scalars }
}

/// What is known of the values at one place.
#[derive(Debug, PartialEq)]
enum Shape {
    Unknown,
    Boolean,
    Whole {
        is_negative: bool,
        is_huge: bool,
    },
    Fraction,
    Text,
    /// Scalars of several kinds.
    Mixed,
    List(Box<Shape>),
    Object(Vec<(String, Shape)>),
}

impl Shape {
    fn merge(&mut self, other: Self) {
        match (&mut *self, other) {
            (Self::Unknown, other) => *self = other,
            (_, Self::Unknown) => {}
            (Self::List(item), Self::List(other)) => item.merge(*other),
            (Self::Object(members), Self::Object(others)) => merge_members(members, others),
            (Self::List(_) | Self::Object(_), _) | (_, Self::List(_) | Self::Object(_)) => {}
            (
                Self::Whole { is_negative, is_huge },
                Self::Whole { is_negative: negative, is_huge: huge },
            ) => {
                *is_negative |= negative;
                *is_huge |= huge;
            }
            (Self::Whole { .. } | Self::Fraction, Self::Whole { .. } | Self::Fraction) => {
                *self = Self::Fraction;
            }
            (one, other) if *one == other => {}
            _ => *self = Self::Mixed,
        }
    }

    /// The type; nothing for an object of which no member is known.
    fn data_type(&self, has_mixed_scalars: &mut bool) -> Option<DataType> {
        Some(match self {
            Self::Unknown | Self::Text => DataType::Utf8,
            Self::Mixed => {
                *has_mixed_scalars = true;
                DataType::Utf8
            }
            Self::Boolean => DataType::Boolean,
            Self::Whole { is_huge: false, .. } => DataType::Int64,
            Self::Whole { is_negative: false, is_huge: true } => DataType::UInt64,
            Self::Whole { .. } | Self::Fraction => DataType::Float64,
            Self::List(item) => list_of(item.data_type(has_mixed_scalars)?, true),
            Self::Object(members) => {
                let fields = fields(members, has_mixed_scalars);
                if fields.is_empty() {
                    return None;
                }
                DataType::Struct(fields)
            }
        })
    }
}

fn fields(members: &[(String, Shape)], has_mixed_scalars: &mut bool) -> Fields {
    let mut fields = Vec::with_capacity(members.len());
    for (name, shape) in members {
        if let Some(data_type) = shape.data_type(has_mixed_scalars) {
            fields.push(Field::new(name, data_type, true));
        }
    }
    fields.into()
}

fn merge_members(members: &mut Vec<(String, Shape)>, others: Vec<(String, Shape)>) {
    for (at, (name, shape)) in others.into_iter().enumerate() {
        // Most records have the same fields in the same order.
        let same = members.get(at).is_some_and(|(it, _)| *it == name);
        let found = if same { Some(at) } else { members.iter().position(|(it, _)| *it == name) };
        match found {
            Some(at) => members[at].1.merge(shape),
            None => members.push((name, shape)),
        }
    }
}

impl<'de> Deserialize<'de> for Shape {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ShapeVisitor)
    }
}

struct ShapeVisitor;

impl<'de> Visitor<'de> for ShapeVisitor {
    type Value = Shape;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Shape, E> {
        Ok(Shape::Unknown)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Shape, E> {
        Ok(Shape::Boolean)
    }

    fn visit_i64<E>(self, value: i64) -> Result<Shape, E> {
        Ok(Shape::Whole { is_negative: value < 0, is_huge: false })
    }

    fn visit_u64<E>(self, value: u64) -> Result<Shape, E> {
        Ok(Shape::Whole { is_negative: false, is_huge: value > i64::MAX as u64 })
    }

    fn visit_f64<E>(self, _: f64) -> Result<Shape, E> {
        Ok(Shape::Fraction)
    }

    fn visit_str<E>(self, _: &str) -> Result<Shape, E> {
        Ok(Shape::Text)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Shape, A::Error> {
        let mut item = Shape::Unknown;
        while let Some(next) = items.next_element::<Shape>()? {
            item.merge(next);
        }
        Ok(Shape::List(Box::new(item)))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Shape, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = entries.next_entry::<String, Shape>()? {
            members.push(member);
        }
        let mut merged = Vec::with_capacity(members.len());
        merge_members(&mut merged, members);
        Ok(Shape::Object(merged))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use weir_records::type_name;

    fn check(lines: &str, expected: &str) {
        let inferred = infer(lines.lines().map(str::as_bytes));
        let fields = inferred.schema.fields().iter();
        let mut text: Vec<_> =
            fields.map(|it| format!("{}: {}", it.name(), type_name(it.data_type()))).collect();
        if inferred.has_mixed_scalars {
            text.push("mixed".into());
        }
        assert_eq!(text.join(", "), expected, "{lines}");
    }

    #[test]
    fn fields_keep_their_order_and_types_widen() {
        check("", "");
        check("{\"z\":1,\"a\":true}\n{\"m\":\"x\",\"z\":2}", "z: int64, a: boolean, m: string");
        check("{\"n\":1}\n{\"n\":1.5}", "n: float64");
        check("{\"n\":18446744073709551615}", "n: uint64");
        check("{\"n\":18446744073709551615}\n{\"n\":-1}", "n: float64");
        check("{\"n\":null}\n{\"n\":null}", "n: string");
        check("{\"n\":null}\n{\"n\":1}", "n: int64");
        check("{\"n\":1}\n{\"n\":\"x\"}", "n: string, mixed");
    }

    #[test]
    fn nested_values_are_merged_and_the_first_kind_holds() {
        check("{\"l\":[]}\n{\"l\":[1,2.5,null]}", "l: list<float64>");
        check(
            "{\"o\":{\"a\":1}}\n{\"o\":{\"b\":[{\"c\":1}]}}",
            "o: struct<a: int64, b: list<struct<c: int64>>>",
        );
        check("{\"o\":{\"a\":1}}\n{\"o\":3}\n{\"o\":[1]}", "o: struct<a: int64>");
        check("{\"o\":3}\n{\"o\":{\"a\":1}}", "o: int64");
        check("{\"o\":{},\"p\":[{}]}", "");
    }

    #[test]
    fn what_is_no_object_does_not_count() {
        check("7\n[1]\n{\"a\":\n{\"a\":1}", "a: int64");
    }
}
