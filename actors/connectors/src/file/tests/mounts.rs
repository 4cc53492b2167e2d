//! A file system that is not mounted when actions run: nothing that waits on it is taken for done.
//!
//! A link stands for the mount: it leads to another device, or is an empty directory.

use std::os::unix::fs::symlink;

use weir_domain::FaultKind;
use weir_stream::Outcome;

use super::super::identity::MARK;
use super::*;

/// A directory of the project that can be mounted.
struct Mount {
    device: tempfile::TempDir,
    path: PathBuf,
}

impl Mount {
    fn new(project: &Project, path: &str) -> Option<Self> {
        let mount = Self { device: other_device(project)?, path: project.path(path) };
        symlink(mount.device.path(), &mount.path).unwrap();
        Some(mount)
    }

    /// What is left is the mount point.
    fn unmount(&self) {
        fs::remove_file(&self.path).unwrap();
        fs::create_dir(&self.path).unwrap();
    }

    fn mount(&self) {
        fs::remove_dir_all(&self.path).unwrap();
        symlink(self.device.path(), &self.path).unwrap();
    }
}

#[track_caller]
fn check_unmounted(action: &Action, used: &str) {
    let fault = run(action).unwrap_err();
    assert_eq!(fault.kind, FaultKind::Transient, "{fault}");
    let what = format!("is not the directory that was {used}: is its file system mounted?");
    assert!(fault.message.contains(&what), "{fault}");
    assert!(fault.hint.as_ref().unwrap().contains(MARK), "{fault}");
}

#[test]
fn a_committed_file_waits_for_its_file_system() {
    let project = Project::new();
    let Some(out) = Mount::new(&project, "out") else { return };
    let prepared = prepare(&mut *project.sink(json!({})), 1, &["AA"]).unwrap();
    out.unmount();
    check_unmounted(&prepared.actions[0], "written to");
    assert!(project.names("out").is_empty());
    out.mount();
    let published = run_twice(&project, &prepared.actions);
    assert_eq!(places(&project, &published), ["out/x.jsonl"]);
}

#[test]
fn what_is_to_be_discarded_waits_for_its_file_system() {
    let project = Project::new();
    let Some(out) = Mount::new(&project, "out") else { return };
    let mut sink = project.sink(json!({}));
    let discard = sink.discard(&stream(1)).remove(0);
    prepare(&mut *sink, 1, &["AA"]).unwrap();
    out.unmount();
    check_unmounted(&discard, "written to");
    out.mount();
    run_twice(&project, &[discard]);
    assert!(project.names("out").is_empty());
}

#[test]
fn a_finished_input_waits_for_its_file_system() {
    let project = Project::new();
    let Some(input) = Mount::new(&project, "in") else { return };
    project.write("in/sub/a.csv", "a");
    let mut source = project.source(json!({"recursive": true, "done": {"directory": "done"}}));
    let item = source.list().unwrap().remove(0);
    let actions = source.settle(&item, Outcome::Committed);
    input.unmount();
    check_unmounted(&actions[0], "read from");
    input.mount();
    run_twice(&project, &actions);
    assert_eq!(
        (project.names("in"), project.names("done")),
        (vec!["sub/".to_owned()], vec!["sub/".to_owned(), "sub/a.csv".to_owned()],)
    );
}

#[test]
fn a_person_can_say_that_another_directory_stands_for_the_old_one() {
    let project = Project::new();
    let Some(out) = Mount::new(&project, "out") else { return };
    let mut sink = project.sink(json!({}));
    let mut actions = sink.discard(&stream(1));
    actions.extend(prepare(&mut *sink, 1, &["AA"]).unwrap().actions);
    out.unmount();
    actions.iter().for_each(|it| check_unmounted(it, "written to"));
    project.write(&format!("out/{MARK}"), "");
    let published = run_twice(&project, &actions);
    assert_eq!(places(&project, &published), ["out/x.jsonl !"]);
    assert!(published[0].warning.as_ref().unwrap().contains("moved or made anew"));
}

#[test]
fn a_directory_that_was_made_anew_ends_the_waiting() {
    let project = Project::new();
    project.mkdir("out");
    project.write("in/a.csv", "a");
    let mut sink = project.sink(json!({}));
    let mut source = project.source(json!({"done": {"directory": "done"}}));
    let item = source.list().unwrap().remove(0);
    let mut actions = sink.discard(&stream(1));
    actions.extend(source.settle(&item, Outcome::Committed));
    actions.extend(prepare(&mut *sink, 1, &["AA"]).unwrap().actions);
    // Kept under other names, so that the new ones can't get their inodes.
    for directory in ["out", "in"] {
        fs::rename(project.path(directory), project.path(&format!("old-{directory}"))).unwrap();
        project.mkdir(directory);
    }
    let published = run_twice(&project, &actions);
    assert_eq!(places(&project, &published), ["out/x.jsonl !"]);
    assert!(published[0].warning.as_ref().unwrap().contains("moved or made anew"));
}

#[test]
fn actions_that_were_stored_before_directories_were_known_run_as_they_did() {
    let project = Project::new();
    let Some(out) = Mount::new(&project, "out") else { return };
    project.write("in/a.csv", "a");
    let mut sink = project.sink(json!({}));
    let mut source = project.source(json!({"done": {"directory": "done"}}));
    let item = source.list().unwrap().remove(0);
    let mut actions = sink.discard(&stream(1));
    actions.extend(source.settle(&item, Outcome::Committed));
    actions.extend(prepare(&mut *sink, 1, &["AA"]).unwrap().actions);
    for action in &mut actions {
        assert!(action.payload.as_object_mut().unwrap().remove("directoryId").is_some());
    }
    out.unmount();
    let published = run_twice(&project, &actions);
    assert_eq!(places(&project, &published), ["out/x.jsonl !"]);
    assert_eq!(project.names("done"), ["a.csv"]);
}
