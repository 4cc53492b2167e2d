//! Two changes of one text, brought together: by fields, since that is what people mean, and in their own
//! layout, where the lines allow it.
//!
//! A mapping is merged key by key, a list whose entries all have names entry by entry. Any other list is one
//! value: whose order or length two people changed, only a person can bring together.

use std::collections::BTreeSet;
use std::ops::Range;

use serde_json::{Map, Value};
use similar::{Algorithm, DiffOp, capture_diff_slices};
use weir_conf::yaml;

use crate::error::FieldConflict;

/// Both changes in one text, or the fields that both changed in different ways.
pub(crate) type Merged = Result<String, Vec<FieldConflict>>;

/// `None`: one of the texts can't be read, so that there are no fields to compare.
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
    // Comments are lost then, and nothing that means anything.
    let text = by_lines.or_else(|| serde_saphyr::to_string(&merged).ok())?;
    // What was written is what was meant, or nothing is offered.
    yaml::parse("", &text).is_ok_and(|it| it.to_json() == merged).then_some(Ok(text))
}

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
                (Some(base), Some(theirs), Some(yours)) => {
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
        let [base, theirs, yours] = [base, theirs, yours].map(|it| {
            it.iter().map(|(key, value)| (key.clone(), value.clone())).collect::<Vec<_>>()
        });
        let merged = self.entries([&base, &theirs, &yours], path, |path, key| match path {
            "" => key.to_owned(),
            path => format!("{path}.{key}"),
        });
        Value::Object(merged.into_iter().collect())
    }

    /// In the order of whoever changed it; what the other added comes last.
    fn entries(
        &mut self,
        [base, theirs, yours]: [&[(String, Value)]; 3],
        path: &str,
        step: impl Fn(&str, &str) -> String,
    ) -> Vec<(String, Value)> {
        let keys =
            |it: &[(String, Value)]| -> Vec<String> { it.iter().map(|it| it.0.clone()).collect() };
        let (first, second) = match keys(base) == keys(theirs) {
            true => (yours, theirs),
            false => (theirs, yours),
        };
        let mut order = keys(first);
        let known: BTreeSet<_> = order.iter().cloned().collect();
        order.extend(keys(second).into_iter().filter(|it| !known.contains(it)));
        let mut merged = Vec::new();
        for key in order {
            let of = |it: &'_ [(String, Value)]| it.iter().position(|it| it.0 == key);
            let three = Three {
                base: of(base).map(|at| &base[at].1),
                theirs: of(theirs).map(|at| &theirs[at].1),
                yours: of(yours).map(|at| &yours[at].1),
            };
            let value = self.value(three, &step(path, &key));
            merged.extend(value.map(|it| (key, it)));
        }
        merged
    }
}

/// The entries of a list by their names; `None`: they have none, or share one.
fn named(list: Option<&Value>) -> Option<Vec<(String, Value)>> {
    let mut seen = BTreeSet::new();
    let entry = |it: &Value| {
        let name = it.get("name")?.as_str()?.to_owned();
        seen.insert(name.clone()).then(|| (name, it.clone()))
    };
    list?.as_array()?.iter().map(entry).collect()
}

/// Lines of the base that somebody replaced.
struct Edit<'t> {
    at: Range<usize>,
    by: Vec<&'t str>,
}

/// Both changes in the lines of the base; `None` where they meet.
fn lines(base: &str, theirs: &str, yours: &str) -> Option<String> {
    let old: Vec<_> = base.split_inclusive('\n').collect();
    let mut edits = edits(&old, theirs);
    for edit in self::edits(&old, yours) {
        if !edits.iter().any(|it| it.at == edit.at && it.by == edit.by) {
            edits.push(edit);
        }
    }
    edits.sort_by_key(|it| (it.at.start, it.at.end));
    let (mut text, mut done, mut is_first) = (String::new(), 0, true);
    for edit in &edits {
        // Two that touch are judged by people: which one comes first is not known.
        if !is_first && edit.at.start <= done {
            return None;
        }
        text.extend(old[done..edit.at.start].iter().copied());
        text.extend(edit.by.iter().copied());
        (done, is_first) = (edit.at.end, false);
    }
    text.extend(old[done..].iter().copied());
    Some(text)
}

fn edits<'t>(old: &[&'t str], text: &'t str) -> Vec<Edit<'t>> {
    let new: Vec<_> = text.split_inclusive('\n').collect();
    let ops = capture_diff_slices(Algorithm::Myers, old, &new).into_iter();
    let changes = ops.filter(|it| !matches!(it, DiffOp::Equal { .. }));
    let mut edits: Vec<Edit<'_>> = Vec::new();
    for op in changes {
        let by = new[op.new_range()].to_vec();
        match edits.last_mut().filter(|it| it.at.end == op.old_range().start) {
            Some(last) => {
                last.at.end = op.old_range().end;
                last.by.extend(by);
            }
            None => edits.push(Edit { at: op.old_range(), by }),
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
        let theirs = with(&[("    - name: write", "    - name: map\n    - name: write")]);
        let yours = with(&[("    - name: read\n      source: a\n", "")]);
        let Some(Ok(merged)) = texts(BASE, &theirs, &yours) else { panic!("they are merged") };
        let names = yaml::parse("", &merged).unwrap();
        let names: Vec<_> = (0..2)
            .map(|it| {
                names.node(&format!("spec.stages[{it}].name")).unwrap().as_str().unwrap().to_owned()
            })
            .collect();
        assert_eq!(names, ["map", "write"]);
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
