//! Disks that are full, closed or not there, and files that move under the reader.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use weir_domain::StreamState;

use crate::support::flow::{CSV, JSON, read, sink, slow, write};
use crate::support::{DEADLINE, Flow, Project, Start, files, wait_for, weir};

const PATIENT: &str = "retry: { maxRetries: 100000, minBackoff: 20ms, maxBackoff: 50ms }";
/// Nobody on Debian.
const NOBODY: u32 = 65_534;

fn message(fault: &weir_http_api::FaultView) -> (String, Option<&str>) {
    (fault.message.clone(), fault.hint.as_deref())
}

#[test]
fn a_file_deleted_while_it_is_read_is_rolled_back() {
    let flow = Flow::named("orders")
        .stage(&read(CSV, ""))
        .stage(&slow("read", "3s"))
        .stage(&write("slow", ""));
    let project = Project::of(&flow);
    let weir = Start::of(&project).ready();
    let path = project.put("a.csv", "id,amount\n1,1.5\n");
    weir.open("a.csv");
    let aside = project.draft();
    fs::rename(&path, &aside).unwrap();
    let stream = weir.closed("a.csv");
    assert_eq!((stream.state, stream.attempts), (StreamState::RolledBack, 1));
    assert_eq!(
        message(stream.fault.as_ref().unwrap()),
        (
            format!("{} was deleted while it was read", project.canonical("in/a.csv")),
            Some("leave files alone that a workflow reads; bring it back to read it again")
        )
    );
    assert_eq!(project.data(), Vec::<String>::new());
    project.assert_tidy();

    // The very same file, brought back as the hint says.
    fs::rename(&aside, &path).unwrap();
    assert_eq!(weir.closed_after("a.csv", stream.id).state, StreamState::Committed);
    assert_eq!(project.data(), ["out/a.jsonl", "done/a.csv"]);
    weir.stop();
}

#[test]
fn a_file_changed_while_it_is_read_is_read_again() {
    let flow = Flow::named("orders")
        .stage(&read(CSV, ""))
        .stage(&slow("read", "1500ms"))
        .stage(&write("slow", ""));
    let project = Project::of(&flow);
    let weir = Start::of(&project).ready();
    let path = project.put("a.csv", "id,amount\n1,1.5\n");
    let first = weir.open("a.csv").id;
    wait_for("its record to be read", DEADLINE, || {
        (weir.stream(first).summary.counts.records_in > 0).then_some(())
    });
    fs::write(&path, "id,amount\n2,2.5\n").unwrap();
    assert_eq!(weir.closed_after("a.csv", first).state, StreamState::Committed);
    let first = weir.stream(first).summary;
    assert_eq!((first.state, first.attempts), (StreamState::RolledBack, 1));
    assert_eq!(
        message(first.fault.as_ref().unwrap()),
        (
            format!("{} was changed while it was read", project.canonical("in/a.csv")),
            Some("raise stableTime, or write files under a hidden name and rename them")
        )
    );
    assert_eq!(project.text("out/a.jsonl"), "{\"id\":2,\"amount\":2.5}\n");
    assert_eq!(project.data(), ["out/a.jsonl", "done/a.csv"]);
    weir.stop();
}

#[test]
fn an_unreadable_file_is_set_aside_and_others_go_on() {
    let project = Project::of(&Flow::straight(CSV));
    let secret = project.put("a.csv", "id,amount\n1,1.5\n");
    fs::set_permissions(&secret, Permissions::from_mode(0o000)).unwrap();
    project.put("b.csv", "id,amount\n2,2.5\n");
    let mut start = Start::of(&project);
    if rustix::process::getuid().is_root() {
        give_to_nobody(project.root());
        start = start.by_user(NOBODY);
    }
    let weir = start.ready();
    assert_eq!(weir.closed("b.csv").state, StreamState::Committed);
    let stream = weir.closed("a.csv");
    assert_eq!((stream.state, stream.attempts), (StreamState::RolledBack, 4), "tried 3 times more");
    let path = project.canonical("in/a.csv");
    assert_eq!(
        message(stream.fault.as_ref().unwrap()),
        (
            format!("can't open {path}: permission denied"),
            Some(format!("give the user that weir runs as access to {path}").as_str())
        )
    );
    assert_eq!(project.data(), ["out/b.jsonl", "done/b.csv", "error/a.csv"]);
    weir.stop();
}

fn give_to_nobody(path: &Path) {
    chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
    if path.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            give_to_nobody(&entry.unwrap().path());
        }
    }
}

#[test]
fn a_missing_output_directory_is_waited_for() {
    let flow = Flow::named("orders").with(PATIENT).stage(&read(CSV, "")).stage(&write("read", ""));
    let project = Project::of(&flow);
    fs::remove_dir(project.path("out")).unwrap();
    let weir = Start::of(&project).ready();
    project.put("a.csv", "id,amount\n1,1.5\n");
    let fault = wait_for("the stream to be retried", DEADLINE, || {
        weir.stream_of("a.csv").filter(|it| it.state == StreamState::Retrying)?.fault
    });
    assert_eq!(
        message(&fault),
        (
            format!("the output directory {} does not exist", project.canonical("out")),
            Some("create it, or set createDirectory: true")
        )
    );
    assert_eq!(project.data(), ["in/a.csv"]);
    fs::create_dir(project.path("out")).unwrap();
    let stream = weir.closed("a.csv");
    assert_eq!(stream.state, StreamState::Committed);
    assert!(stream.attempts > 1);
    assert_eq!(project.data(), ["out/a.jsonl", "done/a.csv"]);
    project.assert_tidy();
    weir.stop();
}

#[test]
fn a_missing_input_directory_is_said_and_waited_for() {
    let project = Project::of(&Flow::straight(CSV));
    fs::remove_dir(project.path("in")).unwrap();
    let weir = Start::of(&project).ready();
    let fault = wait_for("the workflow's fault", DEADLINE, || weir.workflow("orders").fault);
    assert_eq!(
        message(&fault),
        (
            format!("the input directory {} does not exist", project.canonical("in")),
            Some("create it, or set directory to the one where the files arrive")
        )
    );
    fs::create_dir(project.path("in")).unwrap();
    project.put("a.csv", "id,amount\n1,1.5\n");
    assert_eq!(weir.closed("a.csv").state, StreamState::Committed);
    assert_eq!(weir.workflow("orders").fault, None);
    weir.stop();
}

/// Mounts a small file system over the first argument and becomes what follows.
pub(crate) const ON_SMALL_DISK: &str = "mount -t tmpfs -o size=2m weir-test \"$0\" && exec \"$@\"";

/// What makes a mount namespace here, or nothing where that is not allowed.
pub(crate) fn namespace() -> Option<&'static [&'static str]> {
    let ways: [&[&str]; 2] = [&["unshare", "-m"], &["unshare", "-rm"]];
    ways.into_iter().find(|it| {
        let mut command = Command::new(it[0]);
        let mount = ["sh", "-c", "mount -t tmpfs weir-test /tmp"];
        command.args(&it[1..]).args(mount).stderr(Stdio::null());
        command.status().is_ok_and(|it| it.success())
    })
}

#[test]
fn a_full_disk_is_waited_for_and_leaves_nothing_half_written() {
    let Some(namespace) = namespace() else {
        eprintln!("skipped: this user may not make a mount namespace");
        return;
    };
    let flow = Flow::named("orders").with(PATIENT).stage(&read(CSV, "")).stage(&write("read", ""));
    let project = Project::of(&flow);
    let out = project.path("out").canonicalize().unwrap();
    let mount = ["sh", "-c", ON_SMALL_DISK, out.to_str().unwrap()];
    let weir = Start::of(&project).through(&[namespace, &mount].concat()).ready();
    // The small disk is only seen from within.
    let seen = format!("/proc/{}/root{}", weir.process.pid(), out.display());
    let seen = PathBuf::from(seen);
    fs::write(seen.join("filler"), vec![b'x'; 3 << 19]).unwrap();

    let rows: String = (0..40_000).map(|it| format!("{it},{it}.25\n")).collect();
    project.put("a.csv", format!("id,amount\n{rows}"));
    let fault = wait_for("the stream to be retried", DEADLINE, || {
        weir.stream_of("a.csv").filter(|it| it.state == StreamState::Retrying)?.fault
    });
    let begin = format!("can't write {}/.weir/", out.display());
    assert!(fault.message.starts_with(&begin), "{}", fault.message);
    assert!(fault.message.ends_with(": the disk is full"), "{}", fault.message);
    assert_eq!(fault.hint, Some(format!("free space in {}/.weir", out.display())));
    assert_eq!(published(&seen), ["filler"]);
    assert_eq!(project.files("in"), ["a.csv"]);

    fs::remove_file(seen.join("filler")).unwrap();
    assert_eq!(weir.closed("a.csv").state, StreamState::Committed);
    assert_eq!(files::json_lines(&seen.join("a.jsonl")).len(), 40_000);
    assert_eq!(files::below(&seen), ["a.jsonl"]);
    assert_eq!(project.files("done"), ["a.csv"]);
    weir.stop();
}

/// Files with a name that others may read.
fn published(dir: &Path) -> Vec<String> {
    let mut files = files::below(dir);
    files.retain(|it| !it.starts_with(".weir/"));
    files
}

#[test]
fn of_two_workflows_that_write_one_target_one_is_refused_and_nothing_is_lost() {
    let project = Project::empty();
    for (name, input) in [("first", "in"), ("second", "in2")] {
        let source = read(CSV, "").replace("directory: in,", &format!("directory: {input},"));
        let source = source.replace("directory: done", &format!("directory: done/{name}"));
        let source = source.replace("directory: error", &format!("directory: error/{name}"));
        let flow = Flow::named(name).stage(&source).stage(&write("read", "onExisting: fail"));
        project.asset(&format!("{name}.yaml"), &flow.yaml());
    }
    fs::create_dir(project.path("in2")).unwrap();
    let validated = weir(["project", "validate", project.dir().to_str().unwrap()]).ended(0);
    assert!(validated.stdout.contains(": warning[WEIR-"), "{}", validated.stdout);
    assert!(validated.stdout.contains("first") && validated.stdout.contains("second"));

    project.put("a.csv", "id,amount\n1,1.5\n");
    fs::rename(project.path("in/a.csv"), project.path("in2/a.csv")).unwrap();
    project.put("a.csv", "id,amount\n1,1.5\n");
    let weir = Start::of(&project).ready();
    let streams = wait_for("both streams to be closed", DEADLINE, || {
        let streams = weir.streams();
        (streams.len() == 2 && streams.iter().all(|it| it.state.is_closed())).then_some(streams)
    });
    let is_committed = |it: &&weir_http_api::StreamSummary| it.state == StreamState::Committed;
    let [winner] = streams.iter().filter(is_committed).collect::<Vec<_>>()[..] else {
        panic!("one commits: {streams:?}");
    };
    let loser = streams.iter().find(|it| !is_committed(it)).unwrap();
    assert_eq!(loser.state, StreamState::RolledBack);
    let (why, hint) = message(loser.fault.as_ref().unwrap());
    let target = project.canonical("out/a.jsonl");
    assert!(
        why == format!("{target} exists and onExisting is fail")
            || why.starts_with(&format!("another stream is about to publish {target}: stream ")),
        "{why}"
    );
    assert!(hint.is_some());
    assert_eq!(project.text("out/a.jsonl"), "{\"id\":1,\"amount\":1.5}\n");
    assert_eq!(
        project.data(),
        [
            "out/a.jsonl".to_owned(),
            format!("done/{}/a.csv", winner.workflow),
            format!("error/{}/a.csv", loser.workflow),
        ]
    );
    project.assert_tidy();
    weir.stop();
}

#[test]
fn a_directory_in_the_place_of_the_target_is_refused() {
    let name = "${item:stem}";
    let flow = Flow::named("orders").stage(&read(CSV, "")).stage(&sink(
        "write",
        "read",
        name,
        JSON,
        "onExisting: replace",
    ));
    let project = Project::of(&flow);
    fs::create_dir(project.path("out/a")).unwrap();
    let weir = Start::of(&project).ready();
    project.put("a.csv", "id,amount\n1,1.5\n");
    let stream = weir.closed("a.csv");
    assert_eq!(stream.state, StreamState::RolledBack);
    assert_eq!(
        message(stream.fault.as_ref().unwrap()),
        (
            format!("{} is a directory and can't be replaced", project.canonical("out/a")),
            Some("give the file another name, or remove the directory")
        )
    );
    assert_eq!(project.data(), ["error/a.csv"]);
    weir.stop();
}
