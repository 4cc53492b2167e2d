//! The plans that sound projects become, their digest, and how long it takes.

use std::fmt::Write as _;

use serde_json::json;
use weir_domain::plan::{OnError, Role};

use super::*;
use crate::Project;

fn project(files: &[(&str, &str)]) -> Project {
    let loaded = loaded(files);
    loaded.project.unwrap_or_else(|| panic!("{:#?}", loaded.findings))
}

#[test]
fn a_workflow_becomes_a_plan() {
    let workflow =
        WORKFLOW.replace("      from: read\n", "      from: read.out\n      onError: ignore\n");
    let workflow =
        workflow.replace("  stages:", "  instances: 2\n  retry: { maxRetries: 1 }\n  stages:");
    let project = project(&[("project.yaml", PROJECT), ("w.yaml", &workflow)]);
    let plan = &project.plans[0];
    assert_eq!((plan.workflow.as_str(), plan.instances, plan.retry.max_retries), ("flights", 2, 1));
    let stages: Vec<_> = plan
        .stages
        .iter()
        .map(|it| (it.id.as_str(), it.role, it.kind.as_str(), it.on_error))
        .collect();
    assert_eq!(
        stages,
        [
            ("read", Role::Source, "file", OnError::DeadLetter),
            ("map", Role::Operator, "mapping", OnError::Ignore),
            ("write", Role::Sink, "file", OnError::DeadLetter),
        ]
    );
    let edges: Vec<_> =
        plan.edges.iter().map(|it| format!("{}.{}>{}", it.from, it.port, it.to)).collect();
    assert_eq!(edges, ["read.out>map", "map.out>write"]);
    assert_eq!(plan.stages[0].place.to_string(), "w.yaml:8:13");
}

#[test]
fn a_stage_with_dots_in_its_name_can_be_referred_to() {
    let workflow = WORKFLOW
        .replace("name: read", "name: read.all")
        .replace("from: read", "from: read.all")
        .replace("from: map", "from: map.out");
    let project = project(&[("project.yaml", PROJECT), ("w.yaml", &workflow)]);
    assert_eq!(project.plans[0].edges[0].from.as_str(), "read.all");
}

#[test]
fn dead_letters_go_to_a_file_sink_that_need_not_be_written_down() {
    let dead_letters = |workflow: &str| {
        let format =
            "apiVersion: weir/v1\nkind: Format\nmetadata: { name: csv }\nspec: { type: csv }\n";
        let files = [("project.yaml", PROJECT), ("w.yaml", workflow), ("f.yaml", format)];
        project(&files).plans[0].dead_letters.clone().map(|it| (it.kind, it.config))
    };
    let default = json!({
        "directory": "dead-letters",
        "name": "${workflow}-${stream}.jsonl",
        "format": { "type": "json" },
        "onExisting": "counter",
        "createDirectory": true,
    });
    assert_eq!(dead_letters(WORKFLOW), Some(("file".into(), default)));

    let own =
        WORKFLOW.replace("  stages:", "  deadLetters: { directory: bad, format: csv }\n  stages:");
    let (_, config) = dead_letters(&own).unwrap();
    assert_eq!(
        (&config["directory"], &config["format"]),
        (&json!("bad"), &json!({ "type": "csv" }))
    );

    let strict = WORKFLOW.replace("      from", "      onError: rollback\n      from");
    let strict = strict.replace("- name: read\n", "- name: read\n      onError: ignore\n");
    assert_eq!(dead_letters(&strict), None, "nothing is ever sent there");
}

#[test]
fn equal_content_has_an_equal_digest_wherever_it_stands() {
    let digest = |files: &[(&str, &str)]| project(files).digest;
    let base = digest(&[("project.yaml", PROJECT), ("w.yaml", WORKFLOW)]);
    assert_eq!(base.len(), 64);
    let moved = format!("# a comment\n\n{WORKFLOW}")
        .replace("instances: 1", "")
        .replace("{ name: flights }", "{ name: flights, description: Other words. }");
    assert_eq!(base, digest(&[("project.yaml", PROJECT), ("deep/x.yml", &moved)]));
    let format = "apiVersion: weir/v1\nkind: Format\nmetadata: { name: csv }\nspec: { type: csv, \
                  schema: [{ name: delay, type: int64 }] }\n";
    let by_name = WORKFLOW.replace("{ type: csv, schema: [{ name: delay, type: int64 }] }", "csv");
    let files = [("project.yaml", PROJECT), ("w.yaml", &*by_name), ("f.yaml", format)];
    assert_eq!(base, digest(&files), "a reference is the same as what it refers to");

    let changed = WORKFLOW.replace("minutes: delay", "minutes: delay, more: delay");
    let first = digest(&[("project.yaml", PROJECT), ("w.yaml", &changed)]);
    assert_ne!(base, first);
    let swapped = WORKFLOW.replace("minutes: delay", "more: delay, minutes: delay");
    let second = digest(&[("project.yaml", PROJECT), ("w.yaml", &swapped)]);
    assert_ne!(first, second, "the order of computed fields has a meaning");
}

#[test]
fn two_hundred_workflows_load_at_once() {
    let dir = directory(&[("project.yaml", PROJECT)]);
    for n in 0..200 {
        let mut text = WORKFLOW.replace("name: flights", &format!("name: flights-{n}"));
        text = text.replace("directory: out", &format!("directory: out/{n}"));
        for more in 0..20 {
            let _ = write!(
                text,
                "    - name: more{more}\n      from: map\n      sink: {{ file: {{ directory: \
                 out/{n}/{more}, name: x }} }}\n"
            );
        }
        fs::write(dir.path().join(format!("w{n}.yaml")), text).unwrap();
    }
    let loaded = load(dir.path(), &registry());
    assert_eq!(loaded.findings, []);
    assert_eq!(loaded.project.unwrap().plans.len(), 200);
}
