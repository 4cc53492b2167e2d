//! How many bytes the values of each record have: numbers by their width, texts by their length, null
//! nothing. It is the same however records are batched and laid out in memory.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use arrow::error::ArrowError;

/// An error names a type whose values have no known size, also if there is no record.
pub(super) fn of_rows(records: &RecordBatch) -> Result<Vec<u64>, ArrowError> {
    let mut sizes = vec![0; records.num_rows()];
    for column in records.columns() {
        add(column, &mut sizes)?;
    }
    Ok(sizes)
}

fn add(column: &ArrayRef, sizes: &mut [u64]) -> Result<(), ArrowError> {
    let nulls = column.logical_nulls();
    let mut each = |size: &dyn Fn(usize) -> u64| {
        let is_valid = |row: usize| nulls.as_ref().is_none_or(|it| it.is_valid(row));
        let rows = sizes.iter_mut().enumerate().filter(|it| is_valid(it.0));
        rows.for_each(|(row, it)| *it += size(row));
    };
    match column.data_type() {
        DataType::Null => {}
        DataType::Boolean => each(&|_| 1),
        DataType::Utf8 => each(&|row| column.as_string::<i32>().value(row).len() as u64),
        DataType::LargeUtf8 => each(&|row| column.as_string::<i64>().value(row).len() as u64),
        DataType::Utf8View => each(&|row| column.as_string_view().value(row).len() as u64),
        DataType::Binary => each(&|row| column.as_binary::<i32>().value(row).len() as u64),
        DataType::LargeBinary => each(&|row| column.as_binary::<i64>().value(row).len() as u64),
        DataType::BinaryView => each(&|row| column.as_binary_view().value(row).len() as u64),
        DataType::FixedSizeBinary(length) => each(&|_| length.unsigned_abs().into()),
        DataType::Dictionary(_, values) => add(&cast(column, values)?, sizes)?,
        DataType::Struct(_) => {
            let mut inner = vec![0; column.len()];
            column.as_struct().columns().iter().try_for_each(|it| add(it, &mut inner))?;
            each(&|row| inner[row]);
        }
        DataType::List(_) => {
            let (list, before) =
                (column.as_list::<i32>(), before(column.as_list::<i32>().values())?);
            let at = |it: usize| before[list.value_offsets()[it] as usize];
            each(&|row| at(row + 1) - at(row));
        }
        DataType::LargeList(_) => {
            let (list, before) =
                (column.as_list::<i64>(), before(column.as_list::<i64>().values())?);
            let at = |it: usize| before[list.value_offsets()[it] as usize];
            each(&|row| at(row + 1) - at(row));
        }
        DataType::Map(..) => {
            let map = column.as_map();
            let entries: ArrayRef = Arc::new(map.entries().clone());
            let before = before(&entries)?;
            let at = |it: usize| before[map.value_offsets()[it] as usize];
            each(&|row| at(row + 1) - at(row));
        }
        plain => {
            let width = plain.primitive_width().ok_or_else(|| {
                let found = weir_stream::type_name(plain);
                ArrowError::NotYetImplemented(format!("nobody knows how large a {found} is"))
            })?;
            each(&|_| width as u64);
        }
    }
    Ok(())
}

/// The bytes before each of the values, and those of all.
fn before(values: &ArrayRef) -> Result<Vec<u64>, ArrowError> {
    let mut sizes = vec![0; values.len()];
    add(values, &mut sizes)?;
    let mut sum = 0;
    let sums = sizes.into_iter().map(|it| {
        sum += it;
        sum
    });
    Ok([0].into_iter().chain(sums).collect())
}

#[cfg(test)]
mod tests {
    use arrow::array::RecordBatch;
    use arrow::datatypes::{Field, Fields, Schema};

    use super::*;
    use crate::testing::{batch, field};

    fn sizes(data_type: DataType, values: &str) -> Vec<u64> {
        let schema = Arc::new(Schema::new(vec![field("v", data_type)]));
        let lines: String = values.lines().map(|it| format!("{{\"v\":{it}}}\n")).collect();
        let records = batch(&schema, &lines).records;
        let whole = of_rows(&records).unwrap();
        let cut = (0..records.num_rows()).flat_map(|it| of_rows(&records.slice(it, 1)).unwrap());
        assert_eq!(cut.collect::<Vec<_>>(), whole);
        whole
    }

    #[test]
    fn records_have_the_bytes_of_their_values() {
        use DataType::*;
        assert_eq!(sizes(Int16, "1\nnull\n300"), [2, 0, 2]);
        assert_eq!(sizes(Boolean, "true\nnull"), [1, 0]);
        assert_eq!(sizes(Utf8, "\"\"\n\"naïve\"\nnull"), [0, 6, 0]);
        let list = List(Arc::new(field("item", LargeUtf8)));
        assert_eq!(sizes(list, "[\"a\",null,\"bc\"]\n[]\nnull\n[\"d\"]"), [3, 0, 0, 1]);
        let record = Struct(Fields::from(vec![field("a", Int32), field("b", Utf8View)]));
        assert_eq!(sizes(record, "{\"a\":1,\"b\":\"xyz\"}\nnull\n{\"b\":\"x\"}"), [7, 0, 1]);
        let entries = Fields::from(vec![Field::new("k", Utf8, false), field("v", Int64)]);
        let entries = Field::new("entries", Struct(entries), false);
        let map = Map(Arc::new(entries), false);
        assert_eq!(sizes(map, "{\"a\":1,\"bc\":null}\n{}"), [11, 0]);
    }

    #[test]
    fn of_some_types_nobody_knows_the_size() {
        let item = Arc::new(field("item", DataType::Int64));
        let schema = Schema::new(vec![field("v", DataType::ListView(item))]);
        let error = of_rows(&RecordBatch::new_empty(Arc::new(schema))).unwrap_err().to_string();
        assert!(error.ends_with("nobody knows how large a list<int64> is"), "{error}");
    }
}
