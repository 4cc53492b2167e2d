//! A version as files elsewhere.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use weir_versions::{Repository, VersionId};

use crate::support::{Project, git, refused};

fn head(project: &Project) -> VersionId {
    project.open().head().unwrap().unwrap()
}

#[test]
fn a_version_is_exported_as_it_was_whatever_became_of_the_project() {
    let project = Project::new();
    project.write("scripts/run.sh", "#!/bin/sh\r\n");
    fs::set_permissions(project.dir.join("scripts/run.sh"), fs::Permissions::from_mode(0o755))
        .unwrap();
    std::os::unix::fs::symlink("scripts/run.sh", project.dir.join("run")).unwrap();
    // What would be translated by Git itself is not.
    project.write(".gitattributes", "*.sh text eol=lf\n");
    project.git(&["-c", "core.autocrlf=false", "add", "."]);
    project.git(&["commit", "-qm", "more"]);
    let id = head(&project);
    let text = project.git(&["cat-file", "-p", &format!("{id}:scripts/run.sh")]);
    project.replace("flights.yaml", "short", "long");
    project.write("new.yaml", "kind: Source\n");
    project.commit("later").unwrap();
    project.write("dirty.yaml", "x");

    let to = project.around.path().join("export");
    let version = project.open().export(id, &to).unwrap();
    assert_eq!((version.id, version.message.as_str()), (id, "more"));
    let read = |it: &str| fs::read_to_string(to.join(it)).unwrap();
    assert!(read("flights.yaml").contains("# short"));
    assert_eq!(read("run").trim_end(), text);
    assert!(!to.join("new.yaml").exists() && !to.join("dirty.yaml").exists());
    assert!(!to.join(".git").exists());
    let mode = fs::metadata(to.join("scripts/run.sh")).unwrap().permissions().mode();
    assert_eq!(mode & 0o111, 0o111);
    assert_eq!(project.status(), "+dirty.yaml");
    assert_eq!(refused(project.open().export(id, &to)).0, 13_002);
}

#[test]
fn of_a_project_within_a_repository_its_own_files_alone_are_exported() {
    let project = Project::bare();
    git(project.around.path(), &["init", "-q"]);
    project.write("flights.yaml", "kind: Workflow\n");
    fs::write(project.around.path().join("other"), "x").unwrap();
    git(project.around.path(), &["add", "."]);
    git(project.around.path(), &["commit", "-qm", "all"]);
    let to = tempfile::tempdir().unwrap();
    project.open().export(head(&project), to.path()).unwrap();
    let names: Vec<_> =
        fs::read_dir(to.path()).unwrap().map(|it| it.unwrap().file_name()).collect();
    assert_eq!(names, ["flights.yaml"]);
}

#[test]
fn a_version_that_leads_out_of_itself_is_not_exported() {
    let project = Project::new();
    std::os::unix::fs::symlink("/etc", project.dir.join("out")).unwrap();
    project.git(&["add", "."]);
    project.git(&["commit", "-qm", "a link"]);
    let to = project.around.path().join("export");
    assert_eq!(refused(project.open().export(head(&project), &to)).0, 13_004);
    assert!(!to.exists());
}

#[test]
fn a_version_is_named_by_its_id_the_beginning_of_it_a_branch_or_a_tag() {
    let project = Project::new();
    project.git(&["tag", "light"]);
    project.git(&["tag", "-a", "v1.0", "-m", "annotated"]);
    let (repository, id) = (project.open(), head(&project));
    let whole = id.to_string();
    for name in [whole.as_str(), &whole[..7], "main", "light", "v1.0"] {
        assert_eq!(repository.named(name).unwrap(), id, "{name}");
    }
    for bad in ["", &whole[..6], "HEAD", "main~1", "main@{0}", "nope", "../heads/main", ":/begin"] {
        assert_eq!(refused(repository.named(bad)).0, 13_003, "{bad}");
    }
}

#[test]
fn a_project_without_versions_is_told_so() {
    let project = Project::bare();
    let (code, text) = refused(Repository::require(&project.dir));
    assert!(code == 13_042 && text.contains("no Git repository"), "{text}");
}
