//! Snippets: parts of workflows, which are judged with open ends, and run nowhere.

use super::{PROJECT, WORKFLOW, check, directory};
use crate::AssetKind;
use crate::survey;

fn snippet(stages: &str) -> String {
    format!("apiVersion: weir/v1\nkind: Snippet\nmetadata: {{ name: clean }}\n{stages}")
}

const OPEN: &str = "\
spec:
  stages:
    - name: map
      processor: { mapping: { set: { minutes: delay } } }
    - name: again
      from: map
      processor: { mapping: { set: { hours: minutes } } }
";

#[test]
fn a_snippet_may_have_open_ends() {
    check(&[("w.yaml", WORKFLOW), ("s.yaml", &snippet(OPEN))], &[]);
}

#[test]
fn what_is_wrong_inside_of_a_snippet_is_found_where_it_stands() {
    let stages =
        OPEN.replace("from: map", "from: mop").replace("mapping: { set: { m", "maping: { set: { m");
    check(
        &[("w.yaml", WORKFLOW), ("s.yaml", &snippet(&stages))],
        &[
            "s.yaml:7:20 2120 spec.stages[0].processor.maping | there is no kind of processor \"maping\" | did you mean \"mapping\"?",
            "s.yaml:9:13 2102 mop.out -> again | there is no stage mop | name a stage of this workflow",
        ],
    );
    check(
        &[("w.yaml", WORKFLOW), ("s.yaml", &snippet("spec:\n  retry: {}\n  stages: []\n"))],
        &["s.yaml:5:3 2001 spec.retry | unknown key \"retry\" | remove it, or use one of stages"],
    );
}

#[test]
fn a_snippet_refers_to_assets_and_extends_none() {
    let write = "spec:\n  stages:\n    - name: write\n      sink: archive\n";
    check(
        &[("w.yaml", WORKFLOW), ("s.yaml", &snippet(write))],
        &[
            "s.yaml:7:13 2220 spec.stages[0].sink | there is no Sink asset \"archive\" | add a Sink asset of that name",
        ],
    );
    let dir = directory(&[("project.yaml", PROJECT), ("s.yaml", &snippet(write))]);
    let files = survey(dir.path()).unwrap().files;
    let found = &files[1];
    assert_eq!(found.frame.as_ref().unwrap().kind, AssetKind::Snippet);
    let [reference] = &found.references[..] else { panic!("{:?}", found.references) };
    assert_eq!((reference.kind, reference.name.as_str()), (AssetKind::Sink, "archive"));
    let child = snippet(OPEN).replace("clean }", "clean, extends: other }");
    check(
        &[("w.yaml", WORKFLOW), ("s.yaml", &child)],
        &[
            "s.yaml:3:35 2250 metadata.extends | a Snippet asset extends no other | remove the key, and write out what is meant",
        ],
    );
}
