//! Secrets of a project: where they are named, and what goes into a package.

use weir_secrets::{Binding, PrivateKey, SealedSecret, Secret};

use super::documents::real;
use super::*;
use crate::name;

const VALUE: &str = "hunter2";

fn seal(key: &PrivateKey) -> String {
    seal_as("flights", "SALT", key)
}

fn seal_as(project: &str, name: &str, key: &PrivateKey) -> String {
    let binding = Binding { project: project.parse().unwrap(), name: name.parse().unwrap() };
    let value = Secret::from(VALUE.to_owned());
    SealedSecret::seal(&value, binding, &[key.public()]).unwrap().to_string()
}

fn asset(values: &str) -> String {
    format!(
        "apiVersion: weir/v1\nkind: Secret\nmetadata: {{ name: site }}\nspec:\n  values:\n{values}"
    )
}

fn project() -> String {
    PROJECT.replace("spec: {}", "spec: { secrets: [site], environments: [base] }")
}

const ENVIRONMENT: &str = "\
apiVersion: weir/v1
kind: Environment
metadata: { name: base }
spec: { values: { SALT: \"${sec:SALT}\" } }
";

/// The workflow of the other tests, as the real kinds read it.
fn real_workflow() -> String {
    WORKFLOW.replace("name: \"${item}\"", "name: \"${item}\", format: { type: json }")
}

fn workflow(expression: &str) -> String {
    real_workflow()
        .replace("set: { minutes: delay }", &format!("set: {{ minutes: {expression:?} }}"))
}

/// All findings of a project with these values, and a mapping with this expression.
#[track_caller]
fn finds(values: &str, expression: &str, expected: &[&str]) {
    let (asset, project, workflow) = (asset(values), project(), workflow(expression));
    let files = [
        ("p/s.yaml", &*asset),
        ("project.yaml", &project),
        ("e.yaml", ENVIRONMENT),
        ("w.yaml", &workflow),
    ];
    check_real(&files, expected);
}

#[track_caller]
fn check_real(files: &[(&str, &str)], expected: &[&str]) {
    let dir = directory(files);
    let found = load(dir.path(), &real());
    assert_eq!(lines(dir.path(), &found.findings), expected);
}

#[test]
fn a_package_has_the_secrets_that_its_workflows_name_as_they_were_sealed() {
    let key = PrivateKey::generate();
    let sealed = [seal(&key), seal_as("flights", "OTHER", &key)];
    let asset = asset(&format!("    SALT: {}\n    OTHER: {}\n", sealed[0], sealed[1]));
    let (project, workflow) = (project(), workflow("concat('${env:SALT}', delay)"));
    let files = [
        ("s.yaml", &*asset),
        ("project.yaml", &project),
        ("e.yaml", ENVIRONMENT),
        ("w.yaml", &workflow),
    ];
    let dir = directory(&files);
    let loaded = load(dir.path(), &real());
    let project = loaded.project.unwrap_or_else(|| panic!("{:?}", loaded.findings));
    let parts = project.parts(&[].into(), "/".into()).unwrap();
    let secrets: Vec<_> = parts
        .secrets
        .iter()
        .map(|it| (it.name.as_str(), String::from_utf8(it.ciphertext.to_vec()).unwrap()))
        .collect();
    assert_eq!(secrets, [("SALT", sealed[0].clone())]);
    assert_eq!(parts.workflows[0].secrets, [weir_domain::AssetName::new("SALT").unwrap()]);
    assert!(format!("{:?}", parts.workflows[0].plan).contains("${sec:SALT}"), "it is put in later");
    let why = project.needs_package().unwrap();
    assert!(why.message.contains("flights names the secret SALT"), "{why}");
}

#[test]
fn a_value_that_is_not_sealed_is_refused_without_being_shown() {
    for clear in [VALUE, "[hunter2]", "weir-secret:1:hunter2", "weir-secret:2:hunter2"] {
        let (asset, project) = (asset(&format!("    SALT: {clear}\n")), project());
        let files = [("s.yaml", &*asset), ("project.yaml", &project), ("e.yaml", ENVIRONMENT)];
        let found = load(directory(&files).path(), &real()).findings;
        let [_, first] = &found[..] else { panic!("{found:?}") };
        assert_eq!((first.code.0, first.place.line), (2231, 0), "no line is shown: {first:?}");
        assert!(!format!("{found:?}").contains(VALUE), "{found:?}");
        let line = asset.lines().position(|it| it.contains("SALT:")).unwrap() + 1;
        assert!(first.cause.ends_with(&format!("(in line {line})")), "{first:?}");
        let is_former = clear.starts_with("weir-secret:1:");
        assert_eq!(first.cause.contains("by an earlier version"), is_former, "{first:?}");
    }
}

#[test]
fn a_value_that_was_sealed_for_another_project_or_name_is_refused() {
    let key = PrivateKey::generate();
    for (of, name) in [("billing", "SALT"), ("flights", "PEPPER")] {
        let asset = asset(&format!("    SALT: {}\n", seal_as(of, name, &key)));
        let (project, workflow) = (project(), workflow("length('${sec:SALT}')"));
        let moved = format!(
            "s.yaml 2237 spec.values.SALT | a value that was sealed as secret {name} of project \
             {of} is used as secret SALT of project flights (in line 6) | a sealed value can't be moved or \
             renamed: seal it with `weir secret encrypt SALT` here"
        );
        let files = [
            ("s.yaml", &*asset),
            ("project.yaml", &project),
            ("e.yaml", ENVIRONMENT),
            ("w.yaml", &workflow),
        ];
        check_real(&files, &[&moved]);
    }
}

#[test]
fn the_name_of_a_project_is_known_whatever_else_is_wrong_with_it() {
    let unlisted = PROJECT.replace("spec: {}", "spec: { secrets: [gone] }");
    let dir = directory(&[("project.yaml", &unlisted)]);
    assert_eq!(name(dir.path()).unwrap().as_str(), "flights");
    let nameless = PROJECT.replace("name: flights", "name: a b");
    for files in [&[][..], &[("project.yaml", &*nameless)]] {
        let dir = directory(files);
        let findings = name(dir.path()).unwrap_err();
        assert!(!findings.is_empty() && findings.iter().all(Finding::is_error), "{findings:?}");
    }
}

#[test]
fn names_that_are_not_there_or_none_are_found_where_they_stand() {
    let sealed = format!("    SALT: {}\n", seal(&PrivateKey::generate()));
    let finds = |expression, expected: &[&str]| finds(&sealed, expression, expected);
    finds("length('${sec:SALT}')", &[]);
    finds("length('$${sec:SALTY}')", &[]);
    const AT: &str = "w.yaml:11:47";
    const PATH: &str = "spec.stages[1].processor.mapping.set.minutes";
    let unknown = "no secret of the project is called \"SALTY\" | did you mean ${sec:SALT}?";
    finds("length('${sec:SALTY}')", &[&format!("{AT} 2232 {PATH} | {unknown}")]);
    let fix = "write ${sec:NAME}; $${sec: stands for the text ${sec:";
    finds(
        "length('${sec:SALT')",
        &[&format!("{AT} 2233 {PATH} | ${{sec: has no closing }} | {fix}")],
    );
    let lookalike =
        "${secret:…} is no macro of secrets and stays as it is | did you mean ${sec:…}?";
    finds("length('${secret:SALT}')", &[&format!("{AT} 2234 {PATH} | {lookalike}")]);
}

#[test]
fn a_secret_does_not_stand_where_it_shows() {
    let asset = asset(&format!("    SALT: {}\n", seal(&PrivateKey::generate())));
    let project = project();
    let workflow = real_workflow().replace("directory: out", "directory: \"out/${sec:SALT}\"");
    let files = [
        ("s.yaml", &*asset),
        ("project.yaml", &project),
        ("e.yaml", ENVIRONMENT),
        ("w.yaml", &workflow),
    ];
    check_real(
        &files,
        &[
            "w.yaml:14:34 2235 spec.stages[2].sink.file.directory | the value of a secret would show \
           here: in names of files, in logs and journals | write an ${env:NAME} here, or no secret",
        ],
    );
}
