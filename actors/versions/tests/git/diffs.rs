//! Differences, by lines and by fields.

use std::fs;

use serde_json::json;
use weir_versions::{Diff, DiffSide, FileDiff, FileEdit, Text};

use crate::support::{Project, WORKFLOW};

fn working(project: &Project) -> Diff {
    let repository = project.open();
    let head = repository.head().unwrap().unwrap();
    repository.diff(DiffSide::Version(head), DiffSide::Working, None).unwrap()
}

fn edits(file: &FileDiff) -> serde_json::Value {
    serde_json::to_value(&file.asset.as_ref().unwrap().edits).unwrap()
}

#[test]
fn a_changed_asset_is_told_by_fields_and_by_lines() {
    let project = Project::new();
    project.replace(
        "flights.yaml",
        "    - name: read\n      source: files\n    - name: write\n      sink: out\n",
        "    - name: write\n      sink: away\n    - name: check\n",
    );
    let diff = working(&project);
    assert_eq!(diff.files.len(), 1);
    let file = &diff.files[0];
    assert_eq!((file.path.as_str(), &file.change), ("flights.yaml", &FileEdit::Changed));
    let asset = file.asset.as_ref().unwrap();
    assert_eq!((asset.kind.as_deref(), asset.name.as_deref()), (Some("Workflow"), Some("flights")));
    let expected = json!([
        {"edit": "fieldRemoved", "path": "spec.stages[read]", "before": {"name": "read", "source": "files"}},
        {"edit": "fieldChanged", "path": "spec.stages[write].sink", "before": "out", "after": "away"},
        {"edit": "fieldAdded", "path": "spec.stages[check]", "after": {"name": "check"}},
    ]);
    assert_eq!(edits(file), expected);
    let unified = file.unified();
    assert!(unified.starts_with("@@ -3,7 +3,6 @@"), "{unified}");
    assert!(
        unified.contains("\n-      sink: out\n+      sink: away\n+    - name: check\n"),
        "{unified}"
    );
    // The patch is one that git takes.
    let patch = format!("--- a/flights.yaml\n+++ b/flights.yaml\n{unified}");
    let changed = project.read("flights.yaml");
    project.write("flights.yaml", WORKFLOW);
    fs::write(project.around.path().join("p"), patch).unwrap();
    project.git(&["apply", "../p"]);
    assert_eq!(project.read("flights.yaml"), changed);
}

#[test]
fn an_asset_that_was_moved_and_renamed_is_told_as_such() {
    let project = Project::new();
    let before = project.open().head().unwrap().unwrap();
    fs::create_dir(project.dir.join("w")).unwrap();
    fs::rename(project.dir.join("flights.yaml"), project.dir.join("w/planes.yaml")).unwrap();
    project.replace("w/planes.yaml", "name: flights", "name: planes");
    let check = |diff: Diff| {
        let [file] = &diff.files[..] else { panic!("{diff:?}") };
        assert_eq!(file.path, "w/planes.yaml");
        assert_eq!(file.change, FileEdit::Moved { from: "flights.yaml".to_owned() });
        let asset = file.asset.as_ref().unwrap();
        assert_eq!(
            (asset.name.as_deref(), asset.former_name.as_deref()),
            (Some("planes"), Some("flights"))
        );
        let expected = json!([{"edit": "fieldChanged", "path": "metadata.name", "before": "flights", "after": "planes"}]);
        assert_eq!(edits(file), expected);
    };
    check(working(&project));
    let after = project.commit("move").unwrap();
    check(project.open().diff(DiffSide::Version(before), DiffSide::Version(after), None).unwrap());
}

#[test]
fn what_is_no_asset_is_told_by_lines_alone() {
    let project = Project::new();
    project.write("notes.md", "one\n");
    project.write("broken.yaml", "a: 1\n");
    project.write("data.bin", "\0\u{1}");
    project.commit("more").unwrap();
    project.write("notes.md", "two\n");
    project.write("broken.yaml", "a: [\n");
    project.write("data.bin", "\0\u{2}");
    fs::remove_file(project.dir.join("flights.yaml")).unwrap();
    project.write("new.yaml", "kind: Sink\n");
    let diff = working(&project);
    let shown: Vec<_> = diff
        .files
        .iter()
        .map(|it| (it.path.as_str(), it.asset.is_some(), it.text == Text::NotShown))
        .collect();
    let expected = [
        ("broken.yaml", false, false),
        ("data.bin", false, true),
        ("flights.yaml", true, false),
        ("new.yaml", true, false),
        ("notes.md", false, false),
    ];
    assert_eq!(shown, expected);
    assert_eq!(diff.files[2].change, FileEdit::Deleted);
    assert_eq!(diff.files[3].change, FileEdit::Added);
    assert_eq!(diff.files[4].unified(), "@@ -1 +1 @@\n-one\n+two\n");
    let head = DiffSide::Version(project.open().head().unwrap().unwrap());
    let one = project.open().diff(head, DiffSide::Working, Some("notes.md")).unwrap();
    assert_eq!(one.files, diff.files[4..]);
    let all = project.open().diff(DiffSide::Nothing, head, None).unwrap();
    assert!(all.files.iter().all(|it| it.change == FileEdit::Added));
}

#[test]
fn a_difference_has_an_end() {
    let project = Project::new();
    for number in 0..2_010 {
        project.write(&format!("many/{number:04}.yaml"), "a: 1\n");
    }
    let diff = working(&project);
    assert_eq!((diff.files.len(), diff.left_out), (2_000, 10));
    assert_eq!(diff.files[0].unified(), "@@ -0,0 +1 @@\n+a: 1\n");
    fs::remove_dir_all(project.dir.join("many")).unwrap();
    // Each is shown, all of them are not.
    for number in 0..12 {
        project.write(&format!("{number:02}.md"), &"line of a text\n".repeat(230_000));
    }
    let diff = working(&project);
    let shown: Vec<_> = diff.files.iter().map(|it| it.text != Text::NotShown).collect();
    assert_eq!((shown.len(), diff.left_out), (12, 0));
    assert!(shown[..9].iter().all(|it| *it) && !shown[10] && !shown[11], "{shown:?}");
    let one = project.open();
    let head = DiffSide::Version(one.head().unwrap().unwrap());
    let one = one.diff(head, DiffSide::Working, Some("11.md")).unwrap();
    assert!(one.files[0].text != Text::NotShown);
}
