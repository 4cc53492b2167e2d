//! Why an expression could not be compiled, and why it could not be evaluated.
//!
//! Messages speak the user's language: our type names, the names of the data's own fields.

use std::fmt;

/// What is wrong with the text of an expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExprErrorKind {
    /// The text is not an expression.
    Syntax,
    /// A field that the records don't have. `name` is the path as written, as `origin.ctiy`.
    UnknownField { name: String, suggestion: Option<String> },
    /// A function that does not exist.
    UnknownFunction { name: String, suggestion: Option<String> },
    /// The parts don't fit together: a text compared with a number.
    Type,
    /// It is SQL, but not for one record at a time, or too large.
    Other,
}

/// A refused expression: what, where inside its text, and how to mend it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ExprError {
    pub kind: ExprErrorKind,
    /// One lowercase sentence without a full stop.
    pub message: String,
    /// Line and column inside the expression's text, from 1.
    pub offset: Option<(u32, u32)>,
    /// What to do, where there is something better to say than the message.
    pub fix: Option<String>,
}

impl ExprError {
    pub(crate) fn new(kind: ExprErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), offset: None, fix: None }
    }

    pub(crate) fn syntax(message: impl Into<String>) -> Self {
        Self::new(ExprErrorKind::Syntax, message)
    }

    pub(crate) fn of_type(message: impl Into<String>) -> Self {
        Self::new(ExprErrorKind::Type, message)
    }

    pub(crate) fn other(message: impl Into<String>) -> Self {
        Self::new(ExprErrorKind::Other, message)
    }

    pub(crate) fn at(mut self, offset: Option<(u32, u32)>) -> Self {
        self.offset = self.offset.or(offset);
        self
    }

    pub(crate) fn with_fix(mut self, fix: impl Into<String>) -> Self {
        self.fix = Some(fix.into());
        self
    }
}

/// Why an expression has no value for some record of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EvalError {
    /// One lowercase sentence without a full stop.
    pub message: String,
}

impl EvalError {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into() }
    }
}

impl fmt::Display for EvalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for EvalError {}
