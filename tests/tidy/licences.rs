//! Every package that is linked has a licence that `deny.toml` allows.

use std::collections::BTreeSet;
use std::fs;

use super::{METADATA, root};

#[test]
fn all_licences_are_allowed() {
    let allowed = allowed();
    let is_allowed = |licence: &str| allowed.contains(licence);
    let packages = METADATA["packages"].as_array().unwrap();
    let refused: Vec<_> = packages
        .iter()
        .filter(|it| !it["license"].as_str().is_some_and(|it| holds(it, &is_allowed)))
        .map(|it| format!("{} {}: {}", it["name"], it["version"], it["license"]))
        .collect();
    assert_eq!(refused, Vec::<String>::new());
}

/// The list in `deny.toml`.
fn allowed() -> BTreeSet<String> {
    let text = fs::read_to_string(root().join("deny.toml")).unwrap();
    let (_, list) = text.split_once("\nallow = [").unwrap();
    let (list, _) = list.split_once(']').unwrap();
    list.split(',').map(|it| it.trim().trim_matches('"').to_owned()).collect()
}

/// Whether an expression is met: `OR` binds less than `AND`. An old way to write `OR` is `/`.
fn holds(expression: &str, is_allowed: &dyn Fn(&str) -> bool) -> bool {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let words: Vec<_> = spaced.split_whitespace().collect();
    let mut at = 0;
    let met = any(&words, &mut at, is_allowed);
    met && at == words.len()
}

fn any(words: &[&str], at: &mut usize, is_allowed: &dyn Fn(&str) -> bool) -> bool {
    let mut met = all(words, at, is_allowed);
    while words.get(*at) == Some(&"OR") {
        *at += 1;
        met |= all(words, at, is_allowed);
    }
    met
}

fn all(words: &[&str], at: &mut usize, is_allowed: &dyn Fn(&str) -> bool) -> bool {
    let mut met = one(words, at, is_allowed);
    while words.get(*at) == Some(&"AND") {
        *at += 1;
        met &= one(words, at, is_allowed);
    }
    met
}

fn one(words: &[&str], at: &mut usize, is_allowed: &dyn Fn(&str) -> bool) -> bool {
    let Some(word) = words.get(*at) else { return false };
    *at += 1;
    if *word == "(" {
        let met = any(words, at, is_allowed);
        *at += 1;
        return met;
    }
    if words.get(*at) == Some(&"WITH") {
        let whole = words.get(*at..*at + 2).map_or(String::new(), |it| it.join(" "));
        *at += 2;
        return is_allowed(&format!("{word} {whole}"));
    }
    is_allowed(word)
}

#[test]
fn an_expression_of_licences_is_understood() {
    let is_allowed = |it: &str| ["MIT", "ISC", "Apache-2.0 WITH LLVM-exception"].contains(&it);
    for good in [
        "MIT",
        "GPL-3.0 OR MIT",
        "GPL-3.0/MIT",
        "MIT AND ISC",
        "(GPL-3.0 OR MIT) AND ISC",
        "GPL-3.0 OR MIT AND ISC",
        "Apache-2.0 WITH LLVM-exception OR GPL-3.0",
    ] {
        assert!(holds(good, &is_allowed), "{good}");
    }
    for bad in
        ["GPL-3.0", "MIT AND GPL-3.0", "(MIT OR ISC) AND GPL-3.0", "Apache-2.0", "", "MIT ISC"]
    {
        assert!(!holds(bad, &is_allowed), "{bad}");
    }
}
