//! What a project has to deploy.

use weir_domain::{Timestamp, WorkflowName};
use weir_package::{Change, Details, Diff, Edit, Item, Limits, Package, Switch};

use super::*;

const ENVIRONMENT: &str = "\
apiVersion: weir/v1
kind: Environment
metadata: { name: base }
spec: { values: { dir: in } }
";

const SOURCE: &str = "\
apiVersion: weir/v1
kind: Source
metadata: { name: files }
spec: { file: { directory: \"${env:dir}\", format: csv } }
";

const FORMAT: &str = "\
apiVersion: weir/v1
kind: Format
metadata: { name: csv }
spec: { type: csv, schema: [{ name: delay, type: int64 }] }
";

/// The workflow of the other tests, which has nothing in other files, and one that has.
fn files() -> Vec<(&'static str, String)> {
    let other = WORKFLOW.replace("name: flights", "name: shared").replace(
        "file: { directory: in, format: { type: csv, schema: [{ name: delay, type: int64 }] } }",
        "FILES",
    );
    let other = other.replace("source:\n        FILES", "source: files");
    let other = other.replace("directory: out", "directory: out2");
    vec![
        ("project.yaml", PROJECT.replace("spec: {}", "spec: { environments: [base] }")),
        ("w.yaml", WORKFLOW.to_owned()),
        ("v.yaml", other),
        ("e.yaml", ENVIRONMENT.to_owned()),
        ("s.yaml", SOURCE.to_owned()),
        ("f.yaml", FORMAT.to_owned()),
    ]
}

fn package(files: &[(&'static str, String)], selected: &[&str]) -> Package {
    let files: Vec<_> = files.iter().map(|(path, text)| (*path, text.as_str())).collect();
    let loaded = loaded(&files);
    let project = loaded.project.unwrap_or_else(|| panic!("{:#?}", loaded.findings));
    let selected = selected.iter().map(|it| WorkflowName::new(*it).unwrap()).collect();
    let parts = project.parts(&selected, "/srv/flights".into()).unwrap();
    let details = Details {
        tag: weir_domain::DeploymentTag::new("t").unwrap(),
        description: String::new(),
        author: "ada".into(),
        commit: None,
        built_at: Timestamp(1),
    };
    Package::build(parts, details, &Limits::default()).unwrap()
}

fn items(package: &Package) -> Vec<String> {
    package.contents.content.items().map(|it| it.0.to_string()).collect()
}

#[test]
fn a_package_holds_what_the_selected_workflows_refer_to_and_nothing_else() {
    assert_eq!(
        items(&package(&files(), &[])),
        [
            "workflow flights",
            "workflow shared",
            "asset Format csv",
            "asset Source files",
            "asset Workflow flights",
            "asset Workflow shared",
            "environment base",
        ]
    );
    let one = ["workflow flights", "asset Workflow flights", "environment base"];
    assert_eq!(items(&package(&files(), &["flights"])), one);
}

#[test]
fn a_change_is_told_in_the_terms_of_the_asset_and_restarts_only_who_uses_it() {
    let before = package(&files(), &[]);
    let mut changed = files();
    changed[3].1 = ENVIRONMENT.replace("dir: in", "dir: other");
    // Where something stands, and how it is laid out, changes nothing.
    changed[4].1 = format!("# a comment\n\n{SOURCE}");
    let after = package(&changed, &[]);
    let [before, after] = [before.contents, after.contents];
    let diff = Diff::between(Some(&before), Some(&after)).unwrap();
    let items = diff.changes.iter().map(|it| match it {
        Change::Changed { item, edits } => (item.to_string(), edits.clone()),
        other => panic!("{other:?}"),
    });
    let items: Vec<_> = items.collect();
    let names: Vec<_> = items.iter().map(|it| it.0.as_str()).collect();
    assert_eq!(names, ["workflow shared", "environment base"]);
    let [Edit::FieldChanged { path, .. }] = &items[1].1[..] else { panic!("{items:?}") };
    assert_eq!(path, "dir");
    let digests = [&before, &after].map(|it| it.content.workflow_digests());
    let switch = Switch::between(&digests[0], &digests[1]);
    assert_eq!((switch.restarts.len(), switch.stays.len()), (1, 1));
    assert!(matches!(&diff.changes[0], Change::Changed { item: Item::Workflow(it), .. }
        if switch.restarts == [it.clone()]));
}

#[test]
fn a_workflow_that_is_not_there_is_not_selected() {
    let files = [("project.yaml", PROJECT), ("w.yaml", WORKFLOW)];
    let project = loaded(&files).project.unwrap();
    let selected = [WorkflowName::new("flight").unwrap()].into();
    let refused = project.parts(&selected, "/".into()).unwrap_err().to_string();
    assert_eq!(refused, "the project has no workflow flight: did you mean flights?");
}

const SCHEDULE: &str = "scheduler: { flights: { target: 4, default: { max: 2 }, \
                        roles: { edge: { max: unlimited } } }, shared: { weight: 200 } }, \
                        assignments: { roles: [{ role: edge, tag: flights-edge }] }";

fn scheduled(settings: &str) -> Vec<(&'static str, String)> {
    let mut files = files();
    files[0].1 = PROJECT.replace(
        "spec: {}",
        &format!("spec: {{ version: 1.2.3, environments: [base], {settings} }}"),
    );
    files
}

#[test]
fn what_a_project_says_of_the_schedule_goes_along_with_the_workflows_that_it_is_about() {
    let package = package(&scheduled(SCHEDULE), &["flights"]);
    let content = &package.contents.content;
    let object = |it: Option<weir_domain::Digest>| -> serde_json::Value {
        serde_json::from_slice(&package.contents.objects[&it.unwrap()]).unwrap()
    };
    assert_eq!(
        object(content.scheduler),
        serde_json::json!({ "flights": {
            "target": 4, "default": { "max": 2 }, "roles": { "edge": { "max": "unlimited" } }
        } })
    );
    assert_eq!(object(content.assignments)["roles"][0]["tag"], "flights-edge");
    let silent = self::package(&files(), &[]);
    assert_eq!(
        (silent.contents.content.scheduler, silent.contents.content.assignments),
        (None, None)
    );
}

#[test]
fn settings_of_no_workflow_and_bounds_that_contradict_each_other_are_found() {
    let codes = |settings: &str| -> Vec<u32> {
        let files = scheduled(settings);
        let files: Vec<_> = files.iter().map(|(path, text)| (*path, text.as_str())).collect();
        loaded(&files).findings.iter().map(|it| it.code.0).collect()
    };
    assert_eq!(codes(SCHEDULE), Vec::<u32>::new());
    assert_eq!(codes("scheduler: { flight: { target: 1 } }"), [2216]);
    assert_eq!(codes("scheduler: { flights: { default: { min: 3, max: 2 } } }"), [2217]);
    assert_ne!(codes("scheduler: { flights: { weight: 0 } }"), Vec::<u32>::new());
    assert_ne!(codes("scheduler: { flights: { targets: 1 } }"), Vec::<u32>::new());
    assert_ne!(codes("assignments: { role: [] }"), Vec::<u32>::new());
}
