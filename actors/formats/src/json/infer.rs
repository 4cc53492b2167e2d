//! The schema of JSON records that declare none, from the first of them.
//!
//! Fields come in the order in which they first stand. Whole numbers widen to fractions where that
//! loses nothing; scalars of several kinds, and whole numbers that no type holds, become strings.
//! Where a value is nested in one record and not in another, the
//! first sighting holds, and the others are bad records later. A field that is always null is a
//! string.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef};
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use crate::number::{self, Spelling};
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
        if let Some(shape @ Shape::Object(_)) = shape(record) {
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

fn shape(record: &[u8]) -> Option<Shape> {
    let unkept = unkept(record);
    let mut deserializer = serde_json::Deserializer::from_slice(record);
    let shape = ShapeVisitor { unkept: &unkept }.deserialize(&mut deserializer).ok()?;
    deserializer.end().ok().map(|()| shape)
}

/// Numbers that lose digits as float64, as the bits of what they become.
pub(crate) type Unkept = BTreeMap<u64, Spelling>;

/// No shorter number loses any.
const UNKEPT_CHARS_MIN: usize = 17;

/// Of the numbers of a JSON text, those that are read as float64 and lose digits.
pub(crate) fn unkept(text: &[u8]) -> Unkept {
    let (mut found, mut at) = (Unkept::new(), 0);
    while let Some(byte) = text.get(at) {
        let rest = &text[at..];
        at += match byte {
            b'"' => string_chars(rest),
            b'-' | b'0'..=b'9' => {
                let is_part =
                    |it: &&u8| matches!(it, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E');
                let chars = rest.iter().take_while(is_part).count();
                found.extend(lossy(&rest[..chars]));
                chars
            }
            _ => 1,
        };
    }
    found
}

fn string_chars(rest: &[u8]) -> usize {
    let mut at = 1;
    while let Some(byte) = rest.get(at) {
        at += 1;
        match byte {
            b'"' => break,
            b'\\' => at += 1,
            _ => {}
        }
    }
    at
}

fn lossy(token: &[u8]) -> Option<(u64, Spelling)> {
    let text = std::str::from_utf8(token).ok().filter(|it| it.len() >= UNKEPT_CHARS_MIN)?;
    let spelling = Spelling::of(text)?;
    let is_lossy = match spelling {
        Spelling::Beyond => text.parse::<u64>().is_err(),
        Spelling::Rounded => true,
        _ => false,
    };
    is_lossy.then_some(())?;
    // Read as all others are, which is not exact to the last bit.
    serde_json::from_str::<f64>(text).ok().map(|it| (it.to_bits(), spelling))
}

/// What is known of the values at one place.
#[derive(Debug, PartialEq)]
enum Shape {
    Unknown,
    Boolean,
    Whole {
        is_negative: bool,
        is_huge: bool,
        /// float64 would round one of them.
        is_large: bool,
    },
    Fraction,
    /// Whole numbers that no type holds.
    Beyond,
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
                Self::Whole { is_negative, is_huge, is_large },
                Self::Whole { is_negative: negative, is_huge: huge, is_large: large },
            ) => {
                *is_negative |= negative;
                *is_huge |= huge;
                *is_large |= large;
            }
            (Self::Whole { is_large: false, .. }, Self::Fraction)
            | (Self::Fraction, Self::Whole { is_large: false, .. }) => *self = Self::Fraction,
            (one, other) if *one == other => {}
            _ => *self = Self::Mixed,
        }
    }

    /// The type; nothing for an object of which no member is known.
    fn data_type(&self, has_mixed_scalars: &mut bool) -> Option<DataType> {
        Some(match self {
            Self::Unknown | Self::Text => DataType::Utf8,
            Self::Mixed | Self::Beyond => {
                *has_mixed_scalars = true;
                DataType::Utf8
            }
            Self::Boolean => DataType::Boolean,
            Self::Whole { is_huge: false, .. } => DataType::Int64,
            Self::Whole { is_negative: false, is_huge: true, .. } => DataType::UInt64,
            // No type holds all of them.
            Self::Whole { is_large: true, .. } => {
                *has_mixed_scalars = true;
                DataType::Utf8
            }
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

#[derive(Clone, Copy)]
struct ShapeVisitor<'a> {
    unkept: &'a Unkept,
}

impl<'de> DeserializeSeed<'de> for ShapeVisitor<'_> {
    type Value = Shape;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Shape, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ShapeVisitor<'_> {
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
        let is_large = !number::is_exact(value.unsigned_abs());
        Ok(Shape::Whole { is_negative: value < 0, is_huge: false, is_large })
    }

    fn visit_u64<E>(self, value: u64) -> Result<Shape, E> {
        let (is_huge, is_large) = (value > i64::MAX as u64, !number::is_exact(value));
        Ok(Shape::Whole { is_negative: false, is_huge, is_large })
    }

    fn visit_f64<E>(self, value: f64) -> Result<Shape, E> {
        Ok(match self.unkept.get(&value.to_bits()) {
            Some(Spelling::Beyond) => Shape::Beyond,
            _ => Shape::Fraction,
        })
    }

    fn visit_str<E>(self, _: &str) -> Result<Shape, E> {
        Ok(Shape::Text)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Shape, A::Error> {
        let mut item = Shape::Unknown;
        while let Some(next) = items.next_element_seed(self)? {
            item.merge(next);
        }
        Ok(Shape::List(Box::new(item)))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Shape, A::Error> {
        let mut members = Vec::new();
        while let Some(name) = entries.next_key::<String>()? {
            members.push((name, entries.next_value_seed(self)?));
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
        check("{\"n\":18446744073709551615}\n{\"n\":-1}", "n: string, mixed");
        check("{\"n\":18446744073709549568}\n{\"n\":-1}", "n: float64");
        check("{\"n\":9007199254740993}\n{\"n\":1}", "n: int64");
        check("{\"n\":9007199254740993}\n{\"n\":1.5}", "n: string, mixed");
        check("{\"n\":12345678901234567890123}", "n: string, mixed");
        check("{\"n\":[-12345678901234567890123]}", "n: list<string>, mixed");
        check(
            "{\"n\":1e300,\"a\\\"12345678901234567890123\":0.1}",
            "n: float64, a\"12345678901234567890123: float64",
        );
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
