//! What is written: names, rules for files that are there, formats, rolling.

use std::sync::Arc;

use arrow::array::{Float64Array, Int64Array, RecordBatch};
use parquet::arrow::ArrowWriter;
use serde_json::{Value, json};
use weir_domain::StreamState;

use crate::support::flow::{CSV, JSON, read, sink, write};
use crate::support::{DEADLINE, Flow, Project, Start, files, wait_until};

/// Lives one stream over `a.csv`, `old` standing at its target. Returns the stream's state.
fn onto_existing(rule: &str) -> (Project, StreamState) {
    let flow = Flow::named("orders")
        .stage(&read(CSV, ""))
        .stage(&write("read", &format!("onExisting: {rule}")));
    let project = Project::of(&flow);
    project.asset("out/a.jsonl", "old\n");
    let weir = Start::of(&project).ready();
    project.put("a.csv", "id,amount\n1,1.5\n");
    let stream = weir.closed("a.csv");
    if let Some(fault) = &stream.fault {
        let target = project.canonical("out/a.jsonl");
        assert_eq!(fault.message, format!("{target} exists and onExisting is fail"));
        assert_eq!(
            fault.hint.as_deref(),
            Some(
                "set onExisting to replace, renameOld or counter; or put ${stream} into the name, and each stream writes a file of its own"
            )
        );
    }
    weir.stop();
    project.assert_tidy();
    (project, stream.state)
}

const NEW: &str = "{\"id\":1,\"amount\":1.5}\n";

#[test]
fn an_existing_target_fails_the_stream() {
    let (project, state) = onto_existing("fail");
    assert_eq!(state, StreamState::RolledBack);
    assert_eq!(project.data(), ["out/a.jsonl", "error/a.csv"]);
    assert_eq!(project.text("out/a.jsonl"), "old\n");
}

#[test]
fn an_existing_target_is_replaced() {
    let (project, state) = onto_existing("replace");
    assert_eq!(state, StreamState::Committed);
    assert_eq!(project.data(), ["out/a.jsonl", "done/a.csv"]);
    assert_eq!(project.text("out/a.jsonl"), NEW);
}

#[test]
fn an_existing_target_is_renamed() {
    let (project, state) = onto_existing("renameOld");
    assert_eq!(state, StreamState::Committed);
    assert_eq!(project.data(), ["out/a.jsonl", "out/a_1.jsonl", "done/a.csv"]);
    assert_eq!(project.text("out/a.jsonl"), NEW);
    assert_eq!(project.text("out/a_1.jsonl"), "old\n");
}

#[test]
fn an_existing_target_makes_the_new_one_count() {
    let (project, state) = onto_existing("counter");
    assert_eq!(state, StreamState::Committed);
    assert_eq!(project.data(), ["out/a.jsonl", "out/a_1.jsonl", "done/a.csv"]);
    assert_eq!(project.text("out/a.jsonl"), "old\n");
    assert_eq!(project.text("out/a_1.jsonl"), NEW);
}

/// Runs one input through a workflow and returns where the data is then.
fn ran(flow: &Flow, name: &str, content: impl AsRef<[u8]>) -> (Project, Vec<String>) {
    let project = Project::of(flow);
    let weir = Start::of(&project).ready();
    project.put(name, content);
    let stream = weir.closed(name);
    assert_eq!(stream.state, StreamState::Committed, "{stream:?}");
    weir.stop();
    project.assert_tidy();
    let data = project.data();
    (project, data)
}

#[test]
fn nested_json_is_read_mapped_and_written() {
    let set = "set: { city: who.address.city, first: \"tags[1]\" }, rename: { id: order.id }, drop: [tags]";
    let flow = Flow::named("orders")
        .stage(&read(JSON, ""))
        .stage(&format!("{{ name: derive, from: read, processor: {{ mapping: {{ {set} }} }} }}"))
        .stage(&write("derive", ""));
    let input = "{\"id\":1,\"who\":{\"name\":\"Ada\",\"address\":{\"city\":\"Ulm\"}},\"tags\":[\"a\",\"b\"]}\n\
                 {\"id\":2,\"who\":{\"name\":\"Bo\"},\"tags\":[]}\n";
    let (project, _) = ran(&flow, "a.jsonl", input);
    assert_eq!(
        project.json_lines("out/a.jsonl"),
        [
            json!({ "order": { "id": 1 }, "who": { "name": "Ada", "address": { "city": "Ulm" } },
                "city": "Ulm", "first": "a" }),
            json!({ "order": { "id": 2 }, "who": { "name": "Bo" } }),
        ]
    );
}

#[test]
fn json_arrays_are_read_and_written() {
    let format = "{ type: json, layout: array }";
    let flow = Flow::named("orders").stage(&read(format, "")).stage(&sink(
        "write",
        "read",
        "${item:stem}.json",
        format,
        "",
    ));
    let input = "[\n {\"id\": 1, \"at\": {\"x\": [1, 2]}},\n {\"id\": 2, \"at\": {\"x\": []}} ]\n";
    let (project, data) = ran(&flow, "a.json", input);
    assert_eq!(data, ["out/a.json", "done/a.json"]);
    let output: Value = serde_json::from_str(&project.text("out/a.json")).unwrap();
    assert_eq!(output, json!([{ "id": 1, "at": { "x": [1, 2] } }, { "id": 2, "at": { "x": [] } }]));
}

#[test]
fn parquet_is_read() {
    let records = RecordBatch::try_from_iter([
        ("id", Arc::new(Int64Array::from(vec![1, 2])) as _),
        ("amount", Arc::new(Float64Array::from(vec![Some(1.5), None])) as _),
    ])
    .unwrap();
    let mut writer = ArrowWriter::try_new(Vec::new(), records.schema(), None).unwrap();
    writer.write(&records).unwrap();
    let input = writer.into_inner().unwrap();
    let (project, _) = ran(&Flow::straight("{ type: parquet }"), "a.parquet", input);
    assert_eq!(project.text("out/a.jsonl"), "{\"id\":1,\"amount\":1.5}\n{\"id\":2}\n");
}

#[test]
fn outputs_are_compressed_and_inputs_decompressed() {
    let flow = Flow::named("orders")
        .stage(&read(CSV, ""))
        .stage(&sink("gz", "read", "${item:stem}.jsonl.gz", JSON, "compression: gzip"))
        .stage(&sink("zst", "read", "${item:stem}.jsonl.zst", JSON, "compression: zstd"))
        .stage(&sink("csv", "read", "${item:stem}.csv", "{ type: csv, delimiter: ';' }", ""))
        .stage(&sink("pq", "read", "${item:stem}.parquet", "{ type: parquet }", ""));
    let project = Project::of(&flow);
    let weir = Start::of(&project).ready();
    let input = "id,amount\n1,1.5\n2,\n";
    project.put("a.csv.gz", files::gzip(input.as_bytes()));
    project.put("b.csv.zst", zstd::encode_all(input.as_bytes(), 3).unwrap());
    for (name, stem) in [("a.csv.gz", "a"), ("b.csv.zst", "b")] {
        assert_eq!(weir.closed(name).state, StreamState::Committed);
        for extension in ["gz", "zst"] {
            let text = project.text(&format!("out/{stem}.jsonl.{extension}"));
            assert_eq!(text, "{\"id\":1,\"amount\":1.5}\n{\"id\":2}\n");
        }
        assert_eq!(project.text(&format!("out/{stem}.csv")), "id;amount\n1;1.5\n2;\n");
        let batches = files::parquet(&project.path(&format!("out/{stem}.parquet")));
        assert_eq!(batches.iter().map(RecordBatch::num_rows).sum::<usize>(), 2);
    }
    assert_eq!(project.files("out").len(), 8);
    weir.stop();
}

#[test]
fn outputs_roll_by_records() {
    let flow = Flow::named("orders").stage(&read(CSV, "")).stage(&sink(
        "write",
        "read",
        "${item:stem}-${roll}.jsonl",
        JSON,
        "rollRecords: 1000",
    ));
    let rows: String = (0..2500).map(|it| format!("{it},1\n")).collect();
    let (project, data) = ran(&flow, "a.csv", format!("id,amount\n{rows}"));
    assert_eq!(data, ["out/a-1.jsonl", "out/a-2.jsonl", "out/a-3.jsonl", "done/a.csv"]);
    let mut ids = Vec::new();
    for (number, wanted) in [(1, 1000), (2, 1000), (3, 500)] {
        let records = project.json_lines(&format!("out/a-{number}.jsonl"));
        assert_eq!(records.len(), wanted);
        ids.extend(records.iter().map(|it| it["id"].as_u64().unwrap()));
    }
    assert!(ids.into_iter().eq(0..2500), "every record once and in order");
}

#[test]
fn outputs_roll_by_size() {
    let flow =
        Flow::named("orders").stage(&read(CSV, "")).stage(&write("read", "rollBytes: 64KiB"));
    let rows: String = (0..20_000).map(|it| format!("{it},1\n")).collect();
    let (project, data) = ran(&flow, "a.csv", format!("id,amount\n{rows}"));
    let outputs: Vec<_> = data.iter().filter_map(|it| it.strip_prefix("out/")).collect();
    assert!(outputs.len() > 2 && outputs[0] == "a.jsonl" && outputs[1] == "a_2.jsonl", "{data:?}");
    let mut ids: Vec<_> = outputs
        .iter()
        .flat_map(|it| project.json_lines(&format!("out/{it}")))
        .map(|it| it["id"].as_u64().unwrap())
        .collect();
    ids.sort_unstable();
    assert!(ids.into_iter().eq(0..20_000), "every record once");
}

#[test]
fn a_field_in_the_name_makes_a_file_for_each_value() {
    let flow = Flow::named("orders").stage(&read(JSON, "")).stage(&sink(
        "write",
        "read",
        "${field:to}/${item}",
        JSON,
        "createDirectory: true",
    ));
    let input = "{\"id\":1,\"to\":\"ulm\"}\n{\"id\":2,\"to\":\"../../bad\"}\n{\"id\":3,\"to\":\"ulm\"}\n{\"id\":4}\n";
    let (project, data) = ran(&flow, "a.jsonl", input);
    assert_eq!(
        data,
        ["out/_._.._bad/a.jsonl", "out/null/a.jsonl", "out/ulm/a.jsonl", "done/a.jsonl"]
    );
    assert_eq!(project.json_lines("out/ulm/a.jsonl").len(), 2);
}

#[test]
fn a_file_comes_back_unchanged_or_changed() {
    let flow =
        Flow::named("orders").stage(&read(CSV, "")).stage(&write("read", "onExisting: counter"));
    let project = Project::of(&flow);
    let weir = Start::of(&project).ready();
    project.put("a.csv", "id,amount\n1,1.5\n");
    weir.closed("a.csv");
    // The same file with the same time of change, as `mv` leaves it.
    std::fs::rename(project.path("done/a.csv"), project.path("in/a.csv")).unwrap();
    project.put("b.csv", "id,amount\n2,2.5\n");
    weir.closed("b.csv");
    assert_eq!(
        project.data(),
        ["in/a.csv", "out/a.jsonl", "out/b.jsonl", "done/b.csv"],
        "it was processed and stays where it is"
    );
    project.put("a.csv", "id,amount\n1,1.75\n");
    wait_until("the changed file", DEADLINE, || project.files("done") == ["a.csv", "b.csv"]);
    assert_eq!(project.text("out/a_1.jsonl"), "{\"id\":1,\"amount\":1.75}\n");
    assert_eq!(weir.streams().len(), 3);
    weir.stop();
}
