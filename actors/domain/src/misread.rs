//! Serde's message of what it could not read, taken apart and said in other words: those who wrote a
//! configuration, a file or a request know nothing of Rust's types.
//!
//! The messages of serde's derives are part of its behaviour for years; one that is not known is
//! passed on as it is.

use serde_json::Value;

use crate::did_you_mean;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Misread {
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
    /// No JSON at all, from `at` on.
    Syntax {
        at: String,
        why: String,
    },
    Other(String),
}

impl Misread {
    /// What serde or `serde_json` says.
    pub fn of(message: &str) -> Self {
        let (message, at) = place(message);
        if let Some((key, expected)) = named(message, "unknown field `") {
            return Self::UnknownKey { key, expected: quoted(expected) };
        }
        if let Some((name, expected)) = named(message, "unknown variant `") {
            return Self::Unknown { name, expected: quoted(expected) };
        }
        if let Some((key, _)) = named(message, "missing field `") {
            return Self::MissingKey(key);
        }
        let typed =
            message.strip_prefix("invalid type: ").or(message.strip_prefix("invalid value: "));
        if let Some((found, expected)) = typed.and_then(|it| it.rsplit_once(", expected ")) {
            return Self::Wrong { found: found.to_owned(), expected: expected.to_owned() };
        }
        // Serde would take a list for a struct, field by field; only its length gives it away.
        if message.starts_with("invalid length ") && message.contains("expected struct ") {
            return Self::Wrong { found: "sequence".into(), expected: "a map".into() };
        }
        match at.filter(|_| SYNTAX.iter().any(|it| message.starts_with(it))) {
            Some(at) if message.starts_with(CUT_OFF) => {
                Self::Syntax { at, why: "it ends before it is complete".to_owned() }
            }
            Some(at) => Self::Syntax { at, why: message.to_owned() },
            None => Self::Other(message.to_owned()),
        }
    }

    /// A value that is no mapping where one belongs.
    pub fn no_mapping(value: &Value) -> Self {
        Self::Wrong { found: serde_name(value), expected: "a map".into() }
    }

    /// The cause and the fix, in the words of the one who wrote it. The fix is empty where none is
    /// known.
    pub fn words(&self) -> (String, String) {
        match self {
            Self::UnknownKey { key, expected } => {
                let near = did_you_mean(key, expected.iter().map(String::as_str));
                (format!("unknown key {key:?}"), choice(near, expected))
            }
            Self::MissingKey(key) => {
                (format!("the required key {key:?} is missing"), format!("add {key:?} here"))
            }
            Self::Unknown { name, expected } => {
                let near = did_you_mean(name, expected.iter().map(String::as_str));
                (format!("{name:?} is not allowed here"), choice(near, expected))
            }
            Self::Wrong { found, expected } => wrong_words(found, expected),
            Self::Syntax { at, why } => {
                (format!("it is no JSON at {at}: {why}"), "mend it there".to_owned())
            }
            Self::Other(message) => other_words(message),
        }
    }

    /// What is expected, and nothing of what came: for what may hold a secret.
    pub fn discreet(&self) -> String {
        match self {
            Self::MissingKey(_) | Self::Syntax { .. } => self.line(),
            Self::UnknownKey { expected, .. } => {
                format!("a key does not belong here: {}", choice(None, expected))
            }
            Self::Unknown { expected, .. } => {
                format!("this is not what belongs here: {}", choice(None, expected))
            }
            Self::Wrong { expected, .. } => {
                format!("this is not what belongs here: expected {}", expected_word(expected))
            }
            Self::Other(_) => "this is not what belongs here".to_owned(),
        }
    }

    /// Cause and fix in one line.
    pub fn line(&self) -> String {
        match self.words() {
            (cause, fix) if fix.is_empty() => cause,
            (cause, fix) => format!("{cause}: {fix}"),
        }
    }
}

/// How `serde_json` begins what it says of a text that is no JSON.
const SYNTAX: [&str; 13] = [
    CUT_OFF,
    "expected ",
    "invalid escape",
    "invalid number",
    "number out of range",
    "invalid unicode code point",
    "control character",
    "key must be a string",
    "lone leading surrogate",
    "trailing comma",
    "trailing characters",
    "unexpected end of hex escape",
    "recursion limit exceeded",
];
const CUT_OFF: &str = "EOF while parsing";

/// `… at line 1 column 9`, which `serde_json` appends, as `line 1, column 9`.
fn place(message: &str) -> (&str, Option<String>) {
    let place = message.rsplit_once(" at line ").and_then(|(rest, place)| {
        let (line, column) = place.split_once(" column ")?;
        let is_number = |it: &str| !it.is_empty() && it.bytes().all(|it| it.is_ascii_digit());
        (is_number(line) && is_number(column))
            .then(|| (rest, format!("line {line}, column {column}")))
    });
    place.map_or((message, None), |(rest, place)| (rest, Some(place)))
}

fn choice(near: Option<&str>, expected: &[String]) -> String {
    match near {
        Some(near) => format!("did you mean {near:?}?"),
        None if expected.is_empty() => "remove it".to_owned(),
        None => format!("use one of {}", expected.join(", ")),
    }
}

/// What the standard library says of numbers, and serde of enums, to programmers.
fn other_words(message: &str) -> (String, String) {
    let (cause, fix) = match message {
        "invalid digit found in string" => ("this is no whole number", "write digits alone"),
        "cannot parse integer from empty string" => ("there is no number", "write a whole number"),
        "number too large to fit in target type" => {
            ("the number is too large", "write a smaller one")
        }
        "number too small to fit in target type" => {
            ("the number is too small", "write a larger one")
        }
        "provided string was not `true` or `false`" => {
            ("this is neither true nor false", "write true or false")
        }
        _ if message.starts_with("data did not match any variant") => {
            ("a value of this sort is not possible here", "see the schema of the asset for what is")
        }
        other => (other, ""),
    };
    (cause.to_owned(), fix.to_owned())
}

fn wrong_words(found: &str, expected: &str) -> (String, String) {
    let (found, wanted) = (found_word(found), expected_word(expected));
    let fix = match found.strip_prefix("the number ") {
        Some(number) if wanted == "a text" => format!("put it in quotes: \"{number}\""),
        _ => format!("write {wanted}"),
    };
    (format!("expected {wanted}, found {found}"), fix)
}

fn quoted(text: &str) -> Vec<String> {
    text.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// The name that follows the words, up to its closing quote, and the rest of the message.
fn named<'m>(message: &'m str, words: &str) -> Option<(String, &'m str)> {
    let rest = message.strip_prefix(words)?;
    let end =
        rest.find("`, expected").or_else(|| rest.find("`, there")).or_else(|| rest.rfind('`'))?;
    Some((rest[..end].to_owned(), &rest[end + 1..]))
}

/// How serde's messages name a value that they found.
pub fn serde_name(value: &Value) -> String {
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

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only refusals are looked at")]
    struct Draft {
        target: u32,
        mode: Option<Mode>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Mode {
        Manual,
        Automatic,
    }

    fn line(text: &str) -> String {
        let refused = serde_json::from_str::<Draft>(text).expect_err("it can't be read");
        Misread::of(&refused.to_string()).line()
    }

    #[test]
    fn what_serde_says_is_told_in_words_of_who_wrote_it() {
        assert_eq!(line(r#"{"tarket": 1}"#), "unknown key \"tarket\": did you mean \"target\"?");
        assert_eq!(line(r#"{"x": 1}"#), "unknown key \"x\": use one of target, mode");
        assert_eq!(line("{}"), "the required key \"target\" is missing: add \"target\" here");
        assert_eq!(
            line(r#"{"target": "many"}"#),
            "expected a whole number, not negative, found the text \"many\": \
             write a whole number, not negative"
        );
        assert_eq!(
            line(r#"{"target": 1, "mode": "auto"}"#),
            "\"auto\" is not allowed here: did you mean \"automatic\"?"
        );
    }

    #[test]
    fn what_may_be_a_secret_is_not_repeated() {
        for text in [
            r#"{"hunter2": 1}"#,
            r#"{"target": "hunter2, expected b"}"#,
            r#"{"target": 1, "mode": "hunter2"}"#,
            r#""hunter2""#,
            "hunter2",
        ] {
            let refused = serde_json::from_str::<Draft>(text).expect_err("it can't be read");
            let said = Misread::of(&refused.to_string()).discreet();
            assert!(!said.contains("hunter2") && !said.is_empty(), "{said}");
        }
        let other = Misread::of("hunter2 is no name").discreet();
        assert_eq!(other, "this is not what belongs here");
    }

    #[test]
    fn what_is_no_json_is_told_with_its_place() {
        let place = "it is no JSON at line 1, column";
        assert_eq!(line("{"), format!("{place} 1: it ends before it is complete: mend it there"));
        assert_eq!(line("x"), format!("{place} 1: expected value: mend it there"));
        assert!(line(r#"{"target": 1} x"#).starts_with(place));
    }

    #[test]
    fn numbers_are_refused_without_talk_of_types() {
        let said = |text: &str| {
            let refused = text.parse::<u8>().expect_err("it is none");
            Misread::of(&refused.to_string()).words().0
        };
        assert_eq!(said("x"), "this is no whole number");
        assert_eq!(said("300"), "the number is too large");
        assert_eq!(said(""), "there is no number");
    }
}
