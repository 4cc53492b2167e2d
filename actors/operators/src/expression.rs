//! Expressions in a configuration: how they are written, and what is said when one is wrong.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, de};
use weir_domain::{Finding, Place};
use weir_expr::{ExprError, ExprErrorKind, Failure};

/// The text of an expression. A bare number or truth value of YAML is one, too.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Text(pub String);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Scalar;

        impl de::Visitor<'_> for Scalar {
            type Value = Text;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an expression, as \"dep_delay > 15\"")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Text, E> {
                Ok(Text(text.to_owned()))
            }

            fn visit_bool<E: de::Error>(self, value: bool) -> Result<Text, E> {
                Ok(Text(value.to_string()))
            }

            fn visit_i64<E: de::Error>(self, value: i64) -> Result<Text, E> {
                Ok(Text(value.to_string()))
            }

            fn visit_u64<E: de::Error>(self, value: u64) -> Result<Text, E> {
                Ok(Text(value.to_string()))
            }

            fn visit_f64<E: de::Error>(self, value: f64) -> Result<Text, E> {
                // Debug keeps the point: 2.0 is a float, 2 is an integer.
                Ok(Text(format!("{value:?}")))
            }
        }

        deserializer.deserialize_any(Scalar)
    }
}

impl JsonSchema for Text {
    fn schema_name() -> Cow<'static, str> {
        "Expression".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": ["string", "number", "boolean"],
            "description": "An SQL expression on the fields of a record, see docs/expressions.md."
        })
    }
}

/// The finding for an expression that was refused.
pub(crate) fn finding(path: impl Into<String>, error: &ExprError) -> Finding {
    let code = match error.kind {
        ExprErrorKind::Syntax => 2130,
        ExprErrorKind::UnknownField { .. } => 2131,
        ExprErrorKind::UnknownFunction { .. } => 2132,
        ExprErrorKind::Type => 2133,
        ExprErrorKind::Other => 2134,
    };
    let at = match error.offset {
        None => String::new(),
        Some((1, column)) => format!(" (at column {column} of the expression)"),
        Some((line, column)) => format!(" (at line {line}, column {column} of the expression)"),
    };
    let cause = format!("{}{at}", error.message);
    let finding = Finding::error(code, Place::default(), path, cause);
    match &error.fix {
        Some(fix) => finding.with_fix(fix.clone()),
        None => finding,
    }
}

/// Rows of a batch that failed, each with the first reason.
#[derive(Debug, Default)]
pub(crate) struct Failed(BTreeMap<usize, String>);

impl Failed {
    /// `what` is the part of the configuration that failed, as people know it.
    pub(crate) fn add(&mut self, failure: Failure, what: &str) {
        let reason = failure.reason;
        self.0.entry(failure.row).or_insert_with(|| format!("{what}: {reason}"));
    }

    pub(crate) fn has(&self, row: usize) -> bool {
        self.0.contains_key(&row)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (usize, &str)> {
        self.0.iter().map(|(row, reason)| (*row, reason.as_str()))
    }
}
