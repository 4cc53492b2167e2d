//! Which rows of a batch belong to which file, where the file's name has fields in it.

use std::collections::HashMap;

use arrow::array::{RecordBatch, UInt32Array};
use arrow::compute::take_record_batch;
use arrow::datatypes::{DataType, Schema};
use arrow::error::ArrowError;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use weir_domain::did_you_mean;

/// What a null is called in a name.
const NULL: &str = "null";

/// Why a field can't be part of a name, and what to do.
#[derive(Debug, PartialEq)]
pub(crate) struct BadField {
    pub(crate) cause: String,
    pub(crate) fix: String,
}

/// Rows that go to one file.
#[derive(Debug)]
pub(crate) struct Group {
    /// The values of the fields, as text.
    pub(crate) values: Vec<String>,
    pub(crate) records: RecordBatch,
}

/// The values of the fields, and the numbers of the rows that have them.
type ValuesAndRows = (Vec<String>, Vec<u32>);

/// Where the fields stand in the schema.
#[derive(Debug)]
pub(crate) struct Split {
    columns: Vec<usize>,
}

impl Split {
    pub(crate) fn new(fields: &[&str], schema: &Schema) -> Result<Self, BadField> {
        let columns = fields.iter().map(|it| find(it, schema)).collect::<Result<_, _>>()?;
        Ok(Self { columns })
    }

    /// The rows by file, in the order in which the files appear. Rows keep their order.
    pub(crate) fn groups(&self, records: &RecordBatch) -> Result<Vec<Group>, ArrowError> {
        if self.columns.is_empty() {
            return Ok(vec![Group { values: Vec::new(), records: records.clone() }]);
        }
        let mut rows = self.rows_by_values(records)?;
        if let [(values, _)] = rows.as_mut_slice() {
            let values = std::mem::take(values);
            return Ok(vec![Group { values, records: records.clone() }]);
        }
        let groups = rows.into_iter().map(|(values, rows)| {
            let records = take_record_batch(records, &UInt32Array::from(rows))?;
            Ok(Group { values, records })
        });
        groups.collect()
    }

    fn rows_by_values(&self, records: &RecordBatch) -> Result<Vec<ValuesAndRows>, ArrowError> {
        let options = FormatOptions::default().with_null(NULL);
        let formatters = self
            .columns
            .iter()
            .map(|&it| ArrayFormatter::try_new(records.column(it).as_ref(), &options))
            .collect::<Result<Vec<_>, _>>()?;
        let mut groups: Vec<ValuesAndRows> = Vec::new();
        let mut by_key: HashMap<Vec<String>, usize> = HashMap::new();
        let mut key = vec![String::new(); formatters.len()];
        let mut last: Option<usize> = None;
        for row in 0..records.num_rows() {
            for (text, formatter) in key.iter_mut().zip(&formatters) {
                text.clear();
                formatter.value(row).write(text)?;
            }
            // Neighbours often go together: the table is asked only when the value changes.
            let at = match last {
                Some(at) if groups[at].0 == key => at,
                _ => match by_key.get(&key) {
                    Some(&at) => at,
                    None => {
                        by_key.insert(key.clone(), groups.len());
                        groups.push((key.clone(), Vec::new()));
                        groups.len() - 1
                    }
                },
            };
            let row = u32::try_from(row).expect("a batch has fewer rows than 2^32");
            groups[at].1.push(row);
            last = Some(at);
        }
        Ok(groups)
    }
}

fn find(name: &str, schema: &Schema) -> Result<usize, BadField> {
    let names = || schema.fields().iter().map(|it| it.name().as_str());
    let Ok(at) = schema.index_of(name) else {
        let fix = match did_you_mean(name, names()) {
            Some(near) => format!("did you mean ${{field:{near}}}?"),
            None => format!("the fields are: {}", names().collect::<Vec<_>>().join(", ")),
        };
        return Err(BadField { cause: format!("there is no field {name}"), fix });
    };
    let kind = schema.field(at).data_type();
    if kind.is_nested() || matches!(kind, DataType::Binary | DataType::LargeBinary) {
        let cause = format!("the field {name} is no single value that could stand in a name");
        let fix = "map what you want to split by to a field of its own".to_owned();
        return Err(BadField { cause, fix });
    }
    Ok(at)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, AsArray, Int32Array, StringArray};
    use arrow::datatypes::Int32Type;

    use super::*;

    fn records() -> RecordBatch {
        let names: ArrayRef =
            Arc::new(StringArray::from(vec![Some("b"), Some("a"), Some("b"), None, Some("")]));
        let numbers: ArrayRef = Arc::new(Int32Array::from(vec![1, 2, 3, 4, 5]));
        RecordBatch::try_from_iter_with_nullable([("name", names, true), ("n", numbers, false)])
            .unwrap()
    }

    fn check(fields: &[&str], wanted: &[(&[&str], &[i32])]) {
        let records = records();
        let split = Split::new(fields, &records.schema()).unwrap();
        let groups = split.groups(&records).unwrap();
        let found: Vec<_> = groups
            .iter()
            .map(|it| {
                (it.values.clone(), it.records["n"].as_primitive::<Int32Type>().values().to_vec())
            })
            .collect();
        let wanted: Vec<_> = wanted
            .iter()
            .map(|it| (it.0.iter().map(|&it| it.to_owned()).collect::<Vec<_>>(), it.1.to_vec()))
            .collect();
        assert_eq!(found, wanted);
    }

    #[test]
    fn rows_go_where_their_values_say_in_order() {
        check(&[], &[(&[], &[1, 2, 3, 4, 5])]);
        check(&["name"], &[(&["b"], &[1, 3]), (&["a"], &[2]), (&["null"], &[4]), (&[""], &[5])]);
        check(
            &["name", "n"],
            &[
                (&["b", "1"], &[1]),
                (&["a", "2"], &[2]),
                (&["b", "3"], &[3]),
                (&["null", "4"], &[4]),
                (&["", "5"], &[5]),
            ],
        );
    }

    #[test]
    fn an_unknown_field_is_refused_with_the_nearest_one() {
        let error = Split::new(&["nane"], &records().schema()).unwrap_err();
        assert_eq!(error.cause, "there is no field nane");
        assert_eq!(error.fix, "did you mean ${field:name}?");
    }
}
