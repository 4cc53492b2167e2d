//! Snippets are put into workflows, and made of their stages.

use super::{lab, refused};
use crate::{Cut, Insertion};

const FLOW: &str = "\
apiVersion: weir/v1
kind: Workflow
metadata: { name: flow }
spec:
  stages:
    # Where it begins.
    - name: read
      source: orders

    - name: map # by hand
      from: read
      processor: { mapping: { set: { a: b } } }

    - name: write
      from: [map]
      sink: { file: { directory: out, name: x, format: csv } }
  retry: { maxRetries: 1 }
";

const CLEAN: &str = "\
apiVersion: weir/v1
kind: Snippet
metadata: { name: clean }
spec:
  stages:
    # Numbers alone.
    - name: map
      processor: { mapping: { set: { c: d } } }
    - name: last
      from: map # what is clean
      processor: { mapping: { set: { e: f } } }
";

fn clean() -> Insertion {
    Insertion { snippet: "snippets/clean.yaml".into(), ..Insertion::default() }
}

fn behind(after: &str) -> Insertion {
    Insertion { after: Some(after.into()), ..clean() }
}

#[test]
fn a_snippet_is_put_into_a_workflow_under_names_that_are_free() {
    let lab = lab();
    lab.put("flow.yaml", FLOW);
    lab.put("snippets/clean.yaml", CLEAN);
    let insert = |it: &Insertion, is_dry| {
        lab.workspace.insert("shop", "flow.yaml", lab.digest("flow.yaml"), it, is_dry)
    };
    let added = "
    # Numbers alone.
    - name: map-2
      from: read
      processor: { mapping: { set: { c: d } } }

    - name: last
      from: map-2 # what is clean
      processor: { mapping: { set: { e: f } } }
";
    let expected = FLOW.replace("  retry", &format!("{added}  retry"));
    let shown = insert(&behind("read"), true).unwrap();
    assert_eq!(shown.asset.text, expected);
    assert_eq!(lab.text("flow.yaml"), FLOW, "a dry run writes nothing");
    let done = insert(&behind("read"), false).unwrap();
    assert_eq!(done, shown);
    assert_eq!(
        done.stages,
        [("map", "map-2"), ("last", "last")].map(|(a, b)| (a.into(), b.into()))
    );
    assert_eq!(lab.text("flow.yaml"), expected);
    // What was read is not there any more.
    let stale = lab.workspace.insert(
        "shop",
        "flow.yaml",
        weir_domain::Digest::of(FLOW.as_bytes()),
        &clean(),
        false,
    );
    assert!(matches!(stale, Err(crate::Error::Stale(_))), "{stale:?}");
    let again = insert(&Insertion { prefix: "x-".into(), ..clean() }, false).unwrap();
    assert!(again.asset.text.contains("- name: x-map\n      processor"), "{}", again.asset.text);
    assert!(again.asset.text.contains("from: x-map # what is clean"));
}

#[test]
fn a_snippet_is_put_between_two_stages() {
    let lab = lab();
    lab.put("flow.yaml", FLOW);
    lab.put("snippets/clean.yaml", CLEAN);
    let insert = |it: &Insertion| {
        lab.workspace.insert("shop", "flow.yaml", lab.digest("flow.yaml"), it, false)
    };
    let between =
        |after: &str, before: &str| Insertion { before: Some(before.into()), ..behind(after) };
    refused(insert(&between("read", "write")), "read does not feed it");
    let done = insert(&between("map.out", "write")).unwrap();
    assert!(
        done.asset.text.contains("- name: map-2\n      from: map.out\n"),
        "{}",
        done.asset.text
    );
    assert!(done.asset.text.contains("- name: write\n      from: [last]\n"), "{}", done.asset.text);
}

#[test]
fn what_cannot_be_put_in_is_refused_and_says_why() {
    let lab = lab();
    lab.put("flow.yaml", FLOW);
    lab.put("snippets/clean.yaml", CLEAN);
    let whole = CLEAN
        .replace("clean }", "whole }")
        .replace("processor: { mapping: { set: { c: d } } }", "source: orders");
    lab.put("whole.yaml", &whole);
    let insert = |it: &Insertion| {
        lab.workspace.insert("shop", "flow.yaml", lab.digest("flow.yaml"), it, false)
    };
    for (insertion, why) in [
        (behind("reed"), "no stage reed: did you mean read?"),
        (behind("write"), "it is a sink"),
        (Insertion { prefix: "ä".into(), ..clean() }, "'ä' must not stand"),
        (Insertion { before: Some("write".into()), ..clean() }, "behind which stage"),
        (Insertion { snippet: "flow.yaml".into(), ..clean() }, "it is a Workflow, and no Snippet"),
        (Insertion { snippet: "whole.yaml".into(), ..behind("read") }, "leaves no input open"),
        (Insertion { snippet: "none.yaml".into(), ..clean() }, "there is no asset"),
    ] {
        refused(insert(&insertion), why);
    }
    assert_eq!(lab.text("flow.yaml"), FLOW);
}

#[test]
fn a_workflow_that_extends_another_one_has_the_names_of_both() {
    let lab = lab();
    lab.put("flow.yaml", FLOW);
    lab.put("snippets/clean.yaml", CLEAN);
    let child =
        "apiVersion: weir/v1\nkind: Workflow\nmetadata: { name: child, extends: flow }\nspec: {}\n";
    lab.put("child.yaml", child);
    let insert = |it: &Insertion| {
        lab.workspace.insert("shop", "child.yaml", lab.digest("child.yaml"), it, true)
    };
    let done = insert(&behind("map")).unwrap();
    assert!(
        done.asset.text.ends_with("e: f } } }\n")
            && done.asset.text.contains("- name: map-2\n      from: map\n"),
        "{}",
        done.asset.text
    );
    // What the parent says is not changed here.
    let between = Insertion { before: Some("write".into()), ..behind("map") };
    refused(insert(&between), "can't be changed here");
}

#[test]
fn a_snippet_is_made_of_stages_and_put_in_again() {
    let lab = lab();
    lab.put("flow.yaml", FLOW);
    let cut = |stages: &[&str]| Cut {
        stages: stages.iter().map(|it| (*it).to_owned()).collect(),
        name: "tail".into(),
        description: Some("How: it ends".into()),
    };
    let make = |it: &Cut, is_dry| {
        lab.workspace.cut("shop", "flow.yaml", lab.digest("flow.yaml"), it, is_dry)
    };
    let shown = make(&cut(&["write", "map"]), true).unwrap();
    let stages = "
spec:
  stages:
    - name: map # by hand
      processor: { mapping: { set: { a: b } } }

    - name: write
      from: [map]
      sink: { file: { directory: out, name: x, format: csv } }
";
    assert!(shown.text.starts_with("apiVersion: weir/v1\nkind: Snippet\nmetadata:\n  "));
    assert!(shown.text.ends_with(stages), "{}", shown.text);
    let frame = shown.frame.as_ref().unwrap();
    assert_eq!((frame.name.as_str(), frame.description.as_deref()), ("tail", Some("How: it ends")));
    assert!(!lab.root().join("snippets/tail.yaml").exists());
    let made = make(&cut(&["write", "map"]), false).unwrap();
    assert_eq!((made.path.as_str(), &made.text), ("snippets/tail.yaml", &shown.text));
    assert_eq!(lab.text("flow.yaml"), FLOW);
    // It names what its stages name, and is renamed with it.
    lab.workspace
        .rename_asset("shop", "formats/csv.yaml", "plain", lab.digest("formats/csv.yaml"))
        .unwrap();
    assert!(lab.text("snippets/tail.yaml").contains("format: plain"));
    refused(make(&cut(&["map"]), false), "there is already snippets/tail.yaml");
    let other = |stages: &[&str]| Cut { name: "other".into(), ..cut(stages) };
    refused(make(&other(&["wrote"]), false), "did you mean write?");
    refused(make(&other(&[]), false), "at least one stage");
    let insertion =
        Insertion { snippet: made.path, after: Some("read".into()), ..Insertion::default() };
    let done = lab
        .workspace
        .insert("shop", "flow.yaml", lab.digest("flow.yaml"), &insertion, false)
        .unwrap();
    assert!(done.asset.text.contains("from: [map-2]"), "{}", done.asset.text);
}
