use std::collections::BTreeMap;
use std::num::NonZeroU32;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use weir_domain::{Millis, WorkflowName};

use super::{read, read_at};
use crate::yaml;

/// What reading `text` as a `T` finds, each as it is shown to people.
fn findings<T: DeserializeOwned>(text: &str) -> Vec<String> {
    let document = yaml::parse("a.yaml", text).expect("the text is YAML");
    let read = read::<T>(&document);
    read.err().unwrap_or_default().iter().map(ToString::to_string).collect()
}

fn check<T: DeserializeOwned>(text: &str, expected: &[&str]) {
    assert_eq!(findings::<T>(text), expected, "in {text}");
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Workflow {
    name: WorkflowName,
    timeout: Millis,
    #[serde(default)]
    stages: Vec<Stage>,
    #[serde(default)]
    labels: BTreeMap<String, u16>,
    retries: Option<NonZeroU32>,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Stage {
    id: String,
    on_error: OnError,
    action: Option<Action>,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
enum OnError {
    Rollback,
    DeadLetter,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
enum Action {
    Filter { when: String, limit: u8 },
    Drop(Vec<String>),
    Nothing,
}

#[test]
fn a_document_that_fits_is_read() {
    let text = "name: a\ntimeout: 5s\nlabels: {x: 1}\nstages:\n- id: s\n  onError: rollback\n  \
                action: {filter: {when: x, limit: 5}}\n- {id: t, onError: deadLetter, action: nothing}";
    check::<Workflow>(text, &[]);
}

#[test]
fn every_finding_of_a_document_is_reported_at_once_with_its_place() {
    let text = "\
nme: flights
timeout: 10 parsecs
labels: {a: 1, b: 70000, c: x}
retries: 0
stages:
- id: 5
  onError: rolback
  action: {filter: {when: x, limit: 300, typo: 1}}
- onError: deadLetter
  action: {dropp: []}
- id: ok
  onErr: rollback
";
    check::<Workflow>(
        text,
        &[
            "a.yaml:1:1: error[WEIR-02001] nme: unknown key \"nme\"\n  fix: did you mean \"name\"?",
            "a.yaml:2:10: error[WEIR-02002] timeout: \"parsecs\" is no unit of time: use ms, s, m, h or d",
            "a.yaml:3:19: error[WEIR-02002] labels.b: expected a whole number from 0 to 65535, found the number 70000",
            "a.yaml:3:29: error[WEIR-02002] labels.c: expected a whole number from 0 to 65535, found the text \"x\"",
            "a.yaml:4:10: error[WEIR-02002] retries: expected a whole number from 1 to 4294967295, found the number 0",
            "a.yaml:6:7: error[WEIR-02002] stages[0].id: expected a text, found the number 5\n  fix: put it in quotes: \"5\"",
            "a.yaml:7:12: error[WEIR-02002] stages[0].onError: \"rolback\" is not allowed here\n  fix: did you mean \"rollback\"?",
            "a.yaml:8:37: error[WEIR-02002] stages[0].action.filter.limit: expected a whole number from 0 to 255, found the number 300",
            "a.yaml:8:42: error[WEIR-02001] stages[0].action.filter.typo: unknown key \"typo\"\n  fix: remove it, or use one of when, limit",
            "a.yaml:9:3: error[WEIR-02003] stages[1].id: the required key \"id\" is missing\n  fix: add \"id\" here",
            "a.yaml:10:12: error[WEIR-02002] stages[1].action.dropp: \"dropp\" is not allowed here\n  fix: did you mean \"drop\"?",
            "a.yaml:12:3: error[WEIR-02001] stages[2].onErr: unknown key \"onErr\"\n  fix: did you mean \"onError\"?",
        ],
    );
}

#[test]
fn a_missing_key_is_shown_where_its_mapping_begins() {
    check::<Workflow>(
        "{}",
        &[
            "a.yaml:1:1: error[WEIR-02003] name: the required key \"name\" is missing\n  fix: add \"name\" here",
            "a.yaml:1:1: error[WEIR-02003] timeout: the required key \"timeout\" is missing\n  fix: add \"timeout\" here",
        ],
    );
    check::<BTreeMap<String, Stage>>(
        "x:\n  id: a\n",
        &[
            "a.yaml:1:1: error[WEIR-02003] x.onError: the required key \"onError\" is missing\n  fix: add \"onError\" here",
        ],
    );
}

#[test]
fn a_duration_without_a_unit_is_refused_as_that() {
    check::<BTreeMap<String, Millis>>(
        "a: 10\nb: \"10\"",
        &[
            "a.yaml:1:4: error[WEIR-02002] a: \"10\" has no unit: write for instance \"10s\"",
            "a.yaml:2:4: error[WEIR-02002] b: \"10\" has no unit: write for instance \"10s\"",
        ],
    );
}

#[test]
fn the_wrong_shape_is_named_in_plain_words() {
    check::<Workflow>("[1]", &["a.yaml:1:1: error[WEIR-02002]: expected a mapping, found a list"]);
    check::<Workflow>(
        "",
        &["a.yaml:1:1: error[WEIR-02002]: expected a mapping, found nothing (null)"],
    );
    check::<Vec<OnError>>(
        "[5, {rollback: 1}, {a: 1, b: 2}]",
        &[
            "a.yaml:1:2: error[WEIR-02002] [0]: expected one of rollback, deadLetter, found the number 5",
            "a.yaml:1:16: error[WEIR-02002] [1].rollback: \"rollback\" takes nothing below it",
            "a.yaml:1:20: error[WEIR-02002] [2]: expected exactly one key, found 2; the key is one of rollback, deadLetter",
        ],
    );
    check::<Vec<Action>>(
        "[filter, {drop: a}, {nothing: }]",
        &[
            "a.yaml:1:2: error[WEIR-02002] [0]: \"filter\" needs a mapping below it",
            "a.yaml:1:17: error[WEIR-02002] [1].drop: expected a list, found the text \"a\"",
        ],
    );
    check::<(u8, u8)>(
        "[1, 2, 3]",
        &["a.yaml:1:1: error[WEIR-02002]: expected a list of 2, found a list of 3"],
    );
}

#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase", deny_unknown_fields)]
#[expect(dead_code, reason = "only what is refused matters")]
enum Source {
    File { path: String, every: Millis, nested: Nested, depth: Option<u8> },
    Timer,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only what is refused matters")]
struct Nested {
    path: String,
    size: u8,
}

#[test]
fn in_a_tagged_enum_the_place_is_found_although_serde_forgets_it() {
    check::<Vec<Source>>(
        "\
- type: file
  path: 5
  every: 10
  nested: {path: a, size: 900, colour: red}
- type: fil
- {type: timer}
- type: file
  path: a
  every: 1s
  nested: {path: b}
  dpth: 5
- every: 1s
",
        &[
            "a.yaml:2:9: error[WEIR-02002] [0].path: expected a text, found the number 5\n  fix: put it in quotes: \"5\"",
            "a.yaml:3:10: error[WEIR-02002] [0].every: \"10\" has no unit: write for instance \"10s\"",
            "a.yaml:4:27: error[WEIR-02002] [0].nested.size: expected a whole number from 0 to 255, found the number 900",
            "a.yaml:4:32: error[WEIR-02001] [0].nested.colour: unknown key \"colour\"\n  fix: remove it, or use one of path, size",
            "a.yaml:5:9: error[WEIR-02002] [1].type: \"fil\" is not allowed here\n  fix: did you mean \"file\"?",
            "a.yaml:10:3: error[WEIR-02003] [3].nested.size: the required key \"size\" is missing\n  fix: add \"size\" here",
            "a.yaml:11:3: error[WEIR-02001] [3].dpth: unknown key \"dpth\"\n  fix: did you mean \"depth\"?",
            "a.yaml:12:3: error[WEIR-02003] [4].type: the required key \"type\" is missing\n  fix: add \"type\" here",
        ],
    );
}

#[derive(Debug, Deserialize)]
#[expect(dead_code, reason = "only what is refused matters")]
struct Flat {
    id: String,
    #[serde(flatten)]
    rest: Nested,
}

#[test]
fn flattened_keys_are_reported_in_their_own_place() {
    check::<Flat>(
        "id: 7\npath: [1]\nsize: big\n",
        &[
            "a.yaml:1:5: error[WEIR-02002] id: expected a text, found the number 7\n  fix: put it in quotes: \"7\"",
            "a.yaml:2:7: error[WEIR-02002] path: expected a text, found a list",
            "a.yaml:3:7: error[WEIR-02002] size: expected a whole number from 0 to 255, found the text \"big\"",
        ],
    );
}

#[test]
fn a_part_is_read_with_the_paths_of_the_whole() {
    let document = yaml::parse("a.yaml", "kind: W\nspec:\n  - id: a\n    onError: x\n").unwrap();
    let shown = |path: &str| {
        let read = read_at::<Vec<Stage>>(&document, path);
        read.unwrap_err().iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(
        shown("spec"),
        [
            "a.yaml:4:14: error[WEIR-02002] spec[0].onError: \"x\" is not allowed here\n  fix: use one of rollback, deadLetter"
        ]
    );
    assert_eq!(
        shown("spec2"),
        [
            "a.yaml:1:1: error[WEIR-02003] spec2: the required key \"spec2\" is missing\n  fix: add \"spec2\" here"
        ]
    );
}

/// A type that only ever says no must not keep the reader busy.
#[derive(Debug)]
struct Never;

impl<'de> Deserialize<'de> for Never {
    fn deserialize<D: serde::Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        Err(serde::de::Error::custom("never"))
    }
}

#[test]
fn what_can_not_be_mended_ends_with_the_findings_so_far() {
    check::<Never>("a: 1", &["a.yaml:1:1: error[WEIR-02002]: never"]);
    check::<BTreeMap<String, Never>>(
        "a: 1\nb: 2",
        &["a.yaml:1:4: error[WEIR-02002] a: never", "a.yaml:2:4: error[WEIR-02002] b: never"],
    );
}

#[test]
fn no_more_findings_are_reported_than_a_person_reads() {
    let text: String = (0..500).map(|it| format!("k{it}: x\n")).collect();
    assert_eq!(findings::<BTreeMap<String, u8>>(&text).len(), 100);
}
