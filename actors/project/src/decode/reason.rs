//! Why a kind can't read a configuration: serde's message taken apart, and said in other words.
//!
//! The messages of serde's derives are part of its behaviour for years; one that is not known is
//! passed on as it is.

use serde_json::Value;
use serde_path_to_error::Segment;
use weir_domain::did_you_mean;
use weir_stream::ConfigError;

use super::tree::{self, Steps};
use crate::path::Step;

#[derive(Debug, PartialEq)]
pub(super) enum Cause {
    UnknownKey {
        key: String,
        expected: Vec<String>,
    },
    MissingKey(String),
    /// A name that is none of those of an enum.
    Unknown {
        name: String,
        expected: Vec<String>,
    },
    /// A value of a wrong type, in serde's words.
    Wrong {
        found: String,
        expected: String,
    },
    Other(String),
}

#[derive(Debug, PartialEq)]
pub(super) struct Reason {
    /// As exact as the kind knows it.
    pub(super) steps: Steps,
    pub(super) cause: Cause,
}

impl Reason {
    pub(super) fn of(error: &ConfigError, draft: &Value) -> Self {
        let cause = cause(&error.inner().to_string());
        let mut steps = Steps::new();
        for segment in error.path().iter() {
            let step = match segment {
                Segment::Seq { index } => Step::Index(*index),
                Segment::Map { key } => Step::Key(key.clone()),
                Segment::Enum { variant } => Step::Key(variant.clone()),
                Segment::Unknown => break,
            };
            steps.push(step);
            // The name of an enum's variant is a step only where it is a key.
            if !tree::has(draft, &steps) {
                steps.pop();
            }
        }
        Self { steps, cause }
    }

    /// How likely it is that the value is what the reason is about; 0: it isn't.
    pub(super) fn likelihood(&self, value: &Value) -> u8 {
        match (&self.cause, value) {
            (Cause::Wrong { found, .. }, value) => u8::from(serde_name(value) == *found) * 3,
            (Cause::Unknown { name, .. }, Value::String(text)) => u8::from(text == name) * 3,
            (Cause::Unknown { .. }, _) => 0,
            (Cause::Other(message), Value::String(text)) => {
                1 + u8::from(!text.is_empty() && message.contains(text.as_str()))
            }
            (Cause::Other(message), Value::Number(number)) => {
                1 + u8::from(message.contains(&number.to_string()))
            }
            _ => 1,
        }
    }

    /// The names that would be accepted, where the reason says them.
    pub(super) fn names(&self) -> impl Iterator<Item = Value> + use<> {
        let names = match &self.cause {
            Cause::Unknown { expected, .. } => expected.clone(),
            _ => Vec::new(),
        };
        names.into_iter().map(Value::String)
    }

    /// Whether it says what it is about: a key, a name, a value.
    pub(super) fn is_exact(&self) -> bool {
        !matches!(self.cause, Cause::Other(_))
    }

    /// Whether the value, and not something else, is what is refused.
    pub(super) fn is_about(&self, value: &Value) -> bool {
        match &self.cause {
            Cause::Wrong { found, .. } => *found == serde_name(value),
            Cause::Unknown { name, .. } => value.as_str() == Some(name),
            Cause::Other(message) => {
                value.as_str().is_some_and(|it| message.contains(&format!("{it:?}")))
            }
            Cause::UnknownKey { .. } | Cause::MissingKey(_) => false,
        }
    }

    /// The cause and the fix, in the words of the one who wrote the configuration.
    pub(super) fn words(&self) -> (String, String) {
        match &self.cause {
            Cause::UnknownKey { key, expected } => {
                (format!("unknown key {key:?}"), format!("use one of {}", expected.join(", ")))
            }
            Cause::MissingKey(key) => {
                (format!("the required key {key:?} is missing"), format!("add {key:?} here"))
            }
            Cause::Unknown { name, expected } => {
                let near = did_you_mean(name, expected.iter().map(String::as_str));
                let fix = match near {
                    Some(near) => format!("did you mean {near:?}?"),
                    None => format!("use one of {}", expected.join(", ")),
                };
                (format!("{name:?} is not allowed here"), fix)
            }
            Cause::Wrong { found, expected } => wrong_words(found, expected),
            Cause::Other(message) if message.starts_with("data did not match any variant") => {
                let cause = "a value of this sort is not possible here";
                (cause.into(), "see the schema of the asset for what is".into())
            }
            Cause::Other(message) => (message.clone(), String::new()),
        }
    }
}

/// What is said of a configuration that is no mapping.
pub(super) fn no_mapping(value: &Value) -> (String, String) {
    wrong_words(&serde_name(value), "a map")
}

fn wrong_words(found: &str, expected: &str) -> (String, String) {
    let (found, wanted) = (found_word(found), expected_word(expected));
    let fix = match found.strip_prefix("the number ") {
        Some(number) if wanted == "a text" => format!("put it in quotes: \"{number}\""),
        _ => format!("write {wanted}"),
    };
    (format!("expected {wanted}, found {found}"), fix)
}

fn cause(message: &str) -> Cause {
    let quoted = |text: &str| -> Vec<String> {
        text.split('`').skip(1).step_by(2).map(str::to_owned).collect()
    };
    if let Some((key, expected)) = named(message, "unknown field `") {
        return Cause::UnknownKey { key, expected: quoted(expected) };
    }
    if let Some((name, expected)) = named(message, "unknown variant `") {
        return Cause::Unknown { name, expected: quoted(expected) };
    }
    if let Some((key, _)) = named(message, "missing field `") {
        return Cause::MissingKey(key);
    }
    let typed = message.strip_prefix("invalid type: ").or(message.strip_prefix("invalid value: "));
    if let Some((found, expected)) = typed.and_then(|it| it.rsplit_once(", expected ")) {
        return Cause::Wrong { found: found.to_owned(), expected: expected.to_owned() };
    }
    // Serde would take a list for a struct, field by field; only its length gives it away.
    if message.starts_with("invalid length ") && message.contains("expected struct ") {
        return Cause::Wrong { found: "sequence".into(), expected: "a map".into() };
    }
    Cause::Other(message.to_owned())
}

/// The name that follows the words, up to its closing quote, and the rest of the message.
fn named<'m>(message: &'m str, words: &str) -> Option<(String, &'m str)> {
    let rest = message.strip_prefix(words)?;
    let end =
        rest.find("`, expected").or_else(|| rest.find("`, there")).or_else(|| rest.rfind('`'))?;
    Some((rest[..end].to_owned(), &rest[end + 1..]))
}

/// How serde's messages name a value that they found.
fn serde_name(value: &Value) -> String {
    match value {
        Value::Null => "null".into(),
        Value::Bool(it) => format!("boolean `{it}`"),
        Value::Number(it) if it.is_f64() => {
            let text = it.to_string();
            format!("floating point `{text}`")
        }
        Value::Number(it) => format!("integer `{it}`"),
        Value::String(it) => format!("string {it:?}"),
        Value::Array(_) => "sequence".into(),
        Value::Object(_) => "map".into(),
    }
}

fn found_word(found: &str) -> String {
    let quoted = |it: &str| it.trim_matches('`').to_owned();
    if let Some(it) = found.strip_prefix("string ") {
        return format!("the text {it}");
    }
    for word in ["integer ", "floating point "] {
        if let Some(it) = found.strip_prefix(word) {
            return format!("the number {}", quoted(it));
        }
    }
    if let Some(it) = found.strip_prefix("boolean ") {
        return format!("the boolean {}", quoted(it));
    }
    match found {
        "map" => "a mapping".into(),
        "sequence" => "a list".into(),
        "null" | "unit value" => "nothing".into(),
        other => other.into(),
    }
}

/// Serde speaks of Rust's types; the author of a configuration does not.
fn expected_word(expected: &str) -> String {
    let head = |it: &str| expected.starts_with(it);
    let word = match expected {
        "a string" | "a borrowed string" | "string" => "a text",
        "a boolean" | "bool" => "true or false",
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number, not negative",
        "a nonzero u8" | "a nonzero u16" | "a nonzero u32" | "a nonzero u64"
        | "a nonzero usize" => "a whole number, at least 1",
        "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number",
        "f32" | "f64" => "a number",
        "a character" => "one character",
        "a sequence" | "a set" => "a list",
        "a map" => "a mapping",
        // An enum, as serde names it.
        "string or map" => "one of its names",
        _ if head("struct ") || head("internally tagged enum ") || head("struct variant ") => {
            "a mapping"
        }
        other => other,
    };
    word.to_owned()
}
