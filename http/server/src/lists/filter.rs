//! Which elements of a list are wanted: `state:running errors>0 name~fl*`, and words that are somewhere in them.

use std::cmp::Ordering;

use serde_json::Value;
use weir_domain::NamePattern;
use weir_http_api::ListQuery;

use super::{Listed, known, value, wrong};
use crate::error::Error;

/// Each of them is looked for in every element.
const TERMS_MAX: usize = 16;

/// All of its terms hold for what is wanted.
pub(super) struct Filter {
    terms: Vec<Term>,
    /// Where words are looked for.
    fields: &'static [&'static str],
}

#[derive(Debug, PartialEq)]
enum Term {
    /// In lower case.
    Word(String),
    Is(&'static str, String),
    Matches(&'static str, NamePattern),
    /// On that side of the value.
    Beyond(&'static str, Ordering, String),
}

impl Filter {
    pub(super) fn of<T: Listed>(text: &str) -> Result<Self, Error> {
        if text.len() > ListQuery::FILTER_MAX {
            let reason = format!("it is longer than {} bytes", ListQuery::FILTER_MAX);
            return Err(wrong("filter", reason));
        }
        let terms = split(text).map(|it| term::<T>(&it)).collect::<Result<Vec<_>, _>>();
        let terms = terms.map_err(|it| wrong("filter", it))?;
        if terms.len() > TERMS_MAX {
            return Err(wrong("filter", format!("it has more than {TERMS_MAX} terms")));
        }
        Ok(Self { terms, fields: T::FIELDS })
    }

    pub(super) fn takes(&self, shown: &Value) -> bool {
        self.terms.iter().all(|it| match it {
            Term::Word(word) => {
                self.fields.iter().any(|it| texts(value(shown, it)).any(|it| has(&it, word)))
            }
            Term::Is(field, wanted) => is(value(shown, field), wanted),
            Term::Matches(field, pattern) => {
                texts(value(shown, field)).any(|it| pattern.matches(&it))
            }
            Term::Beyond(field, side, bound) => beyond(value(shown, field), bound) == Some(*side),
        })
    }
}

/// Its terms, which have spaces between them; within double quotes a space is one. What begins with a quote is a word,
/// whatever is in it.
fn split(text: &str) -> impl Iterator<Item = Piece> {
    let (mut pieces, mut is_quoted, mut is_begun) = (vec![Piece::default()], false, false);
    for it in text.chars() {
        let last = pieces.last_mut().expect("it begins with one");
        match it {
            '"' => {
                last.is_word |= !is_begun;
                (is_quoted, is_begun) = (!is_quoted, true);
            }
            ' ' | '\t' if !is_quoted => {
                if is_begun {
                    pieces.push(Piece::default());
                }
                is_begun = false;
            }
            it => {
                last.text.push(it);
                is_begun = true;
            }
        }
    }
    pieces.into_iter().filter(|it| !it.text.is_empty())
}

#[derive(Default)]
struct Piece {
    text: String,
    is_word: bool,
}

fn term<T: Listed>(Piece { text, is_word }: &Piece) -> Result<Term, String> {
    let Some(at) = text.find([':', '~', '>', '<']).filter(|_| !is_word) else {
        return Ok(Term::Word(text.to_lowercase()));
    };
    let (field, wanted) = (known::<T>(&text[..at])?, text[at + 1..].to_owned());
    Ok(match text.as_bytes()[at] {
        b':' => Term::Is(field, wanted),
        b'~' => {
            let pattern = wanted.parse().map_err(|it| format!("{text:?}: {it}"))?;
            Term::Matches(field, pattern)
        }
        b'>' => Term::Beyond(field, Ordering::Greater, wanted),
        _ => Term::Beyond(field, Ordering::Less, wanted),
    })
}

fn has(text: &str, word: &str) -> bool {
    text.to_lowercase().contains(word)
}

/// What is to be read in a value: each of several.
fn texts(value: &Value) -> impl Iterator<Item = String> {
    let several = match value {
        Value::Array(several) => several.as_slice(),
        one => std::slice::from_ref(one),
    };
    several.iter().filter_map(|it| match it {
        Value::String(it) => Some(it.clone()),
        Value::Number(it) => Some(it.to_string()),
        Value::Bool(it) => Some(it.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    })
}

fn is(value: &Value, wanted: &str) -> bool {
    match wanted {
        "" => texts(value).all(|it| it.is_empty()),
        wanted => texts(value).any(|it| it == wanted),
    }
}

/// On which side of the bound it is; none: it is not to be compared with it.
fn beyond(value: &Value, bound: &str) -> Option<Ordering> {
    match value {
        Value::Number(it) => it.as_f64()?.partial_cmp(&bound.parse().ok()?),
        Value::String(it) => Some(it.as_str().cmp(bound)),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}
