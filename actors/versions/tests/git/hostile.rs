//! Repositories that want to do something to us.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use weir_domain::Timestamp;
use weir_test_servers::{GitBehaviour, GitServer, git_repository};
use weir_versions::{
    Access, DiffSide, HistoryQuery, Merge, Pull, Reach, Repository, Resolutions, VersionId,
};

use crate::support::{Project, ada, commit, git, refused, tree};

fn files() -> Access {
    Access { reach: Reach::NetworkAndFiles, ..Access::anonymous() }
}

/// A remote whose newest version has one more entry, made below all checks.
fn remote_with(around: &Path, mode: &str, path: &str, content: &str) -> String {
    let dir = around.join("evil");
    fs::create_dir_all(&dir).unwrap();
    git(&dir, &["init", "--quiet"]);
    git(&dir, &["config", "core.protectNTFS", "false"]);
    fs::write(dir.join("good.yaml"), "a: 1\n").unwrap();
    git(&dir, &["add", "good.yaml"]);
    fs::write(around.join("content"), content).unwrap();
    let blob = git(&dir, &["hash-object", "-w", "../content"]);
    let good = git(&dir, &["hash-object", "-w", "good.yaml"]);
    // From the innermost tree outwards.
    let (mut kind, mut mode, mut id) = ("blob", mode.to_owned(), blob);
    let mut parts: Vec<_> = path.split('/').collect();
    while let Some(name) = parts.pop() {
        let mut lines = format!("{mode} {kind} {id}\t{name}\n");
        if parts.is_empty() {
            lines.push_str(&format!("100644 blob {good}\tgood.yaml\n"));
        }
        id = tree(&dir, &lines);
        (kind, mode) = ("tree", "040000".to_owned());
    }
    let commit = git(&dir, &["commit-tree", &id, "-m", "evil"]);
    git(&dir, &["update-ref", "refs/heads/main", &commit]);
    git(&dir, &["symbolic-ref", "HEAD", "refs/heads/main"]);
    dir.display().to_string()
}

#[test]
fn what_leaves_the_project_is_not_checked_out() {
    for (mode, path, content) in [
        ("100644", ".GIT/hooks", "x"),
        ("100644", "a/.git/config", "x"),
        ("100644", "git~1", "x"),
        ("100644", "GOOD.yaml", "x"),
        ("100644", "a\\b", "x"),
        ("120000", "link", "/etc/passwd"),
        ("120000", "link", "../outside"),
        ("120000", "a/link", "../../outside"),
        ("120000", "link", ".git/config"),
        ("120000", "link", "a/../../outside"),
    ] {
        let around = tempfile::tempdir().unwrap();
        let url = remote_with(around.path(), mode, path, content);
        let to = around.path().join("clone");
        let (code, text) = refused(Repository::clone(&url, &to, &files(), &mut |_| {}));
        assert_eq!(code, 13_004, "{path}: {text}");
        assert!(!to.exists());
        assert!(!around.path().join("outside").exists());
    }
    let around = tempfile::tempdir().unwrap();
    let url = remote_with(around.path(), "120000", "a/link", "../good.yaml");
    let to = around.path().join("clone");
    Repository::clone(&url, &to, &files(), &mut |_| {}).unwrap();
    assert_eq!(fs::read_to_string(to.join("a/link")).unwrap(), "a: 1\n");
}

fn merge(branch: &str) -> Merge {
    let (branch, author, at) = (branch.to_owned(), ada(), Timestamp(0));
    Merge { branch, author, at, message: None, resolutions: Resolutions::default() }
}

/// A version below all checks; it becomes the head of a branch.
fn version(dir: &Path, branch: &str, parent: &str, lines: &str) -> VersionId {
    let tree = tree(dir, lines);
    let id = git(dir, &["commit-tree", &tree, "-p", parent, "-m", branch]);
    git(dir, &["update-ref", &format!("refs/heads/{branch}"), &id]);
    id.parse().unwrap()
}

#[test]
fn a_file_becomes_no_link_out_of_the_project() {
    for is_ahead in [false, true] {
        let around = tempfile::tempdir().unwrap();
        let url = remote_with(around.path(), "100644", "link", "/etc");
        let to = around.path().join("clone");
        let cloned = Repository::clone(&url, &to, &files(), &mut |_| {}).unwrap();
        if is_ahead {
            fs::write(to.join("ours.yaml"), "a: 1\n").unwrap();
            let paths = weir_versions::Paths::All;
            cloned.commit(&commit("ours", paths, cloned.head().unwrap())).unwrap();
        }
        // The same content, and now it is a link.
        let dir = around.path().join("evil");
        let lines = git(&dir, &["ls-tree", "HEAD"]);
        assert!(lines.contains("100644 blob"));
        let lines: Vec<_> =
            lines
                .lines()
                .map(|it| {
                    if it.ends_with("\tlink") { it.replace("100644", "120000") } else { it.into() }
                })
                .collect();
        version(&dir, "main", "HEAD", &(lines.join("\n") + "\n"));
        let pull = Pull {
            remote: "origin".into(),
            branch: "main".into(),
            author: ada(),
            at: Timestamp(0),
        };
        let (code, text) = refused(cloned.pull(&pull, &files(), &mut |_| {}));
        assert_eq!((code, text.contains("link")), (13_004, true), "{text}");
        assert!(to.join("link").symlink_metadata().unwrap().is_file());
        assert_eq!(cloned.status().unwrap().files, []);
    }
}

/// A few trees that hold the one below ten times each: small to send, endless to unfold.
fn bomb(dir: &Path) -> String {
    fs::write(dir.join("leaf"), "x").unwrap();
    let leaf = git(dir, &["hash-object", "-w", "leaf"]);
    let entries = |kind: &str, id: &str| {
        (0..10).map(|it| format!("{kind} {id}\tt{it}\n")).collect::<String>()
    };
    let mut id = tree(dir, &entries("100644 blob", &leaf));
    for _ in 0..12 {
        id = tree(dir, &entries("040000 tree", &id));
    }
    format!("040000 tree {id}\tbomb\n")
}

#[test]
fn a_version_that_unfolds_without_an_end_is_refused() {
    let around = tempfile::tempdir().unwrap();
    let url = remote_with(around.path(), "100644", "more.yaml", "more: 1\n");
    let dir = around.path().join("evil");
    let good = git(&dir, &["rev-parse", "HEAD"]);
    let lines = git(&dir, &["ls-tree", "HEAD"]) + "\n";
    let bomb = bomb(&dir);
    let evil = version(&dir, "evil", &good, &format!("{lines}{bomb}"));
    // Two branches that are harmless, and parted where the version is not.
    let blob = lines.split_whitespace().nth(2).unwrap();
    let one = version(&dir, "one", &evil.to_string(), &lines);
    let other = format!("{lines}100644 blob {blob}\tother.yaml\n");
    version(&dir, "other", &evil.to_string(), &other);
    let to = around.path().join("clone");
    let cloned = Repository::clone(&url, &to, &files(), &mut |_| {}).unwrap();
    let too_many = |code_and_text: (u32, String)| {
        assert_eq!(code_and_text.0, 13_005, "{}", code_and_text.1);
    };
    too_many(refused(cloned.merge(&merge("origin/evil"))));
    fs::write(to.join("ours.yaml"), "a: 1\n").unwrap();
    let head = cloned.head().unwrap();
    let ours = cloned.commit(&commit("ours", weir_versions::Paths::All, head)).unwrap();
    too_many(refused(cloned.merge(&merge("origin/evil"))));
    too_many(refused(cloned.files(evil)));
    let sides = |one, other| refused(cloned.diff(one, other, None));
    too_many(sides(DiffSide::Version(ours), DiffSide::Version(evil)));
    too_many(sides(DiffSide::Version(evil), DiffSide::Version(ours)));
    too_many(sides(DiffSide::Nothing, DiffSide::Version(evil)));
    too_many(sides(DiffSide::Version(evil), DiffSide::Working));
    cloned.branch_create("mine", Some(one)).unwrap();
    cloned.switch("mine").unwrap();
    too_many(refused(cloned.merge(&merge("origin/other"))));
    // Nor is the name searched in it that a file may have had before.
    let renamed = version(&dir, "renamed", &evil.to_string(), &format!("100644 blob {blob}\tz\n"));
    cloned.fetch("origin", &files(), &mut |_| {}).unwrap();
    let query = HistoryQuery {
        from: Some(renamed),
        asset: Some("z".into()),
        limit: 9,
        ..HistoryQuery::default()
    };
    assert_eq!(cloned.history(&query).unwrap().entries.len(), 1);
}

#[test]
fn a_submodule_is_not_followed() {
    let around = tempfile::tempdir().unwrap();
    let url = remote_with(
        around.path(),
        "100644",
        ".gitmodules",
        "[submodule \"x\"]\n\tpath = x\n\turl = ../evil\n",
    );
    let dir = around.path().join("evil");
    let head = git(&dir, &["rev-parse", "HEAD"]);
    let rest = git(&dir, &["ls-tree", "HEAD"]);
    let id = tree(&dir, &format!("{rest}\n160000 commit {head}\tx\n"));
    let commit = git(&dir, &["commit-tree", &id, "-m", "sub"]);
    git(&dir, &["update-ref", "refs/heads/main", &commit]);
    let to = around.path().join("clone");
    let cloned = Repository::clone(&url, &to, &files(), &mut |_| {}).unwrap();
    assert!(fs::read_dir(to.join("x")).map_or(true, |mut it| it.next().is_none()));
    assert_eq!(cloned.status().unwrap().files, []);
}

#[test]
fn nothing_of_a_repository_is_run() {
    let project = Project::new();
    let ran = project.around.path().join("ran");
    let script = format!("#!/bin/sh\ntouch {}\ncat\n", ran.display());
    for name in [
        "pre-commit",
        "commit-msg",
        "post-commit",
        "post-checkout",
        "post-merge",
        "pre-push",
        "reference-transaction",
        "post-index-change",
    ] {
        let hook = project.dir.join(".git/hooks").join(name);
        fs::create_dir_all(hook.parent().unwrap()).unwrap();
        fs::write(&hook, &script).unwrap();
        fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let tool = project.dir.join(".git/hooks/pre-push").display().to_string();
    for (key, value) in [
        ("filter.x.smudge", tool.as_str()),
        ("filter.x.clean", &tool),
        ("filter.x.process", &tool),
        ("merge.x.driver", &tool),
        ("diff.x.textconv", &tool),
        ("diff.external", &tool),
        ("core.fsmonitor", &tool),
        ("core.sshCommand", &tool),
        ("core.editor", &tool),
        ("credential.helper", &tool),
        ("core.hooksPath", ".git/hooks"),
        ("gpg.program", &tool),
        ("commit.gpgsign", "true"),
        ("remote.origin.uploadpack", &tool),
        ("remote.origin.receivepack", &tool),
    ] {
        let mut config = fs::read_to_string(project.dir.join(".git/config")).unwrap();
        let (section, name) = key.rsplit_once('.').unwrap();
        let section = match section.split_once('.') {
            Some((one, other)) => format!("{one} \"{other}\""),
            None => section.to_owned(),
        };
        config.push_str(&format!("[{section}]\n\t{name} = {value}\n"));
        fs::write(project.dir.join(".git/config"), config).unwrap();
    }
    project.write(".gitattributes", "* filter=x merge=x diff=x\n");
    project.commit("attributes").unwrap();
    let repository = project.open();
    repository.branch_create("other", None).unwrap();
    repository.switch("other").unwrap();
    project.replace("flights.yaml", "files", "topics");
    project.commit("other").unwrap();
    repository.switch("main").unwrap();
    project.write("s.txt", "a\n");
    project.commit("main").unwrap();
    let merge = merge("other");
    repository.merge(&merge).unwrap();
    let shared = git_repository(project.around.path(), "shared.git");
    repository.remote_add("origin", &shared.display().to_string()).unwrap();
    repository.push("origin", "main", &files(), &mut |_| {}).unwrap();
    repository.fetch("origin", &files(), &mut |_| {}).unwrap();
    let head = DiffSide::Version(repository.head().unwrap().unwrap());
    repository.diff(head, DiffSide::Working, None).unwrap();
    assert!(!ran.exists(), "something was run");
}

#[test]
fn a_repository_whose_files_are_elsewhere_is_not_used() {
    let project = Project::new();
    let elsewhere = project.around.path().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    project.git(&["config", "core.worktree", elsewhere.to_str().unwrap()]);
    assert_eq!(refused(Repository::open(&project.dir)).0, 13_001);
}

#[test]
fn a_repository_that_is_elsewhere_is_not_used() {
    let victim = Project::new();
    let project = Project::bare();
    let git = victim.dir.join(".git");
    fs::write(project.dir.join(".git"), format!("gitdir: {}\n", git.display())).unwrap();
    assert_eq!(refused(Repository::open(&project.dir)).0, 13_001);
    fs::remove_file(project.dir.join(".git")).unwrap();
    symlink(&git, project.dir.join(".git")).unwrap();
    assert_eq!(refused(Repository::open(&project.dir)).0, 13_001);
    let project = Project::new();
    fs::write(project.dir.join(".git/commondir"), git.display().to_string()).unwrap();
    assert_eq!(refused(Repository::open(&project.dir)).0, 13_001);
}

#[test]
fn an_address_is_not_replaced_by_a_configuration() {
    let project = Project::new();
    let shared = git_repository(project.around.path(), "shared.git");
    let server = GitServer::start(project.around.path(), GitBehaviour::Serve);
    let repository = project.open();
    repository.remote_add("origin", &server.url("shared.git")).unwrap();
    for key in ["insteadOf", "pushInsteadOf"] {
        let name = format!("url.{}.{key}", shared.display());
        project.git(&["config", &name, "http://"]);
        let (code, text) =
            refused(project.open().push("origin", "main", &Access::anonymous(), &mut |_| {}));
        assert_eq!((code, text.contains("insteadOf")), (13_034, true), "{key}: {text}");
        project.git(&["config", "--unset", &name]);
    }
    assert_eq!(git(&shared, &["branch", "--list"]), "");
}

#[test]
fn nothing_is_written_through_a_link() {
    let project = Project::new();
    let outside = project.around.path().join("outside");
    fs::create_dir(&outside).unwrap();
    let repository = project.open();
    repository.branch_create("other", None).unwrap();
    repository.switch("other").unwrap();
    project.write("dir/a.yaml", "theirs: 1\n");
    project.commit("dir").unwrap();
    repository.switch("main").unwrap();
    symlink(&outside, project.dir.join("dir")).unwrap();
    assert_eq!(refused(repository.switch("other")).0, 13_004);
    fs::write(outside.join("b.yaml"), "mine: 1\n").unwrap();
    assert_eq!(refused(repository.discard(&["dir/b.yaml".into()])).0, 13_012);
    // A link that leaves the project becomes no part of a version.
    assert_eq!(refused(project.commit("link")).0, 13_004);
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 1);
}
