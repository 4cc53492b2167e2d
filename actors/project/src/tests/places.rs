//! Findings of kinds: all of them, at the places where a person wrote what they are about.

use super::*;

/// A workflow whose source is the YAML given, and a sink.
fn with_source(source: &str) -> String {
    let indented: String = source.lines().map(|it| format!("          {it}\n")).collect();
    format!(
        "apiVersion: weir/v1\nkind: Workflow\nmetadata: {{ name: w }}\nspec:\n  stages:\n    \
         - name: read\n      source:\n        file:\n{indented}    - {{ name: write, from: read, \
         sink: {{ devNull: }} }}\n"
    )
}

#[track_caller]
fn check_source(source: &str, expected: &[&str]) {
    let expected: Vec<_> = expected.iter().map(|it| format!("w.yaml:{it}")).collect();
    let expected: Vec<_> = expected.iter().map(String::as_str).collect();
    check(&[("w.yaml", &with_source(source))], &expected);
}

const BASE: &str = "spec.stages[0].source.file";

#[test]
fn everything_that_a_configuration_has_wrong_is_found_at_once() {
    check_source(
        "\
directry: in
interval: 10
recursive: maybe
stable: 2s
format: { type: csv, header: yes, schema: [{ name: a, type: 1 }, { nam: b, type: int64 }] }",
        &[
            &format!(
                "9:11 2001 {BASE}.directry | unknown key \"directry\" | did you mean \
                      \"directory\"?"
            ),
            &format!(
                "10:21 2002 {BASE}.interval | \"10\" has no unit: write for instance \
                      \"10s\" | "
            ),
            &format!(
                "11:22 2002 {BASE}.recursive | expected true or false, found the text \
                      \"maybe\" | write true or false"
            ),
            &format!(
                "12:11 2001 {BASE}.stable | unknown key \"stable\" | remove it, or use one of \
                      directory, interval, recursive, glob, format, done"
            ),
            &format!(
                "13:40 2002 {BASE}.format.header | expected true or false, found the text \
                      \"yes\" | write true or false"
            ),
            &format!(
                "13:71 2002 {BASE}.format.schema[0].type | expected a text, found the number \
                      1 | put it in quotes: \"1\""
            ),
            &format!(
                "13:78 2001 {BASE}.format.schema[1].nam | unknown key \"nam\" | did you mean \
                      \"name\"?"
            ),
        ],
    );
}

#[test]
fn what_only_the_type_itself_refuses_is_found() {
    check_source(
        "\
interval: 10
format: { type: cvs }
recursive: [1]",
        &[
            &format!(
                "8:9 2003 {BASE}.directory | the required key \"directory\" is missing | add \
                      \"directory\" here"
            ),
            &format!(
                "9:21 2002 {BASE}.interval | \"10\" has no unit: write for instance \
                      \"10s\" | "
            ),
            &format!(
                "10:27 2002 {BASE}.format.type | \"cvs\" is not allowed here | use one of csv, \
                      json"
            ),
            &format!(
                "11:22 2002 {BASE}.recursive | expected true or false, found a list | write \
                      true or false"
            ),
        ],
    );
    check_source(
        "directory: in\ninterval: \"10\"\nformat: { typ: csv }",
        &[
            &format!(
                "10:21 2002 {BASE}.interval | \"10\" has no unit: write for instance \"10s\" \
                      | "
            ),
            &format!(
                "11:11 2003 {BASE}.format.type | the required key \"type\" is missing | add \
                      \"type\" here"
            ),
            &format!(
                "11:21 2001 {BASE}.format.typ | unknown key \"typ\" | remove it, or use one \
                      of header, schema"
            ),
        ],
    );
    check_source(
        "directory: in\nformat: 5",
        &[&format!(
            "10:19 2002 {BASE}.format | expected a mapping, found the number 5 | write a mapping"
        )],
    );
}

#[test]
fn a_configuration_that_is_none_is_one_finding() {
    let workflow = with_source("x").replace("          x\n", "          - x\n");
    let fix = "write a mapping";
    check(
        &[("w.yaml", &workflow)],
        &[&format!("w.yaml:9:11 2002 {BASE} | expected a mapping, found a list | {fix}")],
    );
}

#[test]
fn expressions_are_found_where_they_stand_also_below_keys_with_dots() {
    let workflow = WORKFLOW.replace(
        "{ mapping: { set: { minutes: delay } } }",
        "\n        mapping:\n          set:\n            minutes: dela\n            \
         \"leg.minutes\": delya\n          drop: [delay, dlay]",
    );
    let base = "spec.stages[1].processor.mapping";
    check(
        &[("w.yaml", &workflow)],
        &[
            &format!(
                "w.yaml:14:22 2902 {base}.set.minutes | there is no field dela | did you mean \
                      delay?"
            ),
            &format!(
                "w.yaml:15:28 2902 {base}.set.leg.minutes | there is no field delya | did you \
                      mean delay?"
            ),
            &format!(
                "w.yaml:16:25 2902 {base}.drop[1] | there is no field dlay | did you mean \
                      delay?"
            ),
        ],
    );
}

#[test]
fn a_finding_in_a_referenced_asset_is_placed_there_once() {
    let format = "apiVersion: weir/v1\nkind: Format\nmetadata: { name: csv }\nspec:\n  type: csv\n  \
                  schema:\n    - { name: delay, type: int63 }\n";
    let source = "apiVersion: weir/v1\nkind: Source\nmetadata: { name: files }\nspec:\n  file:\n    \
                  directory: in\n    interval: 0s\n    format: csv\n";
    let workflow = with_source("x").replace("\n        file:\n          x", " files");
    let other = workflow.replace("name: w }", "name: v }");
    check(
        &[
            ("format.yaml", format),
            ("source.yaml", source),
            ("v.yaml", &other),
            ("w.yaml", &workflow),
        ],
        &[
            "format.yaml:7:28 2901 spec.schema[0].type | there is no type int63 | ",
            "source.yaml:7:15 2903 spec.file.interval | the interval must not be 0 | ",
        ],
    );
    let format = format.replace("int63", "[]");
    check(
        &[("format.yaml", &format), ("source.yaml", source), ("w.yaml", &workflow)],
        &[
            "format.yaml:7:28 2002 spec.schema[0].type | expected a text, found a list | write a \
           text",
            "source.yaml:7:15 2903 spec.file.interval | the interval must not be 0 | ",
        ],
    );
}

#[test]
fn what_follows_from_a_missing_value_is_not_reported() {
    check_source(
        "directory: in\nrecursive: ${env:DEEP}\nformat: { type: csv }",
        &[&format!(
            "10:22 2211 {BASE}.recursive | no environment of the project defines \"DEEP\" | \
                    define it in an environment asset that the project lists, or write a default: \
                    ${{env:DEEP:-…}}"
        )],
    );
}

#[test]
fn what_can_be_read_of_a_broken_configuration_is_judged() {
    let workflow = WORKFLOW.replace(
        "{ mapping: { set: { minutes: delay } } }",
        "{ mapping: { set: { minutes: dlay }, drp: [delay], drop: {} } }",
    );
    let base = "spec.stages[1].processor.mapping";
    check(
        &[("w.yaml", &workflow)],
        &[
            &format!(
                "w.yaml:11:47 2902 {base}.set.minutes | there is no field dlay | did you mean \
                      delay?"
            ),
            &format!("w.yaml:11:55 2001 {base}.drp | unknown key \"drp\" | did you mean \"drop\"?"),
            &format!(
                "w.yaml:11:75 2002 {base}.drop | expected a list, found a mapping | write a \
                      list"
            ),
        ],
    );
}
