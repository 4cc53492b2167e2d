//! What lies in a project, whatever is wrong with it.

use crate::{AssetKind, Spelling, survey, survey_text};

use super::{PROJECT, directory};

const ENVIRONMENT: &str = "\
apiVersion: weir/v1
kind: Environment
metadata: { name: site }
spec: { values: { WHICH: orders, STEM: ord } }
";

const WORKFLOW: &str = "\
apiVersion: weir/v1
kind: Workflow
metadata: { name: sales }
spec:
  deadLetters: { format: lines }
  stages:
    - { name: a, source: '${env:WHICH}' }
    - { name: b, source: { file: { format: csv } } }
    - { name: c, processor: { x: { format: raw } } }
    - { name: d, sink: \"${env:STEM}ers\" }
    - { name: e, sink: '${env:MISSING}' }
    - 17
";

#[test]
fn all_references_are_found_with_their_places_however_they_are_written() {
    let project = PROJECT.replace(
        "spec: {}",
        "spec: { environments: [site], secrets: [keys], scheduler: { sales: { target: 1 } } }",
    );
    let dir = directory(&[
        ("project.yaml", &project),
        ("site.yaml", ENVIRONMENT),
        ("w.yaml", WORKFLOW),
        (
            "t.yaml",
            "apiVersion: weir/v1\nkind: Test\nmetadata: { name: t }\nspec: { workflow: sales }\n",
        ),
        ("broken.yaml", "a: ["),
    ]);
    let survey = survey(dir.path()).unwrap();
    let paths: Vec<_> = survey.files.iter().map(|it| it.path.as_str()).collect();
    assert_eq!(paths, ["project.yaml", "broken.yaml", "site.yaml", "t.yaml", "w.yaml"]);
    assert_eq!(survey.files[1].findings.len(), 1);
    let references = survey.files.iter().flat_map(|it| &it.references);
    let shown = references.map(|it| {
        let written = match &it.written {
            Spelling::Value => "",
            Spelling::Key => " (key)",
            Spelling::Macro(text) => text,
        };
        format!("{} {} {} {}{written}", it.place, it.path, it.kind, it.name)
    });
    assert_eq!(
        shown.collect::<Vec<_>>(),
        [
            "project.yaml:4:24 spec.environments[0] Environment site",
            "project.yaml:4:41 spec.secrets[0] Secret keys",
            "project.yaml:4:61 spec.scheduler.sales Workflow sales (key)",
            "t.yaml:4:19 spec.workflow Workflow sales",
            "w.yaml:7:26 spec.stages[0].source Source orders${env:WHICH}",
            "w.yaml:8:44 spec.stages[1].source.file.format Format csv",
            "w.yaml:9:44 spec.stages[2].processor.x.format Format raw",
            "w.yaml:10:24 spec.stages[3].sink Sink orders${env:STEM}ers",
            "w.yaml:11:24 spec.stages[4].sink Sink ${env:MISSING}${env:MISSING}",
            "w.yaml:5:26 spec.deadLetters.format Format lines",
        ]
    );
}

#[test]
fn a_text_is_judged_as_the_file_that_it_would_be() {
    let file = survey_text("x/site.yaml", ENVIRONMENT);
    let frame = file.frame.unwrap();
    assert_eq!((frame.kind, frame.name.as_str()), (AssetKind::Environment, "site"));
    assert_eq!((frame.name_place.to_string(), file.findings), ("x/site.yaml:3:19".into(), vec![]));
    let file = survey_text("x.yaml", &ENVIRONMENT.replace("weir/v1", "weir/v9"));
    assert_eq!(file.findings.iter().map(|it| it.code.0).collect::<Vec<_>>(), [2205]);
    assert_eq!(survey_text("x.yaml", "a: [").frame, None);
}
