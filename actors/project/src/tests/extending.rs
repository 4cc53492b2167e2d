//! Assets that extend others.

use super::kinds::registry;
use super::{PROJECT, check, directory, loaded};
use crate::load;

const SOURCE: &str = "\
apiVersion: weir/v1
kind: Source
metadata: { name: base }
spec:
  file: { directory: in, format: { type: csv, schema: [{ name: delay, type: int64 }, { name: old, type: string }] } }
";

const CHILD: &str = "\
apiVersion: weir/v1
kind: Source
metadata: { name: child, extends: base }
spec:
  file:
    directory: there
    format: { schema: [{ name: old, removed: true }, { name: delay, type: string }, { name: new, type: int64 }] }
";

const WORKFLOW: &str = "\
apiVersion: weir/v1
kind: Workflow
metadata: { name: first }
spec:
  instances: 2
  stages:
    - { name: read, source: base }
    - { name: map, from: read, processor: { mapping: { set: { minutes: delay } } } }
    - { name: write, from: map, sink: { file: { directory: out, name: x, format: { type: json } } } }
";

const SECOND: &str = "\
apiVersion: weir/v1
kind: Workflow
metadata: { name: second, extends: first }
spec:
  instances: null
  stages:
    - { name: write, from: read, sink: { file: { directory: out2 } } }
    - { name: map, removed: true }
    - { name: read, source: child }
";

fn project() -> Vec<(&'static str, &'static str)> {
    vec![
        ("project.yaml", PROJECT),
        ("base.yaml", SOURCE),
        ("child.yaml", CHILD),
        ("first.yaml", WORKFLOW),
        ("second.yaml", SECOND),
    ]
}

#[test]
fn an_asset_is_what_it_extends_with_what_it_says_itself() {
    let loaded = loaded(&project());
    let project = loaded.project.unwrap_or_else(|| panic!("{:?}", loaded.findings));
    let second = &project.plans[1];
    assert_eq!(second.instances, 1, "null takes back what the parent says");
    let ids: Vec<_> = second.stages.iter().map(|it| it.id.as_str()).collect();
    assert_eq!(ids, ["read", "write"]);
    assert_eq!(
        second.stages[0].config,
        serde_json::json!({
            "directory": "there",
            "format": { "type": "csv", "schema": [
                { "name": "delay", "type": "string" },
                { "name": "new", "type": "int64" },
            ] },
        })
    );
    assert_eq!(second.stages[1].config["directory"], "out2");
    assert_eq!(second.stages[1].config["name"], "x");
    assert_eq!(second.stages[1].place.file, "second.yaml");
    assert_eq!(project.plans[0].stages.len(), 3, "what is extended is as it was");
}

#[test]
fn a_change_of_the_parent_is_one_of_the_child_and_a_kind_of_its_own_replaces_it() {
    let digest = |files: &[(&str, &str)]| loaded(files).project.unwrap().plans;
    let mut files = project();
    let before = digest(&files);
    let changed = SOURCE.replace("type: csv,", "type: csv, header: true,");
    files[1].1 = &changed;
    let after = digest(&files);
    assert!(before[1] != after[1]);
    let (before, _) = CHILD.split_once("    format:").unwrap();
    let other = format!("{before}    format: {{ type: json }}\n");
    files[2].1 = &other;
    let format = &digest(&files)[1].stages[0].config["format"];
    assert_eq!(format["type"], "json");
    assert_eq!(format.get("header"), None, "the rest belongs to the other type");
}

#[test]
fn findings_lead_to_where_it_was_written() {
    let mut files = project();
    let broken = SOURCE.replace("directory: in,", "directory: 7,");
    files[1].1 = &broken;
    let dir = directory(&files);
    let found = load(dir.path(), &registry()).findings;
    let places: Vec<_> = found.iter().map(|it| it.place.to_string()).collect();
    assert!(places.iter().all(|it| it.starts_with("base.yaml:5:")), "{found:?}");
}

#[test]
fn a_round_of_assets_that_extend_each_other_is_one_error() {
    let extending = |name: &str, parent: &str| {
        format!(
            "apiVersion: weir/v1\nkind: Format\nmetadata: {{ name: {name}, extends: {parent} }}\nspec: {{}}\n"
        )
    };
    let (a, b, c) = (extending("a", "b"), extending("b", "a"), extending("c", "b"));
    let workflow = WORKFLOW.replace("format: { type: json }", "format: c");
    check(
        &[
            ("base.yaml", SOURCE),
            ("w.yaml", &workflow),
            ("a.yaml", &a),
            ("b.yaml", &b),
            ("c.yaml", &c),
        ],
        &[
            "b.yaml:3:31 2251 metadata.extends | assets extend each other: a -> b -> a | let one of them extend no other",
        ],
    );
    let itself = extending("a", "a");
    check(
        &[("base.yaml", SOURCE), ("w.yaml", WORKFLOW), ("a.yaml", &itself)],
        &[
            "a.yaml:3:31 2251 metadata.extends | assets extend each other: a -> a | let one of them extend no other",
        ],
    );
}

#[test]
fn what_can_not_be_extended_is_told_and_nothing_that_follows_from_it() {
    let child = CHILD.replace("extends: base", "extends: bass");
    let second = SECOND.replace("name: map,", "name: mop,").replace("write, from: read,", "write,");
    let test = "apiVersion: weir/v1\nkind: Test\nmetadata: { name: t, extends: u }\nspec: {}\n";
    check(
        &[
            ("base.yaml", SOURCE),
            ("child.yaml", &child),
            ("first.yaml", WORKFLOW),
            ("second.yaml", &second),
            ("t.yaml", test),
        ],
        &[
            "child.yaml:3:35 2220 metadata.extends | there is no Source asset \"bass\" | did you mean \"base\"?",
            "second.yaml:8:7 2252 spec.stages | there is nothing of the name \"mop\" to be removed | remove the entry, or correct its name",
            "t.yaml:3:31 2250 metadata.extends | a Test asset extends no other | remove the key, and write out what is meant",
        ],
    );
}

#[test]
fn an_asset_is_shown_whole_with_where_each_value_was_written() {
    let dir = directory(&project());
    let shown = crate::effective(dir.path(), "second.yaml").unwrap();
    assert_eq!(shown.extends, ["first"]);
    assert_eq!(shown.spec["stages"][1]["sink"]["file"]["name"], "x");
    let fields: Vec<_> =
        shown.fields.iter().map(|(path, place)| format!("{path} {}", place.file)).collect();
    assert_eq!(
        fields,
        [
            "spec.stages[read].name second.yaml",
            "spec.stages[read].source second.yaml",
            "spec.stages[write].name second.yaml",
            "spec.stages[write].from second.yaml",
            "spec.stages[write].sink.file.directory second.yaml",
            "spec.stages[write].sink.file.name first.yaml",
            "spec.stages[write].sink.file.format.type first.yaml",
        ]
    );
    assert!(crate::effective(dir.path(), "none.yaml").is_err());
}
