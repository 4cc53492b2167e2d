//! Status, commits, discarding, history.

use std::fs;

use weir_versions::{HistoryQuery, Paths, Repository};

use crate::support::{Project, WORKFLOW, commit, git, refused};

fn history(project: &Project, asset: Option<&str>) -> Vec<(String, Option<String>)> {
    let asset = asset.map(str::to_owned);
    let query = HistoryQuery { asset, limit: 100, ..HistoryQuery::default() };
    let page = project.open().history(&query).unwrap();
    assert_eq!(page.next, None);
    page.entries.into_iter().map(|it| (it.version.message, it.path)).collect()
}

fn messages(project: &Project, asset: Option<&str>) -> Vec<String> {
    history(project, asset).into_iter().map(|it| it.0).collect()
}

#[test]
fn a_project_without_git_has_no_versions_until_it_is_given_some() {
    let project = Project::bare();
    assert!(Repository::open(&project.dir).unwrap().is_none());
    let repository = Repository::init(&project.dir).unwrap();
    let status = repository.status().unwrap();
    assert_eq!((status.branch.as_deref(), status.head), (Some("main"), None));
    assert_eq!(refused(Repository::init(&project.dir)).0, 13_002);
    assert_eq!(refused(project.commit("nothing")).0, 13_012);
    assert_eq!(repository.history(&HistoryQuery::default()).unwrap().entries, []);
}

#[test]
fn a_version_holds_what_was_chosen_and_says_who_made_it() {
    let project = Project::new();
    project.write("a.yaml", "a: 1\n");
    project.write("b/c.yaml", "b: 1\n");
    project.replace("flights.yaml", "files", "topics");
    fs::create_dir(project.dir.join("empty")).unwrap();
    assert_eq!(project.status(), "+a.yaml +b/c.yaml ~flights.yaml");
    let repository = project.open();
    let head = repository.head().unwrap();
    let id = repository
        .commit(&commit("  one\n\nof many  ", Paths::These(vec!["b/c.yaml".into()]), head))
        .unwrap();
    assert_eq!(project.status(), "+a.yaml ~flights.yaml");
    let version = repository.version(id).unwrap();
    assert_eq!(version.message, "one\n\nof many");
    assert_eq!((version.author.name.as_str(), version.at.0), ("Ada", 1_700_000_000_000));
    assert_eq!(version.parents, head.into_iter().collect::<Vec<_>>());
    let files: Vec<_> = repository.files(id).unwrap().into_iter().map(|it| it.path).collect();
    assert_eq!(files, ["b/c.yaml", "flights.yaml"]);
    assert_eq!(repository.file(id, "flights.yaml").unwrap(), WORKFLOW.as_bytes());
    assert_eq!(refused(repository.file(id, "a.yaml")).0, 13_003);
    fs::remove_file(project.dir.join("b/c.yaml")).unwrap();
    project.commit("rest").unwrap();
    assert_eq!(project.status(), "");
    assert_eq!(project.git(&["status", "--porcelain"]), "");
    assert_eq!(project.git(&["ls-files"]), "a.yaml\nflights.yaml");
    project.git(&["fsck", "--strict"]);
}

#[test]
fn what_another_program_has_staged_is_neither_taken_nor_lost() {
    let project = Project::new();
    project.write("staged.yaml", "a: 1\n");
    project.git(&["add", "staged.yaml"]);
    project.replace("flights.yaml", "files", "topics");
    let repository = project.open();
    let only = Paths::These(vec!["flights.yaml".into()]);
    repository.commit(&commit("only", only, repository.head().unwrap())).unwrap();
    assert_eq!(project.git(&["ls-tree", "--name-only", "HEAD"]), "flights.yaml");
    assert_eq!(project.git(&["status", "--porcelain"]), "A  staged.yaml");
}

#[test]
fn a_commit_that_means_nothing_is_refused() {
    let project = Project::new();
    assert_eq!(refused(project.commit("again")).0, 13_012);
    project.write("a.yaml", "a: 1\n");
    assert_eq!(refused(project.commit(" \n")).0, 13_011);
    let repository = project.open();
    let head = repository.head().unwrap();
    let these = |it: &str| Paths::These(vec![it.to_owned()]);
    assert_eq!(refused(repository.commit(&commit("x", these("flights.yaml"), head))).0, 13_012);
    for path in ["../a", "/etc/passwd", ".git/config", "a//b", ""] {
        assert_eq!(refused(repository.commit(&commit("x", these(path), head))).0, 13_004);
    }
    let mut bad = commit("x", Paths::All, head);
    bad.author.email = "a>\nb".to_owned();
    assert_eq!(refused(repository.commit(&bad)).0, 13_011);
    project.git(&["checkout", "--quiet", "--detach"]);
    assert_eq!(refused(project.commit("x")).0, 13_013);
}

#[test]
fn a_commit_from_outside_is_noticed() {
    let project = Project::new();
    let repository = project.open();
    let seen = repository.head().unwrap();
    project.write("theirs.yaml", "a: 1\n");
    project.git(&["add", "."]);
    project.git(&["commit", "--quiet", "-m", "theirs"]);
    project.write("ours.yaml", "a: 1\n");
    let (code, text) = refused(repository.commit(&commit("ours", Paths::All, seen)));
    assert_eq!(code, 13_015);
    assert!(text.contains(&format!("{:.12}", seen.unwrap())), "{text}");
    assert_eq!(project.status(), "+ours.yaml");
    repository.commit(&commit("ours", Paths::All, repository.head().unwrap())).unwrap();
    assert_eq!(messages(&project, None), ["ours", "theirs", "begin"]);
}

#[test]
fn a_lock_of_another_program_is_respected() {
    let project = Project::new();
    project.write("a.yaml", "a: 1\n");
    let lock = project.dir.join(".git/index.lock");
    fs::write(&lock, "").unwrap();
    let (code, text) = refused(project.commit("x"));
    assert_eq!(code, 13_016);
    assert!(text.contains("index.lock"), "{text}");
    fs::remove_file(lock).unwrap();
    project.commit("x").unwrap();
}

#[test]
fn changes_are_discarded_one_by_one() {
    let project = Project::new();
    project.write("gone.yaml", "a: 1\n");
    project.commit("gone").unwrap();
    fs::remove_file(project.dir.join("gone.yaml")).unwrap();
    project.replace("flights.yaml", "files", "topics");
    project.write("new.yaml", "a: 1\n");
    project.write("kept.yaml", "a: 1\n");
    let repository = project.open();
    let discard = |it: &str| repository.discard(&[it.to_owned()]);
    discard("gone.yaml").unwrap();
    discard("new.yaml").unwrap();
    assert_eq!(project.status(), "~flights.yaml +kept.yaml");
    discard("flights.yaml").unwrap();
    assert_eq!(project.read("flights.yaml"), WORKFLOW);
    assert_eq!(project.status(), "+kept.yaml");
    assert_eq!(refused(discard("flights.yaml")).0, 13_012);
    assert_eq!(refused(discard("../kept.yaml")).0, 13_004);
}

#[test]
fn a_history_follows_an_asset_through_its_names() {
    let project = Project::new();
    project.replace("flights.yaml", "files", "topics");
    project.commit("change").unwrap();
    project.write("other.yaml", "a: 1\n");
    project.commit("other").unwrap();
    fs::create_dir(project.dir.join("moved")).unwrap();
    fs::rename(project.dir.join("flights.yaml"), project.dir.join("moved/planes.yaml")).unwrap();
    project.commit("move").unwrap();
    project.replace("moved/planes.yaml", "out", "away");
    project.commit("last").unwrap();
    let found = history(&project, Some("moved/planes.yaml"));
    let expected = [
        ("last", "moved/planes.yaml"),
        ("move", "moved/planes.yaml"),
        ("change", "flights.yaml"),
        ("begin", "flights.yaml"),
    ];
    let expected = expected.map(|it| (it.0.to_owned(), Some(it.1.to_owned())));
    assert_eq!(found, expected);
    assert_eq!(messages(&project, None).len(), 5);
}

#[test]
fn a_history_is_read_in_pages() {
    let project = Project::new();
    for number in 0..7 {
        project.write("n.yaml", &format!("n: {number}\n"));
        project.commit(&format!("n{number}")).unwrap();
    }
    let repository = project.open();
    let (mut after, mut all) = (None, Vec::new());
    loop {
        let query = HistoryQuery {
            asset: Some("n.yaml".into()),
            after,
            limit: 3,
            ..HistoryQuery::default()
        };
        let page = repository.history(&query).unwrap();
        assert!(page.entries.len() <= 3);
        all.extend(page.entries.into_iter().map(|it| it.version.message));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(all, ["n6", "n5", "n4", "n3", "n2", "n1", "n0"]);
    let query = |limit| HistoryQuery { limit, ..HistoryQuery::default() };
    assert_eq!(repository.history(&query(0)).unwrap().entries.len(), 1);
    assert_eq!(repository.history(&query(usize::MAX)).unwrap().entries.len(), 8);
    let unknown = "0123456789012345678901234567890123456789".parse().unwrap();
    let query = HistoryQuery { after: Some(unknown), limit: 3, ..HistoryQuery::default() };
    assert_eq!(refused(repository.history(&query)).0, 13_003);
}

#[test]
fn a_project_in_a_repository_is_that_part_of_it() {
    let around = Project::new();
    around.write("project/a.yaml", "a: 1\n");
    around.write("project/b.yaml", "b: 1\n");
    around.commit("both").unwrap();
    around.replace("flights.yaml", "files", "topics");
    around.commit("outside").unwrap();
    let dir = around.dir.join("project");
    let repository = Repository::open(&dir).unwrap().unwrap();
    let page = repository.history(&HistoryQuery { limit: 9, ..HistoryQuery::default() }).unwrap();
    assert_eq!(page.entries.len(), 1);
    around.write("project/a.yaml", "a: 2\n");
    around.write("outside.yaml", "a: 2\n");
    let status = repository.status().unwrap();
    assert_eq!(status.files.len(), 1);
    assert_eq!(status.files[0].path, "a.yaml");
    let id = repository.commit(&commit("part", Paths::All, status.head)).unwrap();
    assert_eq!(around.status(), "+outside.yaml");
    assert_eq!(repository.file(id, "a.yaml").unwrap(), b"a: 2\n");
    let files: Vec<_> = repository.files(id).unwrap().into_iter().map(|it| it.path).collect();
    assert_eq!(files, ["a.yaml", "b.yaml"]);
    // What the repository ignores is no part of it.
    around.write(".gitignore", "data/\n");
    around.write("data/x.yaml", "a: 1\n");
    assert!(Repository::open(&around.dir.join("data")).unwrap().is_none());
    git(&around.dir, &["fsck", "--strict"]);
}

#[test]
fn data_of_the_project_becomes_no_part_of_a_version() {
    for prefix in ["", "part/"] {
        let around = Project::new();
        let write = |path: &str, text: &str| around.write(&format!("{prefix}{path}"), text);
        write("old/kept.csv", "1\n");
        around.commit("before").unwrap();
        write(
            "project.yaml",
            "kind: Project\nmetadata:\n  name: p\nspec:\n  exclude: [in/, './data/[raw]', '!done', old]\n",
        );
        for data in
            ["in/a.csv", "data/[raw]/b.csv", "!done/c.csv", "old/more.csv", "dead-letters/d.csv"]
        {
            write(data, "1,2\n");
        }
        write("old/kept.csv", "2\n");
        write("data/r/kept.yaml", "a: 1\n");
        write(".flights.yaml.weir-new", "half");
        let repository = Repository::open(&around.dir.join(prefix)).unwrap().unwrap();
        let status = repository.status().unwrap();
        let seen: Vec<_> = status.files.iter().map(|it| it.path.as_str()).collect();
        let expected = ["data/r/kept.yaml", "old/kept.csv", "project.yaml"];
        assert_eq!(seen, expected);
        let head = weir_versions::DiffSide::Version(status.head.unwrap());
        let diff = repository.diff(head, weir_versions::DiffSide::Working, None).unwrap();
        let seen: Vec<_> = diff.files.iter().map(|it| it.path.as_str()).collect();
        assert_eq!(seen, expected);
        repository.commit(&commit("all", Paths::All, status.head)).unwrap();
        let held = around.git(&["ls-tree", "-r", "--name-only", "HEAD"]);
        assert!(held.matches(".csv").count() == 1 && !held.contains("weir-new"), "{held}");
        assert_eq!(repository.status().unwrap().files, []);
    }
}

#[test]
fn a_file_that_is_too_large_leaves_nothing_in_the_repository() {
    let project = Project::new();
    let file = fs::File::create(project.dir.join("huge.bin")).unwrap();
    file.set_len(300 << 20).unwrap();
    let before = project.git(&["count-objects"]);
    let (code, text) = refused(project.commit("huge"));
    assert_eq!((code, text.contains("huge.bin")), (13_005, true), "{text}");
    assert_eq!(project.git(&["count-objects"]), before);
}
