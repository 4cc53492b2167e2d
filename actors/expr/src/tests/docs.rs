//! Every example of `docs/expressions.md` is true.

use super::{flights, records, values};
use crate::Expression;

const PAGE: &str = include_str!("../../../../docs/expressions.md");

/// The lines of all code blocks of one language, with their line numbers.
fn blocks(language: &str) -> Vec<(usize, &'static str)> {
    let mut inside = None;
    let mut found = Vec::new();
    for (at, line) in PAGE.lines().enumerate() {
        match (line.strip_prefix("```"), inside) {
            (Some(_), Some(_)) => inside = None,
            (Some(it), None) => inside = Some(it),
            (None, Some(it)) if it == language => found.push((at + 1, line)),
            _ => {}
        }
    }
    found
}

/// JSON without the spaces that people put between its parts.
fn dense(json: &str) -> String {
    let mut in_text = false;
    let keep = |c: &char| {
        in_text ^= *c == '"';
        in_text || *c != ' '
    };
    json.chars().filter(keep).collect()
}

#[test]
fn every_example_gives_the_value_that_stands_behind_it() {
    let schema = flights();
    let record: String = blocks("json").into_iter().map(|(_, line)| line).collect();
    let batch = records(&schema, &record);
    let mut wrong = Vec::new();
    let examples = blocks("sql");
    assert!(examples.len() > 100, "the page lost its examples: {}", examples.len());
    for (line, example) in examples {
        let (text, expected) = example.rsplit_once("-- ").expect("every example has a result");
        let got = match Expression::compile(text, &schema) {
            Ok(it) => values(&it, &batch).remove(0),
            Err(error) => format!("{error:?}"),
        };
        if got != dense(expected.trim()) {
            wrong.push(format!("{line}: {} gives {got}, not {expected}", text.trim()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_refusal_says_what_the_page_says() {
    let schema = flights();
    let mut wrong = Vec::new();
    for (line, example) in blocks("refused") {
        let (text, expected) = example.split_once("-- ").expect("every example has a message");
        let got = match Expression::compile(text.trim_end(), &schema) {
            Ok(it) => format!("{it:?}"),
            Err(error) => match error.fix {
                Some(fix) => format!("{}: {fix}", error.message),
                None => error.message,
            },
        };
        if got != expected.trim() {
            wrong.push(format!("{line}: {} says {got}", text.trim()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
