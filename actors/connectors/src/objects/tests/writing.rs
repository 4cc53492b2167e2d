//! What becomes visible and when, and what is left of what never did.

use weir_domain::FaultKind;
use weir_persistence_api::{BlobEntry, BlobKey};
use weir_stream::Prepared;

use super::super::sink::ObjectSink;
use super::*;

/// An attempt that wrote these and is prepared.
pub(super) fn prepared(
    world: &World,
    sink: &mut dyn Sink,
    number: u32,
    names: &[&str],
) -> Prepared {
    let mut writer = sink.open(&stream(number, None), schema()).unwrap();
    assert!(writer.write(&batch(names)).unwrap().is_empty());
    let prepared = writer.prepare().unwrap();
    assert!(world.notes() > 0);
    prepared
}

pub(super) fn publish(world: &World, prepared: &Prepared) -> Vec<Published> {
    prepared.actions.iter().flat_map(|it| world.run(it).unwrap()).collect()
}

#[test]
fn nothing_is_seen_before_it_is_published_however_often() {
    let world = World::new();
    let _entered = world.runtime.enter();
    let mut sink = world.sink(json!({ "prefix": "out/", "name": "${item:stem}.jsonl" }));
    let prepared = prepared(&world, &mut *sink, 7, &["a", "b"]);
    assert_eq!((world.keys(), world.server.uploads()), (vec![], 1));
    let published = publish(&world, &prepared);
    assert_eq!(published, publish(&world, &prepared), "a second run says the same");
    assert_eq!(published[0].address, "s3://data/out/item7.jsonl");
    assert_eq!((world.notes(), world.server.uploads()), (0, 0));
    assert_eq!(world.keys(), ["out/item7.jsonl"]);
    let text = world.text("out/item7.jsonl").unwrap();
    assert_eq!((prepared.bytes, text), (text_len(&["a", "b"]), lines(&["a", "b"])));
    let discarded = sink.discard(&stream(7, None));
    discarded.iter().for_each(|it| drop(world.run(it).unwrap()));
    assert_eq!(world.keys(), ["out/item7.jsonl"], "what is published stays");
}

fn text_len(names: &[&str]) -> u64 {
    lines(names).len() as u64
}

#[test]
fn an_object_of_many_parts_is_what_was_written() {
    let world = World::new();
    let _entered = world.runtime.enter();
    let keys =
        json!({ "name": "${field:name}.jsonl", "partBytes": "5MiB", "rollRecords": 170_000 });
    let mut sink = world.sink(keys);
    let names: Vec<_> = (0..600_000).map(|it| ["a", "b"][it % 2]).collect();
    let prepared = prepared(&world, &mut *sink, 1, &names);
    publish(&world, &prepared);
    assert_eq!(world.keys(), ["a.jsonl", "a_2.jsonl", "b.jsonl", "b_2.jsonl"]);
    let all: String = world.keys().iter().map(|it| world.text(it).unwrap()).collect();
    let mut found: Vec<_> = all.lines().collect();
    found.sort_unstable();
    let wanted = lines(&names);
    let mut wanted: Vec<_> = wanted.lines().collect();
    wanted.sort_unstable();
    assert_eq!(found, wanted);
}

#[test]
fn what_an_attempt_left_is_given_up() {
    let world = World::new();
    let _entered = world.runtime.enter();
    let mut sink = world.sink(json!({ "name": "x.jsonl", "partBytes": "5MiB" }));
    let mut writer = sink.open(&stream(1, None), schema()).unwrap();
    writer.write(&batch(&["a"; 500_000])).unwrap();
    drop(writer);
    drop(prepared(&world, &mut *sink, 1, &["a"]));
    assert_eq!((world.server.uploads(), world.notes()), (2, 2));
    let others = prepared(&world, &mut *sink, 2, &["b"]);
    for _ in 0..2 {
        sink.discard(&stream(1, None)).iter().for_each(|it| drop(world.run(it).unwrap()));
        assert_eq!((world.server.uploads(), world.notes()), (1, 1), "of another stream");
    }
    publish(&world, &others);
    assert_eq!(world.text("x.jsonl").unwrap(), lines(&["b"]));
}

#[test]
fn each_segment_of_a_live_stream_is_an_object() {
    let world = World::new();
    let _entered = world.runtime.enter();
    let mut sink = world.sink(json!({ "name": "${stream}.jsonl" }));
    let mut all = Vec::new();
    for number in [1, 2] {
        let epoch: Epoch = format!("1.{number}").parse().unwrap();
        let mut writer = sink.open(&stream(3, Some(epoch)), schema()).unwrap();
        writer.write(&batch(&["a"])).unwrap();
        all.push(writer.prepare().unwrap());
    }
    all.iter().for_each(|it| drop(publish(&world, it)));
    assert_eq!(world.keys().len(), 2);
    assert_eq!((world.server.uploads(), world.notes()), (0, 0));
}

/// What is in the staging area, to be put back: so it is after a crash between the last two steps.
pub(super) fn kept(world: &World) -> Vec<(BlobEntry, Bytes)> {
    let all = BlobKey::new("staged").unwrap();
    let entries = world.runtime.block_on(world.blobs.blob_list(&all)).unwrap();
    let content = |it: BlobEntry| {
        let content = world.runtime.block_on(world.blobs.blob_get(&it.key)).unwrap().unwrap();
        (it, content)
    };
    entries.into_iter().map(content).collect()
}

pub(super) fn put_back(world: &World, kept: &[(BlobEntry, Bytes)]) {
    for (entry, content) in kept {
        world.runtime.block_on(world.blobs.blob_put(&entry.key, content.clone())).unwrap();
    }
}

#[test]
fn an_upload_that_was_completed_and_not_said_so_is_recognised() {
    for rule in ["fail", "replace"] {
        let world = World::new();
        let _entered = world.runtime.enter();
        let mut sink = world.sink(json!({ "name": "x.jsonl", "onExisting": rule }));
        let prepared = prepared(&world, &mut *sink, 1, &["a"]);
        let notes = kept(&world);
        // Completed, and the answer lost: the client asks again and is told that there is no such upload.
        world.server.leave_unanswered(1);
        assert_eq!(publish(&world, &prepared)[0].warning, None, "{rule}");
        put_back(&world, &notes);
        assert_eq!(publish(&world, &prepared)[0].warning, None, "{rule}");
        assert_eq!((world.text("x.jsonl").unwrap(), world.notes()), (lines(&["a"]), 0));
    }
}

#[test]
fn an_upload_that_is_gone_without_its_object_is_told() {
    let world = World::new();
    let _entered = world.runtime.enter();
    let mut sink = world.sink(json!({ "name": "x.jsonl", "onExisting": "replace" }));
    let first = prepared(&world, &mut *sink, 1, &["a"]);
    let notes = kept(&world);
    publish(&world, &first);
    let store = world.store();
    store.delete(&Path::from("x.jsonl")).unwrap();
    put_back(&world, &notes);
    let warning = publish(&world, &first)[0].warning.clone().unwrap();
    assert!(warning.contains("s3://data/x.jsonl is gone"), "{warning}");
    // Who is killed before that is kept tells it when it is run again.
    assert_eq!(publish(&world, &first)[0].warning.as_ref(), Some(&warning));
    // As long as what was uploaded, and not the same.
    world.put("x.jsonl", lines(&["b"]));
    put_back(&world, &notes);
    let warning = publish(&world, &first)[0].warning.clone().unwrap();
    assert!(warning.contains("another content"), "{warning}");
    assert_eq!(world.text("x.jsonl").unwrap(), lines(&["b"]));
}

#[test]
fn what_is_there_is_replaced_only_where_that_is_said() {
    let world = World::new();
    let _entered = world.runtime.enter();
    world.put("x.jsonl", "old");
    let mut sink = world.sink(json!({ "name": "x.jsonl" }));
    let mut writer = sink.open(&stream(1, None), schema()).unwrap();
    let fault = writer.write(&batch(&["a"])).unwrap_err();
    assert_eq!(fault.kind, FaultKind::Data);
    assert_eq!(fault.message, "s3://data/x.jsonl exists and onExisting is fail");
    let mut sink = world.sink(json!({ "name": "x.jsonl", "onExisting": "replace" }));
    let prepared = prepared(&world, &mut *sink, 2, &["a"]);
    publish(&world, &prepared);
    assert_eq!(world.text("x.jsonl").unwrap(), lines(&["a"]));
}

#[test]
fn what_appears_after_the_commit_is_not_replaced_and_the_object_waits() {
    let world = World::new();
    let _entered = world.runtime.enter();
    let mut sink = world.sink(json!({ "name": "x.jsonl" }));
    let prepared = prepared(&world, &mut *sink, 1, &["a"]);
    world.put("x.jsonl", "strange");
    for _ in 0..2 {
        let fault = world.run(&prepared.actions[0]).unwrap_err();
        assert_eq!(fault.kind, FaultKind::Transient, "{fault}");
        assert!(fault.message.contains("appeared after the stream was committed"), "{fault}");
    }
    assert_eq!(world.text("x.jsonl").unwrap(), "strange");
    world.store().delete(&Path::from("x.jsonl")).unwrap();
    publish(&world, &prepared);
    assert_eq!(world.text("x.jsonl").unwrap(), lines(&["a"]));
}

#[test]
fn a_store_that_can_not_be_written_to_says_what_to_mend() {
    let world = World::new();
    let _entered = world.runtime.enter();
    let config = world.with(json!({ "name": "x.jsonl" }));
    let context = world.context(&config);
    let sink = ObjectSink::new(serde_json::from_value(config).unwrap(), &context).unwrap();
    sink.check_access(None).unwrap();
    assert_eq!((world.keys(), world.server.uploads()), (vec![], 0), "nothing is left of the test");
    let wrong = |change: fn(&mut Value), kind: FaultKind, hint: &str| {
        let mut connection = world.connection();
        change(&mut connection["s3"]);
        let mut sink = world.sink(json!({ "name": "x.jsonl", "connection": connection }));
        let fault = sink.open(&stream(1, None), schema()).err().unwrap();
        let said = format!("{fault} {:?}", fault.hint);
        assert!(fault.kind == kind && said.contains(hint), "{said}");
        assert!(!said.contains(S3::SECRET_KEY), "{said}");
    };
    wrong(|it| it["bucket"] = json!("none"), FaultKind::Config, "create the bucket");
    wrong(|it| it["secretAccessKey"] = json!("x"), FaultKind::Config, "check the credentials");
    wrong(|it| it["endpoint"] = json!("http://127.0.0.1:1"), FaultKind::Transient, "the network");
}

#[test]
fn what_is_owed_is_done_in_the_store_that_it_is_in() {
    let world = World::new();
    let _entered = world.runtime.enter();
    world.server.bucket("other");
    let mut sink = world.sink(json!({ "name": "x.jsonl" }));
    let prepared = prepared(&world, &mut *sink, 1, &["a"]);
    let mut elsewhere = prepared.actions[0].clone();
    assert!(elsewhere.stage.is_some(), "its connection may have been mended since");
    elsewhere.connection["s3"]["bucket"] = json!("other");
    let fault = world.run(&elsewhere).unwrap_err();
    assert_eq!(fault.kind, FaultKind::Transient);
    assert!(fault.message.contains("was committed to bucket data at"), "{fault}");
    publish(&world, &prepared);
    drop(super::writing::prepared(&world, &mut *world.sink(json!({ "name": "y" })), 2, &["a"]));
    let mut discard = sink.discard(&stream(2, None)).remove(0);
    discard.connection["s3"]["bucket"] = json!("other");
    let said = world.run(&discard).unwrap();
    assert!(said[0].warning.as_ref().unwrap().contains("stays in bucket data"), "{said:?}");
    assert_eq!(world.notes(), 0);
}
