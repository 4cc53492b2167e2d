//! The difference of two deployments, in the terms of those who wrote them.

use super::*;

fn diff(change: impl FnOnce(&mut Parts)) -> Vec<Change> {
    whole(change).changes
}

fn whole(change: impl FnOnce(&mut Parts)) -> Diff {
    let mut parts = parts();
    change(&mut parts);
    let (before, after) = (build(super::parts()).contents, build(parts).contents);
    // Only what is said to be needed has to be there.
    let needed = Diff::needed(&before.content, &after.content);
    let [before, after] = [before, after].map(|mut it| {
        it.objects.retain(|digest, _| needed.contains(digest));
        it
    });
    Diff::between(Some(&before), Some(&after)).unwrap()
}

#[test]
fn a_changed_field_of_an_asset_is_told_with_both_values() {
    let changes = diff(|it| it.assets[2].fields["spec"]["directory"] = json!("other"));
    let edit = Edit::FieldChanged {
        path: "spec.directory".into(),
        before: json!("${dir}"),
        after: json!("other"),
    };
    let item = Item::Asset(asset_id("Source", "files"));
    assert_eq!(changes, [Change::Changed { item, edits: vec![edit] }]);
}

#[test]
fn changed_lines_of_a_script_are_told_by_number() {
    let changes = diff(|it| it.scripts[0].text = "let a = 1;\nlet b = 3;\n".into());
    let lines = vec![
        Line::Removed { number: 2, text: "let b = 2;".into() },
        Line::Added { number: 2, text: "let b = 3;".into() },
    ];
    let edits = vec![Edit::Lines { path: String::new(), lines }];
    let item = Item::Script("scripts/price.js".into());
    assert_eq!(changes, [Change::Changed { item, edits }]);
}

#[test]
fn a_stage_that_was_put_in_is_one_change() {
    let changes = diff(|it| {
        it.workflows[0].plan.stages.insert(1, stage("map", Role::Operator, 8));
    });
    let [Change::Changed { item: Item::Workflow(_), edits }] = &changes[..] else {
        panic!("{changes:?}")
    };
    let [Edit::FieldAdded { path, .. }] = &edits[..] else { panic!("{edits:?}") };
    assert_eq!(path, "stages[map]");
}

#[test]
fn a_secret_is_never_shown() {
    let changes = diff(|it| it.secrets[0].ciphertext = bytes::Bytes::from_static(b"planted-value"));
    let item = Item::Secret(asset_name("password"));
    assert_eq!(changes, [Change::Changed { item, edits: vec![Edit::Hidden] }]);
    let json = serde_json::to_string(&Diff { changes, base_dir: None }).unwrap();
    assert!(!json.contains("planted") && !json.contains("sealed"), "{json}");
}

#[test]
fn items_come_and_go_and_settings_change() {
    let changes = diff(|it| {
        it.environments.reverse();
        it.project = "other".parse().unwrap();
        it.scheduler = None;
        it.assets.push(Asset { id: asset_id("Sink", "new"), fields: json!({}) });
    });
    let added = Change::Added { item: Item::Asset(asset_id("Sink", "new")) };
    let removed = Change::Removed { item: Item::Scheduler };
    assert!(changes.contains(&added) && changes.contains(&removed), "{changes:?}");
    let Change::Changed { item: Item::Settings, edits } = &changes[0] else {
        panic!("{changes:?}")
    };
    assert_eq!(edits.len(), 3, "{edits:?}");
}

#[test]
fn where_it_was_built_is_said_and_is_no_change() {
    let diff = whole(|it| it.base_dir = "/srv/other".into());
    let moved = Moved { before: "/srv/flights".into(), after: "/srv/other".into() };
    assert_eq!(diff, Diff { changes: vec![], base_dir: Some(moved) });
}

#[test]
fn from_the_empty_deployment_everything_is_added() {
    let contents = build(parts()).contents;
    let diff = Diff::between(None, Some(&contents)).unwrap();
    assert_eq!(diff.changes.len(), contents.content.items().count());
    assert!(diff.changes.iter().all(|it| matches!(it, Change::Added { .. })));
    assert_eq!(Diff::between(Some(&contents), Some(&contents)).unwrap(), Diff::default());
    let back = Diff::between(Some(&contents), None).unwrap();
    assert!(back.changes.iter().all(|it| matches!(it, Change::Removed { .. })));
}

#[test]
fn an_object_that_is_not_there_is_named() {
    let before = build(parts()).contents;
    let mut parts = parts();
    parts.scripts[0].text.clear();
    let mut after = build(parts).contents;
    after.objects.clear();
    let refused = Diff::between(Some(&before), Some(&after)).unwrap_err();
    assert!(matches!(refused, Error::Missing { .. }), "{refused}");
}
