//! What somebody wants to save, and what somebody else has saved meanwhile: by lines where they allow it, so that
//! nothing moves, and else by fields. No comment is given up for a text that means both.

use std::collections::BTreeSet;

use similar::{Algorithm, DiffOp, capture_diff_slices};
use weir_conf::yaml;

use crate::fields::{Choices, Merged, merge};

/// How many pairs of lines are compared at most: whoever changed more replaced all of them.
const PAIRS_MAX: usize = 25_000_000;

/// What stands is `ours` of the conflicts, what is to be saved `theirs`. There are no fields to compare where one of
/// the texts can't be read, or where a comment would be lost.
pub fn merge_edits(base: &str, standing: &str, wanted: &str) -> Merged {
    let merged = merge(Some(base), standing, wanted, &Choices::new());
    let Merged::Text(by_fields) = merged else { return merged };
    let meaning = |text: &str| yaml::parse("", text).ok().map(|it| it.to_json());
    let meant = meaning(&by_fields);
    match lines(base, standing, wanted).filter(|it| meaning(it) == meant) {
        Some(by_lines) => Merged::Text(by_lines),
        None if has_comments_of(&by_fields, base, [standing, wanted]) => Merged::Text(by_fields),
        None => Merged::NoFields,
    }
}

/// Whether a text has all comments that somebody added to the base, and all that both left in it.
fn has_comments_of(text: &str, base: &str, sides: [&str; 2]) -> bool {
    let (before, now) = (comments(base), comments(text));
    let [one, other] = sides.map(comments);
    let is_left = |it: &&str| one.contains(it) && other.contains(it);
    let is_added = |it: &&str| !before.contains(it);
    one.union(&other).filter(|it| is_left(it) || is_added(it)).all(|it| now.contains(it))
}

/// What looks like a comment is taken for one.
fn comments(text: &str) -> BTreeSet<&str> {
    let of_line = |line: &'_ str| {
        let is_one = |at: &usize| *at == 0 || line[..*at].ends_with(char::is_whitespace);
        line.match_indices('#').map(|it| it.0).find(is_one)
    };
    text.lines().filter_map(|line| Some(line[of_line(line)?..].trim_end())).collect()
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
    use serde_json::{Value, json};

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
    const READ: &str = "    - name: read\n      source: a\n";
    const WRITE: &str = "    - name: write\n      sink: b\n";

    fn with(changes: &[(&str, &str)]) -> String {
        changes.iter().fold(BASE.to_owned(), |text, (from, to)| {
            assert!(text.contains(from), "{from}");
            text.replace(from, to)
        })
    }

    fn text(base: &str, standing: &str, wanted: &str) -> String {
        match merge_edits(base, standing, wanted) {
            Merged::Text(it) => it,
            other => panic!("{other:?}"),
        }
    }

    fn tree(text: &str) -> Value {
        yaml::parse("", text).unwrap().to_json()
    }

    fn stages(text: &str) -> Value {
        tree(text)["spec"]["stages"].clone()
    }

    /// Paths, with what stands and what is wanted.
    fn conflicts(standing: &str, wanted: &str) -> Vec<(String, Option<Value>, Option<Value>)> {
        match merge_edits(BASE, standing, wanted) {
            Merged::Conflicts(all) => {
                all.into_iter().map(|it| (it.path.to_string(), it.ours, it.theirs)).collect()
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn changes_of_different_fields_are_both_kept_with_all_comments() {
        let standing = with(&[("instances: 1", "instances: 2")]);
        let wanted = with(&[("sink: b", "sink: c")]);
        let both = with(&[("instances: 1", "instances: 2"), ("sink: b", "sink: c")]);
        assert_eq!(text(BASE, &standing, &wanted), both);
        assert_eq!(text(BASE, &standing, &standing), standing);
        assert_eq!(text(BASE, BASE, &wanted), wanted);
    }

    #[test]
    fn stages_that_both_added_are_both_there() {
        let map = "    - name: map # of mine\n      from: [read]\n";
        let drop = "    - name: drop # of yours\n      from: [read]\n";
        let [standing, wanted] = [map, drop].map(|it| with(&[(WRITE, &format!("{WRITE}{it}"))]));
        let both = text(BASE, &standing, &wanted);
        let names: Vec<_> =
            stages(&both).as_array().unwrap().iter().map(|it| it["name"].clone()).collect();
        assert_eq!(names, ["read", "write", "drop", "map"]);
        assert!(both.contains("# of mine") && both.contains("# of yours"), "{both}");
    }

    #[test]
    fn one_adds_a_stage_and_the_other_renames_deletes_or_changes_another_one() {
        let added = with(&[(WRITE, &format!("{WRITE}    - name: map\n      from: [read]\n"))]);
        let renamed = with(&[("name: write", "name: far")]);
        let deleted = with(&[(WRITE, "")]);
        let changed = with(&[("sink: b", "sink: c")]);
        let map = json!({ "name": "map", "from": ["read"] });
        let read = json!({ "name": "read", "source": "a" });
        for (other, left) in [
            (renamed, vec![json!({ "name": "far", "sink": "b" })]),
            (deleted, vec![]),
            (changed, vec![json!({ "name": "write", "sink": "c" })]),
        ] {
            for (standing, wanted) in [(&added, &other), (&other, &added)] {
                let merged = stages(&text(BASE, standing, wanted));
                let merged = merged.as_array().unwrap();
                assert_eq!(merged.len(), left.len() + 2, "{merged:?}");
                for stage in left.iter().chain([&map, &read]) {
                    assert!(merged.contains(stage), "{stage} in {merged:?}");
                }
            }
        }
    }

    #[test]
    fn a_stage_that_one_deleted_and_the_other_changed_is_a_conflict_of_that_stage() {
        let deleted = with(&[(WRITE, "")]);
        let changed = with(&[("sink: b", "sink: c")]);
        let stage = json!({ "name": "write", "sink": "c" });
        assert_eq!(
            conflicts(&deleted, &changed),
            [("spec.stages[write]".to_owned(), None, Some(stage))]
        );
    }

    #[test]
    fn an_order_that_both_changed_is_a_conflict() {
        let standing = with(&[(WRITE, &format!("    - name: map\n{WRITE}"))]);
        let turned = with(&[(&format!("{READ}{WRITE}"), &format!("{WRITE}{READ}"))]);
        let paths: Vec<_> = conflicts(&standing, &turned).into_iter().map(|it| it.0).collect();
        assert_eq!(paths, ["spec.stages"]);
    }

    #[test]
    fn comments_are_not_given_up() {
        let base = "a: 1\nb: 2 # two\n";
        let both = text(base, "a: 3\nb: 2 # two\n", "a: 1\nb: 4 # four\n");
        assert_eq!(both, "a: 3\nb: 4 # four\n");
        let (standing, wanted) = ("a: 1 # one\nb: 2 # two\n", "a: 5\nb: 2 # two\n");
        let both = text(base, standing, wanted);
        assert!(
            both.contains("# one") && both.contains("# two") && both.contains("a: 5"),
            "{both}"
        );
        // A list in brackets is written anew where both added to it: what stood in it would be gone.
        let flow = |more: &str| {
            format!("list: [\n  {{ name: a }}, # from the desk\n  {{ name: b }}{more}\n]\n")
        };
        let merged = merge_edits(&flow(""), &flow(", { name: c }"), &flow(", { name: d }"));
        match merged {
            Merged::Text(it) => assert!(it.contains("# from the desk"), "{it}"),
            other => assert_eq!(other, Merged::NoFields),
        }
        let all = "a: x#1\nb: 2\n";
        assert_eq!(text(all, "a: x#2\nb: 2\n", "a: x#1\nb: 4\n"), "a: x#2\nb: 4\n");
    }

    #[test]
    fn large_texts_are_merged_in_the_time_of_reading_them() {
        let of = |first: usize, last: usize| -> String {
            let value = |at: usize| if at.is_multiple_of(2) { first } else { last };
            (0..40_000).map(|at| format!("k{at}: {}\n", value(at))).collect()
        };
        let merged = text(&of(1, 1), &of(2, 1), &of(1, 3));
        assert_eq!(tree(&merged), tree(&of(2, 3)));
    }

    #[test]
    fn a_field_that_both_changed_is_told_with_what_stands_and_what_is_wanted() {
        let standing = with(&[("source: a", "source: x"), ("[1, 2]", "[1]")]);
        let wanted = with(&[("      source: a\n", ""), ("[1, 2]", "[1, 2, 3]")]);
        let expected = [
            ("spec.stages[read].source".to_owned(), Some(json!("x")), None),
            ("spec.list".to_owned(), Some(json!([1])), Some(json!([1, 2, 3]))),
        ];
        assert_eq!(conflicts(&standing, &wanted), expected);
    }

    #[test]
    fn what_is_no_yaml_has_no_fields() {
        let wanted = with(&[("sink: b", "sink: c")]);
        assert_eq!(merge_edits(BASE, "a: [", &wanted), Merged::NoFields);
    }
}
