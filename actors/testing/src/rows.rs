//! Records as JSON become batches, and batches become records as JSON.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::json::{LineDelimitedWriter, ReaderBuilder};
use serde_json::Value;
use weir_domain::did_you_mean;
use weir_project::Row;

/// A row that does not fit: its number from 0, what is wrong, and what to do.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Unfit {
    pub(crate) row: usize,
    pub(crate) cause: String,
    pub(crate) fix: String,
}

/// Rows of a schema. A row may leave fields out.
pub(crate) fn batch(rows: &[Row], schema: &SchemaRef) -> Result<RecordBatch, Unfit> {
    for (row, it) in rows.iter().enumerate() {
        let names = || schema.fields().iter().map(|it| it.name().as_str());
        if let Some(stranger) = it.keys().find(|it| schema.field_with_name(it).is_err()) {
            let cause = format!("there is no field {stranger}");
            let fix = match did_you_mean(stranger, names()) {
                Some(near) => format!("did you mean {near}?"),
                None => format!("the fields are: {}", names().collect::<Vec<_>>().join(", ")),
            };
            return Err(Unfit { row, cause, fix });
        }
    }
    // All at once is what nearly always succeeds; one by one it is found which does not.
    decoded(rows, schema).map_err(|all| {
        let one_by_one = rows.iter().map(|it| decoded(std::slice::from_ref(it), schema).err());
        let mut unfit = one_by_one.enumerate().filter_map(|(row, cause)| Some((row, cause?)));
        let (row, cause) = unfit.next().unwrap_or((0, all));
        let fix = "write values of the types that the fields have".to_owned();
        Unfit { row, cause, fix }
    })
}

fn decoded(rows: &[Row], schema: &SchemaRef) -> Result<RecordBatch, String> {
    // What must not be null is looked at last, by name and not by its place in a text.
    let builder = ReaderBuilder::new(nullable(schema)).with_batch_size(rows.len().max(1));
    let mut decoder = builder.build_decoder().map_err(|it| words(&it))?;
    decoder.serialize(rows).map_err(|it| words(&it))?;
    let batch = decoder.flush().map_err(|it| words(&it))?;
    let Some(batch) = batch else { return Ok(RecordBatch::new_empty(schema.clone())) };
    let columns = batch.columns().to_vec();
    RecordBatch::try_new(schema.clone(), columns).map_err(|it| it.to_string())
}

/// What a decoder refused, of the fields that it went into.
fn words(error: &ArrowError) -> String {
    let text = error.to_string();
    let mut rest = text.strip_prefix("Json error: ").unwrap_or(&text);
    let mut path = Vec::new();
    while let Some((field, cause)) =
        rest.strip_prefix("whilst decoding field '").and_then(|it| it.split_once("': "))
    {
        path.push(field);
        rest = cause;
    }
    match path.is_empty() {
        true => rest.to_owned(),
        false => format!("the field {}: {rest}", path.join(".")),
    }
}

fn nullable(schema: &SchemaRef) -> SchemaRef {
    let fields = schema.fields().iter().map(|it| it.as_ref().clone().with_nullable(true));
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

/// Rows as JSON lines, for formats that find out themselves what they hold.
pub(crate) fn lines(rows: &[Row]) -> Vec<u8> {
    let mut text = Vec::new();
    for row in rows {
        text.extend(serde_json::to_vec(row).expect("values with text keys become JSON"));
        text.push(b'\n');
    }
    text
}

/// The records of a batch. Fields that are null are left out.
pub(crate) fn records(batch: &RecordBatch) -> Result<Vec<Row>, String> {
    let mut text = Vec::new();
    let mut writer = LineDelimitedWriter::new(&mut text);
    writer.write(batch).and_then(|()| writer.finish()).map_err(|it| it.to_string())?;
    drop(writer);
    parsed(&text).map_err(|it| it.1)
}

/// JSON lines as records; what is none is told with its line, from 1.
pub(crate) fn parsed(text: &[u8]) -> Result<Vec<Row>, (usize, String)> {
    let lines = text.split(|it| *it == b'\n').enumerate();
    let lines = lines.filter(|it| !it.1.trim_ascii().is_empty());
    lines
        .map(|(at, line)| match serde_json::from_slice(line) {
            Ok(Value::Object(row)) => Ok(row),
            Ok(_) => Err((at + 1, "it is no object".to_owned())),
            Err(error) => Err((at + 1, error.to_string())),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::{DataType, Field, TimeUnit};
    use serde_json::json;

    use super::*;

    fn schema() -> SchemaRef {
        let time = DataType::Timestamp(TimeUnit::Millisecond, None);
        let fields = [("n", DataType::Int64), ("name", DataType::Utf8), ("at", time)];
        Arc::new(Schema::new(fields.map(|it| Field::new(it.0, it.1, true)).to_vec()))
    }

    fn rows(json: Value) -> Vec<Row> {
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn rows_come_back_as_they_were_without_what_is_null() {
        let given =
            rows(json!([{ "n": 1, "name": "ä" }, { "at": "2026-01-01T00:00:00", "n": null }]));
        let batch = batch(&given, &schema()).unwrap();
        let expected = rows(json!([{ "n": 1, "name": "ä" }, { "at": "2026-01-01T00:00:00" }]));
        assert_eq!(records(&batch).unwrap(), expected);
    }

    #[test]
    fn a_row_that_does_not_fit_is_named_with_what_to_do() {
        let unfit = |json| batch(&rows(json), &schema()).unwrap_err();
        let stranger = unfit(json!([{ "n": 1 }, { "nmae": "x" }]));
        assert_eq!((stranger.row, stranger.fix.as_str()), (1, "did you mean name?"));
        let wrong = unfit(json!([{ "n": 1 }, { "n": 2 }, { "n": "x" }]));
        assert_eq!(wrong.row, 2);
        assert!(wrong.cause.starts_with("the field n: "), "{wrong:?}");
    }
}
