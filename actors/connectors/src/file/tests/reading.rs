//! Reading a claimed file, and what happens to it meanwhile.

use std::io::Write;

use weir_domain::{FaultKind, Item};

use super::*;

fn only_item(source: &mut dyn Source) -> Item {
    let [item] = source.list().unwrap().try_into().unwrap();
    item
}

fn check_fault(result: Result<(), Fault>, kind: FaultKind, text: &str) {
    let fault = result.unwrap_err();
    assert_eq!(fault.kind, kind, "{fault}");
    assert!(fault.message.contains(text), "{fault}");
    assert!(fault.hint.is_some(), "{fault}");
}

#[test]
fn a_file_is_read_to_its_end_with_its_bytes_counted() {
    let project = Project::new();
    let text = format!("{}{}", line("AA", 1), line("DL", 2));
    project.write("in/sub/a.jsonl", &text);
    let mut source = project.source(json!({"recursive": true}));
    let item = only_item(&mut *source);
    assert_eq!(item.name, "sub/a.jsonl");
    let mut reader = source.open(&item).unwrap();
    let (mut rows, mut bytes) = (0, 0);
    while let Some(read) = reader.read().unwrap() {
        assert_eq!(read.batch.positions.at(0), rows as u64 + 1);
        rows += read.batch.rows();
        bytes += read.bytes;
    }
    assert_eq!((rows, bytes), (2, text.len() as u64));
    source.verify(&item).unwrap();
}

#[test]
fn a_file_that_changed_since_it_was_listed_is_not_opened() {
    let project = Project::new();
    let path = project.write("in/a.jsonl", &line("AA", 1));
    let mut source = project.source(json!({}));
    let item = only_item(&mut *source);
    fs::write(&path, line("DL", 1)).unwrap();
    let opened = source.open(&item).map(|_| ());
    check_fault(opened, FaultKind::Stopped, "was changed since it was listed");
}

#[test]
fn a_file_that_is_gone_or_no_file_any_more_is_not_opened() {
    let project = Project::new();
    let path = project.write("in/a.jsonl", &line("AA", 1));
    let mut source = project.source(json!({}));
    let item = only_item(&mut *source);
    fs::remove_file(&path).unwrap();
    check_fault(source.open(&item).map(|_| ()), FaultKind::Stopped, "moved or deleted");

    fs::create_dir(&path).unwrap();
    check_fault(source.open(&item).map(|_| ()), FaultKind::Stopped, "changed since");
    fs::remove_dir(&path).unwrap();

    let secret = project.write("secret", &line("AA", 1));
    std::os::unix::fs::symlink(secret, &path).unwrap();
    let fault = source.open(&item).map(|_| ()).unwrap_err();
    assert_eq!(fault.kind, FaultKind::Transient);
}

#[test]
fn what_happens_to_a_file_while_it_is_read_is_found_at_its_end() {
    let project = Project::new();
    let path = project.write("in/a.jsonl", &line("AA", 1));
    let mut source = project.source(json!({}));
    let item = only_item(&mut *source);

    let mut file = File::options().append(true).open(&path).unwrap();
    file.write_all(line("DL", 2).as_bytes()).unwrap();
    check_fault(source.verify(&item), FaultKind::Stopped, "was changed while it was read");

    fs::rename(&path, project.path("aside")).unwrap();
    check_fault(source.verify(&item), FaultKind::Stopped, "was deleted while it was read");

    project.write("in/a.jsonl", &line("AA", 1));
    check_fault(source.verify(&item), FaultKind::Stopped, "was replaced while it was read");
}

#[test]
fn a_fault_in_the_data_names_the_file() {
    let project = Project::new();
    let path = project.write("in/a.parquet", "this is no parquet at all");
    let mut source = project.source(json!({"format": {"type": "parquet"}}));
    let item = only_item(&mut *source);
    let fault = source.open(&item).map(|_| ()).unwrap_err();
    assert_eq!(fault.kind, FaultKind::Data);
    assert!(fault.message.starts_with(&path.display().to_string()), "{fault}");
}

#[test]
fn a_record_that_is_none_comes_with_its_place_and_the_others_come_through() {
    let project = Project::new();
    project.write("in/a.jsonl", &format!("{}not json\n{}", line("AA", 1), line("DL", 3)));
    let mut source = project.source(json!({}));
    let item = only_item(&mut *source);
    let mut reader = source.open(&item).unwrap();
    let (mut good, mut bad) = (Vec::new(), Vec::new());
    while let Some(read) = reader.read().unwrap() {
        good.extend((0..read.batch.rows()).map(|it| read.batch.positions.at(it)));
        bad.extend(read.bad.into_iter().map(|it| (it.position, it.line, it.raw)));
    }
    assert_eq!(good, [1, 3]);
    assert_eq!(bad, [(2, Some(2), bytes::Bytes::from_static(b"not json"))]);
}

#[test]
fn an_empty_file_has_no_records_and_a_clean_end() {
    let project = Project::new();
    project.write("in/a.jsonl", "");
    let mut source = project.source(json!({}));
    let item = only_item(&mut *source);
    let mut reader = source.open(&item).unwrap();
    assert!(reader.schema().fields().is_empty());
    assert!(reader.read().unwrap().is_none_or(|it| it.batch.rows() == 0 && it.bad.is_empty()));
    source.verify(&item).unwrap();
}
