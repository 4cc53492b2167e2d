//! Which objects are offered, what is read of them, and what becomes of them.

use weir_domain::{FaultKind, Item};
use weir_stream::Outcome;

use super::*;

fn names(items: &[Item]) -> Vec<&str> {
    items.iter().map(|it| it.name.as_str()).collect()
}

fn rows(source: &mut dyn Source, item: &Item) -> Result<usize, Fault> {
    let mut reader = source.open(item)?;
    let mut rows = 0;
    while let Some(read) = reader.read()? {
        rows += read.batch.rows();
    }
    Ok(rows)
}

#[test]
fn what_is_below_the_prefix_and_meant_is_offered() {
    let world = World::new();
    let _entered = world.runtime.enter();
    for key in
        ["in/b.jsonl", "in/a.jsonl", "in/x/c.jsonl", "in/d.csv", "input.jsonl", "in/done/e.jsonl"]
    {
        world.put(key, "{}\n");
    }
    let check = |keys: Value, wanted: &[&str]| {
        let found = world.source(keys.clone()).list().unwrap();
        assert_eq!(names(&found), wanted, "{keys}");
    };
    let done = json!({ "move": "in/done" });
    check(
        json!({ "prefix": "in/", "glob": "*.jsonl", "done": done }),
        &["a.jsonl", "b.jsonl", "x/c.jsonl"],
    );
    check(
        json!({ "prefix": "in", "regex": "[^/]+", "sort": "nameDescending" }),
        &["d.csv", "b.jsonl", "a.jsonl"],
    );
    check(json!({ "glob": "in*.jsonl" }), &["input.jsonl"]);
    check(json!({ "prefix": "nothing" }), &[]);
}

#[test]
fn every_format_is_read_in_ranges() {
    let world = World::new();
    let _entered = world.runtime.enter();
    let names: Vec<_> = (0..60_000).map(|it| format!("name number {it} of many")).collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    for (format, compression) in [
        ("json", "none"),
        ("csv", "gzip"),
        ("parquet", "none"),
        ("avro", "none"),
        ("arrow", "none"),
    ] {
        let keys =
            json!({ "name": format, "format": { "type": format }, "compression": compression });
        let mut sink = world.sink(keys);
        let mut writer = sink.open(&stream(1, None), schema()).unwrap();
        for _ in 0..4 {
            writer.write(&batch(&names)).unwrap();
        }
        let prepared = writer.prepare().unwrap();
        prepared.actions.iter().for_each(|it| drop(world.run(it).unwrap()));
        let mut source = world.source(json!({ "glob": format, "format": { "type": format } }));
        let items = source.list().unwrap();
        assert_eq!(items[0].fingerprint.size, prepared.bytes);
        assert_eq!(rows(&mut *source, &items[0]).unwrap(), 240_000, "{format}");
        source.verify(&items[0]).unwrap();
    }
    world.put("json", "");
    let mut source = world.source(json!({ "glob": "json" }));
    let items = source.list().unwrap();
    assert_eq!(rows(&mut *source, &items[0]).unwrap(), 0, "an empty object");
}

#[test]
fn broken_connections_and_half_answers_are_asked_again() {
    let world = World::new();
    let _entered = world.runtime.enter();
    let text: String = (0..500_000).map(|it| format!("{{\"n\":{it}}}\n")).collect();
    world.put("big.jsonl", text);
    let mut source = world.source(json!({}));
    let items = source.list().unwrap();
    for seed in 1..=5 {
        // Each whole read is disturbed at some place; what is not mended is transient.
        world.server.disturb(seed, 300);
        let read = rows(&mut *source, &items[0]);
        world.server.disturb(0, 0);
        match read {
            Ok(rows) => assert_eq!(rows, 500_000, "seed {seed}"),
            Err(fault) => assert_eq!(fault.kind, FaultKind::Transient, "seed {seed}: {fault}"),
        }
    }
}

#[test]
fn an_object_that_is_another_one_by_now_is_given_back() {
    let world = World::new();
    let _entered = world.runtime.enter();
    let line = |of: &str| format!("{{\"name\":\"{of}\"}}\n").repeat(1_000_000);
    world.put("x.jsonl", line("a"));
    let mut source = world.source(json!({ "done": "delete" }));
    let items = source.list().unwrap();
    let mut reader = source.open(&items[0]).unwrap();
    assert!(reader.read().unwrap().is_some());
    // Of the same size, within the same second.
    world.put("x.jsonl", line("b"));
    let fault = loop {
        match reader.read() {
            Ok(read) => assert!(read.is_some(), "two objects were read as one"),
            Err(fault) => break fault,
        }
    };
    assert_eq!(fault.kind, FaultKind::Stopped, "{fault}");
    assert_eq!(source.verify(&items[0]).unwrap_err().kind, FaultKind::Stopped);
    let settled = source.settle(&items[0], Outcome::Committed);
    let said = world.run(&settled[0]).unwrap();
    assert!(said[0].warning.as_ref().unwrap().contains("was replaced"), "{said:?}");
    assert_eq!(world.keys(), ["x.jsonl"], "it was never read");
}

#[test]
fn a_finished_object_is_taken_away_once() {
    let world = World::new();
    let _entered = world.runtime.enter();
    world.put("in/a/x.jsonl", "{\"n\":1}\n");
    world.put("in/y.jsonl", "{\"n\":2}\n");
    let keys = json!({ "prefix": "in", "done": { "move": "done/" }, "error": "delete" });
    let mut source = world.source(keys);
    let items = source.list().unwrap();
    let mut actions = source.settle(&items[0], Outcome::Committed);
    actions.extend(source.settle(&items[1], Outcome::Failed));
    for _ in 0..2 {
        actions.iter().for_each(|it| assert_eq!(world.run(it).unwrap(), []));
        assert_eq!(world.keys(), ["done/a/x.jsonl"]);
        assert_eq!(world.text("done/a/x.jsonl").unwrap(), "{\"n\":1}\n");
    }
    let kept = world.source(json!({ "prefix": "in" }));
    assert_eq!(kept.settle(&items[0], Outcome::Committed), []);
}

#[test]
fn what_is_too_large_to_be_copied_at_once_is_copied_by_parts() {
    let world = World::new();
    let _entered = world.runtime.enter();
    let content: Vec<u8> = (0..12_000_000_u32).map(|it| (it % 251) as u8).collect();
    world.put("x", content.clone());
    let store = world.store();
    let from = store.head(&Path::from("x")).unwrap().unwrap();
    super::super::finish::copy_by_parts(&store, from, &Path::from("y"), 5 << 20).unwrap();
    assert_eq!(world.server.object(BUCKET, "y").unwrap(), content);
    assert_eq!(world.server.uploads(), 0);
}

#[test]
fn a_store_that_can_not_be_listed_says_what_to_mend() {
    let world = World::new();
    let _entered = world.runtime.enter();
    let mut connection = world.connection();
    connection["s3"]["bucket"] = json!("none");
    let mut source = world.source(json!({ "connection": connection }));
    for fault in [source.list().unwrap_err(), source.check_access().unwrap_err()] {
        assert_eq!(fault.kind, FaultKind::Config);
        assert!(fault.hint.unwrap().contains("create the bucket"));
        assert!(fault.message.starts_with("can't list objects in bucket none at http://"));
    }
    world.source(json!({})).check_access().unwrap();
}
