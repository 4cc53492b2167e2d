//! Texts that the parser takes although HOCON does not allow them, so that a typo can't pass: a
//! missing comma, a stray or unclosed bracket, text after the end of the root object.

use std::collections::HashSet;

use ::hocon::parser::AstNode;
use ::hocon::value::ScalarType;
use ::hocon::{Token, TokenKind};

/// What is wrong, where, and what to do.
pub(super) struct Slip {
    pub line: usize,
    pub column: usize,
    pub cause: String,
    pub fix: &'static str,
}

/// Brackets that don't match, and what follows a closed root.
pub(super) fn brackets(tokens: &[Token]) -> Vec<Slip> {
    let mut open: Vec<&Token> = Vec::new();
    let mut content = tokens.iter().filter(|it| it.kind != TokenKind::Newline);
    let braced = content.clone().next().is_some_and(|it| it.kind == TokenKind::LBrace);
    while let Some(token) = content.next() {
        let opener = match token.kind {
            TokenKind::LBrace | TokenKind::LBracket => {
                open.push(token);
                continue;
            }
            TokenKind::RBrace => TokenKind::LBrace,
            TokenKind::RBracket => TokenKind::LBracket,
            _ => continue,
        };
        match open.pop() {
            None => return vec![slip(token, "closes nothing", "remove it")],
            Some(last) if last.kind != opener => {
                let cause = format!("does not close the '{}' of line {}", last.value, last.line);
                return vec![slip(token, &cause, "close brackets in the order they were opened")];
            }
            Some(_) => {}
        }
        if braced && open.is_empty() {
            let after = content.next().filter(|it| it.kind != TokenKind::Eof);
            let cause = "follows the end of the file's outermost braces";
            let fix = "move it inside, or remove the outermost braces";
            return after.map(|it| slip(it, cause, fix)).into_iter().collect();
        }
    }
    open.last().map(|it| slip(it, "is never closed", "close it")).into_iter().collect()
}

fn slip(token: &Token, cause: &str, fix: &'static str) -> Slip {
    let shown = shorten(&token.value);
    Slip { line: token.line, column: token.col, cause: format!("'{shown}' {cause}"), fix }
}

fn shorten(text: &str) -> String {
    text.chars().filter(|it| !it.is_control()).take(20).collect()
}

/// Separators of keys and values: in a value they mean that a comma or a line break is missing.
pub(super) struct Separators(HashSet<(usize, usize)>);

impl Separators {
    pub(super) fn of(tokens: &[Token]) -> Self {
        let separates = |it: &&Token| matches!(it.kind, TokenKind::Colon | TokenKind::Equals);
        Self(tokens.iter().filter(separates).map(|it| (it.line, it.col)).collect())
    }

    pub(super) fn check(&self, node: &AstNode) -> Option<Slip> {
        let AstNode::Scalar { value, pos, .. } = node else { return None };
        let is_one = value.value_type == ScalarType::String
            && matches!(value.raw.as_str(), ":" | "=")
            && self.0.contains(&(pos.line, pos.col));
        is_one.then(|| Slip {
            line: pos.line,
            column: pos.col,
            cause: format!("{:?} stands inside a value", value.raw),
            fix: "put a comma or a line break before the key in front of it, or quote the value",
        })
    }
}
