//! One attempt: what is staged, which files it makes, and that nothing of it stays.

use weir_domain::FaultKind;

use super::super::sink::Setup;
use super::super::writer::FileWriter;
use super::*;
use crate::whole::{Split, Template};

/// Writes the batches, prepares, publishes; returns what is in the output directory then.
fn check(keys: &Value, batches: &[&[&str]], wanted: &[(&str, &[(&str, u32)])]) {
    let project = Project::new();
    project.mkdir("out");
    let mut sink = project.sink(keys.clone());
    let mut writer = open(&mut *sink, 7);
    for carriers in batches {
        assert!(writer.write(&batch(carriers)).unwrap().is_empty());
    }
    assert!(project.names("out").iter().all(|it| it.starts_with(".weir/")), "nothing is visible");
    let prepared = writer.prepare().unwrap();
    assert!(project.names("out").iter().all(|it| it.starts_with(".weir/")), "nothing is visible");
    run_twice(&project, &prepared.actions);
    let tree: Vec<_> = project.tree("out").into_iter().filter(|it| !it.0.ends_with('/')).collect();
    let text = |records: &[(&str, u32)]| records.iter().map(|it| line(it.0, it.1)).collect();
    let wanted: Vec<(String, String)> =
        wanted.iter().map(|it| (it.0.to_owned(), text(it.1))).collect();
    assert_eq!(tree, wanted, "{keys}");
    let bytes: usize = tree.iter().map(|it| it.1.len()).sum();
    assert_eq!(prepared.bytes, bytes as u64);
}

#[test]
fn records_go_to_one_file_named_after_the_stream() {
    let name = "${item:stem}-${date:%Y%m%d}-${workflow}.jsonl";
    let wanted = "item7-20231114-flights.jsonl";
    check(
        &json!({"name": name}),
        &[&["AA", "DL"], &["UA"]],
        &[(wanted, &[("AA", 1), ("DL", 2), ("UA", 1)])],
    );
}

#[test]
fn no_records_make_no_file() {
    check(&json!({}), &[&[]], &[]);
    check(&json!({"createDirectory": true}), &[], &[]);
}

#[test]
fn records_are_split_by_a_field_of_the_name() {
    check(
        &json!({"name": "${field:carrier}/x.jsonl", "createDirectory": true}),
        &[&["AA", "DL", "AA"], &["DL", "../UA"]],
        &[
            ("AA/x.jsonl", &[("AA", 1), ("AA", 3)]),
            ("DL/x.jsonl", &[("DL", 2), ("DL", 1)]),
            ("_._UA/x.jsonl", &[("../UA", 2)]),
        ],
    );
}

#[test]
fn values_that_make_the_same_name_share_the_file() {
    check(
        &json!({"name": "${field:carrier}.jsonl"}),
        &[&["A/A", "A:A"]],
        &[("A_A.jsonl", &[("A/A", 1), ("A:A", 2)])],
    );
}

#[test]
fn a_full_file_is_followed_by_the_next_one() {
    check(
        &json!({"rollRecords": 2}),
        &[&["A", "B", "C"], &["D", "E"]],
        &[
            ("x.jsonl", &[("A", 1), ("B", 2)]),
            ("x_2.jsonl", &[("C", 3), ("D", 1)]),
            ("x_3.jsonl", &[("E", 2)]),
        ],
    );
    check(
        &json!({"name": "x-${roll}.jsonl", "rollRecords": 2}),
        &[&["A", "B", "C"]],
        &[("x-1.jsonl", &[("A", 1), ("B", 2)]), ("x-2.jsonl", &[("C", 3)])],
    );
    check(
        &json!({"rollBytes": 1}),
        &[&["A", "B"], &["C"]],
        &[("x.jsonl", &[("A", 1), ("B", 2)]), ("x_2.jsonl", &[("C", 1)])],
    );
}

#[test]
fn the_second_file_of_one_value_never_replaces_the_first_of_another() {
    check(
        &json!({"name": "${field:carrier}.jsonl", "rollRecords": 1, "onExisting": "replace"}),
        &[&["a", "a", "a_2", "a_2"]],
        &[
            ("a.jsonl", &[("a", 1)]),
            ("a_2.jsonl", &[("a_2", 3)]),
            ("a_2_2.jsonl", &[("a_2", 4)]),
            ("a_3.jsonl", &[("a", 2)]),
        ],
    );
}

#[test]
fn a_writer_that_is_dropped_takes_everything_with_it() {
    let project = Project::new();
    project.mkdir("out");
    let mut sink = project.sink(json!({"name": "${field:carrier}.jsonl", "rollRecords": 1}));
    let mut writer = open(&mut *sink, 1);
    writer.write(&batch(&["A", "B", "A"])).unwrap();
    assert_eq!(project.names("out").len(), 4);
    drop(writer);
    assert!(project.names("out").is_empty());
}

#[test]
fn a_writer_that_dies_late_leaves_the_next_attempt_alone() {
    let project = Project::new();
    project.mkdir("out");
    let mut sink = project.sink(json!({}));
    let mut late = open(&mut *sink, 1);
    late.write(&batch(&["A"])).unwrap();
    sink.discard(&stream(1)).iter().for_each(|it| drop(run(it).unwrap()));
    let mut next = open(&mut *sink, 1);
    next.write(&batch(&["B"])).unwrap();
    drop(late);
    let prepared = next.prepare().unwrap();
    run_twice(&project, &prepared.actions);
    assert_eq!(
        project.tree("out").into_iter().collect::<Vec<_>>(),
        [("x.jsonl".into(), line("B", 1))]
    );
}

#[test]
fn discard_removes_all_attempts_of_one_stage_of_one_stream() {
    let project = Project::new();
    project.mkdir("out");
    let mut sink = project.sink_at("a", json!({"name": "${stream}-a"}));
    let mut other = project.sink_at("a.b", json!({"name": "${stream}-b"}));
    // Prepared attempts that nobody will ever commit: what a crash leaves.
    for _ in 0..2 {
        prepare(&mut *sink, 1, &["A"]).unwrap();
    }
    prepare(&mut *other, 1, &["A"]).unwrap();
    prepare(&mut *sink, 2, &["A"]).unwrap();
    let before = project.names("out/.weir").len();
    run_twice(&project, &sink.discard(&stream(1)));
    assert_eq!(project.names("out/.weir").len(), before - 3, "two files and a reservation");
    run_twice(&project, &other.discard(&stream(1)));
    run_twice(&project, &sink.discard(&stream(2)));
    assert!(project.names("out").is_empty());
    // Where nothing ever was, there is nothing to do.
    fs::remove_dir(project.path("out")).unwrap();
    run_twice(&project, &sink.discard(&stream(1)));
}

#[test]
fn more_values_than_files_may_be_open_is_a_fault() {
    let project = Project::new();
    project.mkdir("out");
    let mut sink = project.sink(json!({"name": "${field:n}.jsonl"}));
    let mut writer = open(&mut *sink, 1);
    writer.write(&batch(&["A"; 256])).unwrap();
    let more =
        Batch::new(batch(&["A"; 257]).records.slice(256, 1), Positions::Range { first: 257 });
    let fault = writer.write(&more).unwrap_err();
    assert_eq!(fault.kind, FaultKind::Data);
    assert!(fault.message.contains("more than 256 files"), "{fault}");
    drop(writer);
    assert!(project.names("out").is_empty());
}

#[test]
fn a_field_that_is_not_there_is_a_fault_of_the_workflow() {
    let project = Project::new();
    project.mkdir("out");
    let mut sink = project.sink(json!({"name": "${field:carier}"}));
    let fault = sink.open(&stream(1), schema()).map(|_| ()).unwrap_err();
    assert_eq!(fault.kind, FaultKind::Config);
    assert_eq!(fault.hint.unwrap(), "did you mean ${field:carrier}?");
}

#[test]
fn rolled_files_need_no_descriptor_each() {
    let project = Project::new();
    project.mkdir("out");
    let mut sink = project.sink(json!({"rollRecords": 1}));
    let mut writer = open(&mut *sink, 1);
    writer.write(&batch(&["A"; 300])).unwrap();
    let open =
        fs::read_dir("/proc/self/fd").unwrap().filter_map(|it| fs::read_link(it.ok()?.path()).ok());
    let staged = project.path("out/.weir");
    assert!(open.filter(|it| it.starts_with(&staged)).count() <= 2);
    drop(writer);
    assert!(project.names("out").is_empty());
}

#[test]
fn many_open_parquet_files_share_one_budget_of_memory() {
    const BUFFERED_MAX: usize = 256 << 10;
    let project = Project::new();
    project.mkdir("out");
    let config = json!({
        "directory": "out", "name": "${field:carrier}.parquet", "format": {"type": "parquet"},
    });
    let setup = Setup::new(
        serde_json::from_value(config).unwrap(),
        Template::parse("${field:carrier}.parquet").unwrap(),
        project.path("out"),
        StageId::new("write").unwrap(),
    );
    let split = Split::new(&["carrier"], &schema()).unwrap();
    let mut writer = FileWriter::new(&Arc::new(setup), stream(1), schema(), split);
    writer.rolling.buffered_max = BUFFERED_MAX;
    let carriers: Vec<_> = (0..2000).map(|it| format!("C{}", it % 40)).collect();
    let carriers: Vec<_> = carriers.iter().map(String::as_str).collect();
    for _ in 0..20 {
        writer.write(&batch(&carriers)).unwrap();
        let buffered = writer.rolling.buffered;
        assert!(buffered > 0 && buffered <= BUFFERED_MAX, "{buffered}");
    }
    let prepared = Box::new(writer).prepare().unwrap();
    run_twice(&project, &prepared.actions);
    let keys = json!({"directory": "out", "format": {"type": "parquet"}, "stableTime": "0s"});
    let mut source = project.source(keys);
    let mut rows = 0;
    for item in source.list().unwrap() {
        let mut reader = source.open(&item).unwrap();
        while let Some(read) = reader.read().unwrap() {
            rows += read.batch.rows();
        }
    }
    assert_eq!((rows, project.names("out").len()), (40_000, 40));
}

/// Writes two records, reads them back through a source, and gives what the first bytes say.
fn check_round_trip(name: &str, format: &Value, compression: &str, magic: &[u8]) {
    let project = Project::new();
    project.mkdir("out");
    let keys = json!({"name": name, "format": format, "compression": compression});
    publish(&project, &mut *project.sink(keys), 1, &["AA", "DL"]);
    let bytes = fs::read(project.path("out").join(name)).unwrap();
    assert!(bytes.starts_with(magic), "{name}");
    let keys = json!({"directory": "out", "format": format, "stableTime": "0s"});
    let mut source = project.source(keys);
    let item = source.list().unwrap().remove(0);
    let mut reader = source.open(&item).unwrap();
    let read = reader.read().unwrap().unwrap();
    assert_eq!(read.batch.records.columns(), batch(&["AA", "DL"]).records.columns(), "{name}");
    assert!(reader.read().unwrap().is_none(), "{name}");
}

#[test]
fn every_format_and_compression_comes_back_as_it_went() {
    let (gzip, zstd): (&[u8], &[u8]) = (&[0x1f, 0x8b], &[0x28, 0xb5, 0x2f, 0xfd]);
    let (csv, json) = (json!({"type": "csv"}), json!({"type": "json"}));
    check_round_trip("x.csv", &csv, "none", b"carrier,n\n");
    check_round_trip("x.csv.gz", &csv, "gzip", gzip);
    check_round_trip("x.json", &json!({"type": "json", "layout": "array"}), "none", b"[");
    check_round_trip("x.jsonl.zst", &json, "zstd", zstd);
    check_round_trip("x.parquet", &json!({"type": "parquet"}), "none", b"PAR1");
    check_round_trip("x.arrow", &json!({"type": "arrow"}), "none", b"ARROW1");
    check_round_trip("x.avro", &json!({"type": "avro"}), "none", b"Obj\x01");
    let columns = json!([{"name": "carrier", "type": "string", "width": 4},
        {"name": "n", "type": "int64", "width": 6}]);
    let fixed = json!({"type": "fixedWidth", "columns": columns});
    check_round_trip("x.txt", &fixed, "none", b"AA   ");
    check_round_trip("x.txt.lz4", &fixed, "lz4", &[0x04, 0x22, 0x4d, 0x18]);
    check_round_trip("x.txt.sz", &fixed, "snappy", b"\xff\x06\x00\x00sNaPpY");
}
