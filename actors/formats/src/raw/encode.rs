//! One column becomes raw records.

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, SchemaRef};
use weir_domain::Fault;
use weir_records::type_name;

use super::config::{RawConfig, RawContent};
use crate::framed::{Encode, Unwritable};
use crate::{Encoding, fault};

/// Writes the column that the configuration names, if it holds what is wanted.
pub(crate) fn encode(config: &RawConfig, schema: &SchemaRef) -> Result<Box<dyn Encode>, Fault> {
    let name = &config.field;
    let Some((column, field)) = schema.column_with_name(name) else {
        let cause = format!("there is no column \"{name}\" to be written raw");
        let fix = "set the format's `field` to the column, or map it to that name";
        return Err(fault::schema_unwritable(cause, fix));
    };
    let (wanted, is_wanted) = match config.content {
        RawContent::Text => (DataType::Utf8, type_name(field.data_type()) == "string"),
        RawContent::Bytes => {
            let kind = type_name(field.data_type());
            (DataType::Binary, kind == "binary" || kind == "string")
        }
    };
    if !is_wanted {
        let (given, wanted) = (type_name(field.data_type()), type_name(&wanted));
        let cause = format!("the column \"{name}\" is {given}, and raw records are {wanted}");
        return Err(fault::schema_unwritable(cause, "map it to that type"));
    }
    Ok(Box::new(RawEncode { column, wanted, encoding: config.encoding }))
}

struct RawEncode {
    column: usize,
    wanted: DataType,
    encoding: Encoding,
}

impl Encode for RawEncode {
    fn encode(
        &mut self,
        batch: &RecordBatch,
        out: &mut Vec<u8>,
        ends: &mut Vec<usize>,
    ) -> Result<(), Unwritable> {
        let column = cast(batch.column(self.column), &self.wanted);
        let column = column.map_err(|it| Unwritable::batch(it.to_string()))?;
        for row in 0..column.len() {
            if column.is_null(row) {
                let cause = "it is null, and a raw record can't say so";
                return Err(Unwritable::row(row, cause));
            }
            if let Some(texts) = column.as_string_opt::<i32>() {
                let put = self.encoding.put(texts.value(row), out);
                put.map_err(|it| Unwritable::row(row, it))?;
            } else {
                out.extend_from_slice(column.as_binary::<i32>().value(row));
            }
            ends.push(out.len());
        }
        Ok(())
    }
}
