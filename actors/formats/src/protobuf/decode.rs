//! Messages become columns. No message is ever held as a whole: while its fields are gone through, it
//! is noted where each value stands, and at its end every column gets one value.
//!
//! Of a field that stands there several times the last value counts, a message within is put together
//! of all its parts, and a list goes on, wherever they stand: so protobuf has it.

use std::mem;
use std::sync::Arc;

use arrow::array::{ArrayRef, ListArray, MapArray, RecordBatch, StructArray};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::{DataType, SchemaRef};
use weir_domain::Fault;

use super::config::ProtobufConfig;
use super::items::{Items, expect, last_entries};
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
pub(super) struct Rows<'p> {
    plan: &'p Message,
    columns: Vec<Column<'p>>,
    pub(super) count: usize,
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

impl<'p> Rows<'p> {
    pub(super) fn new(plan: &'p Message) -> Self {
        let columns = plan.fields.iter().map(Column::new).collect();
        Self { plan, columns, count: 0 }
    }

    /// Appends a message.
    pub(super) fn put(&mut self, bytes: &[u8], cells: &mut usize) -> Result<(), String> {
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

    pub(super) fn structs(&mut self, valid: Option<Vec<bool>>) -> Result<StructArray, String> {
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

/// Where a part stands in the bytes that it was taken from.
fn place_of(bytes: &[u8], part: &[u8]) -> (usize, usize) {
    let start = part.as_ptr() as usize - bytes.as_ptr() as usize;
    (start, start + part.len())
}
