//! Lines over rotations, each read once and in order.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use arrow::array::AsArray as _;
use serde_json::{Value, json};
use tempfile::TempDir;
use weir_domain::{StageId, Timestamp};
use weir_runtime::ManualClock;
use weir_stream::{AnySource, BuildContext, LiveRead, LiveReader, Share, SourceKind as _, Splits};

use super::kind::Tail;

struct Desk {
    directory: TempDir,
}

impl Desk {
    fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.directory.path().join(name)
    }

    fn append(&self, name: &str, text: &str) {
        let file = File::options().create(true).append(true).open(self.path(name));
        file.unwrap().write_all(text.as_bytes()).unwrap();
    }

    fn rename(&self, from: &str, to: &str) {
        fs::rename(self.path(from), self.path(to)).unwrap();
    }

    fn copy_and_truncate(&self, from: &str, to: &str) {
        fs::copy(self.path(from), self.path(to)).unwrap();
        File::options().write(true).open(self.path(from)).unwrap().set_len(0).unwrap();
    }

    fn open(&self, more: &Value, from: &Splits) -> Box<dyn LiveReader> {
        let mut config = json!({
            "directory": ".", "interval": "1ms", "rotateWait": "0s", "format": { "type": "raw" },
            "attributes": [{ "name": "file", "from": "address" }, { "name": "at", "from": "offset" }],
        });
        config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        assert_eq!(Tail.check(&config).findings, []);
        let clock = Arc::new(ManualClock::at(Timestamp(0)));
        let cx = BuildContext::alone(StageId::new("s").unwrap(), self.directory.path(), clock);
        let Ok(AnySource::Live(mut source)) = Tail.build(&config, &cx) else {
            panic!("it is live")
        };
        source.open(Share { lane: 0, lanes: 1 }, from).unwrap()
    }
}

/// What is there now, until nothing more comes.
fn read(reader: &mut dyn LiveReader) -> Vec<String> {
    let (mut lines, mut idle) = (Vec::new(), 0);
    while idle < 12 {
        match reader.read(Duration::from_millis(2)).unwrap() {
            LiveRead::Records(read) => {
                let values = read.batch.records.column(0).as_string::<i32>();
                let values = values.iter().map(|it| it.unwrap().to_owned());
                lines.extend(values);
                lines.extend(read.bad.iter().map(|it| format!("bad {}", it.position)));
                idle = 0;
            }
            LiveRead::Nothing => idle += 1,
            LiveRead::End => panic!("it never ends"),
        }
    }
    lines
}

fn none() -> Splits {
    Splits::new()
}

#[test]
fn a_line_waits_for_its_end() {
    let desk = Desk::new();
    desk.append("a.log", "1\n2");
    let mut reader = desk.open(&json!({}), &none());
    assert_eq!(read(&mut *reader), ["1"]);
    desk.append("a.log", "2\r\n3\n");
    assert_eq!(read(&mut *reader), ["22", "3"]);
    let again = reader.splits();
    assert_eq!(read(&mut *desk.open(&json!({}), &again)), Vec::<String>::new());
}

#[test]
fn a_file_that_was_renamed_is_read_to_its_end_before_the_new_one() {
    let desk = Desk::new();
    desk.append("a.log", "1\n");
    let mut reader = desk.open(&json!({}), &none());
    assert_eq!(read(&mut *reader), ["1"]);
    let before = reader.splits();
    desk.append("a.log", "2\n3 without an end");
    desk.rename("a.log", "a.log.1");
    desk.append("a.log", "4\n");
    let expected = ["2", "3 without an end", "4"];
    assert_eq!(read(&mut *reader), expected);
    assert_eq!(read(&mut *desk.open(&json!({}), &before)), expected);
}

#[test]
fn rotations_while_nothing_ran_are_made_up_for() {
    let desk = Desk::new();
    desk.append("a.log", "1\n");
    let mut reader = desk.open(&json!({}), &none());
    assert_eq!(read(&mut *reader), ["1"]);
    let before = reader.splits();
    drop(reader);
    for number in 2..6 {
        desk.append("a.log", &format!("{number}\n"));
        for old in (1..number).rev().filter(|it| desk.path(&format!("a.log.{it}")).exists()) {
            desk.rename(&format!("a.log.{old}"), &format!("a.log.{}", old + 1));
        }
        desk.rename("a.log", "a.log.1");
    }
    desk.append("a.log", "6\n");
    assert_eq!(read(&mut *desk.open(&json!({}), &before)), ["2", "3", "4", "5", "6"]);
}

#[test]
fn a_file_that_was_copied_and_truncated_is_read_on_in_its_copy() {
    let desk = Desk::new();
    desk.append("a.log", "1\n");
    let mut reader = desk.open(&json!({}), &none());
    assert_eq!(read(&mut *reader), ["1"]);
    let before = reader.splits();
    desk.append("a.log", "2\n");
    desk.copy_and_truncate("a.log", "a.log.1");
    desk.append("a.log", "3\n4\n5\n");
    assert_eq!(read(&mut *reader), ["2", "3", "4", "5"]);
    assert_eq!(read(&mut *desk.open(&json!({}), &before)), ["2", "3", "4", "5"]);
}

#[test]
fn a_file_is_read_in_its_copy_though_nothing_of_it_was_read_before() {
    let desk = Desk::new();
    desk.append("a.log.1", "long ago\n");
    desk.append("a.log", "");
    let mut reader = desk.open(&json!({}), &none());
    assert_eq!(read(&mut *reader), Vec::<String>::new());
    let empty = reader.splits();
    desk.rename("a.log.1", "a.log.2");
    desk.append("a.log", "1\n");
    desk.copy_and_truncate("a.log", "a.log.1");
    desk.append("a.log", "2\n");
    assert_eq!(read(&mut *reader), ["1", "2"]);
    assert_eq!(read(&mut *desk.open(&json!({}), &empty)), ["1", "2"]);
}

#[test]
fn what_follows_a_file_that_is_gone_is_read() {
    let desk = Desk::new();
    desk.append("a.log", "1\n");
    let mut reader = desk.open(&json!({}), &none());
    assert_eq!(read(&mut *reader), ["1"]);
    let before = reader.splits();
    drop(reader);
    desk.rename("a.log", "a.log.2");
    desk.append("a.log.1", "2\n");
    fs::remove_file(desk.path("a.log.2")).unwrap();
    desk.append("a.log", "3\n");
    let changed = std::time::UNIX_EPOCH + Duration::from_secs(4_000_000_000);
    File::options().write(true).open(desk.path("a.log.1")).unwrap().set_modified(changed).unwrap();
    assert_eq!(read(&mut *desk.open(&json!({}), &before)), ["2", "3"]);
}

#[test]
fn a_file_that_was_truncated_begins_anew() {
    let desk = Desk::new();
    desk.append("a.log", "1\n2\n");
    let mut reader = desk.open(&json!({}), &none());
    assert_eq!(read(&mut *reader), ["1", "2"]);
    fs::write(desk.path("a.log"), "3\n").unwrap();
    assert_eq!(read(&mut *reader), ["3"]);
    fs::remove_file(desk.path("a.log")).unwrap();
    assert_eq!(read(&mut *reader), Vec::<String>::new());
    assert_eq!(reader.splits(), Splits::from([("/".to_owned(), json!(true))]));
    desk.append("a.log", "4\n");
    assert_eq!(read(&mut *reader), ["4"]);
}

#[test]
fn only_what_is_meant_is_read() {
    let desk = Desk::new();
    for name in ["a.log", "b.log", "a.log.1", "a.log.2.gz", "c.txt", ".d.log"] {
        desk.append(name, &format!("{name}\n"));
    }
    let mut reader = desk.open(&json!({ "glob": "*.log*" }), &none());
    let mut lines = read(&mut *reader);
    lines.sort();
    assert_eq!(lines, ["a.log", "b.log"]);
}

#[test]
fn one_can_begin_at_the_end() {
    let desk = Desk::new();
    desk.append("a.log", "1\n2");
    let mut reader = desk.open(&json!({ "start": "end" }), &none());
    desk.append("a.log", " of it\n3\n");
    desk.append("b.log", "4\n");
    let mut lines = read(&mut *reader);
    lines.sort();
    assert_eq!(lines, ["3", "4"]);
}

#[test]
fn a_line_that_is_too_long_is_set_apart() {
    let desk = Desk::new();
    let long = "x".repeat(600_000);
    desk.append("a.log", &format!("1\n{long}"));
    let mut reader = desk.open(&json!({ "maxLine": "1KiB" }), &none());
    assert_eq!(read(&mut *reader), ["1", "bad 2"]);
    let within = reader.splits();
    desk.append("a.log", &format!("{long}\n3\n"));
    assert_eq!(read(&mut *reader), ["3"]);
    assert_eq!(read(&mut *desk.open(&json!({ "maxLine": "1KiB" }), &within)), ["3"]);
}

#[test]
fn another_file_of_the_same_name_is_not_taken_for_it() {
    let desk = Desk::new();
    desk.append("a.log", "1\n2\n");
    let mut reader = desk.open(&json!({}), &none());
    assert_eq!(read(&mut *reader), ["1", "2"]);
    let before = reader.splits();
    drop(reader);
    // Its inode may be given out again.
    fs::remove_file(desk.path("a.log")).unwrap();
    desk.append("a.log", "7\n8\n9\n");
    assert_eq!(read(&mut *desk.open(&json!({}), &before)), ["7", "8", "9"]);
    assert!(Path::new(&desk.path("a.log")).exists());
}

#[test]
fn what_comes_while_nothing_runs_is_new_however_little_there_was_before() {
    let desk = Desk::new();
    let from_end = json!({ "start": "end" });
    let mut reader = desk.open(&from_end, &none());
    assert_eq!(read(&mut *reader), Vec::<String>::new());
    let before = reader.splits();
    drop(reader);
    desk.append("a.log", "1\n");
    assert_eq!(read(&mut *desk.open(&from_end, &before)), ["1"]);
    assert_eq!(read(&mut *desk.open(&from_end, &none())), Vec::<String>::new());
}
