//! Keys: what makes records equal, as 128 bits of hash.
//!
//! That two different keys are taken for equal happens once in a thousand million million years of a
//! million keys a second. The hashes are in checkpoints, so that those of equal values must be equal
//! in every build: a test holds some of them.

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::{Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::row::{RowConverter, SortField};
use serde::Serialize;
use weir_domain::{Fault, did_you_mean};

pub(crate) struct Keys {
    columns: Vec<usize>,
    rows: RowConverter,
}

impl Keys {
    pub(crate) fn of(names: &[String], input: &Schema) -> Result<Self, ArrowError> {
        let columns = names.iter().map(|it| input.index_of(it));
        let columns: Vec<usize> = columns.collect::<Result<_, _>>()?;
        let sort = |it: &usize| SortField::new(input.field(*it).data_type().clone());
        let rows = RowConverter::new(columns.iter().map(sort).collect())?;
        Ok(Self { columns, rows })
    }

    /// One for each record. All records are equal where the key has no fields.
    pub(crate) fn hashes(&self, records: &RecordBatch) -> Result<Vec<u128>, Fault> {
        if self.columns.is_empty() {
            return Ok(vec![0; records.num_rows()]);
        }
        let columns: Vec<ArrayRef> =
            self.columns.iter().map(|it| records.column(*it).clone()).collect();
        let rows = self.rows.convert_columns(&columns).map_err(|it| {
            Fault::data(3154, format!("the keys of records can't be compared: {it}"))
        })?;
        Ok(rows.iter().map(|it| twox_hash::XxHash3_128::oneshot(it.as_ref())).collect())
    }
}

/// The version of a stage's tables, of that of their rows and of what of the configuration they belong
/// to. What was kept under another configuration is of other keys or other values: its tables don't
/// fit, and the checkpoint is refused instead of being misread.
pub(crate) fn version(rows: u32, belongs_to: &impl Serialize) -> u32 {
    let text = serde_json::to_vec(&(rows, belongs_to)).expect("names become JSON");
    twox_hash::XxHash3_128::oneshot(&text) as u32
}

/// One thing that is wrong with a configuration: where, why, and what to do.
pub(crate) type Wrong = (String, String, String);

/// What is wrong with the fields of a key.
pub(crate) fn wrong_fields(path: &str, fields: &[String], input: Option<&SchemaRef>) -> Vec<Wrong> {
    let mut wrong = Vec::new();
    for (at, name) in fields.iter().enumerate() {
        let path = format!("{path}[{at}]");
        if let Some((cause, fix)) = unknown_field(name, input) {
            wrong.push((path, cause, fix));
        } else if fields[..at].contains(name) {
            wrong.push((path, format!("the field {name} is named twice"), "name it once".into()));
        }
    }
    wrong
}

/// Cause and fix, if it is known that there is no such field.
pub(crate) fn unknown_field(name: &str, input: Option<&SchemaRef>) -> Option<(String, String)> {
    let fields = input?.fields();
    if fields.iter().any(|it| it.name() == name) {
        return None;
    }
    let near = did_you_mean(name, fields.iter().map(|it| it.name().as_str()));
    let fix =
        near.map_or("name a field of the records".to_owned(), |it| format!("did you mean {it}?"));
    Some((format!("there is no field {name}"), fix))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::datatypes::DataType;

    use super::*;
    use crate::testing::{batch, field};

    #[test]
    fn hashes_are_those_that_checkpoints_hold() {
        let fields = [
            field("text", DataType::Utf8),
            field("number", DataType::Int64),
            field("float", DataType::Float64),
            field("flag", DataType::Boolean),
        ];
        let schema = Arc::new(Schema::new(fields.to_vec()));
        let lines = "{\"text\":\"a\",\"number\":-1,\"float\":0.5,\"flag\":true}\n{}\n";
        let batch = batch(&schema, lines);
        let of = |names: &[&str]| {
            let names: Vec<_> = names.iter().map(|it| (*it).to_owned()).collect();
            Keys::of(&names, &schema).unwrap().hashes(&batch.records).unwrap()
        };
        // Another hash is another key: state of every checkpoint would be lost without a word. If Arrow
        // writes rows in another way, count up the versions of the tables.
        assert_eq!(of(&[]), [0, 0]);
        assert_eq!(
            of(&["text", "number", "float", "flag"]),
            [78342811724343332504524201629347554037, 127494973240587871059787470223092675382]
        );
        assert_eq!(
            of(&["text"]),
            [14821223158253458609260370677164708049, 221718186394523191658671341232192416987]
        );
    }
}
