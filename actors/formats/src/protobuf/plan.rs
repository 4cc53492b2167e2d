//! What the descriptors mean for columns, worked out once.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field as Column, Fields, Schema, SchemaRef};
use prost_reflect::{DescriptorPool, FieldDescriptor, MessageDescriptor};

use super::kind::Kind;
use crate::ConfigError;

/// Messages may contain messages many times over.
const PARTS_MAX: usize = 20_000;

/// A message, with all that it contains.
#[derive(Debug, Clone)]
pub(super) struct Message {
    /// In the order in which they are declared.
    pub(super) fields: Vec<Field>,
    /// Each field's number and place in `fields`, by number.
    numbers: Vec<(u32, usize)>,
}

#[derive(Debug, Clone)]
pub(super) struct Field {
    pub(super) name: String,
    pub(super) number: u32,
    pub(super) presence: Presence,
    /// Of the members of a oneof, one is present at most.
    pub(super) oneof: Option<usize>,
    pub(super) shape: Shape,
}

/// What it means that a field does not stand on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Presence {
    /// It has the default of its kind, as an empty list has no items.
    Implicit,
    Optional,
    Required,
}

#[derive(Debug, Clone)]
pub(super) enum Shape {
    One(Item),
    List { item: Item, packed: bool },
    Map { key: Kind, value: Item },
}

#[derive(Debug, Clone)]
pub(super) enum Item {
    Value(Kind),
    Message(Message),
}

impl Message {
    /// The plan of a message of a descriptor set.
    pub(super) fn of(descriptors: &[u8], name: &str) -> Result<Self, ConfigError> {
        let pool = DescriptorPool::decode(descriptors).map_err(|it| {
            let fix = "make it with `protoc --include_imports --descriptor_set_out`";
            ConfigError::new("descriptors", format!("they can't be read: {it}"), fix)
        })?;
        let message = pool.get_message_by_name(name).ok_or_else(|| {
            let mut names: Vec<_> =
                pool.all_messages().map(|it| it.full_name().to_owned()).collect();
            names.retain(|it| !it.starts_with("google.protobuf."));
            names.truncate(20);
            let cause = format!("the descriptors have no message \"{name}\"");
            ConfigError::new("message", cause, format!("name one of {}", names.join(", ")))
        })?;
        let mut parts = 0;
        let plan = plan(&message, &mut Vec::new(), &mut parts);
        let plan = plan.map_err(|it| {
            ConfigError::new("message", it, "use a message without it, or read it as raw bytes")
        })?;
        if plan.fields.is_empty() {
            let cause = format!("\"{name}\" has no fields, and a record needs one");
            return Err(ConfigError::new("message", cause, "name another message"));
        }
        Ok(plan)
    }

    pub(super) fn schema(&self) -> SchemaRef {
        Arc::new(Schema::new(self.columns()))
    }

    pub(super) fn columns(&self) -> Fields {
        self.fields.iter().map(|it| Arc::new(it.column())).collect()
    }

    /// The place of a field. Most stand on the wire in order: `hint` is where the last one was.
    #[inline]
    pub(super) fn place(&self, number: u32, hint: usize) -> Option<(usize, usize)> {
        for at in [hint, hint + 1] {
            if let Some((_, place)) = self.numbers.get(at).filter(|it| it.0 == number) {
                return Some((at, *place));
            }
        }
        let at = self.numbers.binary_search_by_key(&number, |it| it.0).ok()?;
        Some((at, self.numbers[at].1))
    }
}

fn plan(
    message: &MessageDescriptor,
    around: &mut Vec<String>,
    parts: &mut usize,
) -> Result<Message, String> {
    around.push(message.full_name().to_owned());
    let mut fields = Vec::new();
    for field in message.fields() {
        *parts += 1;
        if *parts > PARTS_MAX {
            return Err(format!("the message has more than {PARTS_MAX} parts"));
        }
        fields.push(planned(&field, around, parts)?);
    }
    around.pop();
    let mut numbers: Vec<_> = fields.iter().enumerate().map(|(at, it)| (it.number, at)).collect();
    numbers.sort_unstable();
    Ok(Message { fields, numbers })
}

fn planned(
    field: &FieldDescriptor,
    around: &mut Vec<String>,
    parts: &mut usize,
) -> Result<Field, String> {
    if field.is_group() {
        return Err(format!("{} is a group, which is not supported", field.full_name()));
    }
    let mut item = |it: &FieldDescriptor| item(it, around, parts);
    let shape = match field.kind().as_message().filter(|_| field.is_map()) {
        Some(entry) => {
            let key = Kind::of(&entry.map_entry_key_field().kind());
            let key = key.ok_or_else(|| format!("{} has a key that is none", field.full_name()))?;
            Shape::Map { key, value: item(&entry.map_entry_value_field())? }
        }
        None if field.is_list() => Shape::List { item: item(field)?, packed: field.is_packed() },
        None => Shape::One(item(field)?),
    };
    let presence = match shape {
        Shape::One(_) if field.is_required() => Presence::Required,
        Shape::One(_) if field.supports_presence() => Presence::Optional,
        _ => Presence::Implicit,
    };
    let oneof = field.containing_oneof().map(|it| it.path()[it.path().len() - 1] as usize);
    let (name, number) = (field.name().to_owned(), field.number());
    Ok(Field { name, number, presence, oneof, shape })
}

fn item(
    field: &FieldDescriptor,
    around: &mut Vec<String>,
    parts: &mut usize,
) -> Result<Item, String> {
    let kind = field.kind();
    if let Some(kind) = Kind::of(&kind) {
        return Ok(Item::Value(kind));
    }
    match kind.as_message() {
        Some(within) if around.iter().any(|it| it == within.full_name()) => {
            Ok(Item::Value(Kind::Bytes))
        }
        // A struct of no members is no column.
        Some(within) if within.fields().len() == 0 => Ok(Item::Value(Kind::Bytes)),
        Some(within) => plan(within, around, parts).map(Item::Message),
        None => Err(format!("{} has no kind", field.full_name())),
    }
}

impl Field {
    pub(super) fn column(&self) -> Column {
        let nullable = self.presence == Presence::Optional;
        let data_type = match &self.shape {
            Shape::One(item) => item.data_type(),
            Shape::List { item, .. } => DataType::List(item.list_field()),
            Shape::Map { key, value } => DataType::Map(value.entries(key), false),
        };
        Column::new(&self.name, data_type, nullable)
    }
}

impl Item {
    fn data_type(&self) -> DataType {
        match self {
            Self::Value(kind) => kind.data_type(),
            Self::Message(message) => DataType::Struct(message.columns()),
        }
    }

    pub(super) fn list_field(&self) -> Arc<Column> {
        Arc::new(Column::new_list_field(self.data_type(), false))
    }

    /// Of a map with these values.
    pub(super) fn entries(&self, key: &Kind) -> Arc<Column> {
        let pair = Fields::from(vec![
            Column::new("key", key.data_type(), false),
            Column::new("value", self.data_type(), false),
        ]);
        Arc::new(Column::new("entries", DataType::Struct(pair), false))
    }
}
