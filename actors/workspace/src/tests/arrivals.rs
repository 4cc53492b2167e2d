//! Projects that come from elsewhere are taken in whole, under their own names.

use std::fs;

use super::{lab, refused, tree};

fn project(name: &str) -> String {
    format!("apiVersion: weir/v1\nkind: Project\nmetadata: {{ name: {name} }}\nspec: {{}}\n")
}

#[test]
fn a_project_that_came_is_taken_in_under_its_own_name_or_left_where_it_is() {
    let lab = lab();
    let place = lab.workspace.arrival("one").unwrap();
    fs::create_dir(&place).unwrap();
    assert_eq!(lab.names(), ["shop"]);
    refused(lab.workspace.arrived(&place), "what came is no project");
    fs::write(place.join("project.yaml"), project("SHOP")).unwrap();
    refused(lab.workspace.arrived(&place), "more than its case");
    fs::write(place.join("project.yaml"), project("store")).unwrap();
    assert_eq!(lab.names(), ["shop"]);
    let arrived = lab.workspace.arrived(&place).unwrap();
    assert_eq!(
        (arrived.name.as_str(), lab.names()),
        ("store", vec!["shop".into(), "store".into()])
    );
    assert!(!place.exists());
}

#[test]
fn what_was_left_by_a_crash_is_cleared_away_and_nothing_else() {
    let lab = lab();
    let before = tree(lab.dir.path());
    let place = lab.workspace.arrival("one").unwrap();
    fs::create_dir(&place).unwrap();
    fs::write(place.join("project.yaml"), project("store")).unwrap();
    let name = place.file_name().unwrap().to_str().unwrap();
    fs::create_dir(place.with_file_name(format!(".{name}.weir-clone"))).unwrap();
    lab.workspace.clear_arrivals();
    assert_eq!(tree(lab.dir.path()), before);
}
