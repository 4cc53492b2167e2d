//! The same at Azure Blob Storage, as its emulator Azurite has it. It is not part of the usual run:
//!
//! ```sh
//! azurite-blob --inMemoryPersistence --skipApiVersionCheck &   # and a container `data` in it
//! WEIR_AZURITE=http://127.0.0.1:10000 cargo test -p weir-connectors --lib azure -- --ignored
//! ```

use weir_stream::Outcome;

use super::writing::{kept, prepared, publish, put_back};
use super::*;

/// The account and key that every Azurite has.
const ACCOUNT: &str = "devstoreaccount1";
const KEY: &str =
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

fn world() -> World {
    let endpoint = std::env::var("WEIR_AZURITE").expect("WEIR_AZURITE says where it is");
    let connection = json!({ "azure": {
        "account": ACCOUNT, "container": BUCKET, "accessKey": KEY, "allowHttp": true,
        "endpoint": format!("{endpoint}/{ACCOUNT}"),
    }});
    World { connection, ..World::new() }
}

#[test]
#[ignore = "needs Azurite"]
fn blobs_are_published_once_and_read_as_they_were_listed() {
    let world = world();
    let _entered = world.runtime.enter();
    let store = world.store();
    world.keys().iter().for_each(|it| store.delete(&Path::from(it.as_str())).unwrap());
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
