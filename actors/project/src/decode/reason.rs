//! Why a kind can't read a configuration, and where in it.

use serde_json::Value;
use serde_path_to_error::Segment;
use weir_domain::{Misread, serde_name};
use weir_stream::ConfigError;

use super::tree::{self, Steps};
use crate::path::Step;

#[derive(Debug, PartialEq)]
pub(super) struct Reason {
    /// As exact as the kind knows it.
    pub(super) steps: Steps,
    pub(super) cause: Misread,
}

impl Reason {
    pub(super) fn of(error: &ConfigError, draft: &Value) -> Self {
        let cause = Misread::of(&error.inner().to_string());
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
            (Misread::Wrong { found, .. }, value) => u8::from(serde_name(value) == *found) * 3,
            (Misread::Unknown { name, .. }, Value::String(text)) => u8::from(text == name) * 3,
            (Misread::Unknown { .. }, _) => 0,
            (Misread::Other(message), Value::String(text)) => {
                1 + u8::from(!text.is_empty() && message.contains(text.as_str()))
            }
            (Misread::Other(message), Value::Number(number)) => {
                1 + u8::from(message.contains(&number.to_string()))
            }
            _ => 1,
        }
    }

    /// The names that would be accepted, where the reason says them.
    pub(super) fn names(&self) -> impl Iterator<Item = Value> + use<> {
        let names = match &self.cause {
            Misread::Unknown { expected, .. } => expected.clone(),
            _ => Vec::new(),
        };
        names.into_iter().map(Value::String)
    }

    /// Whether it says what it is about: a key, a name, a value.
    pub(super) fn is_exact(&self) -> bool {
        !matches!(self.cause, Misread::Other(_))
    }

    /// Whether the value, and not something else, is what is refused.
    pub(super) fn is_about(&self, value: &Value) -> bool {
        match &self.cause {
            Misread::Wrong { found, .. } => *found == serde_name(value),
            Misread::Unknown { name, .. } => value.as_str() == Some(name),
            Misread::Other(message) => {
                value.as_str().is_some_and(|it| message.contains(&format!("{it:?}")))
            }
            Misread::UnknownKey { .. } | Misread::MissingKey(_) | Misread::Syntax { .. } => false,
        }
    }
}
