//! Test assets: what they name is there, and what is wrong with them has its place.

use super::*;
use crate::{Order, Outlet};

fn asset(cases: &str) -> String {
    format!(
        "apiVersion: weir/v1\nkind: Test\nmetadata: {{ name: t }}\nspec:\n  workflow: flights\n  \
         cases:\n{cases}"
    )
}

#[track_caller]
fn check_cases(cases: &str, expected: &[&str]) {
    check(&[("workflow.yaml", WORKFLOW), ("test.yaml", &asset(cases))], expected);
}

#[test]
fn a_sound_test_is_a_part_of_the_project() {
    let cases = "    - name: a
      input: { read: [{ rows: [{ delay: 1 }] }, { item: b, text: x }] }
      expect: { write: { count: 1 }, map.out: { records: [{ minutes: 1 }] }, dead-letters: { count: 0 } }
      killAt: [9, 3, 3]
";
    let files = [("project.yaml", PROJECT), ("w.yaml", WORKFLOW), ("t.yaml", &asset(cases))];
    let project = loaded(&files).project.unwrap();
    let case = &project.tests[0].cases[0];
    assert_eq!(case.kill_at, [3, 9]);
    let items: Vec<_> =
        case.input.values().flatten().map(|it| (it.item.as_str(), it.place.line)).collect();
    assert_eq!(items, [("input-1", 8), ("b", 8)]);
    let outlets: Vec<_> = case.expect.iter().map(|it| it.outlet.to_string()).collect();
    assert_eq!(outlets, ["dead-letters", "map.out", "write"]);
    assert_eq!(case.expect[0].order, Some(Order::Any));
    assert_eq!(case.expect[1].order, None);
    assert!(matches!(case.expect[2].outlet, Outlet::Sink(_)));
}

#[test]
fn names_that_the_workflow_does_not_have_are_found() {
    check_cases(
        "    - name: a
      input: { raed: [{ rows: [] }], map: [{ rows: [] }] }
      expect: { wirte: { count: 1 }, map.otu: { count: 1 }, map: { count: 1 } }
    - { name: b, stage: mapp, expect: { map.out: { count: 1 } } }
    - { name: c, stage: map, input: { read: [] }, expect: { write: { count: 1 } } }
",
        &[
            "test.yaml:8:16 2245 spec.cases[0].input.raed | the workflow flights has no stage raed | did you mean read?",
            "test.yaml:8:38 2247 spec.cases[0].input.map | map is no source: what comes into it comes from others | write what comes into a source, or run map alone: stage",
            "test.yaml:9:17 2245 spec.cases[0].expect.wirte | the workflow flights has no stage wirte | did you mean write?",
            "test.yaml:9:38 2246 spec.cases[0].expect.\"map.otu\" | map has no port otu | its ports are: out",
            "test.yaml:9:61 2246 spec.cases[0].expect.map | map is no sink: what comes out of it has ports | write map.out",
            "test.yaml:10:18 2245 spec.cases[1].stage | the workflow flights has no stage mapp | did you mean map?",
            "test.yaml:11:39 2247 spec.cases[2].input.read | only the stage map is run, and not read | write what comes into map",
            "test.yaml:11:61 2247 spec.cases[2].expect.write | only the stage map is run, and not write | write what comes out of map",
        ],
    );
}

#[test]
fn what_is_said_twice_or_not_at_all_is_found() {
    check_cases(
        "    - name: a
      input: { read: [{ rows: [], text: x }, {}, { file: ../x.csv }, { file: none.csv }] }
      expect: { write: {}, map.out: { text: x } }
    - { name: a }
",
        &[
            "test.yaml:8:23 2242 spec.cases[0].input.read[0] | what comes in is said several times | write exactly one of rows, text, file",
            "test.yaml:8:46 2242 spec.cases[0].input.read[1] | there is nothing that comes in | write exactly one of rows, text, file",
            "test.yaml:8:58 2244 spec.cases[0].input.read[2].file | \"../x.csv\" is no path below the project's directory | write the path of a file of the project, as tests/data/flights.csv",
            "test.yaml:8:78 2244 spec.cases[0].input.read[3].file | none.csv can't be read: No such file or directory (os error 2) | write the path of a file of the project, as tests/data/flights.csv",
            "test.yaml:9:24 2241 spec.cases[0].expect.write | nothing is said of what comes out | add records, file, text or count; records: [] for none",
            "test.yaml:9:45 2242 spec.cases[0].expect.\"map.out\".text | only a sink has a format that a text could be in | write records",
            "test.yaml:10:7 2241 spec.cases[1] | the case expects nothing | add expect with a sink, a stage.port or dead-letters, or fails",
            "test.yaml:10:15 2240 spec.cases[1].name | two cases are called \"a\" | give each case of a test a name of its own",
        ],
    );
}

#[test]
fn a_test_of_no_workflow_and_an_unknown_key_are_found() {
    let test = asset(
        "    - { name: a, expct: { write: { count: 1 } }, expect: { write: { count: 1 } } }\n",
    );
    check(
        &[
            ("workflow.yaml", WORKFLOW),
            ("test.yaml", &test.replace("workflow: flights", "workflow: flihgts")),
        ],
        &[
            "test.yaml:7:18 2001 spec.cases[0].expct | unknown key \"expct\" | did you mean \"expect\"?",
        ],
    );
    let test = test.replace(" expct: { write: { count: 1 } },", "");
    check(
        &[
            ("workflow.yaml", WORKFLOW),
            ("test.yaml", &test.replace("workflow: flights", "workflow: flihgts")),
        ],
        &[
            "test.yaml:5:13 2220 spec.workflow | there is no Workflow asset \"flihgts\" | did you mean \"flights\"?",
        ],
    );
}

#[test]
fn an_order_that_is_not_always_the_same_is_warned_of() {
    let joined = WORKFLOW.replace(
        "    - name: write\n      from: map\n",
        "    - name: other\n      from: read\n      processor: { mapping: { set: { minutes: delay } } }\n    \
         - name: write\n      from: [map, other]\n",
    );
    let test = asset("    - { name: a, expect: { write: { count: 1, order: exact } } }\n");
    check(
        &[("workflow.yaml", &joined), ("test.yaml", &test)],
        &[
            "test.yaml:7:28 2248 spec.cases[0].expect.write.order | several stages bring records to write or to one before it: their order is not always the same | write order: any",
        ],
    );
}
