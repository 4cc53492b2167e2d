//! The same at Azure Blob Storage, as its emulator Azurite has it.

use weir_stream::Outcome;
use weir_test_servers::Azurite;

use super::writing::{kept, prepared, publish, put_back};
use super::*;

fn world(server: &Azurite) -> World {
    server.container(BUCKET);
    let connection = json!({ "azure": {
        "account": Azurite::ACCOUNT, "container": BUCKET, "accessKey": Azurite::KEY,
        "allowHttp": true, "endpoint": server.endpoint(),
    }});
    World { connection, ..World::new() }
}

#[test]
fn blobs_are_published_once_and_read_as_they_were_listed() {
    let server = Azurite::start();
    let world = world(&server);
    let _entered = world.runtime.enter();
    let store = world.store();
    let names: Vec<_> = (0..400_000).map(|it| ["a", "b"][it % 2]).collect();
    let keys = json!({ "prefix": "out", "name": "${item:stem}.jsonl", "partBytes": "5MiB" });
    let mut sink = world.sink(keys);
    // What an attempt left.
    let mut writer = sink.open(&stream(1, None), schema()).unwrap();
    writer.write(&batch(&names)).unwrap();
    drop(writer);
    sink.discard(&stream(1, None)).iter().for_each(|it| drop(world.run(it).unwrap()));
    assert_eq!((world.notes(), world.keys()), (0, vec![]));
    let one = prepared(&world, &mut *sink, 1, &names);
    let notes = kept(&world);
    assert_eq!(world.keys(), Vec::<String>::new(), "nothing is seen before it is published");
    for _ in 0..3 {
        assert_eq!(publish(&world, &one)[0].warning, None);
        assert_eq!(world.text("out/item1.jsonl").unwrap(), lines(&names));
        put_back(&world, &notes);
    }
    publish(&world, &one);
    // It replaces what is there, and what was completed without being said so is recognised.
    let keys = json!({ "prefix": "out", "name": "item1.jsonl", "onExisting": "replace" });
    let two = prepared(&world, &mut *world.sink(keys), 2, &["x"]);
    let notes = kept(&world);
    publish(&world, &two);
    put_back(&world, &notes);
    assert_eq!(publish(&world, &two)[0].warning, None);
    store.delete(&Path::from("out/item1.jsonl")).unwrap();
    put_back(&world, &notes);
    assert!(publish(&world, &two)[0].warning.as_ref().unwrap().contains("is gone"));

    let mut source = world.source(json!({ "prefix": "in", "done": { "move": "done" } }));
    world.put("in/a.jsonl", lines(&names));
    let items = source.list().unwrap();
    let mut reader = source.open(&items[0]).unwrap();
    let mut rows = 0;
    while let Some(read) = reader.read().unwrap() {
        rows += read.batch.rows();
    }
    assert_eq!(rows, names.len());
    source.verify(&items[0]).unwrap();
    let settled = source.settle(&items[0], Outcome::Committed);
    world.put("in/a.jsonl", lines(&["another"]));
    assert!(source.verify(&items[0]).is_err());
    assert!(world.run(&settled[0]).unwrap()[0].warning.is_some(), "another one stays");
    let items = source.list().unwrap();
    source.open(&items[0]).unwrap();
    let settled = source.settle(&items[0], Outcome::Committed);
    for _ in 0..2 {
        world.run(&settled[0]).unwrap();
        assert_eq!(world.keys(), ["done/a.jsonl"]);
    }
}
