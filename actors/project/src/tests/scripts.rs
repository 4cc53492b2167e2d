//! Scripts in files of a project: their texts go into plans and packages, their mistakes have places.

use weir_domain::Timestamp;
use weir_package::{Details, Limits, Package};

use super::documents::real;
use super::*;

/// `SCRIPT` is what stands at `script`.
const SCRIPTED: &str = "\
apiVersion: weir/v1
kind: Workflow
metadata: { name: late }
spec:
  stages:
    - name: read
      source:
        file: { directory: in, format: { type: csv, schema: [{ name: delay, type: int64 }] } }
    - name: map
      from: read
      processor:
        javascript:
          script: SCRIPT
    - name: write
      from: map
      sink: { file: { directory: out, name: \"${item}\", format: { type: json } } }
";

const JS: &str = "export function onMessage(row) {\n  return row;\n}\n";

fn project(script: &str, files: &[(&str, &str)]) -> TempDir {
    let workflow = SCRIPTED.replace("SCRIPT", script);
    let mut all = vec![("project.yaml", PROJECT), ("w.yaml", workflow.as_str())];
    all.extend(files);
    directory(&all)
}

#[track_caller]
fn check(script: &str, files: &[(&str, &str)], expected: &[&str]) {
    let dir = project(script, files);
    let found = load(dir.path(), &real()).findings;
    assert_eq!(lines(&dir.path().canonicalize().unwrap(), &found), expected);
}

#[test]
fn a_plan_has_the_text_of_the_script_and_a_package_the_file() {
    let dir =
        project("{ file: scripts/late.js }", &[("scripts/late.js", JS), ("scripts/no.js", "")]);
    let loaded = load(dir.path(), &real());
    assert_eq!(lines(dir.path(), &loaded.findings), [""; 0]);
    let project = loaded.project.unwrap();
    let script = serde_json::json!({ "file": "scripts/late.js", "text": JS });
    assert_eq!(project.plans[0].stages[1].config["script"], script);
    let parts = project.parts(&Default::default(), "/srv".into()).unwrap();
    let scripts: Vec<_> = parts.scripts.iter().map(|it| (&*it.path, &*it.text)).collect();
    assert_eq!(scripts, [("scripts/late.js", JS)]);
    assert_eq!(parts.workflows[0].scripts, ["scripts/late.js"]);
    let details = Details {
        tag: weir_domain::DeploymentTag::new("t").unwrap(),
        description: String::new(),
        author: "ada".into(),
        commit: None,
        built_at: Timestamp(1),
    };
    Package::build(parts, details, &Limits::default()).unwrap();
}

#[test]
fn a_mistake_in_a_script_has_the_place_in_its_file() {
    let broken = JS.replace("row;", "row +;");
    check(
        "{ file: late.js }",
        &[("late.js", &broken)],
        &["late.js:2:15 2151 spec.stages[1].processor.javascript.script | \
           SyntaxError: unexpected token in expression: ';' | "],
    );
    check(
        "\"export function onMessage(row) {\"",
        &[],
        &[
            "w.yaml:13:19 2151 spec.stages[1].processor.javascript.script | line 1, column 33 of the \
           script: SyntaxError: unexpected token in expression: '' | ",
        ],
    );
}

#[test]
fn a_script_is_a_file_of_the_project() {
    let fix = "write the path of a file of the project, as scripts/delays.js";
    let path = "2218 spec.stages[1].processor.javascript.script.file";
    for (file, cause) in [
        ("../late.js", "\"../late.js\" is no path below the project's directory"),
        ("/etc/passwd", "\"/etc/passwd\" is no path below the project's directory"),
        ("./late.js", "\"./late.js\" is no path below the project's directory"),
        ("none.js", "none.js: the file can't be read: No such file or directory (os error 2)"),
    ] {
        let expected = format!("w.yaml:13:27 {path} | {cause} | {fix}");
        check(&format!("{{ file: {file} }}"), &[("late.js", JS)], &[&expected]);
    }
}
