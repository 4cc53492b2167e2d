//! Two changes of one text, brought together: by fields, since that is what people mean, and in their own
//! layout, where the lines allow it.
//!
//! A mapping is merged key by key, a list whose entries all have names entry by entry. Any other list is one
//! value: whose order or length two people changed, only a person can bring together. That is so for the order
//! and the names of a list of named entries, too. Nor are comments given up for a text that means both.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};
use similar::{Algorithm, DiffOp, capture_diff_slices};
use weir_conf::yaml;

use crate::error::FieldConflict;

/// Both changes in one text, or the fields that both changed in different ways.
pub(crate) type Merged = Result<String, Vec<FieldConflict>>;

/// How many pairs of lines are compared at most: whoever changed more replaced all of them.
const PAIRS_MAX: usize = 25_000_000;

/// `None`: one of the texts can't be read, so that there are no fields to compare; or the lines can't be brought
/// together, and without them their comments would be lost.
pub(crate) fn texts(base: &str, theirs: &str, yours: &str) -> Option<Merged> {
    let [base_tree, their_tree, your_tree] =
        [base, theirs, yours].map(|it| yaml::parse("", it).ok().map(|it| it.to_json()));
    let mut pass = Pass { conflicts: Vec::new() };
    let three =
        Three { base: base_tree.as_ref(), theirs: their_tree.as_ref(), yours: your_tree.as_ref() };
    if three.base.is_none() || three.theirs.is_none() || three.yours.is_none() {
        return None;
    }
    let merged = pass.value(three, "");
    if !pass.conflicts.is_empty() {
        return Some(Err(pass.conflicts));
    }
    let merged = merged.unwrap_or(Value::Null);
    let by_lines = lines(base, theirs, yours)
        .filter(|text| yaml::parse("", text).is_ok_and(|it| it.to_json() == merged));
    let is_plain = || !has_comments(theirs) && !has_comments(yours);
    let text = match by_lines {
        Some(text) => text,
        None => is_plain().then(|| serde_saphyr::to_string(&merged).ok())??,
    };
    // What was written is what was meant, or nothing is offered.
    yaml::parse("", &text).is_ok_and(|it| it.to_json() == merged).then_some(Ok(text))
}

/// Whether there may be some: a text that looks like one is taken for it.
fn has_comments(text: &str) -> bool {
    let is_one =
        |(at, _): (usize, &str)| text[..at].ends_with(|it: char| it.is_whitespace()) || at == 0;
    text.match_indices('#').any(is_one)
}

/// The parts of a mapping or a list by their names, in their order.
type Entries<'v> = Vec<(&'v str, &'v Value)>;

#[derive(Clone, Copy)]
struct Three<'v> {
    base: Option<&'v Value>,
    theirs: Option<&'v Value>,
    yours: Option<&'v Value>,
}

struct Pass {
    conflicts: Vec<FieldConflict>,
}

impl Pass {
    fn value(&mut self, three: Three<'_>, path: &str) -> Option<Value> {
        let Three { base, theirs, yours } = three;
        if theirs == yours || base == yours {
            return theirs.cloned();
        }
        if base == theirs {
            return yours.cloned();
        }
        match (base, theirs, yours) {
            (
                Some(Value::Object(base)),
                Some(Value::Object(theirs)),
                Some(Value::Object(yours)),
            ) => Some(self.mapping(base, theirs, yours, path)),
            (None, Some(Value::Object(theirs)), Some(Value::Object(yours))) => {
                Some(self.mapping(&Map::new(), theirs, yours, path))
            }
            _ => match (named(base), named(theirs), named(yours)) {
                (Some(base), Some(theirs), Some(yours))
                    if !is_arranged_twice(&base, &theirs, &yours) =>
                {
                    let merged = self.entries([&base, &theirs, &yours], path, |path, name| {
                        format!("{path}[{name}]")
                    });
                    Some(Value::Array(merged.into_iter().map(|it| it.1).collect()))
                }
                _ => self.conflict(three, path),
            },
        }
    }

    fn conflict(&mut self, three: Three<'_>, path: &str) -> Option<Value> {
        let [base, theirs, yours] =
            [three.base, three.theirs, three.yours].map(Option::<&_>::cloned);
        self.conflicts.push(FieldConflict { path: path.to_owned(), base, theirs, yours });
        three.theirs.cloned()
    }

    fn mapping(
        &mut self,
        base: &Map<String, Value>,
        theirs: &Map<String, Value>,
        yours: &Map<String, Value>,
        path: &str,
    ) -> Value {
        let [base, theirs, yours] = [base, theirs, yours]
            .map(|it| it.iter().map(|(key, value)| (key.as_str(), value)).collect::<Entries<'_>>());
        let merged = self.entries([&base, &theirs, &yours], path, |path, key| match path {
            "" => key.to_owned(),
            path => format!("{path}.{key}"),
        });
        Value::Object(merged.into_iter().collect())
    }

    /// In the order of whoever changed it; what the other added comes last.
    fn entries(
        &mut self,
        [base, theirs, yours]: [&Entries<'_>; 3],
        path: &str,
        step: impl Fn(&str, &str) -> String,
    ) -> Vec<(String, Value)> {
        let (first, second) =
            if has_names_of(theirs, base) { (yours, theirs) } else { (theirs, yours) };
        let known: BTreeSet<_> = first.iter().map(|it| it.0).collect();
        let [base, theirs, yours] =
            [base, theirs, yours].map(|it| it.iter().copied().collect::<BTreeMap<_, _>>());
        let added = second.iter().filter(|it| !known.contains(it.0));
        let mut merged = Vec::new();
        for (name, _) in first.iter().chain(added) {
            let three = Three {
                base: base.get(name).copied(),
                theirs: theirs.get(name).copied(),
                yours: yours.get(name).copied(),
            };
            let value = self.value(three, &step(path, name));
            merged.extend(value.map(|it| ((*name).to_owned(), it)));
        }
        merged
    }
}

/// Whether two people put a list in another order, or took something out or in, and not in the same way.
fn is_arranged_twice(base: &Entries<'_>, theirs: &Entries<'_>, yours: &Entries<'_>) -> bool {
    !has_names_of(theirs, base) && !has_names_of(yours, base) && !has_names_of(theirs, yours)
}

fn has_names_of(one: &Entries<'_>, other: &Entries<'_>) -> bool {
    one.iter().map(|it| it.0).eq(other.iter().map(|it| it.0))
}

/// The entries of a list by their names; `None`: they have none, or share one.
fn named(list: Option<&Value>) -> Option<Entries<'_>> {
    let mut seen = BTreeSet::new();
    let entry = |it| {
        let name = Value::get(it, "name")?.as_str()?;
        seen.insert(name).then_some((name, it))
    };
    list?.as_array()?.iter().map(entry).collect()
}

/// Lines of the base that somebody replaced.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Edit<'t> {
    start: usize,
    end: usize,
    by: Vec<&'t str>,
}

/// Both changes in the lines of the base; `None` where they meet.
fn lines(base: &str, theirs: &str, yours: &str) -> Option<String> {
    let old: Vec<_> = base.split_inclusive('\n').collect();
    // In the order of the lines; what both did is done once.
    let edits: BTreeSet<_> = [theirs, yours].iter().flat_map(|it| edits(&old, it)).collect();
    let (mut text, mut done) = (String::new(), 0);
    let mut last: Option<&Edit<'_>> = None;
    for edit in &edits {
        // What is put in where something else changes is judged by people: which one comes first is not known.
        let is_between = |it: &Edit<'_>| it.start == it.end;
        let is_apart = |last: &Edit<'_>| {
            edit.start > last.end
                || edit.start == last.end && !is_between(edit) && !is_between(last)
        };
        if last.is_some_and(|it| !is_apart(it)) {
            return None;
        }
        text.extend(old[done..edit.start].iter().copied());
        text.extend(edit.by.iter().copied());
        (done, last) = (edit.end, Some(edit));
    }
    text.extend(old[done..].iter().copied());
    Some(text)
}

fn edits<'t>(old: &[&'t str], text: &'t str) -> Vec<Edit<'t>> {
    let new: Vec<_> = text.split_inclusive('\n').collect();
    let is_same = |it: &(&&str, &&str)| it.0 == it.1;
    let before = old.iter().zip(&new).take_while(is_same).count();
    let (old, new) = (&old[before..], &new[before..]);
    let after = old.iter().rev().zip(new.iter().rev()).take_while(is_same).count();
    let (old, new) = (&old[..old.len() - after], &new[..new.len() - after]);
    if old.len().saturating_mul(new.len()) > PAIRS_MAX {
        return vec![Edit { start: before, end: before + old.len(), by: new.to_vec() }];
    }
    let ops = capture_diff_slices(Algorithm::Myers, old, new).into_iter();
    let changes = ops.filter(|it| !matches!(it, DiffOp::Equal { .. }));
    let mut edits: Vec<Edit<'_>> = Vec::new();
    for op in changes {
        let by = new[op.new_range()].to_vec();
        let (start, end) = (before + op.old_range().start, before + op.old_range().end);
        match edits.last_mut().filter(|it| it.end == start) {
            Some(last) => {
                last.end = end;
                last.by.extend(by);
            }
            None => edits.push(Edit { start, end, by }),
        }
    }
    edits
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: &str = "\
# what it is for
kind: Workflow
spec:
  instances: 1 # copies
  stages:
    - name: read
      source: a
    - name: write
      sink: b
  list: [1, 2]
";

    fn with(changes: &[(&str, &str)]) -> String {
        changes.iter().fold(BASE.to_owned(), |text, (from, to)| {
            assert!(text.contains(from), "{from}");
            text.replace(from, to)
        })
    }

    /// Without comments.
    fn bare(text: &str) -> String {
        text.replace(" # copies", "").replace("# what it is for\n", "")
    }

    #[test]
    fn changes_of_different_fields_are_both_kept_with_all_comments() {
        let theirs = with(&[("instances: 1", "instances: 2")]);
        let yours = with(&[("sink: b", "sink: c")]);
        let both = with(&[("instances: 1", "instances: 2"), ("sink: b", "sink: c")]);
        assert_eq!(texts(BASE, &theirs, &yours), Some(Ok(both)));
        assert_eq!(texts(BASE, &theirs, &theirs), Some(Ok(theirs.clone())));
        assert_eq!(texts(BASE, BASE, &yours), Some(Ok(yours)));
    }

    #[test]
    fn entries_of_lists_are_told_by_their_names() {
        let map = "    - name: map\n    - name: write";
        let theirs = with(&[("    - name: write", map)]);
        let yours = with(&[("source: a", "source: x"), ("sink: b", "sink: c")]);
        let both = with(&[("    - name: write", map), ("source: a", "source: x"), ("b\n", "c\n")]);
        // The lines touch, and are those of another stage.
        let Some(Ok(merged)) = texts(&bare(BASE), &bare(&theirs), &bare(&yours)) else {
            panic!("they are merged")
        };
        let tree = |text: &str| yaml::parse("", text).unwrap().to_json();
        assert_eq!(tree(&merged), tree(&both));
    }

    #[test]
    fn a_list_that_both_arranged_in_other_ways_is_a_conflict() {
        let theirs = with(&[("    - name: write", "    - name: map\n    - name: write")]);
        let (read, write) =
            ("    - name: read\n      source: a\n", "    - name: write\n      sink: b\n");
        let turned = with(&[(&format!("{read}{write}"), &format!("{write}{read}"))]);
        for yours in [with(&[(read, "")]), turned] {
            let Some(Err(fields)) = texts(BASE, &theirs, &yours) else { panic!("it is one") };
            let paths: Vec<_> = fields.iter().map(|it| it.path.as_str()).collect();
            assert_eq!(paths, ["spec.stages"]);
            assert!(matches!(texts(BASE, &theirs, BASE), Some(Ok(text)) if text == theirs));
        }
        // Who did the same is of one mind.
        let yours = theirs.replace("instances: 1", "instances: 2");
        assert_eq!(texts(BASE, &theirs, &yours), Some(Ok(yours)));
    }

    #[test]
    fn comments_are_not_given_up_where_lines_touch() {
        let base = "a: 1\nb: 2 # two\n";
        assert_eq!(texts(base, "a: 1\nc: 3\nb: 2 # two\n", "a: 1\nb: 4 # four\n"), None);
        let both = "a: 3\nb: 4 # four\n".to_owned();
        assert_eq!(texts(base, "a: 3\nb: 2 # two\n", "a: 1\nb: 4 # four\n"), Some(Ok(both)));
        let base = "a: x#1\nb: 2\n";
        assert!(texts(base, "a: x#2\nb: 2\n", "a: x#1\nb: 4\n").is_some());
    }

    #[test]
    fn large_texts_are_merged_in_the_time_of_reading_them() {
        let text = |first: usize, last: usize| -> String {
            let value = |at: usize| if at.is_multiple_of(2) { first } else { last };
            (0..40_000).map(|at| format!("k{at}: {}\n", value(at))).collect()
        };
        let Some(Ok(merged)) = texts(&text(1, 1), &text(2, 1), &text(1, 3)) else {
            panic!("no field is in both")
        };
        let tree = |text: &str| yaml::parse("", text).unwrap().to_json();
        assert_eq!(tree(&merged), tree(&text(2, 3)));
    }

    #[test]
    fn lines_that_touch_are_merged_by_their_fields() {
        let base = "a: 1\nb: 2\n";
        let Some(Ok(merged)) = texts(base, "a: 3\nb: 2\n", "a: 1\nb: 4\n") else {
            panic!("no field is in both")
        };
        let merged = yaml::parse("", &merged).unwrap().to_json();
        assert_eq!(merged, serde_json::json!({"a": 3, "b": 4}));
    }

    #[test]
    fn a_field_that_both_changed_is_told_with_its_three_values() {
        let theirs = with(&[("source: a", "source: x"), ("[1, 2]", "[1]")]);
        let yours = with(&[("      source: a\n", ""), ("[1, 2]", "[1, 2, 3]")]);
        let field = |path: &str, base: &str, theirs: &str, yours: &str| {
            let [base, theirs, yours] =
                [base, theirs, yours].map(|it| serde_json::from_str(it).ok());
            FieldConflict { path: path.into(), base, theirs, yours }
        };
        let expected = vec![
            field("spec.stages[read].source", "\"a\"", "\"x\"", ""),
            field("spec.list", "[1,2]", "[1]", "[1,2,3]"),
        ];
        assert_eq!(texts(BASE, &theirs, &yours), Some(Err(expected)));
    }

    #[test]
    fn what_is_no_yaml_has_no_fields() {
        assert_eq!(texts(BASE, "a: [", BASE), None);
    }
}
