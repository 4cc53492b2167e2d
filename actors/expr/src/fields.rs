//! Finding fields in a schema, top level and nested, and proposing one where there is none.

use arrow::datatypes::{DataType, Field, Schema};
use weir_domain::did_you_mean;

use crate::{ExprError, ExprErrorKind};
use weir_records::type_name;

/// How many names a message lists at most.
const LISTED_MAX: usize = 12;

/// One step from a value into it.
pub(crate) enum Step<'a> {
    /// `.name` or `['name']`.
    Field(&'a str),
    /// `[1]` of a list, `[key]` of a map.
    Element,
    /// `[1:3]`: a list again.
    Slice,
}

/// What a step leads to: a type, or nothing that can be known before planning.
pub(crate) fn step<'t>(
    data_type: &'t DataType,
    step: &Step<'_>,
    path: &str,
) -> Result<Option<&'t DataType>, ExprError> {
    match (data_type, step) {
        (DataType::Struct(fields), Step::Field(name)) => {
            match fields.iter().find(|it| it.name() == name) {
                Some(field) => Ok(Some(field.data_type())),
                None => Err(unknown_nested(path, name, fields.iter().map(|it| it.name().as_str()))),
            }
        }
        (DataType::Map(_, _), _) => Ok(None),
        (it, Step::Slice) if is_list(it) => Ok(Some(it)),
        (
            DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _),
            Step::Element,
        ) => Ok(Some(item.data_type())),
        (it, Step::Field(name)) => {
            let found = type_name(it);
            let error = ExprError::of_type(format!("{path} is {found}, it has no field {name}"));
            Err(if is_list(it) {
                error.with_fix(format!("take an element first, for instance {path}[1].{name}"))
            } else {
                error
            })
        }
        (it, Step::Element | Step::Slice) => {
            let message = format!("{path} is {}, it has no elements to take by []", type_name(it));
            Err(ExprError::of_type(message))
        }
    }
}

fn is_list(data_type: &DataType) -> bool {
    matches!(data_type, DataType::List(_) | DataType::LargeList(_) | DataType::FixedSizeList(_, _))
}

fn unknown_nested<'a>(
    path: &str,
    name: &str,
    siblings: impl Iterator<Item = &'a str> + Clone,
) -> ExprError {
    let near = did_you_mean(name, siblings.clone()).map(|it| format!("{path}.{it}"));
    let fix = match &near {
        Some(near) => format!("did you mean {near}?"),
        None => format!("the fields of {path} are: {}", listed(siblings)),
    };
    let name = format!("{path}.{name}");
    let message = format!("there is no field {name}");
    ExprError::new(ExprErrorKind::UnknownField { name, suggestion: near }, message).with_fix(fix)
}

/// The error for a name at the top level that the schema lacks.
pub(crate) fn unknown(name: &str, quoted: bool, schema: &Schema) -> ExprError {
    let top = schema.fields().iter().map(|it| it.name().as_str());
    let near = did_you_mean(name, top.clone()).map(quoted_if_needed);
    let suggestion = near.or_else(|| nested_ending_in(name, schema));
    let fix = match &suggestion {
        Some(near) => format!("did you mean {near}?"),
        None if quoted => {
            format!("a text stands in single quotes: '{name}'; double quotes are for field names")
        }
        None if schema.fields().is_empty() => "the records have no fields here".into(),
        None => format!("the fields are: {}", listed(top)),
    };
    let message = format!("there is no field {name}");
    let kind = ExprErrorKind::UnknownField { name: name.to_owned(), suggestion };
    ExprError::new(kind, message).with_fix(fix)
}

/// The error for `a.b` where there is no `a`. A column may itself be named `a.b`.
pub(crate) fn unknown_path(path: &[&str], schema: &Schema) -> ExprError {
    let whole = path.join(".");
    if schema.field_with_name(&whole).is_ok() {
        let kind = ExprErrorKind::UnknownField {
            name: path[0].to_owned(),
            suggestion: Some(format!("\"{whole}\"")),
        };
        return ExprError::new(kind, format!("there is no field {} to look into", path[0]))
            .with_fix(format!("the name has a dot: write it in double quotes, \"{whole}\""));
    }
    unknown(path[0], false, schema)
}

fn nested_ending_in(name: &str, schema: &Schema) -> Option<String> {
    fn find(field: &Field, name: &str) -> Option<String> {
        let DataType::Struct(fields) = field.data_type() else { return None };
        let mut inner = fields.iter().filter_map(|it| match it.name() == name {
            true => Some(it.name().clone()),
            false => find(it, name),
        });
        inner.next().map(|it| format!("{}.{it}", field.name()))
    }
    schema.fields().iter().find_map(|it| find(it, name))
}

/// The name as it must be written in an expression.
fn quoted_if_needed(name: &str) -> String {
    let starts = name.starts_with(|it: char| it.is_alphabetic() || it == '_');
    if starts && name.chars().all(|it| it.is_alphanumeric() || it == '_') {
        name.to_owned()
    } else {
        format!("\"{}\"", name.replace('"', "\"\""))
    }
}

fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let mut names = names.map(quoted_if_needed);
    let mut text = names.by_ref().take(LISTED_MAX).collect::<Vec<_>>().join(", ");
    let rest = names.count();
    if rest > 0 {
        text.push_str(&format!(" and {rest} more"));
    }
    text
}
