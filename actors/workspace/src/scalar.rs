//! One name in a YAML text is written anew, and nothing else (W6).
//!
//! The text is found by its place, and the result is read again: it is taken only if it is the former
//! document with the new name in that place. What is written in a way that this can't be sure of, as by an
//! alias, is left to a person.

use weir_conf::{Document, Value, yaml};
use weir_domain::Place;

/// Where a name is written, and whether it is a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Spot {
    pub(crate) place: Place,
    /// The path of the value, or of what is below the key.
    pub(crate) path: String,
    pub(crate) is_key: bool,
}

/// The text with another name in these places; what can't be changed is told by its place.
pub(crate) fn rename(text: &str, spots: &[Spot], old: &str, new: &str) -> Result<String, Place> {
    let mut found = Vec::new();
    for spot in spots {
        let at = offset(text, &spot.place).and_then(|it| token(text, it, old));
        found.push((at.ok_or_else(|| spot.place.clone())?, spot));
    }
    found.sort_by_key(|it| it.0.start);
    let mut renamed = text.to_owned();
    for (token, _) in found.iter().rev() {
        renamed.replace_range(token.start..token.end, &token.written(new));
    }
    let is_meant = match (yaml::parse("", text), yaml::parse("", &renamed)) {
        (Ok(before), Ok(after)) => is_renamed(&before, &after, spots, new),
        _ => false,
    };
    match (is_meant, spots.first()) {
        (true, _) | (_, None) => Ok(renamed),
        (false, Some(spot)) => Err(spot.place.clone()),
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

fn offset(text: &str, place: &Place) -> Option<usize> {
    let body = text.strip_prefix('\u{feff}').unwrap_or(text);
    let skipped = text.len() - body.len();
    let (line, column) = (place.line.checked_sub(1)?, place.column.checked_sub(1)?);
    let mut start = 0;
    for _ in 0..line {
        start += body[start..].find('\n')? + 1;
    }
    let rest = &body[start..];
    let within = rest.char_indices().map(|it| it.0).chain([rest.len()]).nth(column as usize)?;
    Some(skipped + start + within)
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

fn is_renamed(before: &Document, after: &Document, spots: &[Spot], new: &str) -> bool {
    let mut expected = before.clone();
    for spot in spots {
        let Some(steps) = steps(before, spot) else { return false };
        if !put(&mut expected.root.value, &steps, spot.is_key, new) {
            return false;
        }
    }
    expected.to_json() == after.to_json()
}

/// Where among the children of each node the path goes on.
fn steps(document: &Document, spot: &Spot) -> Option<Vec<usize>> {
    let wanted = document.node(&spot.path)? as *const _;
    let mut steps = Vec::new();
    follow(&document.root, wanted, &mut steps).then_some(steps)
}

fn follow(node: &weir_conf::Node, wanted: *const weir_conf::Node, steps: &mut Vec<usize>) -> bool {
    if std::ptr::eq(node, wanted) {
        return true;
    }
    let mut below = |index: usize, child| {
        steps.push(index);
        let is_there = follow(child, wanted, steps);
        if !is_there {
            steps.pop();
        }
        is_there
    };
    match &node.value {
        Value::Sequence(items) => items.iter().enumerate().any(|(at, it)| below(at, it)),
        Value::Mapping(entries) => entries.iter().enumerate().any(|(at, it)| below(at, &it.1)),
        _ => false,
    }
}

fn put(value: &mut Value, steps: &[usize], is_key: bool, new: &str) -> bool {
    let Some((&at, rest)) = steps.split_first() else {
        *value = Value::Text(new.to_owned());
        return true;
    };
    match value {
        Value::Sequence(items) => {
            items.get_mut(at).is_some_and(|it| put(&mut it.value, rest, is_key, new))
        }
        Value::Mapping(entries) => match entries.get_mut(at) {
            Some(entry) if is_key && rest.is_empty() => {
                entry.0 = new.to_owned();
                true
            }
            Some(entry) => put(&mut entry.1.value, rest, is_key, new),
            None => false,
        },
        _ => false,
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
    fn a_name_that_would_be_a_number_gets_quotes() {
        let text = "a: old";
        let document = yaml::parse("", text).unwrap();
        let spot = Spot { place: document.place("a"), path: "a".into(), is_key: false };
        assert_eq!(rename(text, &[spot], "old", "12").as_deref(), Ok("a: \"12\""));
    }
}
