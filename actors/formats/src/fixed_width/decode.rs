//! Records of fixed width become columns.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanArray, RecordBatch, StringArray, StringBuilder};
use arrow::compute::{CastOptions, cast_with_options, filter_record_batch};
use arrow::datatypes::{Field, SchemaRef};
use weir_domain::Fault;
use weir_records::type_name;

use super::config::FixedWidthConfig;
use super::layout::Layout;
use crate::fault;
use crate::framed::Decode;
use crate::isolate::{Refusal, Verdict, shortened};

pub(crate) fn decode(config: &FixedWidthConfig) -> Result<Box<dyn Decode>, Fault> {
    let mut errors = Vec::new();
    let layout = Layout::new(config, &mut errors);
    if !errors.is_empty() {
        return Err(fault::format_invalid(&errors));
    }
    Ok(Box::new(FixedWidthDecode { layout, config: config.clone() }))
}

struct FixedWidthDecode {
    layout: Layout,
    config: FixedWidthConfig,
}

/// The columns of some records, and why some of those are bad; a bad one has a row all the same.
struct Cut {
    batch: RecordBatch,
    bad: Vec<(usize, String)>,
}

impl Decode for FixedWidthDecode {
    fn schema(&self) -> SchemaRef {
        self.layout.schema.clone()
    }

    fn decode(&mut self, records: &[&[u8]]) -> Result<RecordBatch, Refusal> {
        let mut cut = self.cut(records).map_err(|it| Refusal::Within(it.message))?;
        match cut.bad.len() {
            0 => Ok(cut.batch),
            _ => {
                let (at, reason) = cut.bad.swap_remove(0);
                Err(Refusal::At(at, reason))
            }
        }
    }

    /// One pass knows them all.
    fn judge(&mut self, records: &[&[u8]]) -> Result<(RecordBatch, Verdict), Fault> {
        let Cut { batch, bad } = self.cut(records)?;
        let mut mask = vec![true; records.len()];
        bad.iter().for_each(|(at, _)| mask[*at] = false);
        let good = (0..records.len()).filter(|it| mask[*it]).collect();
        let batch = filter_record_batch(&batch, &BooleanArray::from(mask));
        let batch = batch.map_err(|it| fault::records_unreadable(&it.to_string()))?;
        // Only now is there nothing null where nothing may be.
        let batch = RecordBatch::try_new(self.schema(), batch.columns().to_vec());
        let batch = batch.map_err(|it| fault::records_unreadable(&it.to_string()))?;
        Ok((batch, Verdict { good, bad }))
    }
}

impl FixedWidthDecode {
    fn cut(&self, records: &[&[u8]]) -> Result<Cut, Fault> {
        let mut reasons: Vec<Option<String>> = vec![None; records.len()];
        let cells = self.cells(records, &mut reasons);
        let mut columns = Vec::with_capacity(cells.len());
        for (cell, field) in cells.iter().zip(self.layout.schema.fields()) {
            columns.push(parse(cell, field, &mut reasons)?);
        }
        let bad: Vec<_> = reasons
            .into_iter()
            .enumerate()
            .filter_map(|(at, it)| Some((at, shortened(&it?))))
            .collect();
        // A bad record has nulls where none may be.
        let schema = if bad.is_empty() { self.schema() } else { self.nullable() };
        let batch = RecordBatch::try_new(schema, columns);
        let batch = batch.map_err(|it| fault::records_unreadable(&it.to_string()))?;
        Ok(Cut { batch, bad })
    }

    fn nullable(&self) -> SchemaRef {
        let fields = self.layout.schema.fields().iter();
        let fields: Vec<_> = fields.map(|it| it.as_ref().clone().with_nullable(true)).collect();
        Arc::new(arrow::datatypes::Schema::new(fields))
    }

    /// The text of every cell.
    fn cells(&self, records: &[&[u8]], reasons: &mut [Option<String>]) -> Vec<StringArray> {
        let builder = |it: &super::layout::Place| {
            StringBuilder::with_capacity(records.len(), records.len() * it.span.len().min(64))
        };
        let mut builders: Vec<_> = self.layout.places.iter().map(builder).collect();
        let mut starts = Vec::new();
        for (record, reason) in records.iter().zip(reasons) {
            match self.record(record, &mut starts) {
                Ok(line) => self.append(&line, &starts, &mut builders),
                Err(cause) => {
                    *reason = Some(cause);
                    builders.iter_mut().for_each(StringBuilder::append_null);
                }
            }
        }
        builders.iter_mut().map(StringBuilder::finish).collect()
    }

    /// The record's text, if it is as long as it should be. `starts` gets where each character
    /// starts, unless each is one byte.
    fn record<'a>(
        &self,
        record: &'a [u8],
        starts: &mut Vec<usize>,
    ) -> Result<Cow<'a, str>, String> {
        let line = self.config.encoding.text(record)?;
        starts.clear();
        let characters = if line.is_ascii() {
            line.len()
        } else {
            starts.extend(line.char_indices().map(|it| it.0));
            starts.len()
        };
        let expected = self.layout.length;
        let is_bad = (characters < expected && !self.config.allow_short)
            || (characters > expected && !self.config.allow_long);
        if is_bad {
            let plural = if characters == 1 { "" } else { "s" };
            return Err(format!(
                "it has {characters} character{plural} where {expected} are expected"
            ));
        }
        Ok(line)
    }

    fn append(&self, line: &str, starts: &[usize], builders: &mut [StringBuilder]) {
        let offset = |character: usize| match starts {
            [] => character.min(line.len()),
            _ => starts.get(character).copied().unwrap_or(line.len()),
        };
        for (place, builder) in self.layout.places.iter().zip(builders) {
            let Range { start, end } = place.span;
            let cell = place.trimmed(&line[offset(start)..offset(end)]);
            if self.config.null_text.texts().iter().any(|it| it == cell) {
                builder.append_null();
            } else {
                builder.append_value(cell);
            }
        }
    }
}

/// The values of a column; what is none is the reason of its record, unless it has one already.
fn parse(
    cells: &StringArray,
    field: &Field,
    reasons: &mut [Option<String>],
) -> Result<ArrayRef, Fault> {
    let options = CastOptions { safe: true, ..CastOptions::default() };
    let values = cast_with_options(cells, field.data_type(), &options);
    let values = values.map_err(|it| fault::schema_unreadable(&it.to_string()))?;
    let is_suspect = values.null_count() > if field.is_nullable() { cells.null_count() } else { 0 };
    if is_suspect {
        for (at, reason) in reasons.iter_mut().enumerate().filter(|it| it.1.is_none()) {
            if values.is_valid(at) {
                continue;
            }
            let name = field.name();
            if cells.is_valid(at) {
                let (value, kind) = (cells.value(at), type_name(field.data_type()));
                *reason = Some(format!("column '{name}': '{value}' is not of type {kind}"));
            } else if !field.is_nullable() {
                *reason = Some(format!("column '{name}' is empty, and must have a value"));
            }
        }
    }
    Ok(values)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Encoding;

    #[test]
    fn latin_1_and_utf_8_have_the_same_characters() {
        let encodings = [Encoding::Utf8, Encoding::Latin1];
        let records: [&[u8]; 2] = ["äb".as_bytes(), b"\xe4b"];
        for (encoding, record) in encodings.into_iter().zip(records) {
            let config = serde_json::json!({"columns": [
                {"name": "a", "type": "string", "width": 1},
                {"name": "b", "type": "string", "width": 1}]});
            let config: FixedWidthConfig = serde_json::from_value(config).unwrap();
            let mut decode = decode(&FixedWidthConfig { encoding, ..config }).unwrap();
            let batch = decode.decode(&[record]).ok().unwrap();
            let cell = |at: usize| {
                let column = batch.column(at).as_any().downcast_ref::<StringArray>().unwrap();
                column.value(0).to_owned()
            };
            assert_eq!((cell(0), cell(1)), ("ä".to_owned(), "b".to_owned()));
        }
    }
}
