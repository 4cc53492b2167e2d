//! Finished files go where they belong, once.

use weir_domain::Item;
use weir_stream::Outcome;

use super::super::action::Action;
use super::super::relocate::draft_name;
use super::*;

fn keys() -> Value {
    json!({
        "recursive": true,
        "done": {"directory": "done"},
        "error": {"directory": "archive/error", "onExisting": "replace"},
    })
}

fn item(source: &mut dyn Source, name: &str) -> Item {
    source.list().unwrap().into_iter().find(|it| it.name == name).unwrap()
}

/// Settles one item; every action is run twice.
fn settle(project: &Project, source: &dyn Source, item: &Item, outcome: Outcome) {
    assert!(run_twice(project, &source.settle(item, outcome)).is_empty());
}

#[test]
fn a_file_goes_to_done_or_error_with_the_path_below_the_input() {
    let project = Project::new();
    project.write("in/a.csv", "a");
    project.write("in/sub/b.csv", "b");
    let mut source = project.source(keys());
    let (a, b) = (item(&mut *source, "a.csv"), item(&mut *source, "sub/b.csv"));
    settle(&project, &*source, &a, Outcome::Committed);
    settle(&project, &*source, &b, Outcome::Failed);
    assert_eq!(project.names("in"), ["sub/"]);
    assert_eq!(project.tree("done")["a.csv"], "a");
    assert_eq!(project.tree("archive/error")["sub/b.csv"], "b");
}

#[test]
fn without_a_directory_the_file_stays() {
    let project = Project::new();
    project.write("in/a.csv", "a");
    let mut source = project.source(json!({}));
    let a = item(&mut *source, "a.csv");
    assert!(source.settle(&a, Outcome::Committed).is_empty());
    assert!(source.settle(&a, Outcome::Failed).is_empty());
}

#[test]
fn a_taken_name_gets_a_counter_or_is_replaced() {
    let project = Project::new();
    project.write("done/a.csv.gz", "older");
    project.write("done/a_1.csv.gz", "old");
    project.write("archive/error/a.csv.gz", "old");
    let mut source = project.source(keys());
    for (outcome, content) in [(Outcome::Committed, "new"), (Outcome::Failed, "newer")] {
        project.write("in/a.csv.gz", content);
        let a = item(&mut *source, "a.csv.gz");
        settle(&project, &*source, &a, outcome);
    }
    let done: Vec<_> = project.tree("done").into_iter().collect();
    let wanted = [("a.csv.gz", "older"), ("a_1.csv.gz", "old"), ("a_2.csv.gz", "new")];
    assert_eq!(done, wanted.map(|(name, text)| (name.to_owned(), text.to_owned())));
    assert_eq!(project.tree("archive/error")["a.csv.gz"], "newer");
}

#[test]
fn a_file_that_came_under_the_same_name_stays() {
    let project = Project::new();
    let path = project.write("in/a.csv", "read");
    let mut source = project.source(keys());
    let a = item(&mut *source, "a.csv");
    let actions = source.settle(&a, Outcome::Committed);
    // Kept under another name, so that the new file can't get its inode.
    fs::rename(&path, project.path("aside")).unwrap();
    project.write("in/a.csv", "read");
    run_twice(&project, &actions);
    assert_eq!(project.names("in"), ["a.csv"]);
    assert!(!project.path("done").exists());
}

#[test]
fn a_file_that_grew_after_its_outcome_stays_to_be_read_again() {
    let project = Project::new();
    let path = project.write("in/a.csv", "read");
    let mut source = project.source(keys());
    let a = item(&mut *source, "a.csv");
    fs::write(&path, "read and more").unwrap();
    let said = run_twice(&project, &source.settle(&a, Outcome::Committed));
    assert_eq!(said.len(), 1);
    assert_eq!(said[0].address, "", "nothing became visible");
    let warning = said[0].warning.as_ref().unwrap();
    assert!(warning.contains("in/a.csv was changed after it was read"), "{warning}");
    assert_eq!(project.names("in"), ["a.csv"]);
    assert!(!project.path("done").exists());
}

#[test]
fn a_name_between_link_and_unlink_is_finished_by_the_next_run() {
    let project = Project::new();
    let path = project.write("in/a.csv", "a");
    project.mkdir("done");
    let mut source = project.source(keys());
    let a = item(&mut *source, "a.csv");
    // Where a file system has no exclusive rename, a crash may leave both names.
    fs::hard_link(&path, project.path("done/a.csv")).unwrap();
    settle(&project, &*source, &a, Outcome::Committed);
    assert!(project.names("in").is_empty());
    assert_eq!(project.names("done"), ["a.csv"]);
}

#[test]
fn a_file_moves_to_another_device_whole_and_once() {
    let project = Project::new();
    let Some(other) = other_device(&project) else { return };
    let done = other.path().join("done");
    let path = project.write("in/a.csv", "content");
    let keys = json!({"done": {"directory": done}});
    let mut source = project.source(keys);
    let a = item(&mut *source, "a.csv");
    let actions = source.settle(&a, Outcome::Committed);
    let there = |name: &str| fs::read_to_string(done.join(name)).ok();
    let count = || fs::read_dir(&done).unwrap().count();

    // A crash in the middle of copying left half of it under the hidden name.
    run(&actions[0]).unwrap();
    assert_eq!((there("a.csv").as_deref(), count(), path.exists()), (Some("content"), 1, false));
    assert_eq!(disk_time(&done.join("a.csv")), a.fingerprint.modified_ns);

    // A crash between naming the copy and removing the original.
    fs::rename(done.join("a.csv"), done.join("kept")).unwrap();
    fs::copy(done.join("kept"), &path).unwrap();
    set_age(&path, 3600);
    let again = item(&mut *source, "a.csv");
    let actions = source.settle(&again, Outcome::Committed);
    fs::rename(done.join("kept"), done.join("a.csv")).unwrap();
    run(&actions[0]).unwrap();
    assert_eq!((there("a.csv").as_deref(), count(), path.exists()), (Some("content"), 1, false));

    // Another file of the same size and time is not taken for the copy.
    fs::write(&path, "Content").unwrap();
    set_age(&path, 3600);
    let other_content = item(&mut *source, "a.csv");
    run(&source.settle(&other_content, Outcome::Committed)[0]).unwrap();
    assert_eq!(there("a_1.csv").as_deref(), Some("Content"));
    assert_eq!((count(), path.exists()), (2, false));
}

#[test]
fn the_draft_of_a_copy_goes_with_the_input_that_was_deleted_meanwhile() {
    let project = Project::new();
    let path = project.write("in/a.csv", "content");
    let mut source = project.source(keys());
    let a = item(&mut *source, "a.csv");
    let actions = source.settle(&a, Outcome::Committed);
    let Action::Move(action) = Action::read(&actions[0].payload).unwrap() else { panic!() };
    // Killed in the middle of copying to another device.
    project.write(&format!("done/{}", draft_name(&action)), "con");
    project.write("done/.weir-another.part", "another move's");
    fs::remove_file(&path).unwrap();
    assert!(run_twice(&project, &actions).is_empty());
    assert_eq!(project.names("done"), [".weir-another.part"]);
}

fn disk_time(path: &Path) -> i64 {
    super::super::disk::fingerprint(&fs::metadata(path).unwrap()).modified_ns
}

#[test]
fn a_directory_in_the_way_gives_the_file_a_counter() {
    let project = Project::new();
    project.write("in/a.csv", "a");
    project.mkdir("archive/error/a.csv");
    let mut source = project.source(keys());
    let a = item(&mut *source, "a.csv");
    settle(&project, &*source, &a, Outcome::Failed);
    assert_eq!(project.names("archive/error"), ["a.csv/", "a_1.csv"]);
}
