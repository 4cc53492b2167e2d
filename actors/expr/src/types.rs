//! Types by the names that people read and write, and the plain types that results have.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, IntervalUnit, TimeUnit};
use datafusion_sql::sqlparser::ast::DataType as SqlType;

/// The same values in the layout that readers and writers know: no views, no dictionaries.
pub(crate) fn plain(data_type: &DataType) -> DataType {
    match data_type {
        DataType::Utf8View => DataType::Utf8,
        DataType::BinaryView => DataType::Binary,
        DataType::Dictionary(_, value) => plain(value),
        DataType::RunEndEncoded(_, value) => plain(value.data_type()),
        DataType::List(item) | DataType::ListView(item) => DataType::List(plain_field(item)),
        DataType::LargeList(item) | DataType::LargeListView(item) => {
            DataType::LargeList(plain_field(item))
        }
        DataType::FixedSizeList(item, size) => DataType::FixedSizeList(plain_field(item), *size),
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(plain_field).collect()),
        DataType::Map(entries, sorted) => DataType::Map(plain_field(entries), *sorted),
        other => other.clone(),
    }
}

fn plain_field(field: &FieldRef) -> FieldRef {
    Arc::new(Field::clone(field).with_data_type(plain(field.data_type())))
}

/// Type names that `CAST` understands beside those of SQL: the names that `type_name` gives.
///
/// Two differ from other dialects on purpose. `int8` has 8 bits, as everywhere else in this
/// product, and `float` has 64, because a sum of prices must not lose cents in a cast.
pub(crate) fn named(sql_type: &SqlType) -> Option<DataType> {
    Some(match sql_type.to_string().to_lowercase().as_str() {
        "int8" => DataType::Int8,
        "int16" => DataType::Int16,
        "int32" => DataType::Int32,
        "int64" | "long" => DataType::Int64,
        "uint8" => DataType::UInt8,
        "uint16" => DataType::UInt16,
        "uint32" => DataType::UInt32,
        "uint64" => DataType::UInt64,
        "float32" => DataType::Float32,
        "float" | "float64" => DataType::Float64,
        "boolean" | "bool" => DataType::Boolean,
        "binary" => DataType::Binary,
        "date32" => DataType::Date32,
        "datetime" => DataType::Timestamp(TimeUnit::Nanosecond, None),
        "interval" => DataType::Interval(IntervalUnit::MonthDayNano),
        _ => return None,
    })
}

/// What a type is in a comparison: values of different families never meet by accident.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    Text,
    Number,
    Truth,
    Time,
    /// Null, intervals, binary and nested types: the compiler's own rules decide.
    Else,
}

pub(crate) fn family(data_type: &DataType) -> Family {
    match data_type {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Family::Text,
        DataType::Boolean => Family::Truth,
        DataType::Date32
        | DataType::Date64
        | DataType::Timestamp(_, _)
        | DataType::Time32(_)
        | DataType::Time64(_) => Family::Time,
        DataType::Dictionary(_, value) => family(value),
        it if it.is_numeric() => Family::Number,
        _ => Family::Else,
    }
}

#[cfg(test)]
mod tests {
    use weir_records::type_name;

    use super::*;

    #[test]
    fn nested_types_are_named_and_made_plain_to_the_last_leaf() {
        let text = Arc::new(Field::new("item", DataType::Utf8View, true));
        let dictionary = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
        let given = DataType::Struct(
            vec![
                Field::new("names", DataType::List(text), true),
                Field::new("state", dictionary, true),
                Field::new("n", DataType::UInt16, true),
            ]
            .into(),
        );
        assert_eq!(type_name(&given), "struct<names: list<string>, state: string, n: uint16>");
        let plain = plain(&given);
        assert!(!format!("{plain:?}").contains("View"), "{plain:?}");
        assert!(!format!("{plain:?}").contains("Dictionary"), "{plain:?}");
    }
}
