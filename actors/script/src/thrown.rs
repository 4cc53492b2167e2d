//! Why a script did not come to its end: what it threw, and where; or which limit ended it.

use std::fmt;

use rquickjs::{Coerced, Ctx, Exception, Value};

use crate::program::Program;
use crate::watch::Watch;
use crate::work::Shared;

/// Why a hook did not come to its end.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Failure {
    Thrown(Thrown),
    TimeLimit,
    MemoryLimit,
    /// The stream was to end.
    Stopped,
}

/// What a script threw, and where as far as that is known.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Thrown {
    pub(crate) message: String,
    /// Line and column, counted from 1.
    pub(crate) at: Option<(u32, u32)>,
    /// The file that the script is in, if it is in one.
    pub(crate) file: Option<String>,
}

impl fmt::Display for Thrown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let message = &self.message;
        match (&self.file, self.at) {
            (Some(file), Some((line, column))) => write!(f, "{file}:{line}:{column}: {message}"),
            (Some(file), None) => write!(f, "{file}: {message}"),
            (None, Some((line, column))) => {
                write!(f, "line {line}, column {column} of the script: {message}")
            }
            (None, None) => f.write_str(message),
        }
    }
}

/// What an error of the interpreter means. Takes the exception out of the context.
pub(crate) fn failure(
    ctx: &Ctx<'_>,
    error: rquickjs::Error,
    program: &Program,
    watch: &Watch,
    work: &Shared,
) -> Failure {
    let thrown = match error {
        rquickjs::Error::Exception => Some(ctx.catch()),
        _ => None,
    };
    if watch.stopped() {
        return Failure::Stopped;
    }
    if watch.timed_out() {
        return Failure::TimeLimit;
    }
    let is_memory = match &thrown {
        // Without memory for an exception, the interpreter throws null.
        Some(value) => value.is_null() || is_out_of_memory(value),
        None => matches!(error, rquickjs::Error::Allocation),
    };
    if is_memory || work.lock().is_over {
        return Failure::MemoryLimit;
    }
    let (message, at) = match (thrown, error) {
        (Some(value), _) => (message(&value), position(&value, &program.name)),
        (None, rquickjs::Error::WouldBlock) => {
            ("the promise can't settle: nothing will ever resolve it".to_owned(), None)
        }
        (None, error) => (error.to_string(), None),
    };
    // Asking an exception may throw another one, or take its time.
    ctx.catch();
    match (watch.stopped(), watch.timed_out()) {
        (true, _) => Failure::Stopped,
        (_, true) => Failure::TimeLimit,
        _ => Failure::Thrown(Thrown { message, at, file: program.file.clone() }),
    }
}

fn is_out_of_memory(value: &Value<'_>) -> bool {
    let exception = value.as_object().cloned().and_then(Exception::from_object);
    exception.is_some_and(|it| it.message().as_deref() == Some("out of memory"))
}

fn message(value: &Value<'_>) -> String {
    let Some(object) = value.as_object().filter(|it| it.is_error()) else {
        let text = value.get::<Coerced<String>>();
        return text.map_or_else(
            |_| "something was thrown that has no text".into(),
            |it| format!("{} was thrown", it.0),
        );
    };
    let part = |key: &str| object.get::<_, Option<Coerced<String>>>(key).ok().flatten();
    let (name, message) = (part("name"), part("message"));
    match (name, message) {
        (Some(name), Some(message)) if !message.0.is_empty() => {
            format!("{}: {}", name.0, message.0)
        }
        (Some(name), _) => name.0,
        (None, Some(message)) => message.0,
        (None, None) => "an error without a message was thrown".into(),
    }
}

/// The first place in the script that the stack of an error names.
fn position(value: &Value<'_>, name: &str) -> Option<(u32, u32)> {
    let stack = value.as_object()?.get::<_, Option<Coerced<String>>>("stack").ok()??.0;
    let marker = format!("{name}:");
    stack.split(&marker).skip(1).find_map(|rest| {
        let mut numbers = rest.split(|it: char| !it.is_ascii_digit());
        let line = numbers.next()?.parse().ok()?;
        Some((line, numbers.next().and_then(|it| it.parse().ok()).unwrap_or(1)))
    })
}
