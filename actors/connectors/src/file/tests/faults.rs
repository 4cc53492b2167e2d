//! A disk that is full, missing or in the way: said in plain words, with nothing left behind.

use std::process::Command;
use std::thread;

use weir_domain::FaultKind;
use weir_runtime::Stopwatch;

use super::*;

const ROOM_WITHIN: Duration = Duration::from_secs(10);

/// A small file system of its own; `None` where this process may not mount one.
struct SmallDisk<'a>(&'a Path);

impl<'a> SmallDisk<'a> {
    fn mount(at: &'a Path) -> Option<Self> {
        fs::create_dir_all(at).unwrap();
        let mut command = Command::new("mount");
        command.args(["-t", "tmpfs", "-o", "size=64k", "tmpfs"]).arg(at);
        let is_mounted = command.output().is_ok_and(|it| it.status.success());
        if !is_mounted {
            eprintln!("skipped: only a user who may mount a tmpfs can test a full disk");
        }
        is_mounted.then_some(Self(at))
    }
}

impl Drop for SmallDisk<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0).output();
    }
}

fn check_full(fault: &Fault) {
    assert_eq!(fault.kind, FaultKind::Transient, "{fault}");
    assert!(fault.message.contains("the disk is full"), "{fault}");
    assert!(fault.message.contains("/out/"), "{fault}");
    assert!(fault.hint.as_ref().unwrap().contains("free space in"), "{fault}");
}

#[test]
fn a_full_disk_is_named_whenever_it_shows_and_nothing_stays() {
    let project = Project::new();
    let out = project.path("out");
    let Some(_disk) = SmallDisk::mount(&out) else { return };
    let long = "x".repeat(1000);

    // Small enough for a buffer: it shows only when the file is ended.
    let mut sink = project.sink(json!({}));
    check_full(&prepare(&mut *sink, 1, &vec![long.as_str(); 100]).unwrap_err());
    assert!(project.names("out").is_empty());

    // Large enough to show while writing.
    let mut writer = open(&mut *sink, 2);
    let written =
        (0..100).try_for_each(|_| writer.write(&batch(&vec![long.as_str(); 100])).map(drop));
    check_full(&written.unwrap_err());
    drop(writer);
    assert!(project.names("out").is_empty());

    // Room again: the same sink goes on. A process that another test begins holds the deleted file
    // until it has become the program it is to run.
    let watch = Stopwatch::start();
    let prepared = loop {
        match prepare(&mut *sink, 3, &["AA"]) {
            Err(_) if watch.elapsed() < ROOM_WITHIN => thread::yield_now(),
            it => break it.unwrap(),
        }
    };
    assert_eq!(run_twice(&project, &prepared.actions).len(), 1);
}

#[test]
fn a_full_disk_where_finished_files_go_leaves_the_file_in_the_input() {
    use weir_stream::Outcome;
    let project = Project::new();
    let done = project.path("out/done");
    let Some(_disk) = SmallDisk::mount(&done) else { return };
    project.write("in/a.csv", &"x".repeat(200_000));
    let mut source = project.source(json!({"done": {"directory": "out/done"}}));
    let item = source.list().unwrap().remove(0);
    let actions = source.settle(&item, Outcome::Committed);
    check_full(&run(&actions[0]).unwrap_err());
    assert_eq!(project.names("in"), ["a.csv"]);
    assert!(project.names("out/done").is_empty());
}

#[test]
fn a_missing_output_directory_is_a_fault_that_passes() {
    let project = Project::new();
    let mut sink = project.sink(json!({}));
    let fault = sink.open(&stream(1), schema()).map(|_| ()).unwrap_err();
    assert_eq!(fault.kind, FaultKind::Transient);
    assert!(fault.message.contains("out does not exist"), "{fault}");
    assert!(fault.hint.unwrap().contains("createDirectory: true"));
    project.mkdir("out");
    assert_eq!(publish(&project, &mut *sink, 1, &["AA"]).len(), 1);
}

#[test]
fn a_missing_subdirectory_is_a_fault_before_the_commit() {
    let project = Project::new();
    project.mkdir("out");
    let mut sink = project.sink(json!({"name": "sub/x.jsonl"}));
    let fault = prepare(&mut *sink, 1, &["AA"]).unwrap_err();
    assert_eq!(fault.kind, FaultKind::Transient);
    assert!(fault.message.contains("out/sub does not exist"), "{fault}");
    assert!(project.names("out").is_empty());
}

#[test]
fn directories_are_created_when_there_is_something_to_put_in() {
    let project = Project::new();
    let mut sink = project.sink(json!({"directory": "a/b/out", "createDirectory": true}));
    drop(open(&mut *sink, 1));
    assert!(!project.path("a").exists());
    assert_eq!(places(&project, &publish(&project, &mut *sink, 1, &["AA"])), ["a/b/out/x.jsonl"]);
}

#[test]
fn a_file_where_a_directory_should_be_is_named() {
    let project = Project::new();
    project.write("out/sub", "in the way");
    for keys in [
        json!({"name": "sub/x.jsonl"}),
        json!({"name": "sub/x.jsonl", "createDirectory": true}),
        json!({"directory": "out/sub"}),
        json!({"directory": "out/sub/below", "createDirectory": true}),
    ] {
        let fault = prepare(&mut *project.sink(keys.clone()), 1, &["AA"]).unwrap_err();
        assert_eq!(fault.kind, FaultKind::Transient, "{keys}: {fault}");
        assert!(fault.message.contains("directory"), "{keys}: {fault}");
        assert!(fault.hint.is_some(), "{keys}: {fault}");
        assert_eq!(project.names("out"), ["sub"], "{keys}");
    }
}

#[test]
fn an_action_of_another_time_is_refused_not_guessed() {
    for payload in [json!(null), json!({"action": "explode"}), json!({"action": "move"})] {
        let fault = run(&Action::new(NAME, payload)).unwrap_err();
        assert!(fault.message.contains("can't be read"), "{fault}");
    }
}
