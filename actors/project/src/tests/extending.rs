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
    let ring: Vec<_> = (0..30)
        .map(|at| {
            (
                format!("r{at:02}.yaml"),
                extending(&format!("r{at:02}"), &format!("r{:02}", (at + 1) % 30)),
            )
        })
        .collect();
    let mut files: Vec<_> = ring.iter().map(|it| (it.0.as_str(), it.1.as_str())).collect();
    files.extend([("project.yaml", PROJECT)]);
    let found = loaded(&files).findings;
    let [round] = &found[..] else { panic!("it is one: {found:?}") };
    let told = "assets extend each other: r00 -> r01 -> r02 -> r03 -> … -> r26 -> r27 -> r28 -> r29 -> r00";
    assert_eq!(round.cause, told);
    let itself = extending("a", "a");
    check(
        &[("base.yaml", SOURCE), ("w.yaml", WORKFLOW), ("a.yaml", &itself)],
        &[
            "a.yaml:3:31 2251 metadata.extends | assets extend each other: a -> a | let one of them extend no other",
        ],
    );
}

#[test]
fn a_long_chain_of_assets_is_one_error_and_no_overflow() {
    let file = |at: usize| {
        let extends = if at == 0 { String::new() } else { format!(", extends: f{:05}", at - 1) };
        let text = format!(
            "apiVersion: weir/v1\nkind: Format\nmetadata: {{ name: f{at:05}{extends} }}\nspec: {{ type: csv }}\n"
        );
        (format!("f{at:05}.yaml"), text)
    };
    // From either end: names are gone through in their order.
    let count = 10_000;
    let reversed = |at: usize| {
        let (path, text) = file(at);
        let turned = |at: usize| format!("f{:05}", count - 1 - at);
        let text = match at {
            0 => text.replace("f00000", &turned(0)),
            at => text
                .replace(&format!("name: f{at:05}"), &format!("name: {}", turned(at)))
                .replace(&format!("s: f{:05}", at - 1), &format!("s: {}", turned(at - 1))),
        };
        (path, text)
    };
    let makers: [&dyn Fn(usize) -> (String, String); 2] = [&file, &reversed];
    for make in makers {
        let mut files: Vec<_> = (0..count).map(make).collect();
        files.push(("project.yaml".to_owned(), PROJECT.to_owned()));
        let files: Vec<_> = files.iter().map(|it| (it.0.as_str(), it.1.as_str())).collect();
        let found = loaded(&files).findings;
        let found: Vec<_> = found.iter().filter(|it| it.path == "metadata.extends").collect();
        let [one] = &found[..] else { panic!("it is one: {found:?}") };
        assert_eq!((one.code.0, one.place.file.as_str()), (2253, "f00065.yaml"));
    }
}

#[test]
fn what_assets_have_from_others_is_bounded_for_all_of_them_together() {
    let values: String = (0..20_000).map(|it| format!("  v{it}: x\n")).collect();
    let mut files = vec![("project.yaml".to_owned(), PROJECT.to_owned())];
    let text = |name: &str, spec: &str| {
        format!("apiVersion: weir/v1\nkind: Format\nmetadata: {{ name: {name} }}\nspec:\n{spec}")
    };
    files.push(("base.yaml".to_owned(), text("base", &values)));
    for at in 0..30 {
        files.push((
            format!("c{at:02}.yaml"),
            text(&format!("c{at:02}, extends: base"), "  a: 1\n"),
        ));
    }
    let files: Vec<_> = files.iter().map(|it| (it.0.as_str(), it.1.as_str())).collect();
    let found = loaded(&files).findings;
    let found: Vec<_> = found.iter().filter(|it| it.path == "metadata.extends").collect();
    let [one] = &found[..] else { panic!("it is one: {found:?}") };
    assert_eq!((one.code.0, one.place.file.as_str()), (2254, "c24.yaml"));
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
