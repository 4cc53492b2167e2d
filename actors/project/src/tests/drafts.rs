//! Texts that are judged before they are written.

use super::*;
use crate::{Drafts, load_drafts};

fn found(files: &[(&str, &str)], drafts: &[(&str, &str)]) -> Vec<String> {
    let dir = directory(files);
    let drafts: Drafts = drafts.iter().map(|(a, b)| (a.to_string(), b.to_string())).collect();
    let found = load_drafts(dir.path(), &registry(), &drafts).findings;
    let on_disk = load(dir.path(), &registry()).findings;
    assert_ne!(found, on_disk, "what is on the disk was judged");
    found.iter().map(|it| format!("{} {}", it.place, it.code.0)).collect()
}

#[test]
fn a_draft_takes_the_place_of_a_file() {
    let files = [("project.yaml", PROJECT), ("w.yaml", WORKFLOW)];
    let no_asset = found(&files, &[("w.yaml", "x: 1\n")]);
    assert!(no_asset.contains(&"w.yaml:1:1 2204".to_owned()), "{no_asset:?}");
    let broken = [("project.yaml", PROJECT), ("w.yaml", "x: 1\n")];
    assert_eq!(found(&broken, &[("w.yaml", WORKFLOW)]), [""; 0]);
}

#[test]
fn a_draft_needs_no_file_and_is_found_where_a_file_would_be() {
    let project = PROJECT.replace("spec: {}", "spec: { exclude: [data] }");
    let files = [("project.yaml", project.as_str()), ("w.yaml", WORKFLOW)];
    let drafts = [
        ("new/a.yaml", "x: 1\n"),
        ("data/b.yaml", "x: 1\n"),
        (".git/c.yaml", "x: 1\n"),
        ("d.txt", "x: 1\n"),
    ];
    assert_eq!(found(&files, &drafts), ["new/a.yaml:1:1 2204"]);
}

#[test]
fn the_project_itself_may_be_a_draft() {
    let files = [("project.yaml", PROJECT), ("w.yaml", WORKFLOW)];
    let other = PROJECT.replace("spec: {}", "spec: { nonsense: 1 }");
    assert!(found(&files, &[("project.yaml", &other)])[0].starts_with("project.yaml:4"));
}
