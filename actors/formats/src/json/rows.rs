//! The rows of a batch as JSON objects. A null value is left out of its object.
//!
//! Numbers, texts and booleans are written from their columns directly; all other types by Arrow's encoders,
//! which also say how the former are to look.

use arrow::array::{
    Array, ArrayRef, AsArray as _, BooleanArray, PrimitiveArray, RecordBatch, StringArray,
    StringViewArray,
};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{
    ArrowPrimitiveType, DataType, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type,
    Int64Type, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow::error::ArrowError;
use arrow::json::writer::{EncoderOptions, NullableEncoder, make_encoder};
use lexical_core::{FormattedSize, ToLexical};

use super::token::{below, quotes};

/// Longer than any number.
const NUMBER_BYTES: usize = f64::FORMATTED_SIZE;

pub(super) struct Rows<'a>(Vec<Column<'a>>);

struct Column<'a> {
    /// The key, from its quote to its colon.
    key: Vec<u8>,
    nulls: Option<NullBuffer>,
    values: Values<'a>,
}

enum Values<'a> {
    Int8(&'a PrimitiveArray<Int8Type>),
    Int16(&'a PrimitiveArray<Int16Type>),
    Int32(&'a PrimitiveArray<Int32Type>),
    Int64(&'a PrimitiveArray<Int64Type>),
    UInt8(&'a PrimitiveArray<UInt8Type>),
    UInt16(&'a PrimitiveArray<UInt16Type>),
    UInt32(&'a PrimitiveArray<UInt32Type>),
    UInt64(&'a PrimitiveArray<UInt64Type>),
    Float32(&'a PrimitiveArray<Float32Type>),
    Float64(&'a PrimitiveArray<Float64Type>),
    Boolean(&'a BooleanArray),
    Text(&'a StringArray),
    TextView(&'a StringViewArray),
    Other(NullableEncoder<'a>),
}

impl<'a> Rows<'a> {
    /// Fails if a column can't be written as JSON.
    pub(super) fn of(
        batch: &'a RecordBatch,
        options: &'a EncoderOptions,
    ) -> Result<Self, ArrowError> {
        let schema = batch.schema_ref();
        let columns = schema.fields().iter().zip(batch.columns());
        let columns = columns.map(|(field, column)| {
            let values = match plain(column) {
                Some(values) => values,
                None => Values::Other(make_encoder(field, column, options)?),
            };
            let nulls = match &values {
                // It knows of nulls that are not in the column's own list.
                Values::Other(_) => None,
                _ => column.nulls().filter(|it| it.null_count() > 0).cloned(),
            };
            let mut key = Vec::new();
            text(field.name(), &mut key);
            key.push(b':');
            Ok(Column { key, nulls, values })
        });
        Ok(Self(columns.collect::<Result<_, ArrowError>>()?))
    }

    /// Puts the object of a row into `out`.
    pub(super) fn write(&mut self, row: usize, out: &mut Vec<u8>) {
        out.push(b'{');
        let mut is_first = true;
        for column in &mut self.0 {
            if column.is_null(row) {
                continue;
            }
            if !is_first {
                out.push(b',');
            }
            is_first = false;
            out.extend_from_slice(&column.key);
            column.values.write(row, out);
        }
        out.push(b'}');
    }
}

impl Column<'_> {
    #[inline]
    fn is_null(&self, row: usize) -> bool {
        match &self.values {
            Values::Other(encoder) => encoder.is_null(row),
            _ => self.nulls.as_ref().is_some_and(|it| it.is_null(row)),
        }
    }
}

/// A column that is written from its values.
fn plain(column: &ArrayRef) -> Option<Values<'_>> {
    Some(match column.data_type() {
        DataType::Int8 => Values::Int8(column.as_primitive()),
        DataType::Int16 => Values::Int16(column.as_primitive()),
        DataType::Int32 => Values::Int32(column.as_primitive()),
        DataType::Int64 => Values::Int64(column.as_primitive()),
        DataType::UInt8 => Values::UInt8(column.as_primitive()),
        DataType::UInt16 => Values::UInt16(column.as_primitive()),
        DataType::UInt32 => Values::UInt32(column.as_primitive()),
        DataType::UInt64 => Values::UInt64(column.as_primitive()),
        DataType::Float32 => Values::Float32(column.as_primitive()),
        DataType::Float64 => Values::Float64(column.as_primitive()),
        DataType::Boolean => Values::Boolean(column.as_boolean()),
        DataType::Utf8 => Values::Text(column.as_string()),
        DataType::Utf8View => Values::TextView(column.as_string_view()),
        _ => return None,
    })
}

impl Values<'_> {
    #[inline]
    fn write(&mut self, row: usize, out: &mut Vec<u8>) {
        match self {
            Self::Int8(it) => number(it, row, out),
            Self::Int16(it) => number(it, row, out),
            Self::Int32(it) => number(it, row, out),
            Self::Int64(it) => number(it, row, out),
            Self::UInt8(it) => number(it, row, out),
            Self::UInt16(it) => number(it, row, out),
            Self::UInt32(it) => number(it, row, out),
            Self::UInt64(it) => number(it, row, out),
            // JSON has no other floats.
            Self::Float32(it) if !it.value(row).is_finite() => out.extend_from_slice(b"null"),
            Self::Float64(it) if !it.value(row).is_finite() => out.extend_from_slice(b"null"),
            Self::Float32(it) => number(it, row, out),
            Self::Float64(it) => number(it, row, out),
            Self::Boolean(it) => {
                out.extend_from_slice(if it.value(row) { b"true" } else { b"false" });
            }
            Self::Text(it) => text(it.value(row), out),
            Self::TextView(it) => text(it.value(row), out),
            Self::Other(it) => it.encode(row, out),
        }
    }
}

#[inline]
fn number<T: ArrowPrimitiveType<Native: ToLexical>>(
    column: &PrimitiveArray<T>,
    row: usize,
    out: &mut Vec<u8>,
) {
    let mut buffer = [0; NUMBER_BYTES];
    out.extend_from_slice(lexical_core::write(column.value(row), &mut buffer));
}

/// A text in quotes.
#[inline]
fn text(text: &str, out: &mut Vec<u8>) {
    if is_plain(text.as_bytes()) {
        out.push(b'"');
        out.extend_from_slice(text.as_bytes());
        out.push(b'"');
        return;
    }
    serde_json::to_writer(out, text).expect("a text is written into memory");
}

/// Whether nothing of a text has to be escaped: no quote, no backslash, no control character.
#[inline]
fn is_plain(text: &[u8]) -> bool {
    let (eights, rest) = text.as_chunks::<8>();
    let found = eights.iter().fold(0, |found, it| {
        let it = u64::from_le_bytes(*it);
        found | below(it, 0x20) | quotes(it)
    });
    found == 0 && !rest.iter().any(|it| matches!(it, 0..0x20 | b'"' | b'\\'))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{
        Float32Array, Float64Array, Int8Array, Int64Array, StructArray, TimestampMicrosecondArray,
        UInt64Array,
    };
    use arrow::datatypes::Field;

    use super::*;

    /// As Arrow's writer has them.
    fn expected(batch: &RecordBatch) -> String {
        let records = StructArray::from(batch.clone());
        let field = Arc::new(Field::new_struct("", batch.schema().fields().clone(), false));
        let options = EncoderOptions::default();
        let mut encoder = make_encoder(&field, &records, &options).unwrap();
        let mut out = Vec::new();
        (0..batch.num_rows()).for_each(|row| encoder.encode(row, &mut out));
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn values_look_as_arrow_writes_them() {
        let texts: Vec<_> = (0..64)
            .map(|at| match at {
                0..32 => Some(format!("a{}b", char::from(at))),
                32 => None,
                33 => Some("12345678\"".into()),
                34 => Some("back\\slash, and some more of it".into()),
                35 => Some("€ 𝄞 \u{7f}\u{80}\u{2028}".into()),
                36 => Some(String::new()),
                _ => Some("x".repeat(at as usize)),
            })
            .collect();
        let floats = [
            0.0,
            -0.0,
            1.0,
            -1.5,
            0.1,
            1e16,
            1e-7,
            1e300,
            5e-324,
            f64::NAN,
            f64::INFINITY,
            123456789.125,
        ];
        let floats = || (0..64).map(|at| (at % 5 != 4).then(|| floats[at % floats.len()]));
        let columns: Vec<(&str, ArrayRef)> = vec![
            (
                "small",
                Arc::new((0..64).map(|it| (it % 7 != 0).then_some(it - 32)).collect::<Int8Array>()),
            ),
            ("w\"hole", Arc::new((0..64).map(|it| Some(i64::MIN + it)).collect::<Int64Array>())),
            ("great", Arc::new((0..64).map(|it| Some(u64::MAX - it)).collect::<UInt64Array>())),
            (
                "single",
                Arc::new(floats().map(|it| it.map(|it| it as f32)).collect::<Float32Array>()),
            ),
            ("double", Arc::new(floats().collect::<Float64Array>())),
            (
                "flag",
                Arc::new(
                    (0..64)
                        .map(|it| (it % 3 != 0).then_some(it % 2 == 0))
                        .collect::<BooleanArray>(),
                ),
            ),
            ("text", Arc::new(texts.iter().map(Option::as_deref).collect::<StringArray>())),
            ("view", Arc::new(texts.iter().map(Option::as_deref).collect::<StringViewArray>())),
            (
                "at",
                Arc::new(
                    (0..64)
                        .map(|it| (it % 4 != 0).then_some(it << 40))
                        .collect::<TimestampMicrosecondArray>(),
                ),
            ),
        ];
        let batch = RecordBatch::try_from_iter(columns).unwrap();
        for part in [batch.clone(), batch.slice(5, 40), batch.slice(3, 0)] {
            let options = EncoderOptions::default();
            let (mut rows, mut out) = (Rows::of(&part, &options).unwrap(), Vec::new());
            (0..part.num_rows()).for_each(|row| rows.write(row, &mut out));
            assert_eq!(String::from_utf8(out).unwrap(), expected(&part));
        }
    }
}
