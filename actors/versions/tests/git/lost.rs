//! What is in no version is not lost, unless who wants it names it.

use std::fs;
use std::os::unix::fs::symlink;

use weir_domain::Timestamp;
use weir_versions::{Merge, Repository, Resolutions};

use crate::support::{Project, WORKFLOW, ada, command, refused};

fn merge(branch: &str) -> Merge {
    let (branch, author, at) = (branch.to_owned(), ada(), Timestamp(1_700_000_000_000));
    Merge { branch, author, at, message: None, resolutions: Resolutions::default() }
}

fn discard(repository: &Repository, paths: &[&str]) -> weir_versions::Result<()> {
    let paths: Vec<_> = paths.iter().map(|it| (*it).to_owned()).collect();
    repository.discard(&paths)
}

/// A project on `main`, and a branch `other` with another version.
fn other(project: &Project, theirs: impl FnOnce(&Project)) -> Repository {
    let repository = project.open();
    repository.branch_create("other", None).unwrap();
    repository.switch("other").unwrap();
    theirs(project);
    project.git(&["add", "--all"]);
    project.git(&["commit", "--quiet", "-m", "other"]);
    repository.switch("main").unwrap();
    repository
}

#[test]
fn a_file_comes_not_back_over_a_directory_that_holds_others() {
    let project = Project::new();
    project.write(".gitignore", "*.local\n");
    project.commit("ignore").unwrap();
    for name in ["mine.txt", "mine.local"] {
        fs::remove_file(project.dir.join("flights.yaml")).unwrap();
        let mine = format!("flights.yaml/deep/{name}");
        project.write(&mine, "mine\n");
        let repository = project.open();
        let (code, text) = refused(discard(&repository, &["flights.yaml"]));
        assert_eq!((code, text.contains(&mine)), (13_025, true), "{text}");
        assert_eq!(project.read(&mine), "mine\n");
        if name == "mine.txt" {
            discard(&repository, &["flights.yaml", &mine]).unwrap();
        } else {
            fs::remove_file(project.dir.join(&mine)).unwrap();
            discard(&repository, &["flights.yaml"]).unwrap();
        }
        assert_eq!(
            (project.read("flights.yaml").as_str(), project.status()),
            (WORKFLOW, "".into())
        );
    }
}

#[test]
fn a_file_comes_not_back_below_another_file() {
    let project = Project::new();
    project.write("d/a.yaml", "a: 1\n");
    project.commit("deep").unwrap();
    fs::remove_dir_all(project.dir.join("d")).unwrap();
    project.write("d", "mine\n");
    let repository = project.open();
    let (code, text) = refused(discard(&repository, &["d/a.yaml"]));
    assert_eq!((code, text.as_str()), (13_025, "changes would be lost: d"));
    assert_eq!(project.read("d"), "mine\n");
    discard(&repository, &["d/a.yaml", "d"]).unwrap();
    assert_eq!((project.read("d/a.yaml").as_str(), project.status()), ("a: 1\n", "".into()));
}

#[test]
fn an_aborted_merge_keeps_what_was_written_since() {
    let project = Project::new();
    project.write("notes.md", "one\n");
    project.commit("notes").unwrap();
    let repository = other(&project, |it| {
        it.replace("flights.yaml", "files", "theirs");
        it.write("new.yaml", "a: 1\n");
        it.write("notes.md", "two\n");
    });
    project.replace("flights.yaml", "files", "ours");
    project.commit("ours").unwrap();
    assert!(!command(&project.dir, &["merge", "other"]).output().unwrap().status.success());
    for path in ["new.yaml", "notes.md"] {
        let merged = project.read(path);
        project.write(path, "mine\n");
        let (code, text) = refused(repository.merge_abort());
        assert_eq!((code, text), (13_025, format!("changes would be lost: {path}")));
        assert_eq!(project.read(path), "mine\n");
        project.write(path, &merged);
    }
    fs::remove_file(project.dir.join("flights.yaml")).unwrap();
    project.write("flights.yaml/mine.txt", "mine\n");
    let (code, text) = refused(repository.merge_abort());
    assert_eq!((code, text.as_str()), (13_025, "changes would be lost: flights.yaml/mine.txt"));
    assert_eq!(project.read("notes.md"), "two\n");
    fs::remove_dir_all(project.dir.join("flights.yaml")).unwrap();
    repository.merge_abort().unwrap();
    assert_eq!(project.read("flights.yaml"), WORKFLOW.replace("files", "ours"));
    assert_eq!((project.read("notes.md").as_str(), project.status()), ("one\n", "".into()));
}

#[test]
fn an_aborted_merge_leaves_no_conflict() {
    for ours_deleted in [false, true] {
        let project = Project::new();
        let change = |it: &Project| it.replace("flights.yaml", "files", "changed");
        let delete = |it: &Project| fs::remove_file(it.dir.join("flights.yaml")).unwrap();
        let repository = other(&project, |it| if ours_deleted { change(it) } else { delete(it) });
        if ours_deleted {
            delete(&project)
        } else {
            change(&project)
        }
        project.commit("ours").unwrap();
        assert!(!command(&project.dir, &["merge", "other"]).output().unwrap().status.success());
        assert_eq!(project.status(), "!flights.yaml");
        repository.merge_abort().unwrap();
        assert_eq!(project.git(&["status", "--porcelain"]), "");
        assert_eq!(project.dir.join("flights.yaml").exists(), !ours_deleted);
    }
}

#[test]
fn a_merge_that_goes_back_leaves_what_it_did_not_write() {
    let project = Project::new();
    let repository = other(&project, |it| {
        it.replace("flights.yaml", "files", "theirs");
        it.write("new.yaml", "theirs: 1\n");
    });
    project.write("ours.yaml", "a: 1\n");
    project.commit("ours").unwrap();
    // Mine, and by chance the same as theirs.
    project.write("new.yaml", "theirs: 1\n");
    let lock = project.dir.join(".git/refs/heads/main.lock");
    fs::write(&lock, "").unwrap();
    assert_eq!(refused(repository.merge(&merge("other"))).0, 13_016);
    assert_eq!(project.read("flights.yaml"), WORKFLOW);
    assert_eq!(project.git(&["status", "--porcelain"]), "?? new.yaml");
}

#[test]
fn a_file_may_become_a_link_or_a_directory_and_back() {
    for is_deep in [false, true] {
        let project = Project::new();
        project.write("x.yaml", "a: 1\n");
        project.commit("file").unwrap();
        let repository = other(&project, |it| {
            fs::remove_file(it.dir.join("x.yaml")).unwrap();
            if is_deep {
                it.write("x.yaml/y.yaml", "a: 1\n");
            } else {
                symlink("flights.yaml", it.dir.join("x.yaml")).unwrap();
            }
        });
        for (branch, text) in [("other", None), ("main", Some("a: 1\n"))] {
            repository.switch(branch).unwrap();
            let full = project.dir.join("x.yaml");
            assert_eq!(full.symlink_metadata().unwrap().is_file(), text.is_some());
            assert_eq!(
                (project.status(), project.git(&["status", "--porcelain"])),
                Default::default()
            );
        }
        // What was made of it meanwhile is named.
        repository.switch("other").unwrap();
        let mine = if is_deep {
            project.write("x.yaml/mine.txt", "mine\n");
            "x.yaml/mine.txt"
        } else {
            fs::remove_file(project.dir.join("x.yaml")).unwrap();
            project.write("x.yaml", "mine\n");
            "x.yaml"
        };
        let (code, text) = refused(repository.switch("main"));
        assert_eq!((code, text), (13_025, format!("changes would be lost: {mine}")));
        assert_eq!(project.read(mine), "mine\n");
    }
}

#[test]
fn a_link_may_become_a_directory_and_back() {
    let project = Project::new();
    project.write("d/y.yaml", "a: 1\n");
    symlink("d", project.dir.join("x")).unwrap();
    project.commit("link").unwrap();
    let repository = other(&project, |it| {
        fs::remove_file(it.dir.join("x")).unwrap();
        it.write("x/y.yaml", "a: 2\n");
    });
    for (branch, text) in [("other", "a: 2\n"), ("main", "a: 1\n"), ("other", "a: 2\n")] {
        repository.switch(branch).unwrap();
        assert_eq!(
            (project.read("x/y.yaml").as_str(), project.read("d/y.yaml").as_str()),
            (text, "a: 1\n")
        );
        assert_eq!(project.git(&["status", "--porcelain"]), "");
    }
    repository.switch("main").unwrap();
    fs::remove_file(project.dir.join("x")).unwrap();
    symlink(".", project.dir.join("x")).unwrap();
    assert_eq!(refused(repository.switch("other")).0, 13_004);
}

#[test]
fn the_files_of_a_submodule_are_in_nobodys_way() {
    let project = Project::new();
    let inner = Project::new();
    let url = inner.dir.display().to_string();
    project.git(&["submodule", "--quiet", "add", &url, "sub"]);
    project.git(&["commit", "--quiet", "-m", "sub"]);
    inner.write("more.yaml", "a: 1\n");
    inner.commit("more").unwrap();
    let repository = project.open();
    repository.branch_create("other", None).unwrap();
    repository.switch("other").unwrap();
    project.git(&["-C", "sub", "pull", "--quiet"]);
    project.git(&["commit", "--quiet", "-a", "-m", "newer"]);
    repository.switch("main").unwrap();
    assert_eq!(project.read("sub/more.yaml"), "a: 1\n");
}

#[test]
fn what_is_in_the_way_of_a_switch_is_named_by_its_path() {
    let project = Project::new();
    let repository = other(&project, |it| it.write("dir", "theirs\n"));
    project.write(".gitignore", "*.local\n");
    project.write("dir/mine.local", "mine\n");
    let (code, text) = refused(repository.switch("other"));
    assert_eq!((code, text.as_str()), (13_025, "changes would be lost: dir/mine.local"));
    assert_eq!(project.read("dir/mine.local"), "mine\n");
}
