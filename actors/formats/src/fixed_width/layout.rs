//! Where each column stands, worked out and checked once.

use std::ops::Range;
use std::sync::Arc;

use arrow::compute::can_cast_types;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use weir_records::type_name;

use super::config::{Align, FixedWidthColumn, FixedWidthConfig, Trim};
use crate::{ConfigError, Encoding, Framing, parse_type};

/// Nobody writes wider records by hand.
const RECORD_CHARACTERS_MAX: usize = 1 << 20;

/// A column's place, in characters from 0.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) span: Range<usize>,
    pub(crate) align: Align,
    pub(crate) pad: u8,
    trim: Trim,
}

impl Place {
    /// The cell without what it is filled up with.
    pub(crate) fn trimmed<'a>(&self, cell: &'a str) -> &'a str {
        let pad = char::from(self.pad);
        // A zero on the left of a number is filling as well, but on its own it is the number.
        let is_filling = |it: char| it == ' ' || it == '\0' || (it == pad && pad != '0');
        let left = matches!(self.trim, Trim::Both | Trim::Left);
        let right = matches!(self.trim, Trim::Both | Trim::Right);
        let cell = if left { cell.trim_start_matches(is_filling) } else { cell };
        if right { cell.trim_end_matches(is_filling) } else { cell }
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Layout {
    pub(crate) schema: SchemaRef,
    pub(crate) places: Vec<Place>,
    /// Characters of a whole record.
    pub(crate) length: usize,
}

impl Layout {
    /// The layout; what is wrong with it goes to `errors`.
    pub(crate) fn new(config: &FixedWidthConfig, errors: &mut Vec<ConfigError>) -> Self {
        if config.columns.is_empty() {
            let fix = "list the columns with name, type and width";
            errors.push(ConfigError::new("columns", "a record needs at least one column", fix));
        }
        if config.null_text.texts().is_empty() {
            let fix = "give a text, or leave the key out";
            errors.push(ConfigError::new("nullText", "the list is empty", fix));
        }
        check_framing(config, errors);
        let (mut fields, mut places, mut next) = (Vec::new(), Vec::new(), 0);
        for (at, column) in config.columns.iter().enumerate() {
            let path = format!("columns[{at}]");
            fields.push(field(&path, column, &fields, errors));
            let place = place(&path, column, next, fields[at].data_type(), errors);
            next = place.span.end;
            places.push(place);
        }
        check_overlaps(config, &places, errors);
        let length = places.iter().map(|it| it.span.end).max().unwrap_or(0);
        Self { schema: Arc::new(Schema::new(fields)), places, length }
    }
}

fn check_framing(config: &FixedWidthConfig, errors: &mut Vec<ConfigError>) {
    if config.framing != Framing::None {
        return;
    }
    if config.encoding == Encoding::Utf8 {
        let cause = "records right behind each other need characters of one byte";
        let fix = "set `encoding: latin1`, which holds all of ASCII, or another framing";
        errors.push(ConfigError::new("encoding", cause, fix));
    }
    for (key, is_set) in [("allowShort", config.allow_short), ("allowLong", config.allow_long)] {
        if is_set {
            let cause = "records right behind each other have one length";
            errors.push(ConfigError::new(key, cause, "remove it, or set another framing"));
        }
    }
}

fn field(
    path: &str,
    column: &FixedWidthColumn,
    before: &[Field],
    errors: &mut Vec<ConfigError>,
) -> Field {
    let name = &column.name;
    if name.is_empty() {
        errors.push(ConfigError::new(format!("{path}.name"), "the name is empty", ""));
    } else if before.iter().any(|it| it.name() == name) {
        let cause = format!("the column \"{name}\" is declared twice");
        errors.push(ConfigError::new(format!("{path}.name"), cause, "rename one of them"));
    }
    let data_type = parse_type(&column.type_name).unwrap_or_else(|error| {
        errors.push(ConfigError::new(format!("{path}.type"), error.to_string(), error.fix));
        DataType::Utf8
    });
    if !is_text(&data_type) {
        let kind = type_name(&data_type);
        let cause = format!("a column of text can't hold \"{name}\" of type {kind}");
        errors.push(ConfigError::new(format!("{path}.type"), cause, "read it as a string"));
        return Field::new(name, DataType::Utf8, column.nullable);
    }
    Field::new(name, data_type, column.nullable)
}

/// Whether values of the type are written as text, and read from it.
fn is_text(data_type: &DataType) -> bool {
    !data_type.is_nested()
        && *data_type != DataType::Binary
        && can_cast_types(&DataType::Utf8, data_type)
}

fn place(
    path: &str,
    column: &FixedWidthColumn,
    next: usize,
    data_type: &DataType,
    errors: &mut Vec<ConfigError>,
) -> Place {
    if column.start == Some(0) {
        let fix = "write 1 for the first character";
        errors.push(ConfigError::new(format!("{path}.start"), "places are counted from 1", fix));
    }
    let start = column.start.map_or(next, |it| it.saturating_sub(1));
    let end = start.saturating_add(column.width);
    if column.width == 0 {
        let fix = "say how many characters it has";
        errors.push(ConfigError::new(format!("{path}.width"), "a column has a width", fix));
    } else if end > RECORD_CHARACTERS_MAX {
        let cause = format!("it ends behind character {RECORD_CHARACTERS_MAX}");
        errors.push(ConfigError::new(format!("{path}.width"), cause, "check start and width"));
    }
    let is_number = data_type.is_numeric();
    let align = column.align.unwrap_or(if is_number { Align::Right } else { Align::Left });
    Place { span: start..end, align, pad: column.pad.0, trim: column.trim }
}

fn check_overlaps(config: &FixedWidthConfig, places: &[Place], errors: &mut Vec<ConfigError>) {
    for (at, place) in places.iter().enumerate() {
        let overlaps =
            |it: &Place| it.span.start < place.span.end && place.span.start < it.span.end;
        if let Some(other) = places[..at].iter().position(overlaps) {
            let other = &config.columns[other].name;
            let cause = format!("it stands where the column \"{other}\" stands");
            let fix = "check start and width of both";
            errors.push(ConfigError::new(format!("columns[{at}].start"), cause, fix));
        }
    }
}
