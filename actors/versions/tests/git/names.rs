//! A project keeps its name, whatever a version calls it.

use std::fs;

use weir_domain::Timestamp;
use weir_versions::{Merge, Merged, Repository, Resolutions};

use crate::support::{Project, WORKFLOW, ada, command, refused};

fn project_file(name: &str) -> String {
    format!("apiVersion: weir/v1\nkind: Project\nmetadata:\n  name: {name}\nspec: {{}}\n")
}

fn merge(branch: &str) -> Merge {
    let (branch, author, at) = (branch.to_owned(), ada(), Timestamp(1_700_000_000_000));
    Merge { branch, author, at, message: None, resolutions: Resolutions::default() }
}

/// On `main` it is `shop`, on `other` it is `store`, and on `none` it is no project.
fn shop() -> (Project, Repository) {
    let project = Project::new();
    project.write("project.yaml", &project_file("shop"));
    project.commit("shop").unwrap();
    let unnamed = project.open();
    for branch in ["other", "none"] {
        unnamed.branch_create(branch, None).unwrap();
        unnamed.switch(branch).unwrap();
        match branch {
            "other" => project.write("project.yaml", &project_file("store")),
            _ => fs::remove_file(project.dir.join("project.yaml")).unwrap(),
        }
        project.commit(branch).unwrap();
        unnamed.switch("main").unwrap();
    }
    let named = project.open().called("shop");
    (project, named)
}

#[test]
fn neither_a_switch_nor_a_merge_gives_a_project_another_name() {
    for is_ahead in [false, true] {
        let (project, named) = shop();
        if is_ahead {
            project.replace("flights.yaml", "files", "ours");
            project.commit("ours").unwrap();
        }
        let head = project.open().head().unwrap();
        let told = "project.yaml would call the project store";
        assert_eq!(refused(named.switch("other")), (13_044, told.to_owned()));
        assert_eq!(refused(named.merge(&merge("other"))), (13_044, told.to_owned()));
        let told = "without project.yaml there is no project";
        assert_eq!(refused(named.switch("none")), (13_044, told.to_owned()));
        assert_eq!(refused(named.merge(&merge("none"))), (13_044, told.to_owned()));
        assert_eq!(project.read("project.yaml"), project_file("shop"));
        assert_eq!((project.open().head().unwrap(), project.status()), (head, "".into()));
    }
}

#[test]
fn what_leaves_the_name_alone_is_done() {
    let (project, named) = shop();
    named.branch_create("fine", None).unwrap();
    named.switch("fine").unwrap();
    project.write("project.yaml", &(project_file("shop") + "# and more\n"));
    project.replace("flights.yaml", "files", "theirs");
    project.commit("fine").unwrap();
    named.switch("main").unwrap();
    assert!(matches!(named.merge(&merge("fine")).unwrap(), Merged::FastForward(_)));
    assert_eq!(project.read("flights.yaml"), WORKFLOW.replace("files", "theirs"));
}

#[test]
fn a_name_is_not_taken_back_by_aborting_a_merge() {
    let (project, _) = shop();
    let git = |arguments: &[&str]| command(&project.dir, arguments).output().unwrap();
    assert!(git(&["merge", "--no-commit", "--no-ff", "other"]).status.success());
    assert_eq!(project.read("project.yaml"), project_file("store"));
    let abort = |name: &str| project.open().called(name).merge_abort();
    let told = "project.yaml would call the project shop";
    assert_eq!(refused(abort("store")), (13_044, told.to_owned()));
    assert_eq!(project.read("project.yaml"), project_file("store"));
    abort("shop").unwrap();
    assert_eq!(project.read("project.yaml"), project_file("shop"));
}

#[test]
fn a_name_is_not_taken_back_by_discarding() {
    let (project, _) = shop();
    project.write("project.yaml", &project_file("bazaar"));
    let named = project.open().called("bazaar");
    let discard = || named.discard(&["project.yaml".to_owned()]);
    let told = "project.yaml would call the project shop";
    assert_eq!(refused(discard()), (13_044, told.to_owned()));
    assert_eq!(project.read("project.yaml"), project_file("bazaar"));
    // What nobody can read has no name that could be lost.
    project.write("project.yaml", "<<<<<<< ours\n: {\n");
    discard().unwrap();
    assert_eq!(project.read("project.yaml"), project_file("shop"));
}
