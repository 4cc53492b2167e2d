//! Merges: by field, by lines, with conflicts, and begun by another program.

use std::fs;

use serde_json::json;
use weir_domain::Timestamp;
use weir_versions::{
    Choice, Conflict, FileChoice, Merge, Merged, Outlook, Repository, Resolutions,
};

use crate::support::{Project, WORKFLOW, ada, command, refused};

fn merge(branch: &str) -> Merge {
    let (author, at) = (ada(), Timestamp(1_700_000_000_000));
    Merge {
        branch: branch.to_owned(),
        author,
        at,
        message: None,
        resolutions: Resolutions::default(),
    }
}

/// Two branches from the first version; the project is on `main`.
fn parted(theirs: impl FnOnce(&Project), ours: impl FnOnce(&Project)) -> Project {
    let project = Project::new();
    part(&project, theirs, ours);
    project
}

fn part(project: &Project, theirs: impl FnOnce(&Project), ours: impl FnOnce(&Project)) {
    let repository = project.open();
    repository.branch_create("other", None).unwrap();
    repository.switch("other").unwrap();
    theirs(project);
    project.commit("theirs").unwrap();
    repository.switch("main").unwrap();
    ours(project);
    project.commit("ours").unwrap();
}

fn conflicts(merged: Merged) -> (Resolutions, Vec<Conflict>) {
    match merged {
        Merged::Conflicts { ours, theirs, conflicts } => {
            (Resolutions { versions: Some((ours, theirs)), ..Resolutions::default() }, conflicts)
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_branch_without_versions_of_its_own_is_moved() {
    let project = Project::new();
    let repository = project.open();
    repository.branch_create("other", None).unwrap();
    assert_eq!(repository.merge(&merge("other")).unwrap(), Merged::Nothing);
    repository.switch("other").unwrap();
    project.write("a.yaml", "a: 1\n");
    let id = project.commit("more").unwrap();
    repository.switch("main").unwrap();
    assert_eq!(repository.merge(&merge("other")).unwrap(), Merged::FastForward(id));
    assert_eq!((project.read("a.yaml").as_str(), project.status().as_str()), ("a: 1\n", ""));
    assert_eq!(refused(repository.merge(&merge("nowhere"))).0, 13_021);
}

#[test]
fn fields_that_lines_would_collide_on_are_merged() {
    let project = parted(
        |it| it.replace("flights.yaml", "source: files", "source: topics"),
        |it| {
            it.replace(
                "flights.yaml",
                "    - name: read\n",
                "    - name: read\n      limit: 5 # ours\n",
            )
        },
    );
    let repository = project.open();
    let Merged::Version(id) = repository.merge(&merge("other")).unwrap() else { panic!() };
    let expected =
        WORKFLOW.replace("      source: files", "      limit: 5 # ours\n      source: topics");
    assert_eq!(project.read("flights.yaml"), expected);
    assert_eq!(project.status(), "");
    let version = repository.version(id).unwrap();
    assert_eq!((version.parents.len(), version.message.as_str()), (2, "Merge other into main"));
    assert_eq!(project.git(&["status", "--porcelain"]), "");
    project.git(&["fsck", "--strict"]);
}

#[test]
fn conflicts_are_values_and_nothing_changes_until_they_are_decided() {
    let project = parted(
        |it| {
            it.replace("flights.yaml", "source: files", "source: theirs");
            it.write("notes.md", "theirs\n");
        },
        |it| {
            it.replace("flights.yaml", "source: files", "source: ours");
            it.write("notes.md", "ours\n");
        },
    );
    let repository = project.open();
    let before = (project.open().head().unwrap(), project.read("flights.yaml"));
    let (mut resolutions, found) = conflicts(repository.merge(&merge("other")).unwrap());
    let [Conflict::Field { asset, conflict }, Conflict::File(file)] = &found[..] else {
        panic!("{found:?}")
    };
    assert_eq!(
        (asset.as_str(), conflict.path.to_string().as_str()),
        ("flights.yaml", "spec.stages[read].source")
    );
    assert_eq!(conflict.base, Some(json!("files")));
    assert_eq!((&conflict.ours, &conflict.theirs), (&Some(json!("ours")), &Some(json!("theirs"))));
    assert_eq!(
        (file.path.as_str(), file.ours.as_deref(), file.base.as_deref()),
        ("notes.md", Some("ours\n"), None)
    );
    assert_eq!((project.open().head().unwrap(), project.read("flights.yaml")), before);
    assert_eq!(
        (project.status().as_str(), project.git(&["status", "--porcelain"]).as_str()),
        ("", "")
    );

    let field = ("flights.yaml".to_owned(), "spec.stages[read].source".to_owned());
    resolutions.fields.insert(field.clone(), Choice::Value(json!("both")));
    let again = Merge { resolutions: resolutions.clone(), ..merge("other") };
    assert_eq!(conflicts(repository.merge(&again).unwrap()).1.len(), 1);
    resolutions.files.insert("notes.md".to_owned(), FileChoice::Text("both\n".to_owned()));
    let mut stray = resolutions.clone();
    stray.files.insert("other.md".to_owned(), FileChoice::Ours);
    assert_eq!(
        refused(repository.merge(&Merge { resolutions: stray, ..merge("other") })).0,
        13_028
    );
    let mut stray = resolutions.clone();
    stray.fields.insert(("flights.yaml".to_owned(), "kind".to_owned()), Choice::Theirs);
    assert_eq!(
        refused(repository.merge(&Merge { resolutions: stray, ..merge("other") })).0,
        13_028
    );
    let decided = Merge { resolutions, ..merge("other") };
    assert!(matches!(repository.merge(&decided).unwrap(), Merged::Version(_)));
    assert_eq!(project.read("flights.yaml"), WORKFLOW.replace("files", "both"));
    assert_eq!(project.read("notes.md"), "both\n");
    assert_eq!(project.status(), "");
}

#[test]
fn decisions_hold_for_the_versions_they_were_made_for() {
    let project = parted(
        |it| it.replace("flights.yaml", "files", "theirs"),
        |it| it.replace("flights.yaml", "files", "ours"),
    );
    let repository = project.open();
    let (mut resolutions, _) = conflicts(repository.merge(&merge("other")).unwrap());
    resolutions
        .fields
        .insert(("flights.yaml".into(), "spec.stages[read].source".into()), Choice::Theirs);
    project.write("more.yaml", "a: 1\n");
    project.git(&["add", "."]);
    project.git(&["commit", "--quiet", "-m", "meanwhile"]);
    assert_eq!(refused(repository.merge(&Merge { resolutions, ..merge("other") })).0, 13_015);
}

#[test]
fn a_file_may_be_moved_by_one_side_and_changed_by_the_other() {
    let project = parted(
        |it| {
            fs::create_dir(it.dir.join("w")).unwrap();
            fs::rename(it.dir.join("flights.yaml"), it.dir.join("w/f.yaml")).unwrap();
        },
        |it| it.replace("flights.yaml", "files", "topics"),
    );
    let repository = project.open();
    assert!(matches!(repository.merge(&merge("other")).unwrap(), Merged::Version(_)));
    assert_eq!(project.read("w/f.yaml"), WORKFLOW.replace("files", "topics"));
    assert!(!project.dir.join("flights.yaml").exists());
}

#[test]
fn a_place_that_one_side_moved_to_and_the_other_added_is_decided_by_whose_it_is() {
    for (choice, is_theirs) in [(FileChoice::Ours, false), (FileChoice::Theirs, true)] {
        for ours_moved in [false, true] {
            let moves = |it: &Project| {
                fs::rename(it.dir.join("flights.yaml"), it.dir.join("b.yaml")).unwrap();
            };
            let adds = |it: &Project| it.write("b.yaml", "added: 1\n");
            let project = if ours_moved { parted(adds, moves) } else { parted(moves, adds) };
            let repository = project.open();
            let (mut resolutions, found) = conflicts(repository.merge(&merge("other")).unwrap());
            let [Conflict::File(file)] = &found[..] else { panic!("{found:?}") };
            let (ours, theirs) =
                if ours_moved { (WORKFLOW, "added: 1\n") } else { ("added: 1\n", WORKFLOW) };
            assert_eq!((file.path.as_str(), &file.base), ("b.yaml", &None));
            assert_eq!((file.ours.as_deref(), file.theirs.as_deref()), (Some(ours), Some(theirs)));
            resolutions.files.insert("b.yaml".to_owned(), choice.clone());
            let decided = Merge { resolutions, ..merge("other") };
            assert!(matches!(repository.merge(&decided).unwrap(), Merged::Version(_)));
            let chosen = if is_theirs != ours_moved { WORKFLOW } else { "added: 1\n" };
            assert_eq!(project.read("b.yaml"), chosen);
        }
    }
}

#[test]
fn a_file_that_one_side_deleted_and_the_other_changed_is_a_conflict() {
    for (choice, is_there) in [(FileChoice::Ours, true), (FileChoice::Theirs, false)] {
        let project = parted(
            |it| fs::remove_file(it.dir.join("flights.yaml")).unwrap(),
            |it| it.replace("flights.yaml", "files", "topics"),
        );
        let repository = project.open();
        let (mut resolutions, found) = conflicts(repository.merge(&merge("other")).unwrap());
        let [Conflict::File(file)] = &found[..] else { panic!("{found:?}") };
        assert_eq!(file.theirs, None);
        resolutions.files.insert("flights.yaml".to_owned(), choice);
        repository.merge(&Merge { resolutions, ..merge("other") }).unwrap();
        assert_eq!(project.dir.join("flights.yaml").exists(), is_there);
        assert_eq!(project.status(), "");
    }
}

#[test]
fn other_texts_are_merged_by_lines() {
    let project = Project::new();
    project.write("s.js", "one\n\n\n\ntwo\n");
    project.commit("script").unwrap();
    part(&project, |it| it.replace("s.js", "one", "1"), |it| it.replace("s.js", "two", "2"));
    project.open().merge(&merge("other")).unwrap();
    assert_eq!(project.read("s.js"), "1\n\n\n\n2\n");
}

#[test]
fn a_merge_does_not_overwrite_what_is_not_committed() {
    let project = parted(
        |it| it.write("new.yaml", "theirs: 1\n"),
        |it| it.replace("flights.yaml", "files", "topics"),
    );
    project.write("new.yaml", "mine: 1\n");
    project.write("free.yaml", "mine: 1\n");
    let before = project.open().head().unwrap();
    let (code, text) = refused(project.open().merge(&merge("other")));
    assert_eq!(
        (code, text.contains("new.yaml"), text.contains("free.yaml")),
        (13_025, true, false)
    );
    assert_eq!(project.open().head().unwrap(), before);
    fs::remove_file(project.dir.join("new.yaml")).unwrap();
    project.open().merge(&merge("other")).unwrap();
    assert_eq!(project.status(), "+free.yaml");
}

#[test]
fn files_go_back_when_the_branch_can_not_be_moved() {
    let project = parted(
        |it| {
            it.write("new.yaml", "theirs: 1\n");
            it.replace("flights.yaml", "files", "topics");
        },
        |it| it.write("ours.yaml", "a: 1\n"),
    );
    let lock = project.dir.join(".git/refs/heads/main.lock");
    fs::write(&lock, "").unwrap();
    let (code, text) = refused(project.open().merge(&merge("other")));
    assert_eq!((code, text.contains("main.lock")), (13_016, true), "{text}");
    assert_eq!(project.status(), "");
    assert_eq!(project.read("flights.yaml"), WORKFLOW);
    assert!(!project.dir.join("new.yaml").exists());
    project.write("ours.yaml", "a: 2\n");
    assert_eq!(refused(project.commit("x")).0, 13_016);
    fs::remove_file(lock).unwrap();
    project.commit("x").unwrap();
    project.open().merge(&merge("other")).unwrap();
}

#[test]
fn names_that_fall_together_where_case_does_not_count_are_refused() {
    let project = parted(|it| it.write("A.yaml", "a: 1\n"), |it| it.write("a.yaml", "a: 2\n"));
    assert_eq!(refused(project.open().merge(&merge("other"))).0, 13_004);
    assert_eq!(project.status(), "");
}

#[test]
fn a_file_and_a_directory_of_one_name_are_refused() {
    let project = parted(|it| it.write("x/y.yaml", "a: 1\n"), |it| it.write("x", "a file\n"));
    let (code, text) = refused(project.open().merge(&merge("other")));
    assert_eq!((code, text.contains("x/y.yaml")), (13_004, true), "{text}");
    assert_eq!((project.read("x").as_str(), project.status().as_str()), ("a file\n", ""));
}

#[test]
fn branches_without_a_common_version_are_not_merged() {
    let project = Project::new();
    project.git(&["checkout", "--quiet", "--orphan", "other"]);
    project.git(&["commit", "--quiet", "-m", "alone"]);
    project.git(&["checkout", "--quiet", "main"]);
    assert_eq!(refused(project.open().merge(&merge("other"))).0, 13_027);
}

#[test]
fn a_merge_of_another_program_is_seen_and_can_be_undone() {
    let project = parted(
        |it| {
            it.replace("flights.yaml", "files", "theirs");
            it.write("new.yaml", "a: 1\n");
        },
        |it| it.replace("flights.yaml", "files", "ours"),
    );
    project.write("mine.yaml", "a: 1\n");
    let repository = project.open();
    assert_eq!(refused(repository.merge_abort()).0, 13_028);
    assert!(!command(&project.dir, &["merge", "other"]).output().unwrap().status.success());
    assert!(repository.status().unwrap().is_merging);
    assert_eq!(project.status(), "!flights.yaml +mine.yaml +new.yaml".to_owned());
    assert_eq!(refused(project.commit("x")).0, 13_014);
    assert_eq!(refused(repository.switch("other")).0, 13_014);
    assert_eq!(refused(repository.merge(&merge("other"))).0, 13_014);
    assert_eq!(refused(repository.discard(&["flights.yaml".into()])).0, 13_014);
    repository.merge_abort().unwrap();
    assert_eq!(project.read("flights.yaml"), WORKFLOW.replace("files", "ours"));
    assert_eq!(project.status(), "+mine.yaml");
    assert_eq!(project.git(&["status", "--porcelain"]), "?? mine.yaml");
}

#[test]
fn a_merge_of_another_program_is_committed_with_both_parents() {
    let project = parted(
        |it| it.replace("flights.yaml", "files", "theirs"),
        |it| it.replace("flights.yaml", "files", "ours"),
    );
    assert!(!command(&project.dir, &["merge", "other"]).output().unwrap().status.success());
    project.write("flights.yaml", WORKFLOW);
    project.git(&["add", "flights.yaml"]);
    let id = project.commit("by hand").unwrap();
    let repository = project.open();
    assert_eq!(repository.version(id).unwrap().parents.len(), 2);
    assert!(!repository.status().unwrap().is_merging);
    assert_eq!(project.status(), "");
    // What says that a merge goes on may outlive it: no version is a parent twice.
    let theirs = project.git(&["rev-parse", "other"]);
    fs::write(project.dir.join(".git/MERGE_HEAD"), theirs + "\n").unwrap();
    project.write("more.yaml", "a: 1\n");
    let next = project.commit("next").unwrap();
    assert_eq!(repository.version(next).unwrap().parents, [id]);
    assert!(!repository.status().unwrap().is_merging);
}

#[test]
fn a_merge_of_a_part_stays_inside_of_it() {
    let around = Project::new();
    around.write("project/a.yaml", "a: 1\nb: 1\n");
    around.commit("both").unwrap();
    part(
        &around,
        |it| it.write("project/a.yaml", "a: 2\nb: 1\n"),
        |it| it.write("project/a.yaml", "a: 1\nb: 2\n"),
    );
    let inner = Repository::open(&around.dir.join("project")).unwrap().unwrap();
    assert!(matches!(inner.merge(&merge("other")).unwrap(), Merged::Version(_)));
    assert_eq!(around.read("project/a.yaml"), "a: 2\nb: 2\n");
    around.open().switch("other").unwrap();
    around.replace("flights.yaml", "files", "topics");
    around.commit("outside").unwrap();
    around.open().switch("main").unwrap();
    assert_eq!(refused(inner.merge(&merge("other"))).0, 13_026);
}

#[test]
fn what_a_merge_would_come_to_is_told_and_nothing_is_changed() {
    let project = Project::new();
    project.open().branch_create("theirs", None).unwrap();
    let foreseen = || project.open().merge_foreseen(&merge("theirs")).unwrap().outcome;
    assert_eq!(foreseen(), Outlook::Nothing);
    project.open().switch("theirs").unwrap();
    project.replace("flights.yaml", "source: files", "source: theirs");
    project.commit("theirs").unwrap();
    project.open().switch("main").unwrap();
    assert_eq!(foreseen(), Outlook::FastForward);
    project.replace("flights.yaml", "sink: out", "sink: ours");
    project.commit("ours").unwrap();
    assert_eq!(foreseen(), Outlook::Version);
    project.replace("flights.yaml", "source: files", "source: ours");
    let head = project.commit("ours as well").unwrap();
    assert!(matches!(foreseen(), Outlook::Conflicts(it) if it.len() == 1));
    assert_eq!((project.open().head().unwrap(), project.status().as_str()), (Some(head), ""));
}
