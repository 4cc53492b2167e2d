//! Which columns a CSV file has and which of them are read.
//!
//! With a header, declared columns are found by name, in any order, and the file's other columns
//! are skipped. Without one, they are the columns by position.

use std::borrow::Cow;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef};
use weir_domain::{Fault, did_you_mean};

use super::dialect::Dialect;
use super::split::{Splitter, Step};
use crate::input::Window;
use crate::number::Spelling;
use crate::reader::too_long;
use crate::{CsvConfig, fault};

/// Most bytes that are looked at to infer types.
const SAMPLE_BYTES: usize = 8 * 1024 * 1024;

pub(crate) struct Columns {
    /// Every column of the file, in its order; those that are skipped have the type null.
    pub(crate) in_file: SchemaRef,
    /// The file's columns that are read, in order of the schema.
    pub(crate) projection: Vec<usize>,
    pub(crate) schema: SchemaRef,
    /// The record that names them, as it stands in the file.
    pub(crate) header: Option<String>,
}

impl Columns {
    /// Finds the columns and leaves the header behind, if there is one.
    pub(crate) fn find(
        config: &CsvConfig,
        dialect: &Dialect,
        declared: Option<SchemaRef>,
        window: &mut Window,
        max_record_bytes: usize,
    ) -> Result<Self, Fault> {
        let mut splitter = Splitter::new(dialect);
        let first = first_record(&mut splitter, window, max_record_bytes)?;
        let mut text = None;
        let names = match first {
            None => return Ok(Self::all(declared.unwrap_or_else(|| Arc::new(Schema::empty())))),
            Some(First { cells, next }) if config.header => {
                let line = window.bytes()[..next].trim_ascii_end();
                text = Some(String::from_utf8_lossy(line).into_owned());
                window.consume(next);
                header(cells)?
            }
            Some(First { cells, .. }) => {
                (1..=cells.len()).map(|it| format!("column_{it}")).collect()
            }
        };
        let columns = match declared {
            Some(schema) if config.header => Self::by_name(&names, schema)?,
            Some(schema) => Self::all(schema),
            None => {
                let sample = sample(config, &mut splitter, names.len(), window)?;
                let types = infer(dialect, &names, &sample)?;
                let nulls = config.null_text.texts();
                Self::all(keeping(&types, nulls, &mut splitter, &sample))
            }
        };
        Ok(Self { header: text, ..columns })
    }

    /// How many cells a record has.
    pub(crate) fn width(&self) -> usize {
        self.in_file.fields().len()
    }

    fn all(schema: SchemaRef) -> Self {
        let projection = (0..schema.fields().len()).collect();
        Self { in_file: schema.clone(), projection, schema, header: None }
    }

    fn by_name(names: &[String], schema: SchemaRef) -> Result<Self, Fault> {
        let find = |it: &FieldRef| names.iter().position(|name| name == it.name());
        let projection: Option<Vec<_>> = schema.fields().iter().map(find).collect();
        let Some(projection) = projection else {
            return Err(missing(names, &schema));
        };
        let skipped = |name: &String| Arc::new(Field::new(name, DataType::Null, true));
        let mut in_file: Vec<FieldRef> = names.iter().map(skipped).collect();
        for (field, at) in schema.fields().iter().zip(&projection) {
            in_file[*at] = field.clone();
        }
        Ok(Self { in_file: Arc::new(Schema::new(in_file)), projection, schema, header: None })
    }
}

fn missing(names: &[String], schema: &SchemaRef) -> Fault {
    let declared = schema.fields().iter().map(|it| it.name());
    let missing: Vec<_> = declared.filter(|it| !names.contains(it)).collect();
    let hint = missing.iter().find_map(|it| {
        let guess = did_you_mean(it, names.iter().map(String::as_str))?;
        Some(format!("did you mean \"{guess}\"?"))
    });
    let quoted: Vec<_> = missing.iter().map(|it| format!("\"{it}\"")).collect();
    let cause = format!("the header has no column {}", quoted.join(", no column "));
    fault::column_missing(cause, hint.unwrap_or_else(|| format!("it has {}", listed(names))))
}

fn listed(names: &[String]) -> String {
    const SHOWN: usize = 20;
    let shown = names.iter().take(SHOWN).map(|it| short(it)).collect::<Vec<_>>().join(", ");
    if names.len() > SHOWN { format!("{shown} …") } else { shown }
}

/// A file that is no CSV has a first line of any length.
fn short(name: &str) -> Cow<'_, str> {
    const SHOWN: usize = 60;
    match name.char_indices().nth(SHOWN) {
        None => name.into(),
        Some((end, _)) => format!("{} …", &name[..end]).into(),
    }
}

/// The first record, and where the next one begins.
struct First {
    cells: Vec<Vec<u8>>,
    next: usize,
}

/// `None` in an empty file.
fn first_record(
    splitter: &mut Splitter,
    window: &mut Window,
    max_record_bytes: usize,
) -> Result<Option<First>, Fault> {
    loop {
        let bytes = window.bytes();
        match splitter.next(bytes, 0, window.is_complete()) {
            Step::Record { span, next, .. } => {
                return Ok(Some(First { cells: splitter.cells(&bytes[span]), next }));
            }
            Step::End => return Ok(None),
            Step::Unclosed { .. } => {
                return Err(fault::header_unusable("a quote in the first record is never closed"));
            }
            Step::More { .. } if bytes.len() > max_record_bytes => {
                let cause = format!("the file has no header: {}", too_long(max_record_bytes));
                return Err(fault::header_unusable(cause));
            }
            Step::More { .. } => window.fill()?,
        }
    }
}

fn header(cells: Vec<Vec<u8>>) -> Result<Vec<String>, Fault> {
    let mut names: Vec<String> = Vec::with_capacity(cells.len());
    for (at, cell) in cells.into_iter().enumerate() {
        let column = at + 1;
        let name = String::from_utf8(cell).map_err(|_| {
            let cause = format!("the name of column {column} is not UTF-8");
            fault::header_unusable(cause).with_hint("convert the file to UTF-8")
        })?;
        let name = if name.is_empty() { format!("column_{column}") } else { name };
        if let Some(first) = names.iter().position(|it| *it == name) {
            let (first, cause) = (first + 1, "the header has the name");
            let name = short(&name);
            let cause = format!("{cause} \"{name}\" twice, for columns {first} and {column}");
            let fix = "give each column a name of its own, or set `header` to false and declare the columns";
            return Err(fault::header_unusable(cause).with_hint(fix));
        }
        names.push(name);
    }
    Ok(names)
}

/// Types from a sample of the records.
fn infer(dialect: &Dialect, names: &[String], sample: &[u8]) -> Result<SchemaRef, Fault> {
    let inferred = dialect.format().infer_schema(sample, None);
    let inferred = inferred.map_err(|it| fault::records_unreadable(&it.to_string()))?.0;
    let field = |(at, name): (usize, &String)| {
        let data_type = match inferred.fields().get(at).map(|it| it.data_type()) {
            // Nothing is known of a column that is always null.
            None | Some(DataType::Null) => DataType::Utf8,
            Some(known) => known.clone(),
        };
        Field::new(name, data_type, true)
    };
    Ok(Arc::new(Schema::new(names.iter().enumerate().map(field).collect::<Vec<_>>())))
}

/// The types, with text for columns of which a number would be another one when it is read.
fn keeping(types: &Schema, nulls: &[String], splitter: &mut Splitter, sample: &[u8]) -> SchemaRef {
    let is_number = |it: &FieldRef| matches!(it.data_type(), DataType::Int64 | DataType::Float64);
    let mut numbers: Vec<_> = types.fields().iter().map(is_number).collect();
    let (mut at, mut is_done) = (0, !numbers.contains(&true));
    while !is_done && let Step::Record { span, next, .. } = splitter.next(sample, at, true) {
        at = next;
        for (column, cell) in splitter.cells(&sample[span]).iter().enumerate() {
            let Some(is_kept) = numbers.get_mut(column).filter(|it| **it) else { continue };
            let text = std::str::from_utf8(cell).unwrap_or_default();
            if nulls.iter().any(|it| it == text) {
                continue;
            }
            let is_float = matches!(types.field(column).data_type(), DataType::Float64);
            let lost = |it: Spelling| it.is_text() || is_float && it == Spelling::Large;
            *is_kept = !Spelling::of(text).is_some_and(lost);
        }
        is_done = !numbers.contains(&true);
    }
    let field = |(it, is_kept): (&FieldRef, &bool)| match is_number(it) && !is_kept {
        true => Arc::new(it.as_ref().clone().with_data_type(DataType::Utf8)),
        false => it.clone(),
    };
    Arc::new(Schema::new(types.fields().iter().zip(&numbers).map(field).collect::<Vec<_>>()))
}

/// The first records, without those that are bad already for their cells or characters.
fn sample(
    config: &CsvConfig,
    splitter: &mut Splitter,
    width: usize,
    window: &mut Window,
) -> Result<Vec<u8>, Fault> {
    loop {
        let bytes = window.bytes();
        let (mut sample, mut records, mut at) = (Vec::new(), 0, 0);
        while records < config.infer_rows
            && let Step::Record { span, cells, next } =
                splitter.next(bytes, at, window.is_complete())
        {
            records += 1;
            at = next;
            let record = &bytes[span];
            if cells == width && std::str::from_utf8(record).is_ok() {
                sample.extend_from_slice(record);
                sample.push(b'\n');
            }
        }
        let is_enough = records == config.infer_rows || bytes.len() >= SAMPLE_BYTES;
        if is_enough || window.is_complete() {
            return Ok(sample);
        }
        window.fill()?;
    }
}
