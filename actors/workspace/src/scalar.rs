//! One name in a YAML text is written anew, and nothing else (W6).
//!
//! The text is found by its place, and the result is read again: it is taken only if it is the former
//! document with the new name in that place. What is written in a way that this can't be sure of, as by an
//! alias, is left to a person.

use std::collections::{BTreeMap, BTreeSet};

use weir_conf::{Document, Node, Value, yaml};
use weir_domain::Place;

/// Where a name is written, and whether it is a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Spot {
    pub(crate) place: Place,
    /// The path of the value, or of what is below the key.
    pub(crate) path: String,
    pub(crate) is_key: bool,
}

/// A name that is to be another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rewrite {
    pub(crate) spot: Spot,
    pub(crate) old: String,
    pub(crate) new: String,
}

/// The text with another name in these places; what can't be changed is told by its place.
pub(crate) fn rename(text: &str, spots: &[Spot], old: &str, new: &str) -> Result<String, Place> {
    let one = |spot: &Spot| Rewrite { spot: spot.clone(), old: old.into(), new: new.into() };
    rewrite(text, &spots.iter().map(one).collect::<Vec<_>>())
}

/// The same for names that differ.
pub(crate) fn rewrite(text: &str, all: &[Rewrite]) -> Result<String, Place> {
    let offsets = offsets(text, all.iter().map(|it| &it.spot.place));
    let mut found = BTreeMap::new();
    for Rewrite { spot, old, new } in all {
        let at = offsets.get(&(spot.place.line, spot.place.column));
        let token = at.and_then(|it| token(text, *it, old)).ok_or_else(|| spot.place.clone())?;
        // A name that stands once and is told twice is changed once.
        found.insert(token.start, (token, new));
    }
    let (mut renamed, mut done) = (String::with_capacity(text.len()), 0);
    for (token, new) in found.values() {
        renamed.push_str(&text[done..token.start]);
        renamed.push_str(&token.written(new));
        done = token.end;
    }
    renamed.push_str(&text[done..]);
    let is_meant = match (yaml::parse("", text), yaml::parse("", &renamed)) {
        (Ok(before), Ok(after)) => is_rewritten(&before, &after, all),
        _ => false,
    };
    match (is_meant, all.first()) {
        (true, _) | (_, None) => Ok(renamed),
        (false, Some(it)) => Err(it.spot.place.clone()),
    }
}

/// A name as it stands in the text, with its quotes.
struct Token {
    start: usize,
    end: usize,
    quote: Option<char>,
}

impl Token {
    fn written(&self, name: &str) -> String {
        match self.quote {
            Some(quote) => format!("{quote}{name}{quote}"),
            // A name such as 12 or true would be something else without quotes.
            None if !matches!(yaml::plain(name), Value::Text(_)) => format!("\"{name}\""),
            None => name.to_owned(),
        }
    }
}

/// Where lines and columns are in the text, which is gone through once.
fn offsets<'p>(text: &str, places: impl Iterator<Item = &'p Place>) -> BTreeMap<(u32, u32), usize> {
    let mut wanted: BTreeSet<_> = places.map(|it| (it.line, it.column)).collect();
    let skipped = text.len() - text.strip_prefix('\u{feff}').unwrap_or(text).len();
    let (mut at, mut found) = ((1, 1), BTreeMap::new());
    for (offset, character) in text[skipped..].char_indices() {
        if wanted.remove(&at) {
            found.insert(at, skipped + offset);
        }
        at = if character == '\n' { (at.0 + 1, 1) } else { (at.0, at.1 + 1) };
    }
    found
}

fn token(text: &str, at: usize, name: &str) -> Option<Token> {
    let rest = &text[at..];
    let quote = rest.chars().next().filter(|it| ['"', '\''].contains(it));
    let open = quote.map_or(0, char::len_utf8);
    let after = rest[open..].strip_prefix(name)?;
    let ends = match quote {
        Some(quote) => after.starts_with(quote),
        None => after.chars().next().is_none_or(|it| it.is_whitespace() || ":,]}".contains(it)),
    };
    ends.then(|| Token { start: at, end: at + 2 * open + name.len(), quote })
}

fn is_rewritten(before: &Document, after: &Document, all: &[Rewrite]) -> bool {
    let mut wanted = BTreeMap::new();
    for Rewrite { spot, new, .. } in all {
        let Some(node) = before.node(&spot.path) else { return false };
        wanted.insert(std::ptr::from_ref(node), (spot.is_key, new.as_str()));
    }
    let mut expected = before.root.clone();
    put(&before.root, &mut expected, &wanted);
    expected.to_json() == after.to_json()
}

/// Puts the new names into a copy of a node, at all that are wanted; how deep they lie is bounded where texts are
/// read.
fn put(node: &Node, copy: &mut Node, wanted: &BTreeMap<*const Node, (bool, &str)>) {
    let name = |it: &Node, is_key| {
        let found = wanted.get(&std::ptr::from_ref(it)).filter(|it| it.0 == is_key);
        found.map(|it| it.1.to_owned())
    };
    if let Some(name) = name(node, false) {
        copy.value = Value::Text(name);
        return;
    }
    match (&node.value, &mut copy.value) {
        (Value::Sequence(items), Value::Sequence(copies)) => {
            items.iter().zip(copies).for_each(|(it, copy)| put(it, copy, wanted));
        }
        (Value::Mapping(entries), Value::Mapping(copies)) => {
            for ((_, it), (key, copy)) in entries.iter().zip(copies) {
                if let Some(name) = name(it, true) {
                    *key = name;
                }
                put(it, copy, wanted);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, paths: &[(&str, bool)], expected: Option<&str>) {
        let document = yaml::parse("", text).unwrap();
        let spots = paths.iter().map(|(path, is_key)| Spot {
            place: if *is_key { document.key_place(path) } else { document.place(path) },
            path: (*path).to_owned(),
            is_key: *is_key,
        });
        let spots: Vec<_> = spots.collect();
        let renamed = rename(text, &spots, "old", "new-1");
        assert_eq!(renamed.ok().as_deref(), expected, "{text}");
    }

    #[test]
    fn a_name_is_changed_where_it_stands_and_nothing_else_is() {
        check("a: old # old\r\nb: old\n", &[("a", false)], Some("a: new-1 # old\r\nb: old\n"));
        check(
            "a: 'old'\nb: \"old\"",
            &[("a", false), ("b", false)],
            Some("a: 'new-1'\nb: \"new-1\""),
        );
        check("x: {old: {old: old}}", &[("x.old", true)], Some("x: {new-1: {old: old}}"));
        check("ä: [ö, old,old]", &[("\"ä\"[2]", false)], Some("ä: [ö, old,new-1]"));
        check("\u{feff}a: old", &[("a", false)], Some("\u{feff}a: new-1"));
        check("a: |-\n  old\n", &[("a", false)], Some("a: |-\n  new-1\n"));
    }

    #[test]
    fn what_is_written_in_another_way_is_left_to_a_person() {
        check("a: &x old\nb: *x\n", &[("b", false)], None);
        check("a: \"\\x6fld\"\n", &[("a", false)], None);
        // A name that is anchored is changed wherever the anchor is used, which nobody asked for.
        check("a: &x old\nb: *x\n", &[("a", false)], None);
    }

    #[test]
    fn a_name_that_stands_thousands_of_times_is_changed_in_one_go() {
        let text = format!("a: [{}]", ["old"; 20_000].join(", "));
        let document = yaml::parse("", &text).unwrap();
        let path = |at| format!("a[{at}]");
        let spot = |path: String| Spot { place: document.place(&path), path, is_key: false };
        let spots: Vec<_> = (0..20_000).map(path).map(spot).collect();
        assert_eq!(rename(&text, &spots, "old", "new"), Ok(text.replace("old", "new")));
    }

    #[test]
    fn a_name_that_would_be_a_number_gets_quotes() {
        let text = "a: old";
        let document = yaml::parse("", text).unwrap();
        let spot = Spot { place: document.place("a"), path: "a".into(), is_key: false };
        assert_eq!(rename(text, &[spot], "old", "12").as_deref(), Ok("a: \"12\""));
    }
}
