//! Branches, and going from one to another.

use std::fs;

use weir_versions::{BranchSide, Force};

use crate::support::{Project, refused};

fn names(project: &Project) -> Vec<String> {
    let branches = project.open().branches().unwrap();
    let shown = branches.iter().map(|it| {
        assert_eq!(it.side, BranchSide::Here);
        format!("{}{}", if it.is_current { "*" } else { "" }, it.name)
    });
    shown.collect()
}

#[test]
fn branches_are_made_renamed_and_deleted() {
    let project = Project::new();
    let repository = project.open();
    repository.branch_create("feature/x", None).unwrap();
    assert_eq!(names(&project), ["feature/x", "*main"]);
    assert_eq!(refused(repository.branch_create("main", None)).0, 13_022);
    // No branch lies below another one.
    assert_eq!(refused(repository.branch_create("feature", None)).0, 13_022);
    assert_eq!(refused(repository.branch_create("main/x", None)).0, 13_022);
    for bad in ["-x", "a..b", "HEAD", "", "a b", "x.lock", "a~1", "@", "refs/heads/main"] {
        assert_eq!(refused(repository.branch_create(bad, None)).0, 13_011, "{bad}");
    }
    repository.branch_rename("feature/x", "y").unwrap();
    assert_eq!(names(&project), ["*main", "y"]);
    assert_eq!(refused(repository.branch_rename("y", "main")).0, 13_022);
    assert_eq!(refused(repository.branch_rename("x", "z")).0, 13_021);
    assert_eq!(refused(repository.branch_delete("main", Force::Yes)).0, 13_023);
    assert_eq!(refused(repository.branch_delete("x", Force::No)).0, 13_021);
    repository.switch("y").unwrap();
    project.write("a.yaml", "a: 1\n");
    project.commit("of y").unwrap();
    repository.switch("main").unwrap();
    assert!(!project.dir.join("a.yaml").exists());
    let (code, text) = refused(repository.branch_delete("y", Force::No));
    assert_eq!((code, text.contains("main")), (13_024, true));
    repository.branch_delete("y", Force::Yes).unwrap();
    assert_eq!(names(&project), ["*main"]);
}

#[test]
fn a_branch_may_begin_in_the_past() {
    let project = Project::new();
    let first = project.open().head().unwrap();
    project.write("a.yaml", "a: 1\n");
    project.commit("later").unwrap();
    let repository = project.open();
    repository.branch_create("past", first).unwrap();
    repository.switch("past").unwrap();
    assert_eq!(project.open().head().unwrap(), first);
    assert!(!project.dir.join("a.yaml").exists());
    assert_eq!(project.status(), "");
}

#[test]
fn a_switch_names_what_it_would_overwrite_and_does_nothing() {
    let project = Project::new();
    let repository = project.open();
    repository.branch_create("other", None).unwrap();
    repository.switch("other").unwrap();
    project.replace("flights.yaml", "files", "topics");
    project.write("new.yaml", "theirs: 1\n");
    project.write("dir/deep.yaml", "theirs: 1\n");
    project.write(".gitignore", "ignored.yaml\n");
    project.commit("other").unwrap();
    repository.switch("main").unwrap();
    for (path, text) in
        [("flights.yaml", "mine: 1\n"), ("new.yaml", "mine: 1\n"), ("dir", "a file\n")]
    {
        let full = project.dir.join(path);
        let before = fs::read(&full).ok();
        fs::write(&full, text).unwrap();
        let (code, said) = refused(repository.switch("other"));
        assert_eq!(code, 13_025, "{path}: {said}");
        assert!(said.contains(path), "{said}");
        assert_eq!(fs::read_to_string(&full).unwrap(), text);
        assert_eq!(project.open().branch().unwrap().as_deref(), Some("main"));
        match before {
            Some(before) => fs::write(&full, before).unwrap(),
            None => fs::remove_file(&full).unwrap(),
        }
    }
    // What is not touched comes along; what is already as it is to be is in nobody's way.
    project.write("mine.yaml", "mine: 1\n");
    project.write("new.yaml", "theirs: 1\n");
    repository.switch("other").unwrap();
    assert_eq!(project.status(), "+mine.yaml");
    assert_eq!(project.git(&["status", "--porcelain"]), "?? mine.yaml");
    assert_eq!(refused(repository.switch("nowhere")).0, 13_021);
}

#[test]
fn an_ignored_file_is_not_overwritten() {
    let project = Project::new();
    project.write(".gitignore", "*.local\n");
    project.commit("ignore").unwrap();
    let repository = project.open();
    repository.branch_create("other", None).unwrap();
    repository.switch("other").unwrap();
    project.write("x.local", "theirs\n");
    project.git(&["add", "--force", "x.local"]);
    project.git(&["commit", "--quiet", "-m", "forced"]);
    repository.switch("main").unwrap();
    project.write("x.local", "mine\n");
    assert_eq!(refused(repository.switch("other")).0, 13_025);
    assert_eq!(project.read("x.local"), "mine\n");
}

#[test]
fn a_part_of_a_repository_changes_nothing_outside_of_itself() {
    let around = Project::new();
    around.write("project/a.yaml", "a: 1\n");
    around.commit("both").unwrap();
    let whole = around.open();
    whole.branch_create("inside", None).unwrap();
    whole.branch_create("outside", None).unwrap();
    whole.switch("inside").unwrap();
    around.write("project/a.yaml", "a: 2\n");
    around.commit("inside").unwrap();
    whole.switch("outside").unwrap();
    around.replace("flights.yaml", "files", "topics");
    around.commit("outside").unwrap();
    whole.switch("main").unwrap();
    let part = weir_versions::Repository::open(&around.dir.join("project")).unwrap().unwrap();
    let (code, text) = refused(part.switch("outside"));
    assert_eq!((code, text.contains("flights.yaml")), (13_026, true), "{text}");
    part.switch("inside").unwrap();
    assert_eq!(around.read("project/a.yaml"), "a: 2\n");
}
