//! Columns become messages. Every column must be a field of the message; a field without a column is
//! absent.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StructArray};
use arrow::compute::{CastOptions, can_cast_types, cast_with_options};
use arrow::datatypes::{
    DataType, Field as Column, Fields, Float32Type, Float64Type, Int32Type, Int64Type, SchemaRef,
    TimestampMicrosecondType, UInt32Type, UInt64Type,
};
use weir_domain::Fault;
use weir_records::type_name;

use super::config::ProtobufConfig;
use super::kind::Kind;
use super::plan::{Field, Item, Message, Presence, Shape};
use super::wire::{SIZED, VARINT, put_sized, put_tag, zigzag};
use crate::fault;
use crate::framed::{Encode, Unwritable};
use crate::framing::put_varint;

pub(crate) fn encode(
    config: &ProtobufConfig,
    schema: &SchemaRef,
) -> Result<Box<dyn Encode>, Fault> {
    let plan = config.plan().map_err(|it| fault::format_invalid(&[it]))?;
    check("", &plan, schema.fields())?;
    for field in plan.fields.iter().filter(|it| it.presence == Presence::Required) {
        if schema.column_with_name(&field.name).is_none() {
            let cause = format!("the message needs \"{}\", and the records have none", field.name);
            return Err(fault::schema_unwritable(cause, "map a value to that name"));
        }
    }
    Ok(Box::new(ProtobufEncode { plan }))
}

/// Whether all the columns are fields of the message.
fn check(path: &str, plan: &Message, columns: &Fields) -> Result<(), Fault> {
    for column in columns {
        let name = format!("{path}{}", column.name());
        let Some(field) = plan.fields.iter().find(|it| it.name == *column.name()) else {
            let cause = format!("the message has no field for the column \"{name}\"");
            let fix = "map the columns to the fields of the message, and leave others out";
            return Err(fault::schema_unwritable(cause, fix));
        };
        if let (Shape::One(Item::Message(inner)), DataType::Struct(members)) =
            (&field.shape, column.data_type())
        {
            check(&format!("{name}."), inner, members)?;
            continue;
        }
        let wanted = field.column();
        if !can_cast_types(column.data_type(), wanted.data_type()) {
            let (given, wanted) = (type_name(column.data_type()), type_name(wanted.data_type()));
            let cause = format!("the column \"{name}\" is {given}, and its field is {wanted}");
            return Err(fault::schema_unwritable(cause, "map it to that type"));
        }
    }
    Ok(())
}

struct ProtobufEncode {
    plan: Message,
}

impl Encode for ProtobufEncode {
    fn encode(
        &mut self,
        batch: &RecordBatch,
        out: &mut Vec<u8>,
        ends: &mut Vec<usize>,
    ) -> Result<(), Unwritable> {
        let given = StructArray::from(batch.clone());
        let rows = Rows::new(&self.plan, &given).map_err(Unwritable::batch)?;
        for row in 0..batch.num_rows() {
            rows.put(row, out).map_err(|it| Unwritable::row(row, it))?;
            ends.push(out.len());
        }
        Ok(())
    }
}

/// The columns of a message's fields, as far as they are given.
struct Rows<'p> {
    columns: Vec<(&'p Field, Values<'p>)>,
    /// Each oneof of which several members are given.
    rivals: Vec<Vec<ArrayRef>>,
}

enum Values<'p> {
    One { kind: &'p Kind, values: ArrayRef },
    Message { rows: Rows<'p>, values: ArrayRef },
    List { items: Box<Values<'p>>, list: ArrayRef, packed: bool },
    Map { keys: Box<Values<'p>>, values: Box<Values<'p>>, map: ArrayRef },
}

impl<'p> Rows<'p> {
    fn new(plan: &'p Message, given: &StructArray) -> Result<Self, String> {
        let mut columns: Vec<(&Field, Values<'_>)> = Vec::new();
        let mut rivals: Vec<(usize, Vec<ArrayRef>)> = Vec::new();
        for field in &plan.fields {
            let Some(column) = given.column_by_name(&field.name) else { continue };
            let values = Values::new(field, column);
            let values = values.map_err(|it| format!("field '{}': {it}", field.name))?;
            if let Some(oneof) = field.oneof {
                match rivals.iter_mut().find(|it| it.0 == oneof) {
                    Some(known) => known.1.push(column.clone()),
                    None => rivals.push((oneof, vec![column.clone()])),
                }
            }
            columns.push((field, values));
        }
        columns.sort_by_key(|it| it.0.number);
        let rivals = rivals.into_iter().map(|it| it.1).filter(|it| it.len() > 1).collect();
        Ok(Self { columns, rivals })
    }

    /// Appends the message of a row.
    fn put(&self, row: usize, out: &mut Vec<u8>) -> Result<(), String> {
        for rivals in &self.rivals {
            if rivals.iter().filter(|it| it.is_valid(row)).count() > 1 {
                return Err("several members of a oneof have a value".into());
            }
        }
        for (field, values) in &self.columns {
            values
                .put_field(field, row, out)
                .map_err(|it| format!("field '{}': {it}", field.name))?;
        }
        Ok(())
    }
}

impl<'p> Values<'p> {
    fn new(field: &'p Field, column: &ArrayRef) -> Result<Self, String> {
        Ok(match &field.shape {
            Shape::One(item) => Self::of(item, column)?,
            Shape::List { item, packed } => {
                let list = cast_to_list(column)?;
                let items = Box::new(Self::of(item, list.as_list::<i32>().values())?);
                Self::List { items, list, packed: *packed }
            }
            Shape::Map { key, value } => {
                let map = column.as_map_opt().ok_or("it is no map")?;
                let keys = cast(map.keys(), &key.data_type())?;
                let keys = Box::new(Self::One { kind: key, values: keys });
                let values = Box::new(Self::of(value, map.values())?);
                Self::Map { keys, values, map: column.clone() }
            }
        })
    }

    fn of(item: &'p Item, column: &ArrayRef) -> Result<Self, String> {
        Ok(match item {
            Item::Value(kind) => Self::One { kind, values: cast(column, &kind.data_type())? },
            Item::Message(plan) => {
                let given = column.as_struct_opt().ok_or("it is no struct")?;
                Self::Message { rows: Rows::new(plan, given)?, values: column.clone() }
            }
        })
    }

    fn put_field(&self, field: &Field, row: usize, out: &mut Vec<u8>) -> Result<(), String> {
        match self {
            Self::One { values, .. } | Self::Message { values, .. } if values.is_null(row) => {
                match field.presence {
                    Presence::Optional => Ok(()),
                    Presence::Required => Err("it is null, and the message needs it".into()),
                    // What is not there is read as the default, which it is not.
                    Presence::Implicit => Err("it is null, and the message can't say so".into()),
                }
            }
            Self::One { kind, .. } => {
                let start = out.len();
                put_tag(field.number, kind.wire(), out);
                let value = out.len();
                self.put(row, out)?;
                let is_default = out[value..].iter().all(|it| *it == 0);
                if field.presence == Presence::Implicit && is_default {
                    out.truncate(start);
                }
                Ok(())
            }
            Self::Message { .. } => {
                put_tag(field.number, SIZED, out);
                self.put(row, out)
            }
            Self::List { items, list, packed } => {
                if list.is_null(row) {
                    return Ok(());
                }
                let offsets = list.as_list::<i32>().value_offsets();
                let range = offsets[row] as usize..offsets[row + 1] as usize;
                if range.is_empty() {
                    return Ok(());
                }
                if *packed {
                    let mut run = Vec::new();
                    range.clone().try_for_each(|it| items.put(it, &mut run))?;
                    put_tag(field.number, SIZED, out);
                    put_sized(&run, out);
                    return Ok(());
                }
                for item in range {
                    put_tag(field.number, items.wire(), out);
                    items.put(item, out)?;
                }
                Ok(())
            }
            Self::Map { keys, values, map } => {
                if map.is_null(row) {
                    return Ok(());
                }
                let offsets = map.as_map().value_offsets();
                for at in offsets[row] as usize..offsets[row + 1] as usize {
                    let mut entry = Vec::new();
                    put_tag(1, keys.wire(), &mut entry);
                    keys.put(at, &mut entry)?;
                    put_tag(2, values.wire(), &mut entry);
                    values.put(at, &mut entry)?;
                    put_tag(field.number, SIZED, out);
                    put_sized(&entry, out);
                }
                Ok(())
            }
        }
    }

    fn wire(&self) -> u8 {
        match self {
            Self::One { kind, .. } => kind.wire(),
            Self::Message { .. } | Self::List { .. } | Self::Map { .. } => SIZED,
        }
    }

    /// Appends a single value, without its tag.
    fn put(&self, row: usize, out: &mut Vec<u8>) -> Result<(), String> {
        match self {
            Self::One { values, .. } | Self::Message { values, .. } if values.is_null(row) => {
                Err("an item is null, and lists and maps can't hold that".into())
            }
            Self::One { kind, values } => put_value(kind, values, row, out),
            Self::Message { rows, .. } => {
                let mut message = Vec::new();
                rows.put(row, &mut message)?;
                put_sized(&message, out);
                Ok(())
            }
            Self::List { .. } | Self::Map { .. } => Err("lists hold no lists".into()),
        }
    }
}

fn put_value(kind: &Kind, values: &ArrayRef, row: usize, out: &mut Vec<u8>) -> Result<(), String> {
    let signed = || match values.data_type() {
        DataType::Int32 => i64::from(values.as_primitive::<Int32Type>().value(row)),
        _ => values.as_primitive::<Int64Type>().value(row),
    };
    match kind {
        Kind::Double => {
            let bits = values.as_primitive::<Float64Type>().value(row);
            out.extend(bits.to_le_bytes());
        }
        Kind::Float => out.extend(values.as_primitive::<Float32Type>().value(row).to_le_bytes()),
        // A negative number takes ten bytes, of either width.
        Kind::Int32 | Kind::Int64 => put_varint(signed() as u64, out),
        Kind::Sint32 | Kind::Sint64 => put_varint(zigzag(signed()), out),
        Kind::Sfixed32 => out.extend((signed() as i32).to_le_bytes()),
        Kind::Sfixed64 => out.extend(signed().to_le_bytes()),
        Kind::Uint32 => put_varint(values.as_primitive::<UInt32Type>().value(row).into(), out),
        Kind::Fixed32 => out.extend(values.as_primitive::<UInt32Type>().value(row).to_le_bytes()),
        Kind::Uint64 => put_varint(values.as_primitive::<UInt64Type>().value(row), out),
        Kind::Fixed64 => out.extend(values.as_primitive::<UInt64Type>().value(row).to_le_bytes()),
        Kind::Bool => out.push(values.as_boolean().value(row).into()),
        Kind::String => put_sized(values.as_string::<i32>().value(row).as_bytes(), out),
        Kind::Bytes => put_sized(values.as_binary::<i32>().value(row), out),
        Kind::Enum(names) => {
            let name = values.as_string::<i32>().value(row);
            let number = names.by_name.get(name).copied().or_else(|| name.parse().ok());
            let number = number.ok_or_else(|| format!("'{name}' is no value of its enum"))?;
            put_varint(i64::from(number) as u64, out);
        }
        Kind::Timestamp => {
            let micros = values.as_primitive::<TimestampMicrosecondType>().value(row);
            let (seconds, nanos) =
                (micros.div_euclid(1_000_000), micros.rem_euclid(1_000_000) * 1000);
            let mut message = Vec::new();
            for (number, value) in [(1, seconds), (2, nanos)].into_iter().filter(|it| it.1 != 0) {
                put_tag(number, VARINT, &mut message);
                put_varint(value as u64, &mut message);
            }
            put_sized(&message, out);
        }
        Kind::Wrapped(inner) => {
            let mut message = Vec::new();
            put_tag(1, inner.wire(), &mut message);
            put_value(inner, values, row, &mut message)?;
            put_sized(&message, out);
        }
    }
    Ok(())
}

fn cast(column: &ArrayRef, wanted: &DataType) -> Result<ArrayRef, String> {
    if column.data_type() == wanted {
        return Ok(column.clone());
    }
    let options = CastOptions { safe: false, ..CastOptions::default() };
    cast_with_options(column, wanted, &options).map_err(|it| it.to_string())
}

/// Lists of other layouts become plain ones.
fn cast_to_list(column: &ArrayRef) -> Result<ArrayRef, String> {
    match column.data_type() {
        DataType::List(_) => Ok(column.clone()),
        DataType::LargeList(item) | DataType::FixedSizeList(item, _) => {
            let item: Arc<Column> = item.clone();
            cast(column, &DataType::List(item))
        }
        other => Err(format!("it is {}, and a list is wanted", type_name(other))),
    }
}
