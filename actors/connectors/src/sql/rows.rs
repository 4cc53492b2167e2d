//! Answers become columns of records.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BinaryArray, BooleanArray, Float64Array, Int64Array, StringArray, UInt64Array,
};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::DataType;
use serde_json::Value;
use weir_domain::Fault;
use weir_stream::type_name;

use super::answer::{Answer, Cell};
use super::codes;

/// Makes a column of this type. Rows whose value is none of it are noted.
pub(super) fn column(
    rows: &Answer,
    at: usize,
    (name, data_type): (&str, &DataType),
    bad: &mut BTreeMap<usize, String>,
) -> Result<ArrayRef, Fault> {
    let cells: Vec<&Cell> = rows.iter().map(|it| it.get(at).unwrap_or(&Cell::Null)).collect();
    let base = base(&cells);
    let options = CastOptions { safe: true, ..CastOptions::default() };
    let cast = cast_with_options(&base, data_type, &options).map_err(|error| {
        let message =
            format!("the column {name} can't be read as {}: {error}", type_name(data_type));
        Fault::config(codes::ANSWER, message).with_hint("declare another type in schema")
    })?;
    for (row, cell) in cells.iter().enumerate() {
        if cast.is_null(row) && **cell != Cell::Null {
            let (value, type_name) = (shown(cell), type_name(data_type));
            let why = format!("the column {name} has {value}, which is no {type_name}");
            bad.entry(row).or_insert(why);
        }
    }
    Ok(cast)
}

/// As they are, where all of them are alike; as texts otherwise.
fn base(cells: &[&Cell]) -> ArrayRef {
    macro_rules! alike {
        ($variant:path, $array:ty) => {{
            let is_it = |it: &&Cell| matches!(it, Cell::Null | $variant(_));
            if cells.iter().all(is_it) {
                let value = |it: &&Cell| match it {
                    $variant(it) => Some(it.clone()),
                    _ => None,
                };
                return Arc::new(cells.iter().map(value).collect::<$array>());
            }
        }};
    }
    alike!(Cell::Text, StringArray);
    alike!(Cell::Int, Int64Array);
    alike!(Cell::UInt, UInt64Array);
    alike!(Cell::Float, Float64Array);
    alike!(Cell::Bool, BooleanArray);
    if cells.iter().all(|it| matches!(it, Cell::Null | Cell::Bytes(_))) {
        let bytes = cells.iter().map(|it| match it {
            Cell::Bytes(it) => Some(it.as_slice()),
            _ => None,
        });
        return Arc::new(bytes.collect::<BinaryArray>());
    }
    Arc::new(cells.iter().map(|it| text(it)).collect::<StringArray>())
}

/// `None` for null.
pub(super) fn text(cell: &Cell) -> Option<String> {
    match cell {
        Cell::Null => None,
        Cell::Bool(it) => Some(it.to_string()),
        Cell::Int(it) => Some(it.to_string()),
        Cell::UInt(it) => Some(it.to_string()),
        Cell::Float(it) => Some(it.to_string()),
        Cell::Text(it) => Some(it.clone()),
        Cell::Bytes(it) => Some(String::from_utf8_lossy(it).into_owned()),
    }
}

fn shown(cell: &Cell) -> String {
    let text = text(cell).unwrap_or_default();
    match text.char_indices().nth(100) {
        Some((at, _)) => format!("\"{}…\"", &text[..at]),
        None => format!("\"{text}\""),
    }
}

/// What is left of a row that is no record.
pub(super) fn as_json(names: &[String], row: &[Cell]) -> Vec<u8> {
    let value = |it: &Cell| match it {
        Cell::Null => Value::Null,
        Cell::Bool(it) => (*it).into(),
        Cell::Int(it) => (*it).into(),
        Cell::UInt(it) => (*it).into(),
        Cell::Float(it) => (*it).into(),
        it => text(it).into(),
    };
    let object: serde_json::Map<_, _> =
        names.iter().zip(row).map(|(name, it)| (name.clone(), value(it))).collect();
    serde_json::to_vec(&object).unwrap_or_default()
}
