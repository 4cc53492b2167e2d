//! Text to syntax tree. Syntax errors get their line and column, and a hint for the usual slips.
//!
//! The text is bounded before anything recursive sees it: what is too large or nested too deeply
//! is refused, because the recursion behind it would end the process and not the request.

use std::any::TypeId;

use datafusion_sql::sqlparser::ast::Expr;
use datafusion_sql::sqlparser::dialect::{Dialect, GenericDialect};
use datafusion_sql::sqlparser::parser::{Parser, ParserError};
use datafusion_sql::sqlparser::tokenizer::{Location, Token, TokenWithSpan, Tokenizer};

use crate::ExprError;

/// Longest expression, in tokens. Long lists of values belong into a look-up.
const TOKENS_MAX: usize = 4_000;
/// Deepest recursion of the parser. The depth of what it reads is bounded more closely later.
const NESTING_MAX: usize = 200;

pub(crate) fn parse(text: &str) -> Result<Expr, ExprError> {
    let tokens = Tokenizer::new(&ExpressionDialect, text)
        .tokenize_with_location()
        .map_err(|it| ExprError::syntax(lower_first(&it.message)).at(place(it.location)))?;
    let solid = |it: &&TokenWithSpan| !matches!(it.token, Token::Whitespace(_) | Token::EOF);
    match tokens.iter().filter(solid).count() {
        0 => return Err(ExprError::syntax("the expression is empty")),
        n if n > TOKENS_MAX => {
            let message = format!("the expression has {n} tokens, more than {TOKENS_MAX}");
            return Err(ExprError::other(message).with_fix("split it over several fields"));
        }
        _ => {}
    }
    let mut parser = Parser::new(&ExpressionDialect)
        .with_recursion_limit(NESTING_MAX)
        .with_tokens_with_locations(tokens);
    let expr = parser.parse_expr().map_err(|it| syntax(it, text))?;
    match parser.peek_token() {
        TokenWithSpan { token: Token::EOF, .. } => Ok(expr),
        rest => Err(unexpected(&rest)),
    }
}

fn unexpected(rest: &TokenWithSpan) -> ExprError {
    let word = rest.token.to_string();
    let error = ExprError::syntax(format!("the expression ends before {word:?}"));
    let fix = match word.to_uppercase().as_str() {
        "AS" => "leave the name out: it is the key that the expression stands behind",
        "WHERE" | "FROM" | "SELECT" => "write one expression on the fields of a record, no query",
        "WHEN" | "THEN" | "ELSE" | "END" => "write CASE WHEN … THEN … ELSE … END, with an END",
        "," => "write one expression",
        ";" => "remove the semicolon",
        _ => "is there an operator missing before it? names with spaces stand in double quotes",
    };
    error.at(place(rest.span.start)).with_fix(fix)
}

fn syntax(error: ParserError, text: &str) -> ExprError {
    match error {
        ParserError::RecursionLimitExceeded => {
            ExprError::other("the expression is nested too deeply")
                .with_fix("compute a part of it in a field of its own first")
        }
        ParserError::TokenizerError(message) | ParserError::ParserError(message) => {
            let (message, at) = split_place(&message);
            let message = match message.strip_prefix("Expected: ") {
                Some(rest) => format!("expected {}", rest.replace("found: EOF", "found the end")),
                None => lower_first(message),
            };
            ExprError::syntax(message.replace("found: ", "found ")).at(at.or_else(|| end(text)))
        }
    }
}

/// The parser writes the place behind its message only: ` at Line: 1, Column: 9`.
fn split_place(message: &str) -> (&str, Option<(u32, u32)>) {
    let Some((front, back)) = message.rsplit_once(" at Line: ") else { return (message, None) };
    let numbers = back.split_once(", Column: ");
    let place = numbers.and_then(|(line, column)| Some((line.parse().ok()?, column.parse().ok()?)));
    (if place.is_some() { front } else { message }, place)
}

fn end(text: &str) -> Option<(u32, u32)> {
    let line = u32::try_from(text.lines().count()).ok()?;
    let column = text.lines().last()?.chars().count() + 1;
    Some((line, u32::try_from(column).ok()?))
}

pub(crate) fn place(at: Location) -> Option<(u32, u32)> {
    let (line, column) = (u32::try_from(at.line).ok()?, u32::try_from(at.column).ok()?);
    (line > 0).then_some((line, column))
}

pub(crate) fn lower_first(text: &str) -> String {
    let mut chars = text.chars();
    match (chars.next(), chars.clone().next()) {
        // An abbreviation such as SQL keeps its capitals.
        (Some(_), Some(second)) if second.is_uppercase() => text.to_owned(),
        (Some(first), _) => first.to_lowercase().chain(chars).collect(),
        (None, _) => String::new(),
    }
}

/// SQL as most people know it, with lambdas, and without the sigils of other products.
#[derive(Debug)]
struct ExpressionDialect;

impl Dialect for ExpressionDialect {
    // The parser has syntax that it opens to dialects by their type.
    fn dialect(&self) -> TypeId {
        TypeId::of::<GenericDialect>()
    }

    fn is_delimited_identifier_start(&self, ch: char) -> bool {
        ch == '"' || ch == '`'
    }

    fn is_identifier_start(&self, ch: char) -> bool {
        ch.is_alphabetic() || ch == '_'
    }

    fn is_identifier_part(&self, ch: char) -> bool {
        ch.is_alphanumeric() || ch == '_'
    }

    fn supports_lambda_functions(&self) -> bool {
        true
    }

    fn supports_dictionary_syntax(&self) -> bool {
        true
    }

    fn support_map_literal_syntax(&self) -> bool {
        true
    }

    fn supports_struct_literal(&self) -> bool {
        true
    }

    fn supports_array_typedef_with_brackets(&self) -> bool {
        true
    }

    fn supports_string_escape_constant(&self) -> bool {
        true
    }

    fn supports_numeric_literal_underscores(&self) -> bool {
        true
    }

    fn supports_bitwise_shift_operators(&self) -> bool {
        true
    }

    fn supports_comma_separated_trim(&self) -> bool {
        true
    }

    fn supports_extract_comma_syntax(&self) -> bool {
        true
    }

    fn allow_extract_custom(&self) -> bool {
        true
    }

    fn allow_extract_single_quotes(&self) -> bool {
        true
    }

    fn supports_nested_comments(&self) -> bool {
        true
    }
}
