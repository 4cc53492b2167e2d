//! A column that grows by values as they stand in JSON.

use std::sync::Arc;

use arrow::array::timezone::Tz;
use arrow::array::{
    ArrayRef, BooleanArray, BooleanBufferBuilder, Decimal128Array, Float32Array, Float64Array,
    Int64Array, NullBufferBuilder, PrimitiveArray, StringArray,
};
use arrow::buffer::{Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::compute::kernels::cast_utils::{Parser, parse_decimal, string_to_datetime};
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Field, Int8Type, Int16Type, Int32Type, TimeUnit,
    TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType,
    TimestampSecondType, UInt8Type, UInt16Type, UInt32Type,
};

use super::token::{self, End};

pub(super) struct Column {
    values: Values,
    nulls: NullBufferBuilder,
    is_nullable: bool,
}

enum Values {
    /// All whole numbers up to 32 bits as well, with the least and the greatest that fit.
    Whole {
        values: Vec<i64>,
        least: i64,
        greatest: i64,
        data_type: DataType,
    },
    Float64(Vec<f64>),
    Float32(Vec<f32>),
    Boolean(BooleanBufferBuilder),
    Text {
        bytes: Vec<u8>,
        ends: Vec<i32>,
    },
    Date(Vec<i32>),
    Timestamp {
        values: Vec<i64>,
        unit: TimeUnit,
        zone: Tz,
        data_type: DataType,
    },
    Decimal {
        values: Vec<i128>,
        precision: u8,
        scale: i8,
    },
}

impl Column {
    /// `None`: values of this type are read by others.
    pub(super) fn of(field: &Field) -> Option<Self> {
        let whole = |least: i64, greatest: i64| Values::Whole {
            values: Vec::new(),
            least,
            greatest,
            data_type: field.data_type().clone(),
        };
        let values = match field.data_type() {
            DataType::Int8 => whole(i8::MIN.into(), i8::MAX.into()),
            DataType::Int16 => whole(i16::MIN.into(), i16::MAX.into()),
            DataType::Int32 => whole(i32::MIN.into(), i32::MAX.into()),
            DataType::Int64 => whole(i64::MIN, i64::MAX),
            DataType::UInt8 => whole(0, u8::MAX.into()),
            DataType::UInt16 => whole(0, u16::MAX.into()),
            DataType::UInt32 => whole(0, u32::MAX.into()),
            DataType::Float64 => Values::Float64(Vec::new()),
            DataType::Float32 => Values::Float32(Vec::new()),
            DataType::Boolean => Values::Boolean(BooleanBufferBuilder::new(0)),
            DataType::Utf8 => Values::Text { bytes: Vec::new(), ends: vec![0] },
            DataType::Date32 => Values::Date(Vec::new()),
            DataType::Timestamp(unit, zone) => Values::Timestamp {
                values: Vec::new(),
                unit: *unit,
                zone: zone.as_deref().unwrap_or("+00:00").parse().ok()?,
                data_type: field.data_type().clone(),
            },
            DataType::Decimal128(precision, scale) => {
                Values::Decimal { values: Vec::new(), precision: *precision, scale: *scale }
            }
            _ => return None,
        };
        let is_nullable = field.is_nullable();
        Some(Self { values, nulls: NullBufferBuilder::new(0), is_nullable })
    }

    #[inline]
    pub(super) fn len(&self) -> usize {
        self.nulls.len()
    }

    /// Takes the value that stands there. `None`: it is not plainly one of this column's.
    #[inline]
    pub(super) fn take(&mut self, text: &[u8], at: usize) -> Option<End> {
        if text.get(at) == Some(&b'n') {
            let end = token::literal(text, at, b"null")?;
            return self.skip().map(|()| end);
        }
        let end = self.values.take(text, at)?;
        self.nulls.append_non_null();
        Some(end)
    }

    /// Null, or nothing. `None`: that may not be.
    pub(super) fn skip(&mut self) -> Option<()> {
        if !self.is_nullable {
            return None;
        }
        self.values.put_nothing();
        self.nulls.append_null();
        Some(())
    }

    pub(super) fn clear(&mut self) {
        self.nulls = NullBufferBuilder::new(0);
        self.values.clear();
    }

    /// All values so far. `None`: a text is not UTF-8.
    pub(super) fn finish(&mut self, rows: usize) -> Option<ArrayRef> {
        let nulls = self.nulls.finish();
        self.nulls = NullBufferBuilder::new(rows);
        self.values.finish(nulls)
    }
}

impl Values {
    #[inline]
    fn take(&mut self, text: &[u8], at: usize) -> Option<End> {
        match self {
            Self::Whole { values, least, greatest, .. } => {
                let (value, end) = token::whole(text, at)?;
                values.push(value);
                (*least <= value && value <= *greatest).then_some(end)
            }
            Self::Float64(values) => {
                let (value, end) = token::float(text, at)?;
                values.push(value);
                Some(end)
            }
            Self::Float32(values) => {
                let end = token::number(text, at)?;
                let value: f32 = std::str::from_utf8(&text[at..end]).ok()?.parse().ok()?;
                values.push(value);
                value.is_finite().then_some(end)
            }
            Self::Boolean(values) => {
                let is_true = text.get(at) == Some(&b't');
                values.append(is_true);
                token::literal(text, at, if is_true { b"true" } else { b"false" })
            }
            Self::Text { bytes, ends } => {
                let at = token::literal(text, at, b"\"")?;
                let end = token::string(text, at, bytes)?;
                ends.push(i32::try_from(bytes.len()).ok()?);
                Some(end)
            }
            Self::Date(values) => {
                let (date, end) = plain_string(text, at)?;
                values.push(Date32Type::parse(date)?);
                Some(end)
            }
            Self::Timestamp { values, unit, zone, .. } => {
                let (time, end) = plain_string(text, at)?;
                let time = string_to_datetime(zone, time).ok()?;
                values.push(match unit {
                    TimeUnit::Second => time.timestamp(),
                    TimeUnit::Millisecond => time.timestamp_millis(),
                    TimeUnit::Microsecond => time.timestamp_micros(),
                    TimeUnit::Nanosecond => time.timestamp_nanos_opt()?,
                });
                Some(end)
            }
            Self::Decimal { values, precision, scale } => {
                let (number, end) = match text.get(at) {
                    Some(b'"') => plain_string(text, at)?,
                    _ => {
                        let end = token::number(text, at)?;
                        (std::str::from_utf8(&text[at..end]).ok()?, end)
                    }
                };
                values.push(parse_decimal::<Decimal128Type>(number, *precision, *scale).ok()?);
                Some(end)
            }
        }
    }

    /// What stands where null is.
    fn put_nothing(&mut self) {
        match self {
            Self::Whole { values, .. } | Self::Timestamp { values, .. } => values.push(0),
            Self::Float64(values) => values.push(0.0),
            Self::Float32(values) => values.push(0.0),
            Self::Boolean(values) => values.append(false),
            Self::Text { ends, .. } => ends.push(ends.last().copied().unwrap_or_default()),
            Self::Date(values) => values.push(0),
            Self::Decimal { values, .. } => values.push(0),
        }
    }

    fn clear(&mut self) {
        match self {
            Self::Whole { values, .. } | Self::Timestamp { values, .. } => values.clear(),
            Self::Float64(values) => values.clear(),
            Self::Float32(values) => values.clear(),
            Self::Boolean(values) => values.truncate(0),
            Self::Text { bytes, ends } => {
                bytes.clear();
                ends.truncate(1);
            }
            Self::Date(values) => values.clear(),
            Self::Decimal { values, .. } => values.clear(),
        }
    }

    fn finish(&mut self, nulls: Option<NullBuffer>) -> Option<ArrayRef> {
        Some(match self {
            Self::Whole { values, data_type, .. } => whole(filled(values), data_type, nulls)?,
            Self::Float64(values) => Arc::new(Float64Array::new(filled(values).into(), nulls)),
            Self::Float32(values) => Arc::new(Float32Array::new(filled(values).into(), nulls)),
            Self::Boolean(values) => Arc::new(BooleanArray::new(values.finish(), nulls)),
            Self::Text { bytes, ends } => {
                let next = vec![0];
                let ends = std::mem::replace(ends, next);
                let ends = OffsetBuffer::new(ScalarBuffer::from(ends));
                Arc::new(StringArray::try_new(ends, Buffer::from_vec(filled(bytes)), nulls).ok()?)
            }
            Self::Date(values) => {
                Arc::new(PrimitiveArray::<Date32Type>::new(filled(values).into(), nulls))
            }
            Self::Timestamp { values, unit, data_type, .. } => {
                timestamps(filled(values), *unit, data_type, nulls)
            }
            Self::Decimal { values, precision, scale } => {
                let values = Decimal128Array::new(filled(values).into(), nulls);
                Arc::new(values.with_precision_and_scale(*precision, *scale).ok()?)
            }
        })
    }
}

/// What was gathered; the next batch will be about as large.
fn filled<T>(values: &mut Vec<T>) -> Vec<T> {
    let next = Vec::with_capacity(values.len());
    std::mem::replace(values, next)
}

fn whole(values: Vec<i64>, data_type: &DataType, nulls: Option<NullBuffer>) -> Option<ArrayRef> {
    macro_rules! narrow {
        ($type:ty, $native:ty) => {{
            // All of them were looked at when they were taken.
            let values: Vec<$native> = values.iter().map(|it| *it as $native).collect();
            Arc::new(PrimitiveArray::<$type>::new(values.into(), nulls))
        }};
    }
    Some(match data_type {
        DataType::Int8 => narrow!(Int8Type, i8),
        DataType::Int16 => narrow!(Int16Type, i16),
        DataType::Int32 => narrow!(Int32Type, i32),
        DataType::Int64 => Arc::new(Int64Array::new(values.into(), nulls)),
        DataType::UInt8 => narrow!(UInt8Type, u8),
        DataType::UInt16 => narrow!(UInt16Type, u16),
        DataType::UInt32 => narrow!(UInt32Type, u32),
        _ => return None,
    })
}

fn timestamps(
    values: Vec<i64>,
    unit: TimeUnit,
    data_type: &DataType,
    nulls: Option<NullBuffer>,
) -> ArrayRef {
    macro_rules! of {
        ($type:ty) => {{
            let values = PrimitiveArray::<$type>::new(values.into(), nulls);
            Arc::new(values.with_data_type(data_type.clone()))
        }};
    }
    match unit {
        TimeUnit::Second => of!(TimestampSecondType),
        TimeUnit::Millisecond => of!(TimestampMillisecondType),
        TimeUnit::Microsecond => of!(TimestampMicrosecondType),
        TimeUnit::Nanosecond => of!(TimestampNanosecondType),
    }
}

/// A string without escapes.
#[inline]
fn plain_string(text: &[u8], at: usize) -> Option<(&str, End)> {
    let at = token::literal(text, at, b"\"")?;
    let end = token::quote(text, at)?;
    let is_plain = text[end] == b'"';
    let found = std::str::from_utf8(&text[at..end]).ok()?;
    is_plain.then_some((found, end + 1))
}
