use proptest::prelude::*;
use serde_json::json;

use super::*;

const BASE: &str = "\
# what flies
kind: Workflow
metadata:
  name: flights # short
spec:
  stages:
    # the beginning
    - name: read
      source: files

    - name: shape
      from: read
      keep: [a, b]
    - name: write
      from: shape
";

fn merged(base: &str, ours: &str, theirs: &str) -> Merged {
    merge(Some(base), ours, theirs, &Choices::new())
}

fn text(merged: Merged) -> String {
    match merged {
        Merged::Text(text) => text,
        other => panic!("no text: {other:?}"),
    }
}

fn changed(base: &str, from: &str, to: &str) -> String {
    assert!(base.contains(from), "{from:?}");
    base.replacen(from, to, 1)
}

#[test]
fn what_one_side_changed_is_taken_and_the_rest_stays_as_it_is_written() {
    let ours = changed(BASE, "source: files", "source: topics # ours");
    let theirs = changed(BASE, "name: flights", "name: planes");
    let both = changed(&ours, "name: flights", "name: planes");
    assert_eq!(text(merged(BASE, &ours, &theirs)), both);
    assert_eq!(
        text(merged(BASE, &theirs, &ours)),
        changed(&theirs, "source: files", "source: topics")
    );
}

#[test]
fn fields_of_the_same_line_and_lines_beside_each_other_are_no_conflict() {
    let base = "a: {b: 1, c: 2}\nd: 3\ne: 4\n";
    let merge = |ours, theirs| text(merged(base, ours, theirs));
    assert_eq!(
        merge("a: {b: 7, c: 2}\nd: 3\ne: 4\n", "a: {b: 1, c: 8}\nd: 3\ne: 4\n"),
        "a: {b: 7, c: 8}\nd: 3\ne: 4\n"
    );
    assert_eq!(
        merge("a: {b: 1, c: 2}\nd: 7\ne: 4\n", "a: {b: 1, c: 2}\nd: 3\ne: 8\n"),
        "a: {b: 1, c: 2}\nd: 7\ne: 8\n"
    );
}

#[test]
fn fields_come_and_go_with_their_comments() {
    let ours = changed(BASE, "name: flights", "name: planes");
    let theirs =
        changed(BASE, "    # the beginning\n    - name: read\n      source: files\n\n", "");
    let theirs = changed(&theirs, "  stages:", "  # at most\n  limit: 3\n  stages:");
    let theirs = changed(
        &theirs,
        "      from: read\n",
        "      from: read\n      # as it is\n      rename:\n        a: b # c\n",
    );
    let theirs = theirs + "    # the end\n    - name: last\n      sink:\n        file: {name: x}\n";
    let expected = changed(&theirs, "name: flights", "name: planes");
    // The first of a list leaves its comment: it may be about the list.
    let expected = changed(&expected, "  stages:\n", "  stages:\n    # the beginning\n");
    let expected = changed(&expected, "  # at most\n", "");
    assert_eq!(text(merged(BASE, &ours, &theirs)), expected);
}

#[test]
fn an_indentation_of_theirs_becomes_ours() {
    let base = "spec:\n  list:\n    - name: a\n";
    let ours = "spec:\n    more: 1\n    list:\n      - name: a\n";
    let theirs = "spec:\n  list:\n    - name: a\n      deep:\n        deeper: |\n          one\n            two\n    - name: b\n      x: 1\n";
    let expected = "spec:\n    more: 1\n    list:\n      - name: a\n        deep:\n          deeper: |\n            one\n              two\n      - name: b\n        x: 1\n";
    assert_eq!(text(merged(base, ours, theirs)), expected);
}

#[test]
fn the_last_field_leaves_an_empty_whole() {
    let base = "a:\n  b: 1\nc:\n  - name: x\nd: 1\n";
    let theirs = "a: {}\nc: []\nd: 1\n";
    let ours = "a:\n  b: 1\nc:\n  - name: x\nd: 2\n";
    assert_eq!(text(merged(base, ours, theirs)), "a: {}\nc: []\nd: 2\n");
    assert_eq!(text(merged(base, theirs, ours)), "a: {}\nc: []\nd: 2\n");
}

#[test]
fn a_list_is_merged_by_name_and_keeps_its_order() {
    let base = "l:\n  - name: a\n  - name: b\n  - name: c\n";
    let ours = "l:\n  - name: a\n  - name: x\n  - name: b\n    v: 1\n  - name: c\n";
    let theirs = "l:\n  - name: a\n  - name: m\n  - name: c\n    w: 2\n  - name: z\n";
    let conflict = merged(base, ours, theirs);
    let Merged::Conflicts(conflicts) = conflict else { panic!("{conflict:?}") };
    assert_eq!(conflicts.len(), 1);
    assert_eq!(conflicts[0].path.to_string(), "l[b]");
    assert_eq!(conflicts[0].theirs, None);
    let choices = Choices::from([("l[b]".to_owned(), Choice::Ours)]);
    let text = text(merge(Some(base), ours, theirs, &choices));
    let expected = "l:\n  - name: a\n  - name: m\n  - name: x\n  - name: b\n    v: 1\n  - name: c\n    w: 2\n  - name: z\n";
    assert_eq!(text, expected);
}

#[test]
fn an_order_that_one_side_alone_touched_is_taken() {
    let base = "l:\n  - name: a\n  - name: b\nm:\n  x: 1\n  y: 2\nz: 0\n";
    let theirs = "l:\n  - name: b\n  - name: a\nm:\n  y: 2\n  x: 1\nz: 0\n";
    let ours = changed(base, "z: 0", "z: 1");
    assert_eq!(text(merged(base, &ours, theirs)), changed(theirs, "z: 0", "z: 1"));
    let ours = changed(base, "  - name: b\n", "  - name: b\n    v: 1\n");
    let Merged::Conflicts(conflicts) = merged(base, &ours, theirs) else { panic!() };
    assert_eq!(conflicts[0].path.to_string(), "l");
}

#[test]
fn a_conflict_tells_three_values_and_is_decided_by_its_path() {
    let ours = changed(BASE, "source: files", "source: ours");
    let theirs = changed(BASE, "source: files", "source: theirs");
    let Merged::Conflicts(conflicts) = merged(BASE, &ours, &theirs) else { panic!() };
    let expected = FieldConflict {
        path: conflicts[0].path.clone(),
        base: Some(json!("files")),
        ours: Some(json!("ours")),
        theirs: Some(json!("theirs")),
    };
    assert_eq!(conflicts, [expected]);
    let path = "spec.stages[read].source";
    assert_eq!(conflicts[0].path.to_string(), path);
    for (choice, value) in [
        (Choice::Ours, "ours"),
        (Choice::Theirs, "theirs"),
        (Choice::Value(json!("a: b")), "\"a: b\""),
        (
            Choice::Value(json!({"x": [1, {"y": null}]})),
            "\n        x:\n          - 1\n          - y: null",
        ),
    ] {
        let choices = Choices::from([(path.to_owned(), choice)]);
        let expected = changed(BASE, "source: files", &format!("source: {value}"));
        let expected = expected.replace("source: \n", "source:\n");
        assert_eq!(text(merge(Some(BASE), &ours, &theirs, &choices)), expected);
    }
    let stray = Choices::from([(path.to_owned(), Choice::Ours), ("kind".to_owned(), Choice::Ours)]);
    assert_eq!(merge(Some(BASE), &ours, &theirs, &stray), Merged::Stray("kind".to_owned()));
}

#[test]
fn what_can_not_be_changed_by_field_is_left_to_lines() {
    for odd in ["a: &x 1\nb: *x\n", "a: [\n", "a: !!str 1\n", "a: 1\na: 2\n", "\u{feff}a: 1\n"] {
        assert_eq!(merged("a: 1\n", odd, "a: 2\n"), Merged::NoFields, "{odd:?}");
    }
}

#[test]
fn both_may_add_the_same_asset() {
    let ours = "kind: Sink\nspec:\n  a: 1\n";
    let theirs = "kind: Sink\nspec:\n  b: 2\n";
    let text = text(merge(None, ours, theirs, &Choices::new()));
    assert_eq!(text, "kind: Sink\nspec:\n  a: 1\n  b: 2\n");
}

/// Small documents that share names, so that they meet.
fn document() -> impl Strategy<Value = Value> {
    let key = prop::sample::select(vec!["a", "b", "c", "d e", "5", "true"]);
    let word = prop::sample::select(vec![
        "x",
        "",
        "no",
        "12",
        "two words",
        "a: b",
        "# c",
        "- d",
        "ü",
        "l1\nl2",
        "'q'",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (0..3_i32).prop_map(Value::from),
        word.prop_map(Value::from),
    ];
    let value = leaf.prop_recursive(3, 24, 4, move |inner| {
        let list = prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from);
        let named = prop::collection::btree_map(key.clone(), inner.clone(), 0..4);
        let named = named.prop_map(|it| {
            let item = |(name, value): (&str, Value)| json!({"name": name, "v": value});
            it.into_iter().map(item).collect::<Value>()
        });
        let map = prop::collection::btree_map(key.clone(), inner, 0..4).prop_map(|it| {
            Value::Object(it.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
        });
        prop_oneof![list, named, map.clone(), map]
    });
    let map = prop::collection::vec(value, 3);
    map.prop_map(|it| json!({"kind": "Sink", "one": it[0], "two": it[1], "three": it[2]}))
}

/// A list of three names, some taken out, with others put in between.
fn list() -> impl Strategy<Value = Value> {
    let added = prop::sample::subsequence(vec!["z", "m", "x", "a", "k"], 0..5).prop_shuffle();
    let places = prop::collection::vec(0..4_usize, 5);
    (added, places, prop::collection::vec(prop::bool::weighted(0.8), 4)).prop_map(
        |(added, places, kept)| {
            let mut names = Vec::new();
            for (gap, is_kept) in kept.iter().enumerate() {
                let here = added.iter().zip(&places).filter(|it| *it.1 == gap).map(|it| *it.0);
                names.extend(here);
                names.extend(["b1", "b2", "b3"].get(gap).filter(|_| *is_kept));
            }
            let items: Value = names.into_iter().map(|it| json!({ "name": it })).collect();
            json!({ "l": items, "k": 1 })
        },
    )
}

/// As `document`, written in one of several layouts.
fn written(value: &Value, layout: u8) -> String {
    match layout % 3 {
        0 => crate::yaml::whole(value),
        1 => format!(
            "# layout\n{}",
            crate::yaml::whole(value).replace('\n', " # c\n").replace("# c\n# c", "# c\n")
        ),
        _ => format!("{value}\n"),
    }
}

fn value(text: &str) -> Value {
    Tree::read(text).expect("it reads").root.value()
}

#[test]
fn what_is_large_is_merged_as_well() {
    let list = |of: &str, every: usize| {
        let mut text = "items:\n".to_owned();
        for number in 0..10_000 {
            let value = if number % every == 0 { of } else { "base" };
            text.push_str(&format!("  - name: n{number}\n    of: {value}\n"));
        }
        text.push_str("keys:\n");
        for number in 0..10_000 {
            let value = if number % every == 0 { of } else { "base" };
            text.push_str(&format!("  k{number}: {value}\n"));
            if of == "theirs" && number % 2 == 0 {
                text.push_str(&format!("  new{number}: 1\n"));
            }
        }
        text
    };
    let (base, ours, theirs) = (list("base", 1), list("ours", 7), list("theirs", 11));
    let Merged::Conflicts(conflicts) = merged(&base, &ours, &theirs) else { panic!() };
    assert_eq!(conflicts.len(), 2 * 10_000_usize.div_ceil(77));
    let choices = conflicts.iter().map(|it| (it.path.to_string(), Choice::Theirs)).collect();
    let text = text(merge(Some(&base), &ours, &theirs, &choices));
    assert_eq!(text.matches(": theirs\n").count(), 2 * 10_000_usize.div_ceil(11));
    assert_eq!(text.matches("  new").count(), 5_000);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_reads_back(it in document(), layout in 0..3_u8) {
        prop_assert_eq!(value(&written(&it, layout)), it);
    }

    #[test]
    fn one_side_alone_is_taken_whole(base in document(), it in document(), layout in 0..3_u8) {
        // A comment of ours keeps the short way from being taken.
        let ours = format!("{}# ours\n", written(&base, layout));
        let theirs = written(&it, 0);
        let base = written(&base, 0);
        let merged_text = text(merged(&base, &ours, &theirs));
        prop_assert_eq!(value(&merged_text), it.clone());
        // It was edited, and not written anew.
        prop_assert!(merged_text.contains("# ours"), "{}\n---\n{}\n---\n{}", ours, theirs, merged_text);
        prop_assert_eq!(value(&text(merged(&base, &theirs, &ours))), it);
    }

    #[test]
    fn conflicts_are_the_same_from_both_sides(base in document(), one in document(), other in document()) {
        let [base, one, other] = [base, one, other].map(|it| written(&it, 0));
        match (merged(&base, &one, &other), merged(&base, &other, &one)) {
            (Merged::Text(here), Merged::Text(there)) => prop_assert_eq!(value(&here), value(&there)),
            (Merged::Conflicts(here), Merged::Conflicts(there)) => {
                let turned = |it: FieldConflict| (it.path.to_string(), it.base, it.theirs, it.ours);
                let straight = |it: FieldConflict| (it.path.to_string(), it.base, it.ours, it.theirs);
                let mut here: Vec<_> = here.into_iter().map(straight).collect();
                let mut there: Vec<_> = there.into_iter().map(turned).collect();
                here.sort_by(|one, other| one.0.cmp(&other.0));
                there.sort_by(|one, other| one.0.cmp(&other.0));
                prop_assert_eq!(here, there);
            }
            other => prop_assert!(false, "{:?}", other),
        }
    }

    #[test]
    fn lists_meet_in_one_order(one in list(), other in list()) {
        let base = "l:\n  - name: b1\n  - name: b2\n  - name: b3\nk: 1\n";
        let [one, other] = [one, other].map(|it| written(&it, 0));
        match (merged(base, &one, &other), merged(base, &other, &one)) {
            (Merged::Text(here), Merged::Text(there)) => prop_assert_eq!(value(&here), value(&there)),
            (Merged::Conflicts(here), Merged::Conflicts(there)) => prop_assert_eq!(here.len(), there.len()),
            other => prop_assert!(false, "{:?}", other),
        }
    }

    #[test]
    fn every_conflict_can_be_decided(base in document(), one in document(), other in document(), layout in 0..3_u8) {
        let [base, other] = [base, other].map(|it| written(&it, 0));
        let one_text = written(&one, layout);
        if let Merged::Conflicts(conflicts) = merged(&base, &one_text, &other) {
            let paths = || conflicts.iter().map(|it| it.path.to_string());
            for choice in [Choice::Ours, Choice::Theirs, Choice::Value(json!({"x": ["y"]}))] {
                let choices: Choices = paths().map(|it| (it, choice.clone())).collect();
                let merged = merge(Some(&base), &one_text, &other, &choices);
                prop_assert!(matches!(merged, Merged::Text(_)), "{:?}", merged);
            }
        }
    }

    #[test]
    fn no_text_breaks_it(base in ".{0,60}", ours in "[a-c:\\- \n#\\[\\]{},|>'\"&*!?]{0,40}", theirs in "[a-c:\\- \n]{0,40}") {
        merged(&base, &ours, &theirs);
    }
}
