//! Single values of any type, outside of arrays: every type is kept as one of four classes.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryBuilder, Decimal128Builder, Float64Builder, Int64Builder,
};
use arrow::compute::{CastOptions, can_cast_types, cast_with_options};
use arrow::datatypes::{DataType, Decimal128Type, Float64Type, Int64Type};
use arrow::error::ArrowError;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) enum Scalar {
    Int(i64),
    Wide(i128),
    Float(f64),
    Bytes(Vec<u8>),
}

/// The type of the class that holds values of a type. Records, lists and what is wider have none.
pub(super) fn class(data_type: &DataType) -> Option<DataType> {
    use DataType::*;
    match data_type {
        Boolean | Int8 | Int16 | Int32 | Int64 | UInt8 | UInt16 | UInt32 => Some(Int64),
        Date32 | Date64 | Time32(_) | Time64(_) | Timestamp(..) | Duration(_) => Some(Int64),
        UInt64 => Some(Decimal128(20, 0)),
        Decimal32(p, s) | Decimal64(p, s) | Decimal128(p, s) => Some(Decimal128(*p, *s)),
        Float16 | Float32 | Float64 => Some(Float64),
        Utf8 | LargeUtf8 | Utf8View => Some(Binary),
        Binary | LargeBinary | BinaryView | FixedSizeBinary(_) => Some(Binary),
        Dictionary(_, values) => class(values),
        _ => None,
    }
}

/// The same values in another type, or an error: no value becomes null. Types that Arrow does not cast
/// at once go by way of one that it does.
pub(super) fn convert(array: &ArrayRef, to: &DataType) -> Result<ArrayRef, ArrowError> {
    let from = array.data_type();
    if from == to {
        return Ok(Arc::clone(array));
    }
    let options = CastOptions { safe: false, ..CastOptions::default() };
    let cast = |array: &ArrayRef, to: &DataType| cast_with_options(array, to, &options);
    if can_cast_types(from, to) {
        return cast(array, to);
    }
    let by_way_of = [DataType::Int32, DataType::Int64, DataType::Utf8, DataType::Binary];
    let way = by_way_of.iter().find(|it| can_cast_types(from, it) && can_cast_types(it, to));
    match way {
        Some(way) => cast(&cast(array, way)?, to),
        None => cast(array, to),
    }
}

/// An array of a class in the making.
pub(super) enum Scalars {
    Int(Int64Builder),
    Wide(Decimal128Builder),
    Float(Float64Builder),
    Bytes(BinaryBuilder),
}

impl Scalars {
    pub(super) fn of(class: &DataType) -> Self {
        match class {
            DataType::Int64 => Self::Int(Int64Builder::new()),
            DataType::Float64 => Self::Float(Float64Builder::new()),
            DataType::Binary => Self::Bytes(BinaryBuilder::new()),
            wide => Self::Wide(Decimal128Builder::new().with_data_type(wide.clone())),
        }
    }

    pub(super) fn len(&self) -> usize {
        use arrow::array::ArrayBuilder as _;
        match self {
            Self::Int(it) => it.len(),
            Self::Wide(it) => it.len(),
            Self::Float(it) => it.len(),
            Self::Bytes(it) => it.len(),
        }
    }

    /// Whether the value is of the class; if it isn't, it is not taken.
    pub(super) fn push(&mut self, value: Option<&Scalar>) -> bool {
        match (self, value) {
            (Self::Int(all), Some(Scalar::Int(it))) => all.append_value(*it),
            (Self::Wide(all), Some(Scalar::Wide(it))) => all.append_value(*it),
            (Self::Float(all), Some(Scalar::Float(it))) => all.append_value(*it),
            (Self::Bytes(all), Some(Scalar::Bytes(it))) => all.append_value(it),
            (Self::Int(all), None) => all.append_null(),
            (Self::Wide(all), None) => all.append_null(),
            (Self::Float(all), None) => all.append_null(),
            (Self::Bytes(all), None) => all.append_null(),
            (_, Some(_)) => return false,
        }
        true
    }

    pub(super) fn finish(&mut self) -> ArrayRef {
        match self {
            Self::Int(it) => Arc::new(it.finish()),
            Self::Wide(it) => Arc::new(it.finish()),
            Self::Float(it) => Arc::new(it.finish()),
            Self::Bytes(it) => Arc::new(it.finish()),
        }
    }
}

/// Puts a value of an array of a class into a slot, whose memory is used again.
pub(super) fn assign(slot: &mut Option<Scalar>, array: &dyn Array, at: usize) {
    if array.is_null(at) {
        *slot = None;
        return;
    }
    match (array.data_type(), slot) {
        (DataType::Binary, Some(Scalar::Bytes(there))) => {
            there.clear();
            there.extend_from_slice(array.as_binary::<i32>().value(at));
        }
        (DataType::Binary, slot) => {
            *slot = Some(Scalar::Bytes(array.as_binary::<i32>().value(at).to_vec()));
        }
        (DataType::Int64, slot) => {
            *slot = Some(Scalar::Int(array.as_primitive::<Int64Type>().value(at)));
        }
        (DataType::Float64, slot) => {
            *slot = Some(Scalar::Float(array.as_primitive::<Float64Type>().value(at)));
        }
        (_, slot) => {
            *slot = Some(Scalar::Wide(array.as_primitive::<Decimal128Type>().value(at)));
        }
    }
}
