//! Kinds of single values, and what they are in Arrow.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::{DataType, TimeUnit};
use prost_reflect::{Kind as Described, MessageDescriptor};

use super::wire::{FIXED32, FIXED64, Raw, SIZED, VARINT};

#[derive(Debug, Clone)]
pub(super) enum Kind {
    Double,
    Float,
    Int32,
    Int64,
    Uint32,
    Uint64,
    Sint32,
    Sint64,
    Fixed32,
    Fixed64,
    Sfixed32,
    Sfixed64,
    Bool,
    String,
    /// Also a message within one of its own type, which no column could hold otherwise.
    Bytes,
    Enum(Arc<Names>),
    /// `google.protobuf.Timestamp`, to the microsecond: what is finer than that is left out.
    Timestamp,
    /// `google.protobuf.Int32Value` and its like: a value that may be missing.
    Wrapped(Box<Kind>),
}

/// The values of an enum. Several names may have one number; the first is read.
#[derive(Debug)]
pub(super) struct Names {
    pub(super) by_number: HashMap<i32, String>,
    pub(super) by_name: HashMap<String, i32>,
}

impl Kind {
    /// `None` where it is a message with fields of its own.
    pub(super) fn of(described: &Described) -> Option<Self> {
        Some(match described {
            Described::Double => Self::Double,
            Described::Float => Self::Float,
            Described::Int32 => Self::Int32,
            Described::Int64 => Self::Int64,
            Described::Uint32 => Self::Uint32,
            Described::Uint64 => Self::Uint64,
            Described::Sint32 => Self::Sint32,
            Described::Sint64 => Self::Sint64,
            Described::Fixed32 => Self::Fixed32,
            Described::Fixed64 => Self::Fixed64,
            Described::Sfixed32 => Self::Sfixed32,
            Described::Sfixed64 => Self::Sfixed64,
            Described::Bool => Self::Bool,
            Described::String => Self::String,
            Described::Bytes => Self::Bytes,
            Described::Enum(it) => {
                let mut names = Names { by_number: HashMap::new(), by_name: HashMap::new() };
                for value in it.values() {
                    let name = value.name().to_owned();
                    names.by_number.entry(value.number()).or_insert_with(|| name.clone());
                    names.by_name.insert(name, value.number());
                }
                Self::Enum(Arc::new(names))
            }
            Described::Message(it) => return Self::well_known(it),
        })
    }

    fn well_known(message: &MessageDescriptor) -> Option<Self> {
        let wrapped = |it: Self| Some(Self::Wrapped(Box::new(it)));
        match message.full_name().strip_prefix("google.protobuf.")? {
            "Timestamp" => Some(Self::Timestamp),
            "DoubleValue" => wrapped(Self::Double),
            "FloatValue" => wrapped(Self::Float),
            "Int64Value" => wrapped(Self::Int64),
            "UInt64Value" => wrapped(Self::Uint64),
            "Int32Value" => wrapped(Self::Int32),
            "UInt32Value" => wrapped(Self::Uint32),
            "BoolValue" => wrapped(Self::Bool),
            "StringValue" => wrapped(Self::String),
            "BytesValue" => wrapped(Self::Bytes),
            _ => None,
        }
    }

    pub(super) fn wire(&self) -> u8 {
        match self {
            Self::Double | Self::Fixed64 | Self::Sfixed64 => FIXED64,
            Self::Float | Self::Fixed32 | Self::Sfixed32 => FIXED32,
            Self::String | Self::Bytes | Self::Timestamp | Self::Wrapped(_) => SIZED,
            _ => VARINT,
        }
    }

    /// What a value is that does not stand on the wire.
    pub(super) fn default(&self) -> Raw<'static> {
        match self.wire() {
            SIZED => Raw::Bytes(&[]),
            _ => Raw::Bits(0),
        }
    }

    pub(super) fn data_type(&self) -> DataType {
        match self {
            Self::Double => DataType::Float64,
            Self::Float => DataType::Float32,
            Self::Int32 | Self::Sint32 | Self::Sfixed32 => DataType::Int32,
            Self::Int64 | Self::Sint64 | Self::Sfixed64 => DataType::Int64,
            Self::Uint32 | Self::Fixed32 => DataType::UInt32,
            Self::Uint64 | Self::Fixed64 => DataType::UInt64,
            Self::Bool => DataType::Boolean,
            Self::String | Self::Enum(_) => DataType::Utf8,
            Self::Bytes => DataType::Binary,
            Self::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, Some("+00:00".into())),
            Self::Wrapped(inner) => inner.data_type(),
        }
    }
}
