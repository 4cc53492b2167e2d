//! A value that a script made, on its way from JavaScript into a column.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, ArrowPrimitiveType, BinaryArray, BinaryViewArray, BooleanArray, FixedSizeBinaryArray,
    LargeBinaryArray, LargeListArray, LargeStringArray, ListArray, NullArray, PrimitiveArray,
    StringArray, StringViewArray, StructArray,
};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::compute::cast;
use arrow::datatypes::*;
use arrow::error::ArrowError;

/// One value. Its variant fits the type of the field that it was made for.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Cell {
    Null,
    Boolean(bool),
    /// Integers; dates, times and timestamps in the unit of their field; decimals without their point.
    Integer(i64),
    /// Those that need more room.
    Wide(Box<i256>),
    Float(f64),
    Text(Box<str>),
    Binary(Box<[u8]>),
    List(Vec<Cell>),
    Struct(Vec<Cell>),
}

impl Cell {
    /// About how much memory it takes.
    pub(crate) fn bytes(&self) -> usize {
        let own = size_of::<Self>();
        own + match self {
            Self::Null | Self::Boolean(_) | Self::Integer(_) | Self::Float(_) => 0,
            Self::Wide(_) => size_of::<i256>(),
            Self::Text(it) => it.len(),
            Self::Binary(it) => it.len(),
            Self::List(cells) | Self::Struct(cells) => cells.iter().map(Self::bytes).sum(),
        }
    }

    pub(crate) fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    fn wide(&self) -> Option<i256> {
        match self {
            Self::Integer(it) => Some(i256::from(*it)),
            Self::Wide(it) => Some(**it),
            _ => None,
        }
    }

    fn text(&self) -> Option<&str> {
        if let Self::Text(it) = self { Some(it) } else { None }
    }

    fn binary(&self) -> Option<&[u8]> {
        if let Self::Binary(it) = self { Some(it) } else { None }
    }
}

/// Whether a script can make values of a type.
pub(crate) fn is_settable(data_type: &DataType) -> bool {
    use DataType::*;
    match data_type {
        Null
        | Boolean
        | Int8
        | Int16
        | Int32
        | Int64
        | UInt8
        | UInt16
        | UInt32
        | UInt64
        | Float32
        | Float64
        | Utf8
        | LargeUtf8
        | Utf8View
        | Binary
        | LargeBinary
        | BinaryView
        | FixedSizeBinary(_)
        | Date32
        | Date64
        | Time32(_)
        | Time64(_)
        | Timestamp(_, _)
        | Decimal32(_, _)
        | Decimal64(_, _)
        | Decimal128(_, _)
        | Decimal256(_, _) => true,
        List(item) | LargeList(item) => is_settable(item.data_type()),
        Struct(fields) => fields.iter().all(|it| is_settable(it.data_type())),
        Dictionary(_, value) => is_settable(value),
        _ => false,
    }
}

/// The column of these values.
pub(crate) fn column(data_type: &DataType, cells: &[Cell]) -> Result<ArrayRef, ArrowError> {
    use DataType::*;
    Ok(match data_type {
        Null => Arc::new(NullArray::new(cells.len())),
        Boolean => {
            let value = |it: &Cell| if let Cell::Boolean(it) = it { Some(*it) } else { None };
            Arc::new(cells.iter().map(value).collect::<BooleanArray>())
        }
        Int8 => integers::<Int8Type>(data_type, cells),
        Int16 => integers::<Int16Type>(data_type, cells),
        Int32 => integers::<Int32Type>(data_type, cells),
        Int64 => integers::<Int64Type>(data_type, cells),
        UInt8 => integers::<UInt8Type>(data_type, cells),
        UInt16 => integers::<UInt16Type>(data_type, cells),
        UInt32 => integers::<UInt32Type>(data_type, cells),
        UInt64 => wide::<UInt64Type>(data_type, cells, |it| it.to_i128()?.try_into().ok()),
        Float32 => floats::<Float32Type>(cells, |it| it as f32),
        Float64 => floats::<Float64Type>(cells, |it| it),
        Date32 => integers::<Date32Type>(data_type, cells),
        Date64 => integers::<Date64Type>(data_type, cells),
        Time32(TimeUnit::Second) => integers::<Time32SecondType>(data_type, cells),
        Time32(_) => integers::<Time32MillisecondType>(data_type, cells),
        Time64(TimeUnit::Microsecond) => integers::<Time64MicrosecondType>(data_type, cells),
        Time64(_) => integers::<Time64NanosecondType>(data_type, cells),
        Timestamp(TimeUnit::Second, _) => integers::<TimestampSecondType>(data_type, cells),
        Timestamp(TimeUnit::Millisecond, _) => {
            integers::<TimestampMillisecondType>(data_type, cells)
        }
        Timestamp(TimeUnit::Microsecond, _) => {
            integers::<TimestampMicrosecondType>(data_type, cells)
        }
        Timestamp(TimeUnit::Nanosecond, _) => integers::<TimestampNanosecondType>(data_type, cells),
        Decimal32(_, _) => integers::<Decimal32Type>(data_type, cells),
        Decimal64(_, _) => integers::<Decimal64Type>(data_type, cells),
        Decimal128(_, _) => wide::<Decimal128Type>(data_type, cells, i256::to_i128),
        Decimal256(_, _) => wide::<Decimal256Type>(data_type, cells, Some),
        Utf8 => Arc::new(cells.iter().map(Cell::text).collect::<StringArray>()),
        LargeUtf8 => Arc::new(cells.iter().map(Cell::text).collect::<LargeStringArray>()),
        Utf8View => Arc::new(cells.iter().map(Cell::text).collect::<StringViewArray>()),
        Binary => Arc::new(cells.iter().map(Cell::binary).collect::<BinaryArray>()),
        LargeBinary => Arc::new(cells.iter().map(Cell::binary).collect::<LargeBinaryArray>()),
        BinaryView => Arc::new(cells.iter().map(Cell::binary).collect::<BinaryViewArray>()),
        FixedSizeBinary(size) => Arc::new(FixedSizeBinaryArray::try_from_sparse_iter_with_size(
            cells.iter().map(Cell::binary),
            *size,
        )?),
        List(item) => {
            let (lengths, items, nulls) = items(cells);
            let values = column(item.data_type(), &items)?;
            let offsets = OffsetBuffer::from_lengths(lengths);
            Arc::new(ListArray::try_new(Arc::clone(item), offsets, values, Some(nulls))?)
        }
        LargeList(item) => {
            let (lengths, items, nulls) = items(cells);
            let values = column(item.data_type(), &items)?;
            let offsets = OffsetBuffer::from_lengths(lengths);
            Arc::new(LargeListArray::try_new(Arc::clone(item), offsets, values, Some(nulls))?)
        }
        Struct(fields) => structs(fields, cells)?,
        Dictionary(_, value) => cast(&column(value, cells)?, data_type)?,
        other => {
            let cause = format!("a script makes no values of type {other}");
            return Err(ArrowError::NotYetImplemented(cause));
        }
    })
}

/// The range of each value was checked when it was made.
fn integers<T: ArrowPrimitiveType>(data_type: &DataType, cells: &[Cell]) -> ArrayRef
where
    T::Native: TryFrom<i64>,
{
    let value = |it: &Cell| match it {
        Cell::Integer(it) => T::Native::try_from(*it).ok(),
        _ => None,
    };
    let array: PrimitiveArray<T> = cells.iter().map(value).collect();
    Arc::new(array.with_data_type(data_type.clone()))
}

fn wide<T: ArrowPrimitiveType>(
    data_type: &DataType,
    cells: &[Cell],
    narrow: impl Fn(i256) -> Option<T::Native>,
) -> ArrayRef {
    let values = cells.iter().map(|it| it.wide().and_then(&narrow));
    let array: PrimitiveArray<T> = values.collect();
    Arc::new(array.with_data_type(data_type.clone()))
}

fn floats<T: ArrowPrimitiveType>(cells: &[Cell], narrow: impl Fn(f64) -> T::Native) -> ArrayRef {
    let value = |it: &Cell| if let Cell::Float(it) = it { Some(narrow(*it)) } else { None };
    Arc::new(cells.iter().map(value).collect::<PrimitiveArray<T>>())
}

fn items(cells: &[Cell]) -> (Vec<usize>, Vec<Cell>, NullBuffer) {
    let of = |it: &Cell| if let Cell::List(items) = it { items.clone() } else { Vec::new() };
    let lists: Vec<_> = cells.iter().map(of).collect();
    let lengths = lists.iter().map(Vec::len).collect();
    (lengths, lists.into_iter().flatten().collect(), nulls(cells))
}

fn structs(fields: &Fields, cells: &[Cell]) -> Result<ArrayRef, ArrowError> {
    let mut columns = Vec::with_capacity(fields.len());
    for (at, field) in fields.iter().enumerate() {
        let member = |it: &Cell| match it {
            Cell::Struct(members) => members.get(at).cloned().unwrap_or(Cell::Null),
            _ => Cell::Null,
        };
        let members: Vec<_> = cells.iter().map(member).collect();
        columns.push(column(field.data_type(), &members)?);
    }
    let array =
        StructArray::try_new_with_length(fields.clone(), columns, Some(nulls(cells)), cells.len())?;
    Ok(Arc::new(array))
}

fn nulls(cells: &[Cell]) -> NullBuffer {
    cells.iter().map(|it| !it.is_null()).collect::<Vec<_>>().into()
}
