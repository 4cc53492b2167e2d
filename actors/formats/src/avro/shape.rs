//! The shape of records in bytes: as much of a schema as tells where a record ends.
//!
//! What it accepts, a decoder can take without being led astray: every length lies within the record,
//! and nothing is repeated more often than its bytes allow.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Map, Value};

use crate::framing::varint;

/// Deeper schemas are not written by hand, and walking them takes stack.
const DEPTH_MAX: usize = 64;
/// A schema may name a type many times over, in types that are themselves named many times.
const PARTS_MAX: usize = 20_000;
/// Nothing else bounds how many items a list is said to have that take no bytes.
const EMPTY_ITEMS_MAX: usize = 256;

#[derive(Debug, Clone)]
pub(super) enum Shape {
    Null,
    Boolean,
    /// Also of enums.
    Varint,
    Fixed(usize),
    /// Bytes and strings.
    Sized,
    Array(Arc<Shape>),
    Map(Arc<Shape>),
    Union(Vec<Shape>),
    Record(Arc<[Shape]>),
}

/// Why no end was found.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Miss {
    /// The bytes end before it.
    Cut,
    /// The bytes can't be of this shape.
    Wrong(String),
}

impl Shape {
    /// The shape of a record schema.
    pub(super) fn of_record(schema: &Value) -> Result<Self, String> {
        let mut names = Names { known: HashMap::new(), parts: 0 };
        match names.shape(schema, "", 0)? {
            record @ Self::Record(_) => Ok(record),
            _ => Err("the schema is not that of a record".into()),
        }
    }

    /// Where the value ends that begins at `at`.
    pub(super) fn end(&self, bytes: &[u8], at: usize) -> Result<usize, Miss> {
        match self {
            Self::Null => Ok(at),
            Self::Boolean => within(bytes, at, 1),
            Self::Varint => long(bytes, at).map(|it| it.1),
            Self::Fixed(length) => within(bytes, at, *length as u64),
            Self::Sized => {
                let (length, at) = long(bytes, at)?;
                within(bytes, at, positive(length)?)
            }
            Self::Record(fields) => fields.iter().try_fold(at, |at, it| it.end(bytes, at)),
            Self::Union(branches) => {
                let (branch, at) = long(bytes, at)?;
                let chosen = usize::try_from(branch).ok().and_then(|it| branches.get(it));
                let wrong = || Miss::Wrong(format!("a union has no branch {branch}"));
                chosen.ok_or_else(wrong)?.end(bytes, at)
            }
            Self::Array(item) => items(bytes, at, |at| item.end(bytes, at)),
            Self::Map(value) => items(bytes, at, |at| {
                let at = Self::Sized.end(bytes, at)?;
                value.end(bytes, at)
            }),
        }
    }
}

fn items(
    bytes: &[u8],
    mut at: usize,
    item: impl Fn(usize) -> Result<usize, Miss>,
) -> Result<usize, Miss> {
    let mut empty = 0;
    loop {
        let (count, next) = long(bytes, at)?;
        at = next;
        if count == 0 {
            return Ok(at);
        }
        if count < 0 {
            // The bytes of the items, for whoever leaves them out.
            at = long(bytes, at)?.1;
        }
        for _ in 0..count.unsigned_abs() {
            let next = item(at)?;
            empty += usize::from(next == at);
            if empty > EMPTY_ITEMS_MAX {
                let cause = format!("a list has more than {EMPTY_ITEMS_MAX} items of no bytes");
                return Err(Miss::Wrong(cause));
            }
            at = next;
        }
    }
}

fn within(bytes: &[u8], at: usize, length: u64) -> Result<usize, Miss> {
    match (bytes.len() - at) as u64 >= length {
        true => Ok(at + length as usize),
        false => Err(Miss::Cut),
    }
}

/// A number and where it ends.
pub(super) fn long(bytes: &[u8], at: usize) -> Result<(i64, usize), Miss> {
    match varint(&bytes[at..]) {
        Some((value, length)) => Ok(((value >> 1) as i64 ^ -((value & 1) as i64), at + length)),
        None if bytes.len() - at < 10 => Err(Miss::Cut),
        None => Err(Miss::Wrong("a number has no end".into())),
    }
}

pub(super) fn positive(length: i64) -> Result<u64, Miss> {
    u64::try_from(length).map_err(|_| Miss::Wrong(format!("a length is {length}")))
}

/// The named types of a schema, by their full names.
struct Names {
    known: HashMap<String, (Shape, usize)>,
    parts: usize,
}

impl Names {
    fn shape(&mut self, schema: &Value, space: &str, depth: usize) -> Result<Shape, String> {
        self.count(1)?;
        if depth > DEPTH_MAX {
            return Err("the schema is nested too deeply".into());
        }
        match schema {
            Value::String(name) => self.named(name, space),
            Value::Array(branches) => {
                let branches = branches.iter().map(|it| self.shape(it, space, depth + 1));
                branches.collect::<Result<_, _>>().map(Shape::Union)
            }
            Value::Object(definition) => self.defined(definition, space, depth),
            other => Err(format!("{other} is no type")),
        }
    }

    fn count(&mut self, parts: usize) -> Result<(), String> {
        self.parts += parts;
        match self.parts > PARTS_MAX {
            true => Err(format!("the schema has more than {PARTS_MAX} parts")),
            false => Ok(()),
        }
    }

    fn named(&mut self, name: &str, space: &str) -> Result<Shape, String> {
        Ok(match name {
            "null" => Shape::Null,
            "boolean" => Shape::Boolean,
            "int" | "long" => Shape::Varint,
            "float" => Shape::Fixed(4),
            "double" => Shape::Fixed(8),
            "bytes" | "string" => Shape::Sized,
            name => {
                let full = full_name(name, space);
                let known = self.known.get(&full).or_else(|| self.known.get(name));
                // A record is known once it is whole.
                let (shape, parts) = known
                    .cloned()
                    .ok_or_else(|| format!("the type {name} is not known, or contains itself"))?;
                self.count(parts)?;
                shape
            }
        })
    }

    fn defined(
        &mut self,
        definition: &Map<String, Value>,
        space: &str,
        depth: usize,
    ) -> Result<Shape, String> {
        let part = |key: &str| {
            definition.get(key).ok_or_else(|| format!("a type of the schema has no `{key}`"))
        };
        let before = self.parts;
        let shape = match part("type")? {
            Value::String(kind) => match kind.as_str() {
                "array" => Shape::Array(Arc::new(self.shape(part("items")?, space, depth + 1)?)),
                "map" => Shape::Map(Arc::new(self.shape(part("values")?, space, depth + 1)?)),
                "enum" => Shape::Varint,
                "fixed" => {
                    let size = part("size")?.as_u64().and_then(|it| usize::try_from(it).ok());
                    Shape::Fixed(size.ok_or("a fixed type has no size")?)
                }
                "record" => self.record(part("fields")?, &space_of(definition, space), depth)?,
                other => return self.named(other, space),
            },
            nested => return self.shape(nested, space, depth + 1),
        };
        if let Some(name) = definition.get("name").and_then(Value::as_str) {
            let full = full_name(name, &space_of(definition, space));
            self.known.insert(full, (shape.clone(), self.parts - before + 1));
        }
        Ok(shape)
    }

    fn record(&mut self, fields: &Value, space: &str, depth: usize) -> Result<Shape, String> {
        let fields = fields.as_array().ok_or("the fields of a record are no list")?;
        let mut shapes = Vec::with_capacity(fields.len());
        for field in fields {
            let schema = field.get("type").ok_or("a field of the schema has no `type`")?;
            shapes.push(self.shape(schema, space, depth + 1)?);
        }
        Ok(Shape::Record(shapes.into()))
    }
}

/// The namespace of a definition: its own, that within its name, or the one around it.
fn space_of(definition: &Map<String, Value>, around: &str) -> String {
    let text = |key: &str| definition.get(key).and_then(Value::as_str);
    match (text("name").and_then(|it| it.rsplit_once('.')), text("namespace")) {
        (Some((space, _)), _) => space.to_owned(),
        (None, Some(space)) => space.to_owned(),
        (None, None) => around.to_owned(),
    }
}

fn full_name(name: &str, space: &str) -> String {
    match space.is_empty() || name.contains('.') {
        true => name.to_owned(),
        false => format!("{space}.{name}"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn shape(field: &Value) -> Result<Shape, String> {
        let fields = json!([{"name": "f", "type": field}]);
        Shape::of_record(&json!({"type": "record", "name": "r", "fields": fields}))
    }

    #[test]
    fn the_end_of_a_value_is_found_within_its_bytes() {
        let wrong = |it: &str| Err(Miss::Wrong(it.into()));
        for (schema, bytes, expected) in [
            (json!("long"), &b"\x7f"[..], Ok(1)),
            (json!("long"), b"\x80", Err(Miss::Cut)),
            (json!("long"), &[0xff; 11], wrong("a number has no end")),
            (json!("string"), b"\x04ab!", Ok(3)),
            (json!("string"), b"\x06ab", Err(Miss::Cut)),
            (json!("bytes"), b"\x01", wrong("a length is -1")),
            (json!(["null", "double"]), b"\x0212345678", Ok(9)),
            (json!(["null", "double"]), b"\x04", wrong("a union has no branch 2")),
            (json!({"type": "array", "items": "int"}), b"\x04\x01\x01\x00", Ok(4)),
            (json!({"type": "array", "items": "int"}), b"\x03\x04\x01\x01\x00", Ok(5)),
            (json!({"type": "map", "values": "boolean"}), b"\x02\x02k\x01\x00!", Ok(5)),
            (json!({"type": "fixed", "name": "x", "size": 3}), b"abcd", Ok(3)),
            (json!({"type": "int", "logicalType": "date"}), b"\x02", Ok(1)),
            (
                json!({"type": "array", "items": "null"}),
                b"\xfe\xff\xff\xff\x0f\x00",
                wrong("a list has more than 256 items of no bytes"),
            ),
        ] {
            let end = shape(&schema).unwrap().end(bytes, 0);
            assert_eq!(end, expected, "{schema} {bytes:?}");
        }
    }

    #[test]
    fn names_are_found_in_their_namespaces() {
        let inner = json!({"type": "fixed", "name": "b.X", "size": 2});
        let fields = json!([{"name": "p", "type": inner}, {"name": "q", "type": "b.X"}]);
        let known = json!({"type": "record", "name": "a.R", "fields": fields});
        assert_eq!(Shape::of_record(&known).unwrap().end(b"1234!", 0), Ok(4));
        let fields = json!([{"name": "p", "type": "R"}]);
        let itself = json!({"type": "record", "name": "R", "fields": fields});
        let refused = Shape::of_record(&itself).unwrap_err();
        assert_eq!(refused, "the type R is not known, or contains itself");
        assert_eq!(
            Shape::of_record(&json!("long")).unwrap_err(),
            "the schema is not that of a record"
        );
    }

    #[test]
    fn a_schema_that_multiplies_itself_is_refused() {
        let mut inner = json!("long");
        for level in 0..20 {
            let name = format!("r{level}");
            let fields = json!([{"name": "a", "type": inner}, {"name": "b", "type": name.clone()}]);
            // The second names what the first defines.
            let second = if level == 0 { json!("long") } else { json!(format!("r{}", level - 1)) };
            inner = json!({"type": "record", "name": name, "fields": fields});
            inner["fields"][1]["type"] = second;
        }
        let refused = Shape::of_record(&inner).unwrap_err();
        assert_eq!(refused, "the schema has more than 20000 parts");
    }
}
