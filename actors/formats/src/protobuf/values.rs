//! Columns of single values in the making.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryBuilder, BooleanBuilder, Float32Builder, Float64Builder, Int32Builder,
    Int64Builder, StringBuilder, TimestampMicrosecondBuilder, UInt32Builder, UInt64Builder,
};

use super::kind::Kind;
use super::wire::{Cursor, Raw, unzigzag};

/// From 0001-01-01 up to the end of 9999, in seconds: what a timestamp may be.
const SECONDS: std::ops::RangeInclusive<i64> = -62_135_596_800..=253_402_300_799;

pub(super) enum Values {
    Double(Float64Builder),
    Float(Float32Builder),
    Int32(Int32Builder),
    Int64(Int64Builder),
    Uint32(UInt32Builder),
    Uint64(UInt64Builder),
    Bool(BooleanBuilder),
    Text(StringBuilder),
    Bytes(BinaryBuilder),
    Micros(TimestampMicrosecondBuilder),
}

impl Values {
    pub(super) fn new(kind: &Kind) -> Self {
        match kind {
            Kind::Double => Self::Double(Float64Builder::new()),
            Kind::Float => Self::Float(Float32Builder::new()),
            Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => Self::Int32(Int32Builder::new()),
            Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => Self::Int64(Int64Builder::new()),
            Kind::Uint32 | Kind::Fixed32 => Self::Uint32(UInt32Builder::new()),
            Kind::Uint64 | Kind::Fixed64 => Self::Uint64(UInt64Builder::new()),
            Kind::Bool => Self::Bool(BooleanBuilder::new()),
            Kind::String | Kind::Enum(_) => Self::Text(StringBuilder::new()),
            Kind::Bytes => Self::Bytes(BinaryBuilder::new()),
            Kind::Timestamp => {
                Self::Micros(TimestampMicrosecondBuilder::new().with_data_type(kind.data_type()))
            }
            Kind::Wrapped(inner) => Self::new(inner),
        }
    }

    #[inline]
    pub(super) fn put(&mut self, kind: &Kind, raw: Raw<'_>) -> Result<(), String> {
        match (self, raw) {
            (values, Raw::Bytes(bytes)) if matches!(kind, Kind::Wrapped(_)) => {
                let Kind::Wrapped(inner) = kind else { return Ok(()) };
                values.put(inner, member(bytes, 1, inner.wire())?.unwrap_or(inner.default()))?;
            }
            (Self::Double(it), Raw::Bits(bits)) => it.append_value(f64::from_bits(bits)),
            (Self::Float(it), Raw::Bits(bits)) => it.append_value(f32::from_bits(bits as u32)),
            (Self::Int32(it), Raw::Bits(bits)) => it.append_value(match kind {
                Kind::Sint32 => unzigzag(u64::from(bits as u32)) as i32,
                // A negative one stands there in 64 bits.
                _ => bits as i32,
            }),
            (Self::Int64(it), Raw::Bits(bits)) => it.append_value(match kind {
                Kind::Sint64 => unzigzag(bits),
                _ => bits as i64,
            }),
            (Self::Uint32(it), Raw::Bits(bits)) => it.append_value(bits as u32),
            (Self::Uint64(it), Raw::Bits(bits)) => it.append_value(bits),
            (Self::Bool(it), Raw::Bits(bits)) => it.append_value(bits != 0),
            (Self::Text(it), Raw::Bits(bits)) => {
                let Kind::Enum(names) = kind else { return Err("a text has no bytes".into()) };
                match names.by_number.get(&(bits as i32)) {
                    Some(name) => it.append_value(name),
                    // Who wrote it knows more values than we do.
                    None => it.append_value((bits as i32).to_string()),
                }
            }
            (Self::Text(it), Raw::Bytes(bytes)) => {
                let text = std::str::from_utf8(bytes);
                it.append_value(
                    text.map_err(|it| format!("it is not UTF-8 after {} bytes", it.valid_up_to()))?,
                );
            }
            (Self::Bytes(it), Raw::Bytes(bytes)) => it.append_value(bytes),
            (Self::Micros(it), Raw::Bytes(bytes)) => it.append_value(micros(bytes)?),
            _ => return Err("it is of another type".into()),
        }
        Ok(())
    }

    pub(super) fn put_null(&mut self) {
        match self {
            Self::Double(it) => it.append_null(),
            Self::Float(it) => it.append_null(),
            Self::Int32(it) => it.append_null(),
            Self::Int64(it) => it.append_null(),
            Self::Uint32(it) => it.append_null(),
            Self::Uint64(it) => it.append_null(),
            Self::Bool(it) => it.append_null(),
            Self::Text(it) => it.append_null(),
            Self::Bytes(it) => it.append_null(),
            Self::Micros(it) => it.append_null(),
        }
    }

    pub(super) fn finish(&mut self) -> ArrayRef {
        match self {
            Self::Double(it) => Arc::new(it.finish()),
            Self::Float(it) => Arc::new(it.finish()),
            Self::Int32(it) => Arc::new(it.finish()),
            Self::Int64(it) => Arc::new(it.finish()),
            Self::Uint32(it) => Arc::new(it.finish()),
            Self::Uint64(it) => Arc::new(it.finish()),
            Self::Bool(it) => Arc::new(it.finish()),
            Self::Text(it) => Arc::new(it.finish()),
            Self::Bytes(it) => Arc::new(it.finish()),
            Self::Micros(it) => Arc::new(it.finish()),
        }
    }
}

/// A timestamp's microseconds since 1970.
fn micros(bytes: &[u8]) -> Result<i64, String> {
    let number = |at: u32| {
        member(bytes, at, super::wire::VARINT).map(|it| match it {
            Some(Raw::Bits(bits)) => bits as i64,
            _ => 0,
        })
    };
    let (seconds, nanos) = (number(1)?, number(2)? as i32);
    if !SECONDS.contains(&seconds) || !(0..1_000_000_000).contains(&nanos) {
        return Err(format!("{seconds} seconds and {nanos} nanoseconds are no timestamp"));
    }
    Ok(seconds * 1_000_000 + i64::from(nanos / 1000))
}

/// The last value of a field within a small message.
fn member(bytes: &[u8], wanted: u32, expected: u8) -> Result<Option<Raw<'_>>, String> {
    let (mut cursor, mut found) = (Cursor::new(bytes), None);
    while !cursor.is_empty() {
        let (number, wire) = cursor.tag()?;
        if number == wanted && wire == expected {
            found = Some(cursor.value(wire)?);
        } else {
            cursor.skip(number, wire, 0)?;
        }
    }
    Ok(found)
}
