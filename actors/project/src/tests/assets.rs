//! The frame of assets, environments, and references between assets.

use super::*;

const SOURCE: &str = "\
apiVersion: weir/v1
kind: Source
metadata: { name: flight-files }
spec:
  file:
    directory: ${env:IN}
    format: flights-csv
";
const FORMAT: &str = "\
apiVersion: weir/v1
kind: Format
metadata: { name: flights-csv }
spec:
  type: csv
  schema:
    - { name: delay, type: int64 }
";
const ENVIRONMENT: &str = "\
apiVersion: weir/v1
kind: Environment
metadata: { name: base }
spec: { values: { IN: in/flights, COPIES: 3, ALL: true, OUT: \"${env:IN}/out\" } }
";
const BY_NAME: &str = "\
apiVersion: weir/v1
kind: Workflow
metadata: { name: flights }
spec:
  instances: ${env:COPIES}
  stages:
    - { name: read, source: flight-files }
    - { name: write, from: read, sink: { file: { directory: \"${env:OUT}\", name: x } } }
";

fn project(environments: &str) -> String {
    PROJECT.replace("spec: {}", &format!("spec: {{ environments: {environments} }}"))
}

#[test]
fn references_and_values_are_put_in() {
    let project = project("[base, test]");
    let test = ENVIRONMENT.replace("base", "test").replace("COPIES: 3", "COPIES: 2");
    let files = [
        ("project.yaml", project.as_str()),
        ("e/base.yaml", ENVIRONMENT),
        ("e/test.yaml", &test),
        ("source.yaml", SOURCE),
        ("format.yaml", FORMAT),
        ("w.yaml", BY_NAME),
    ];
    let loaded = loaded(&files);
    assert_eq!(loaded.findings, []);
    let plan = &loaded.project.unwrap().plans[0];
    assert_eq!(plan.instances, 2, "the later environment wins, and the value keeps its type");
    assert_eq!(
        plan.stages[0].config,
        serde_json::json!({
            "directory": "in/flights",
            "format": { "type": "csv", "schema": [{ "name": "delay", "type": "int64" }] },
        })
    );
    assert_eq!(plan.stages[1].config["directory"], "in/flights/out");
}

#[test]
fn a_frame_is_checked_key_by_key() {
    let asset = "\
apiVersion: weir/v2
kind: Workflow
metdata: { name: a b }
metadata: { name: \"a b\", labels: {} }
";
    check(
        &[("w.yaml", asset), ("v.yaml", WORKFLOW)],
        &[
            "w.yaml:1:1 2003 spec | the required key \"spec\" is missing | add \"spec\" here",
            "w.yaml:1:13 2205 apiVersion | there is no apiVersion \"weir/v2\" | write \
             apiVersion: weir/v1",
            "w.yaml:3:1 2001 metdata | unknown key \"metdata\" | did you mean \"metadata\"?",
            "w.yaml:4:19 2002 metadata.name | ' ' must not stand in a name: use letters, digits, \
             '-', '_' and '.' | ",
            "w.yaml:4:26 2001 metadata.labels | unknown key \"labels\" | remove it, or use one of \
             name, description, extends",
        ],
    );
}

#[test]
fn names_are_unique_and_the_project_describes_itself_once() {
    check(
        &[("a.yaml", WORKFLOW), ("b.yaml", WORKFLOW), ("deep/project.yaml", PROJECT)],
        &[
            "b.yaml:3:19 2208 metadata.name | the Workflow asset \"flights\" is there twice, first \
             at a.yaml:3:19 | give each asset of a kind a name of its own",
            "deep/project.yaml:2:7 2207 kind | only project.yaml at the top describes the project \
             | remove it, or exclude its directory if it is a project of its own",
        ],
    );
    check(
        &[("project.yaml", WORKFLOW)],
        &["project.yaml:2:7 2207 kind | project.yaml is an asset of kind Workflow | write kind: \
           Project, and put other assets in other files"],
    );
}

#[test]
fn a_reference_to_nothing_gets_a_suggestion_and_nothing_follows_from_it() {
    let workflow =
        BY_NAME.replace("flight-files", "flight-file").replace("${env:OUT}", "${env:OUTS}");
    let source = SOURCE.replace("flights-csv", "flight-csv");
    let files = [
        ("project.yaml", &*project("[base]")),
        ("base.yaml", ENVIRONMENT),
        ("format.yaml", FORMAT),
        ("source.yaml", &source),
        ("w.yaml", &workflow),
    ];
    check(
        &files,
        &[
            "format.yaml:3:19 2226 metadata.name | no source or sink uses the format \
             \"flights-csv\": it was not checked | use it, or remove it",
            "source.yaml:7:13 2220 spec.file.format | there is no Format asset \"flight-csv\" | did \
             you mean \"flights-csv\"?",
            "w.yaml:7:29 2220 spec.stages[0].source | there is no Source asset \"flight-file\" | \
             did you mean \"flight-files\"?",
            "w.yaml:8:61 2211 spec.stages[1].sink.file.directory | no environment of the project \
             defines \"OUTS\" | did you mean ${env:OUT}?",
        ],
    );
}

#[test]
fn a_kind_stands_with_its_article() {
    check(
        &[("project.yaml", &*project("[base]")), ("w.yaml", WORKFLOW)],
        &[
            "project.yaml:4:24 2220 spec.environments[0] | there is no Environment asset \"base\" | \
           add an Environment asset of that name",
        ],
    );
}

#[test]
fn values_are_text_numbers_and_booleans() {
    let environment = "\
apiVersion: weir/v1
kind: Environment
metadata: { name: base }
spec:
  values:
    A B: 1
    LIST: [1]
    EMPTY:
    LATER: ${env:ZULU}
    ZULU: x
  more: 1
";
    let files = [
        ("project.yaml", &*project("[base, base]")),
        ("e.yaml", environment),
        ("w.yaml", WORKFLOW),
    ];
    let fix = "write one text, one number, true or false";
    check(
        &files,
        &[
            "e.yaml:6:5 2214 spec.values.\"A B\" | \"A B\" can't be the name of a value | use \
             letters, digits, '_', '-' and '.'",
            &format!(
                "e.yaml:7:11 2214 spec.values.LIST | the value of LIST is neither text nor number \
                 nor boolean | {fix}"
            ),
            &format!(
                "e.yaml:8:10 2214 spec.values.EMPTY | the value of EMPTY is neither text nor number \
                 nor boolean | {fix}"
            ),
            "e.yaml:9:12 2211 spec.values.LATER | no environment of the project defines \"ZULU\" | \
             define it in an environment asset that the project lists, or write a default: \
             ${env:ZULU:-…}",
            "e.yaml:11:3 2001 spec.more | unknown key \"more\" | remove it, or use one of values",
            "project.yaml:4:30 2210 spec.environments[1] | the environment base is listed twice | \
             remove one: the later one would win",
        ],
    );
}

#[test]
fn assets_that_nothing_uses_are_judged_too() {
    let source = SOURCE.replace("${env:IN}", "in").replace("directory", "directry");
    check(
        &[("s.yaml", &source), ("f.yaml", FORMAT), ("w.yaml", WORKFLOW)],
        &["s.yaml:6:5 2001 spec.file.directry | unknown key \"directry\" | did you mean \
           \"directory\"?"],
    );
}

#[test]
fn what_refers_to_an_asset_that_cannot_be_read_is_not_to_blame() {
    let project = project("[base]");
    let files = |environment, source, format| {
        [
            ("project.yaml", project.as_str()),
            ("e.yaml", environment),
            ("f.yaml", format),
            ("s.yaml", source),
            ("w.yaml", BY_NAME),
        ]
        .map(|(path, text): (&str, &str)| (path.to_owned(), text.to_owned()))
    };
    let broken = |text: &str| format!("{text}  - [\n");
    for (environment, source, format, file) in [
        (&*broken(ENVIRONMENT), SOURCE, FORMAT, "e.yaml"),
        (ENVIRONMENT, &*broken(SOURCE), FORMAT, "s.yaml"),
        (ENVIRONMENT, SOURCE, &*broken(FORMAT), "f.yaml"),
        (ENVIRONMENT, SOURCE, &*FORMAT.replace("Format", "Formt"), "f.yaml"),
    ] {
        let files = files(environment, source, format);
        let files: Vec<_> = files.iter().map(|it| (it.0.as_str(), it.1.as_str())).collect();
        let found = loaded(&files).findings;
        assert!(!found.is_empty() && found.iter().all(|it| it.place.file == file), "{found:#?}");
    }
}
