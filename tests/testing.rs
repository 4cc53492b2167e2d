//! `weir test`: what a project says of itself, run without any server.

use std::fs;

use serde_json::json;

use crate::support::{Project, weir};
use crate::tidy::root;

/// A live workflow whose script numbers what passes.
const WORKFLOW: &str = "\
apiVersion: weir/v1
kind: Workflow
metadata: { name: orders }
spec:
  stages:
    - name: orders
      source: { generator: { fields: [{ name: id, make: sequence }] } }
    - name: number
      from: orders
      processor:
        javascript:
          outputs: { out: { add: [{ name: n, type: int64 }] } }
          script: \"let n = 0; export function onMessage(row) { row.n = ++n; return row }\"
    - name: write
      from: number
      sink: { file: { directory: out, name: \"${stream}.jsonl\", format: { type: json } } }
";
const TEST: &str = "\
apiVersion: weir/v1
kind: Test
metadata: { name: orders }
spec:
  workflow: orders
  cases:
    - name: each order has its number
      input:
        orders: [{ rows: [{ id: 7 }, { id: 8 }, { id: 9 }] }]
      expect:
        write:
          records: [{ id: 7, n: 1 }, { id: 8, n: 2 }, { id: 9, n: 3 }]
";

fn project(test: &str) -> Project {
    let project = Project::empty();
    project.asset("orders.yaml", WORKFLOW);
    project.asset("tests/orders.yaml", test);
    project
}

/// What the tests of the project print, on both outputs, and the code that they end with.
fn tested(test: &str) -> (String, String, Option<i32>) {
    let project = project(test);
    let ran = weir(["test", project.dir().to_str().unwrap()]);
    (ran.stdout, ran.stderr, ran.code)
}

#[test]
fn the_samples_tests_pass_and_print_what_the_guide_shows() {
    let ran = weir(["test", root().join("samples/flights").to_str().unwrap()]).ended(0);
    let guide = fs::read_to_string(root().join("docs/testing.md")).unwrap();
    let (_, shown) = guide.split_once("```console\n$ weir test samples/flights\n").unwrap();
    assert_eq!(ran.stdout + &ran.stderr, shown.split("```").next().unwrap());
}

#[test]
fn the_guides_project_passes_its_tests() {
    let guide = fs::read_to_string(root().join("docs/testing.md")).unwrap();
    let project = Project::empty();
    for block in guide.split("```yaml asset ").skip(1) {
        let (path, text) = block.split_once('\n').unwrap();
        project.asset(path, text.split("```").next().unwrap());
    }
    let ran = weir(["test", project.dir().to_str().unwrap()]).ended(0);
    assert_eq!(ran.stderr, "✓ shop: 2 cases passed\n", "{}", ran.stdout);
}

#[test]
fn a_wrong_expectation_is_shown_with_what_came() {
    let wrong = TEST.replace("id: 8, n: 2", "id: 8, n: 5").replace(", { id: 9, n: 3 }", "");
    let (stdout, stderr, code) = tested(&wrong);
    assert_eq!(
        stdout,
        "✗ orders/each order has its number\n\
         \x20 tests/orders.yaml:12:38: write: record 2 differs\n\
         \x20   n: expected 5, got 2\n\
         \x20 tests/orders.yaml:11:9: write: record 3 of what came is one too many\n\
         \x20   got {\"id\":9,\"n\":3}\n"
    );
    assert_eq!((stderr.as_str(), code), ("✗ test: 0 cases passed, 1 failed\n", Some(10)));
}

#[test]
fn a_cut_finds_what_no_checkpoint_knows() {
    assert_eq!(tested(TEST).2, Some(0));
    let (stdout, _, code) = tested(&format!("{TEST}      killAt: [3]\n"));
    let shown = "  tests/orders.yaml:11:9: write: cut off after record 3 and begun again: record 2 \
                 differs\n    n: expected 2, got 1\n";
    assert!(stdout.contains(shown), "{stdout}");
    assert_eq!(code, Some(10));
    let guide = fs::read_to_string(root().join("docs/testing.md")).unwrap();
    let told = shown.replace("11:9", "12:9");
    assert!(guide.contains(&told), "the guide shows {told}");
}

#[test]
fn a_program_gets_all_of_it_as_json() {
    let project = project(&TEST.replace("n: 2", "n: 4"));
    let ran = weir(["test", project.dir().to_str().unwrap(), "-o", "json"]).ended(10);
    let mut report: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    let difference = report["cases"][0]["differences"][0].take();
    assert_eq!(
        difference,
        json!({
            "file": "tests/orders.yaml", "line": 12, "column": 38,
            "outlet": "write",
            "what": "record 2 differs",
            "expected": { "id": 8, "n": 4 },
            "got": { "id": 8, "n": 2 },
            "fields": [{ "path": "n", "expected": 4, "got": 2 }],
        })
    );
    assert_eq!((&report["failed"], &report["untested"]), (&json!(1), &json!([])));
    assert_eq!(ran.stderr, "");
}

#[test]
fn what_can_not_be_run_is_refused_with_its_place() {
    let (stdout, stderr, code) = tested(&TEST.replace("{ id: 7 }", "{ di: 7 }"));
    assert_eq!(
        stdout,
        "✗ orders/each order has its number can't be run\n\
         \x20 tests/orders.yaml:9:18: error[WEIR-02270]: row 1: there is no field di\n\
         \x20   fix: the fields are: id\n"
    );
    assert_eq!((stderr.as_str(), code), ("✗ test: 0 cases passed, 1 can't be run\n", Some(6)));
    let (_, stderr, code) = tested(&TEST.replace("        write:", "        wirte:"));
    assert!(stderr.contains("tests/orders.yaml:11:9: error[WEIR-02245]"), "{stderr}");
    assert!(stderr.contains("fix: did you mean write?"), "{stderr}");
    assert_eq!(code, Some(6));
}

#[test]
fn cases_are_chosen_by_their_names_and_what_is_not_tested_is_named() {
    let project = project(TEST);
    project.asset("other.yaml", &WORKFLOW.replace("name: orders }", "name: other }"));
    let dir = project.dir();
    let dir = dir.to_str().unwrap();
    let ran = weir(["test", dir, "--filter", "orders/each"]).ended(0);
    assert_eq!(ran.stderr, "✓ test: 1 case passed\n  without a test: other\n");
    let ran = weir(["test", dir, "--filter", "none"]).ended(3);
    assert!(ran.stderr.contains("hint:  names are as \"orders/each order has"), "{}", ran.stderr);
}
