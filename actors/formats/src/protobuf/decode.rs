//! Messages become columns. No message is ever held as a whole: while its fields are gone through, it
//! is noted where each value stands, and at its end every column gets one value.
//!
//! Of a field that stands there several times the last value counts, a message within is put together
//! of all its parts, and a list goes on, wherever they stand: so protobuf has it.

use std::collections::HashMap;
use std::mem;
use std::sync::Arc;

use arrow::array::{ArrayRef, ListArray, MapArray, RecordBatch, StructArray};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::{DataType, SchemaRef};
use weir_domain::Fault;

use super::config::ProtobufConfig;
use super::kind::Kind;
use super::plan::{Field, Item, Message, Presence, Shape};
use super::values::Values;
use super::wire::{Cursor, Raw, SIZED};
use crate::fault;
use crate::framed::Decode;
use crate::isolate::Refusal;

/// A message of two bytes may stand for many values, of which all are absent.
const CELLS_MAX: usize = 1 << 24;

pub(crate) fn decode(config: &ProtobufConfig) -> Result<Box<dyn Decode>, Fault> {
    let plan = config.plan().map_err(|it| fault::format_invalid(&[it]))?;
    Ok(Box::new(ProtobufDecode { schema: plan.schema(), plan }))
}

struct ProtobufDecode {
    plan: Message,
    schema: SchemaRef,
}

impl Decode for ProtobufDecode {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn decode(&mut self, records: &[&[u8]]) -> Result<RecordBatch, Refusal> {
        let mut rows = Rows::new(&self.plan);
        let mut cells = CELLS_MAX;
        for (at, record) in records.iter().enumerate() {
            let put = rows.put(record, &mut cells);
            put.map_err(|it| match cells {
                // Fewer records may do.
                0 if records.len() > 1 => Refusal::Within(it),
                _ => Refusal::At(at, it),
            })?;
        }
        let columns = rows.finish().map_err(Refusal::Within)?;
        let batch = RecordBatch::try_new(self.schema.clone(), columns);
        batch.map_err(|it| Refusal::Within(it.to_string()))
    }
}

/// The columns of a message's fields.
struct Rows<'p> {
    plan: &'p Message,
    columns: Vec<Column<'p>>,
    count: usize,
}

/// A column in the making, and what the message at hand has for it.
enum Column<'p> {
    Value {
        kind: &'p Kind,
        values: Values,
        seen: Seen,
    },
    Message {
        rows: Rows<'p>,
        valid: Vec<bool>,
        parts: Vec<(usize, usize)>,
    },
    List {
        items: Items<'p>,
        ends: Vec<i32>,
    },
    Map {
        key: &'p Kind,
        keys: Values,
        values: Items<'p>,
        ends: Vec<i32>,
        entries: Vec<(usize, usize)>,
    },
}

/// A value, or where its bytes stand in the message.
#[derive(Clone, Copy)]
enum Seen {
    Nothing,
    Bits(u64),
    Bytes(usize, usize),
}

enum Items<'p> {
    Values { kind: &'p Kind, values: Values, count: usize },
    Messages(Rows<'p>),
}

impl<'p> Rows<'p> {
    fn new(plan: &'p Message) -> Self {
        let columns = plan.fields.iter().map(Column::new).collect();
        Self { plan, columns, count: 0 }
    }

    /// Appends a message.
    fn put(&mut self, bytes: &[u8], cells: &mut usize) -> Result<(), String> {
        match cells.checked_sub(self.columns.len()) {
            Some(left) => *cells = left,
            None => {
                *cells = 0;
                return Err(format!("it stands for more than {CELLS_MAX} values"));
            }
        }
        let (mut cursor, mut hint) = (Cursor::new(bytes), 0);
        while !cursor.is_empty() {
            let (number, wire) = cursor.tag()?;
            let Some((at, place)) = self.plan.place(number, hint) else {
                cursor.skip(number, wire, 0)?;
                continue;
            };
            hint = at;
            let field = &self.plan.fields[place];
            let named = |it: String| format!("field '{}': {it}", field.name);
            let raw = cursor.value(wire).map_err(named)?;
            self.forget_others(place);
            self.columns[place].note(bytes, wire, raw, cells).map_err(named)?;
        }
        for (column, field) in self.columns.iter_mut().zip(&self.plan.fields) {
            let closed = column.close(bytes, field, cells);
            closed.map_err(|it| format!("field '{}': {it}", field.name))?;
        }
        self.count += 1;
        Ok(())
    }

    /// Only the last member of a oneof counts.
    fn forget_others(&mut self, place: usize) {
        let fields = &self.plan.fields;
        let Some(oneof) = fields[place].oneof else { return };
        for (at, column) in self.columns.iter_mut().enumerate() {
            if at != place && fields[at].oneof == Some(oneof) {
                column.forget();
            }
        }
    }

    /// Appends a message that is not there.
    fn put_null(&mut self) {
        self.columns.iter_mut().zip(&self.plan.fields).for_each(|(it, field)| it.put_null(field));
        self.count += 1;
    }

    fn finish(&mut self) -> Result<Vec<ArrayRef>, String> {
        let columns = self.columns.iter_mut().zip(&self.plan.fields);
        columns.map(|(column, field)| column.finish(field)).collect()
    }

    fn structs(&mut self, valid: Option<Vec<bool>>) -> Result<StructArray, String> {
        let columns = self.finish()?;
        let nulls = valid.map(NullBuffer::from);
        let built = StructArray::try_new(self.plan.columns(), columns, nulls);
        built.map_err(|it| it.to_string())
    }
}

impl<'p> Column<'p> {
    fn new(field: &'p Field) -> Self {
        match &field.shape {
            Shape::One(Item::Value(kind)) => {
                Self::Value { kind, values: Values::new(kind), seen: Seen::Nothing }
            }
            Shape::One(Item::Message(message)) => {
                Self::Message { rows: Rows::new(message), valid: Vec::new(), parts: Vec::new() }
            }
            Shape::List { item, .. } => Self::List { items: Items::new(item), ends: vec![0] },
            Shape::Map { key, value } => Self::Map {
                key,
                keys: Values::new(key),
                values: Items::new(value),
                ends: vec![0],
                entries: Vec::new(),
            },
        }
    }

    /// Notes a value of the message at hand.
    fn note(
        &mut self,
        bytes: &[u8],
        wire: u8,
        raw: Raw<'_>,
        cells: &mut usize,
    ) -> Result<(), String> {
        match (self, raw) {
            (Self::Value { kind, seen, .. }, raw) => {
                expect(wire, kind.wire())?;
                *seen = match raw {
                    Raw::Bits(bits) => Seen::Bits(bits),
                    Raw::Bytes(it) => {
                        let (start, end) = place_of(bytes, it);
                        Seen::Bytes(start, end)
                    }
                };
            }
            (
                Self::Message { parts: places, .. } | Self::Map { entries: places, .. },
                Raw::Bytes(it),
            ) => {
                places.push(place_of(bytes, it));
            }
            (Self::List { items, .. }, raw) => items.put(wire, raw, cells)?,
            (_, Raw::Bits(_)) => expect(wire, SIZED)?,
        }
        Ok(())
    }

    fn forget(&mut self) {
        match self {
            Self::Value { seen, .. } => *seen = Seen::Nothing,
            Self::Message { parts, .. } => parts.clear(),
            // Neither is ever a member of a oneof.
            Self::List { .. } | Self::Map { .. } => {}
        }
    }

    /// Appends what was noted, at the end of the message.
    fn close(&mut self, bytes: &[u8], field: &Field, cells: &mut usize) -> Result<(), String> {
        match self {
            Self::Value { kind, values, seen } => {
                let raw = match mem::replace(seen, Seen::Nothing) {
                    Seen::Bits(bits) => Raw::Bits(bits),
                    Seen::Bytes(start, end) => Raw::Bytes(&bytes[start..end]),
                    Seen::Nothing => match field.presence {
                        Presence::Implicit => kind.default(),
                        Presence::Required => return Err("it is missing".into()),
                        Presence::Optional => {
                            values.put_null();
                            return Ok(());
                        }
                    },
                };
                values.put(kind, raw)
            }
            Self::Message { rows, valid, parts } => {
                let parts = mem::take(parts);
                valid.push(!parts.is_empty());
                match parts[..] {
                    [] if field.presence == Presence::Required => Err("it is missing".into()),
                    [] => {
                        rows.put_null();
                        Ok(())
                    }
                    [(start, end)] => rows.put(&bytes[start..end], cells),
                    _ => {
                        // One behind the other they are the message that they make together.
                        let parts = parts.iter().map(|it| &bytes[it.0..it.1]);
                        rows.put(&parts.collect::<Vec<_>>().concat(), cells)
                    }
                }
            }
            Self::List { items, ends } => {
                ends.push(items.end()?);
                Ok(())
            }
            Self::Map { key, keys, values, ends, entries } => {
                let entries = mem::take(entries);
                for (key_raw, value_raw) in last_entries(bytes, &entries, key, values)? {
                    keys.put(key, key_raw)?;
                    values.put_one(value_raw, cells)?;
                }
                ends.push(values.end()?);
                Ok(())
            }
        }
    }

    fn put_null(&mut self, field: &Field) {
        match self {
            Self::Value { values, .. } if field.presence == Presence::Optional => values.put_null(),
            // Nobody sees what stands within a message that is not there.
            Self::Value { kind, values, .. } => _ = values.put(kind, kind.default()),
            Self::Message { rows, valid, .. } => {
                rows.put_null();
                valid.push(field.presence == Presence::Required);
            }
            Self::List { ends, .. } | Self::Map { ends, .. } => {
                ends.push(ends.last().copied().unwrap_or(0));
            }
        }
    }

    fn finish(&mut self, field: &Field) -> Result<ArrayRef, String> {
        match (self, &field.shape) {
            (Self::Value { values, .. }, _) => Ok(values.finish()),
            (Self::Message { rows, valid, .. }, _) => {
                let valid = mem::take(valid);
                Ok(Arc::new(rows.structs(Some(valid))?))
            }
            (Self::List { items, ends }, Shape::List { item, .. }) => {
                let ends = OffsetBuffer::new(mem::take(ends).into());
                let list = ListArray::try_new(item.list_field(), ends, items.finish()?, None);
                Ok(Arc::new(list.map_err(|it| it.to_string())?))
            }
            (Self::Map { keys, values, ends, .. }, Shape::Map { key, value }) => {
                let entries = value.entries(key);
                let DataType::Struct(pair) = entries.data_type() else {
                    return Err("a map has no entries".into());
                };
                let columns = vec![keys.finish(), values.finish()?];
                let pairs = StructArray::try_new(pair.clone(), columns, None);
                let pairs = pairs.map_err(|it| it.to_string())?;
                let ends = OffsetBuffer::new(mem::take(ends).into());
                let map = MapArray::try_new(entries, ends, pairs, None, false);
                Ok(Arc::new(map.map_err(|it| it.to_string())?))
            }
            _ => Err("a column does not fit its field".into()),
        }
    }
}

impl<'p> Items<'p> {
    fn new(item: &'p Item) -> Self {
        match item {
            Item::Value(kind) => Self::Values { kind, values: Values::new(kind), count: 0 },
            Item::Message(message) => Self::Messages(Rows::new(message)),
        }
    }

    fn wire(&self) -> u8 {
        match self {
            Self::Values { kind, .. } => kind.wire(),
            Self::Messages(_) => SIZED,
        }
    }

    /// Appends an item, or all of a run of them that are packed.
    fn put(&mut self, wire: u8, raw: Raw<'_>, cells: &mut usize) -> Result<(), String> {
        let expected = self.wire();
        match raw {
            Raw::Bytes(run) if expected != SIZED => {
                let mut cursor = Cursor::new(run);
                while !cursor.is_empty() {
                    self.put_one(cursor.value(expected)?, cells)?;
                }
                Ok(())
            }
            raw => {
                expect(wire, expected)?;
                self.put_one(raw, cells)
            }
        }
    }

    fn put_one(&mut self, raw: Raw<'_>, cells: &mut usize) -> Result<(), String> {
        match (self, raw) {
            (Self::Values { kind, values, count }, raw) => {
                *count += 1;
                values.put(kind, raw)
            }
            (Self::Messages(rows), Raw::Bytes(bytes)) => rows.put(bytes, cells),
            (Self::Messages(_), Raw::Bits(_)) => Err("it is of another type".into()),
        }
    }

    fn default(&self) -> Raw<'static> {
        match self {
            Self::Values { kind, .. } => kind.default(),
            Self::Messages(_) => Raw::Bytes(&[]),
        }
    }

    fn end(&self) -> Result<i32, String> {
        let count = match self {
            Self::Values { count, .. } => *count,
            Self::Messages(rows) => rows.count,
        };
        i32::try_from(count).map_err(|_| "lists have too many items".into())
    }

    fn finish(&mut self) -> Result<ArrayRef, String> {
        match self {
            Self::Values { values, count, .. } => {
                *count = 0;
                Ok(values.finish())
            }
            Self::Messages(rows) => Ok(Arc::new(rows.structs(None)?)),
        }
    }
}

/// The entries of a map in the order of their keys' first occurrence. Of several with one key the
/// last counts.
fn last_entries<'b>(
    bytes: &'b [u8],
    entries: &[(usize, usize)],
    key: &Kind,
    values: &Items<'_>,
) -> Result<Vec<(Raw<'b>, Raw<'b>)>, String> {
    let mut found: Vec<(Raw<'b>, Raw<'b>)> = Vec::with_capacity(entries.len());
    let mut places: HashMap<(u64, &[u8]), usize> = HashMap::with_capacity(entries.len());
    for (start, end) in entries {
        let (mut entry_key, mut entry_value) = (key.default(), values.default());
        let mut cursor = Cursor::new(&bytes[*start..*end]);
        while !cursor.is_empty() {
            let (number, wire) = cursor.tag()?;
            match number {
                1 => {
                    expect(wire, key.wire())?;
                    entry_key = cursor.value(wire)?;
                }
                2 => {
                    expect(wire, values.wire())?;
                    entry_value = cursor.value(wire)?;
                }
                _ => cursor.skip(number, wire, 0)?,
            }
        }
        let told = match entry_key {
            Raw::Bits(bits) => (bits, &[][..]),
            Raw::Bytes(bytes) => (0, bytes),
        };
        match places.get(&told) {
            Some(place) => found[*place].1 = entry_value,
            None => {
                places.insert(told, found.len());
                found.push((entry_key, entry_value));
            }
        }
    }
    Ok(found)
}

fn expect(wire: u8, expected: u8) -> Result<(), String> {
    match wire == expected {
        true => Ok(()),
        false => Err(format!("it has the wire type {wire}, and {expected} is expected")),
    }
}

/// Where a part stands in the bytes that it was taken from.
fn place_of(bytes: &[u8], part: &[u8]) -> (usize, usize) {
    let start = part.as_ptr() as usize - bytes.as_ptr() as usize;
    (start, start + part.len())
}
