//! Expressions on columns: the one crate that sees DataFusion. The rest of the system knows
//! Arrow, and gets one value per record from here.
//!
//! An expression is compiled once against a schema: parsed, its names resolved, its types
//! checked, coerced and simplified, and turned into a physical expression, which is evaluated
//! directly on batches. No query plan exists at any time. `docs/expressions.md` shows the
//! language by example, and a test runs every example of it.
//!
//! Invariants:
//! - E1: compiling and evaluating never panics and never overflows the stack, whatever the text.
//! - E2: results have plain types: no views, no dictionaries.
//! - E3: nothing is lost silently: a cast that fails, an integer that overflows and a division of
//!   integers by zero fail the record; `TRY_CAST` is how to ask for null instead.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod check;
mod compile;
mod error;
mod expression;
mod fields;
mod functions;
mod message;
mod parse;
mod predicate;
mod resolve;
mod types;

pub use error::{EvalError, ExprError, ExprErrorKind};
pub use expression::{Expression, Failure, Isolated};
pub use predicate::{IsolatedMatches, Predicate};

#[cfg(test)]
mod tests;
