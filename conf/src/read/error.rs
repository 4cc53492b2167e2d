//! Why a node could not become the value that a type asks for, with the path to that node.
//!
//! Serde calls one constructor per sort of error, so nothing here is parsed back out of a message.

use std::fmt;

use serde::de::{self, Expected, Unexpected};

use crate::path::Step;

#[derive(Debug)]
pub(crate) struct Error {
    pub cause: Cause,
    /// From the failing node up to the root: each level adds its step while the error unwinds.
    pub steps_up: Vec<Step>,
    /// True if the node at the path is known to be the one that failed; false if serde may have read
    /// the failing part from a buffer, which has no paths.
    pub exact: bool,
}

#[derive(Debug)]
pub(crate) enum Cause {
    UnknownKey { key: String, expected: &'static [&'static str] },
    UnknownVariant { name: String, expected: &'static [&'static str] },
    MissingKey(&'static str),
    Mismatch { expected: String, found: String },
    Other(String),
}

impl Error {
    fn new(cause: Cause) -> Self {
        Self { cause, steps_up: Vec::new(), exact: false }
    }

    /// The error is the own error of the node that is being read, if it came up from no child.
    pub(crate) fn own(mut self) -> Self {
        self.exact |= self.steps_up.is_empty();
        self
    }

    pub(crate) fn below(mut self, step: Step) -> Self {
        self.steps_up.push(step);
        self
    }

    pub(crate) fn steps(&self) -> Vec<Step> {
        self.steps_up.iter().rev().cloned().collect()
    }
}

impl de::Error for Error {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(Cause::Other(message.to_string()))
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::new(Cause::Mismatch {
            expected: expectation(&expected.to_string()),
            found: name_found(found),
        })
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::invalid_type(found, expected)
    }

    fn unknown_variant(name: &str, expected: &'static [&'static str]) -> Self {
        Self::new(Cause::UnknownVariant { name: name.to_owned(), expected })
    }

    fn unknown_field(key: &str, expected: &'static [&'static str]) -> Self {
        Self::new(Cause::UnknownKey { key: key.to_owned(), expected })
    }

    fn missing_field(key: &'static str) -> Self {
        Self::new(Cause::MissingKey(key))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.cause {
            Cause::UnknownKey { key, .. } => write!(f, "{key:?} is not a key here"),
            Cause::UnknownVariant { name, .. } => write!(f, "{name:?} is not a value here"),
            Cause::MissingKey(key) => write!(f, "the required key {key:?} is missing"),
            Cause::Mismatch { expected, found } => write!(f, "expected {expected}, found {found}"),
            Cause::Other(message) => f.write_str(message),
        }
    }
}

impl std::error::Error for Error {}

/// What stands in the document, in the words of the document's author.
pub(crate) fn name_found(found: Unexpected<'_>) -> String {
    match found {
        Unexpected::Bool(it) => format!("the boolean {it}"),
        Unexpected::Unsigned(it) => format!("the number {it}"),
        Unexpected::Signed(it) => format!("the number {it}"),
        Unexpected::Float(it) => format!("the number {it}"),
        Unexpected::Str(it) => format!("the text {}", shorten(it)),
        Unexpected::Char(it) => format!("the text {it:?}"),
        Unexpected::Unit | Unexpected::Option => "nothing (null)".to_owned(),
        Unexpected::Seq | Unexpected::TupleVariant => "a list".to_owned(),
        Unexpected::Map | Unexpected::StructVariant => "a mapping".to_owned(),
        Unexpected::UnitVariant => "a name alone".to_owned(),
        other => other.to_string(),
    }
}

fn shorten(text: &str) -> String {
    const LENGTH_MAX: usize = 60;
    if text.chars().count() <= LENGTH_MAX {
        return format!("{text:?}");
    }
    let head: String = text.chars().take(LENGTH_MAX).collect();
    format!("{head:?}…")
}

/// Serde and its derives speak of Rust's types; a document's author does not.
fn expectation(expected: &str) -> String {
    let plain = match expected {
        "a string" | "a borrowed string" | "string" => "a text",
        "a boolean" | "bool" => "true or false",
        "u8" => "a whole number from 0 to 255",
        "u16" => "a whole number from 0 to 65535",
        "u32" => "a whole number from 0 to 4294967295",
        "u64" | "usize" | "u128" => "a whole number, not negative",
        "i8" => "a whole number from -128 to 127",
        "i16" => "a whole number from -32768 to 32767",
        "i32" | "i64" | "i128" | "isize" => "a whole number",
        "f32" | "f64" => "a number",
        "a nonzero u8" => "a whole number from 1 to 255",
        "a nonzero u16" => "a whole number from 1 to 65535",
        "a nonzero u32" => "a whole number from 1 to 4294967295",
        "a nonzero u64" | "a nonzero usize" => "a whole number, at least 1",
        "a character" => "one character",
        "a sequence" | "a set" => "a list",
        "a map" | "struct" | "internally tagged enum" => "a mapping",
        "path string" => "a path",
        "unit" | "null" => "nothing",
        other => other,
    };
    let head = |it: &str| plain.starts_with(it);
    if head("struct ") || head("struct variant ") || head("internally tagged enum ") {
        return "a mapping".to_owned();
    }
    if head("enum ") || head("variant ") {
        return "one of its names, or a mapping with one of them as its key".to_owned();
    }
    if head("tuple ") || head("a tuple ") || head("an array ") {
        return format!("a list ({plain})");
    }
    plain.to_owned()
}
