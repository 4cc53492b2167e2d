//! Columns become records of fixed width. A value that is too wide is never cut: the record can't be
//! written.

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use weir_domain::Fault;
use weir_records::type_name;

use super::config::{Align, FixedWidthConfig};
use super::layout::{Layout, Place};
use crate::framed::{Encode, Unwritable};
use crate::{Encoding, fault};

pub(crate) fn encode(
    config: &FixedWidthConfig,
    schema: &SchemaRef,
) -> Result<Box<dyn Encode>, Fault> {
    let mut errors = Vec::new();
    let layout = Layout::new(config, &mut errors);
    if !errors.is_empty() {
        return Err(fault::format_invalid(&errors));
    }
    let mut cells = Vec::with_capacity(layout.places.len());
    for (place, field) in layout.places.iter().zip(layout.schema.fields()) {
        let name = field.name();
        let Some((column, given)) = schema.column_with_name(name) else {
            let cause =
                format!("there is no column \"{name}\" for the format's column of that name");
            return Err(fault::schema_unwritable(cause, "map it, or take it out of the format"));
        };
        if given.data_type().is_nested() {
            let kind = type_name(given.data_type());
            let cause = format!("a column of text can't hold \"{name}\" of type {kind}");
            return Err(fault::schema_unwritable(cause, "map its parts to columns of their own"));
        }
        cells.push(Cell { column, name: name.clone(), place: place.clone() });
    }
    cells.sort_by_key(|it| it.place.span.start);
    let null = config.null_text.texts().first().cloned().unwrap_or_default();
    let encoding = config.encoding;
    Ok(Box::new(FixedWidthEncode { cells, null, encoding, line: String::new() }))
}

struct FixedWidthEncode {
    /// By their places.
    cells: Vec<Cell>,
    null: String,
    encoding: Encoding,
    line: String,
}

struct Cell {
    column: usize,
    name: String,
    place: Place,
}

impl Encode for FixedWidthEncode {
    fn encode(
        &mut self,
        batch: &RecordBatch,
        out: &mut Vec<u8>,
        ends: &mut Vec<usize>,
    ) -> Result<(), Unwritable> {
        let options = FormatOptions::default().with_null(&self.null);
        let formatter = |it: &Cell| ArrayFormatter::try_new(batch.column(it.column), &options);
        let formatters: Result<Vec<_>, _> = self.cells.iter().map(formatter).collect();
        let formatters = formatters.map_err(|it| Unwritable::batch(it.to_string()))?;
        let mut text = String::new();
        for row in 0..batch.num_rows() {
            self.line.clear();
            let mut end = 0;
            for (cell, formatter) in self.cells.iter().zip(&formatters) {
                self.line.extend(std::iter::repeat_n(' ', cell.place.span.start - end));
                text.clear();
                let written = formatter.value(row).write(&mut text);
                written.map_err(|it| Unwritable::row(row, it.to_string()))?;
                cell.put(&text, &mut self.line).map_err(|it| Unwritable::row(row, it))?;
                end = cell.place.span.end;
            }
            self.encoding.put(&self.line, out).map_err(|it| Unwritable::row(row, it))?;
            ends.push(out.len());
        }
        Ok(())
    }
}

impl Cell {
    fn put(&self, text: &str, line: &mut String) -> Result<(), String> {
        let (width, length) = (self.place.span.len(), text.chars().count());
        if length > width {
            let name = &self.name;
            return Err(format!(
                "column '{name}' holds {width} characters, and '{text}' has {length}"
            ));
        }
        let pad = char::from(self.place.pad);
        let filling = std::iter::repeat_n(pad, width - length);
        match self.place.align {
            Align::Left => {
                line.push_str(text);
                line.extend(filling);
            }
            Align::Right => {
                // The sign stands before the zeros.
                let (sign, digits) = match (pad, text.strip_prefix('-')) {
                    ('0', Some(digits)) => ("-", digits),
                    _ => ("", text),
                };
                line.push_str(sign);
                line.extend(filling);
                line.push_str(digits);
            }
        }
        Ok(())
    }
}
