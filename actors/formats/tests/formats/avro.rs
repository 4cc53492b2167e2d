//! Avro: files of other implementations, bad records, damage, and messages with a registry.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray, UInt64Array};
use serde_json::json;
use weir_domain::FaultKind;
use weir_formats::{
    Compression, FormatConfig, ReadOptions, create, message_decoder, message_encoder,
};
use weir_records::type_name;

use crate::random::Random;
use crate::registry::Registry;
use crate::support::{Shared, config, read, read_with, write};

const AVRO: &str = r#"{"type": "avro"}"#;
const PLAIN: &str = r#"{"type": "avro", "codec": "none"}"#;

const GOLDEN: [(&str, &[u8]); 4] = [
    ("null", include_bytes!("../golden/orders-null.avro")),
    ("deflate", include_bytes!("../golden/orders-deflate.avro")),
    ("snappy", include_bytes!("../golden/orders-snappy.avro")),
    ("zstandard", include_bytes!("../golden/orders-zstandard.avro")),
];

fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    RecordBatch::try_from_iter(columns).unwrap()
}

fn people(rows: i64) -> RecordBatch {
    let names = (0..rows).map(|it| format!("name {it}"));
    batch(vec![
        ("n", Arc::new(Int64Array::from_iter_values(0..rows))),
        ("s", Arc::new(StringArray::from_iter_values(names))),
    ])
}

fn with_schema(schema: &serde_json::Value) -> FormatConfig {
    serde_json::from_value(json!({"type": "avro", "codec": "none", "schema": schema})).unwrap()
}

#[test]
fn files_of_another_implementation_are_read() {
    for (codec, bytes) in GOLDEN {
        for block_bytes in [3, 1 << 16] {
            let options = ReadOptions { block_bytes, batch_rows: 2, ..ReadOptions::default() };
            let outcome = read_with(&config(AVRO), bytes, &options);
            assert_eq!(outcome.fault, None, "{codec}");
            let schema = outcome.schema.unwrap();
            let types: Vec<_> =
                schema.fields().iter().map(|it| type_name(it.data_type())).collect();
            let expected = [
                "int64",
                "string",
                "string",
                "list<string>",
                "map<string, int32>",
                "decimal(10, 2)",
                "timestamp(us, +00:00)",
                "date",
                "binary",
                "struct<name: string, old: boolean>",
                "struct<name: string, old: boolean>",
            ];
            assert_eq!(types, expected);
            assert_eq!(outcome.rows.len(), 5, "{codec}");
            assert_eq!(outcome.rows[0].1["price"], json!(-1.25));
            let expected = json!({"id": -1, "note": "note 1 ü", "kind": "NEW", "tags": ["a"],
                "counts": {"k": 1}, "price": -0.25, "at": "2024-02-29T12:00:00.000001Z",
                "day": "1969-12-31", "key": "6b3031", "who": {"name": "n1", "old": false},
                "last": {"name": "n1", "old": false}});
            assert_eq!(outcome.rows[1], (2, expected), "{codec}");
        }
    }
}

#[test]
fn a_schema_of_the_reader_brings_records_to_it() {
    let schema = json!({"type": "record", "name": "org.example.Order", "fields": [
        {"name": "new", "type": "int", "default": 7},
        {"name": "note", "type": ["null", "string"]},
        {"name": "id", "type": "double"}]});
    let outcome = read_with(&with_schema(&schema), GOLDEN[0].1, &ReadOptions::default());
    assert_eq!(outcome.text()[1], r#"2 {"new":7,"note":"note 1 ü","id":-1.0}"#);
    let declared = with_schema(&schema).declared_schema().unwrap().unwrap();
    assert_eq!(outcome.schema.unwrap(), declared);
}

#[test]
fn a_bad_record_is_set_apart_and_its_block_goes_on() {
    let mut bytes = write(&config(PLAIN), &[people(100)]);
    for name in ["name 7", "name 50"] {
        let at = bytes.windows(name.len()).position(|it| it == name.as_bytes()).unwrap();
        bytes[at] = 0xff;
    }
    let outcome = read(PLAIN, &bytes);
    assert_eq!(outcome.fault, None);
    let positions: Vec<_> = outcome.rows.iter().map(|it| it.0).collect();
    assert_eq!(positions, (1..=100).filter(|it| ![8, 51].contains(it)).collect::<Vec<_>>());
    let bad = &outcome.bad[0];
    assert_eq!((bad.position, outcome.bad[1].position), (8, 51));
    let start = bad.offset as usize;
    assert_eq!(&bytes[start..start + bad.raw.len()], bad.raw);
    assert!(bad.raw.ends_with(b"\xffame 7"), "{:?}", bad.raw);
    assert!(bad.reason.contains("tf-8") || bad.reason.contains("TF-8"), "{}", bad.reason);
    let options = ReadOptions { max_record_bytes: 8, ..ReadOptions::default() };
    let outcome = read_with(&config(PLAIN), &write(&config(PLAIN), &[people(100)]), &options);
    assert_eq!((outcome.rows.len(), outcome.bad.len()), (10, 90));
    assert_eq!(outcome.bad[0].reason, "the record is longer than 8 bytes");
}

#[test]
fn a_damaged_block_fails_the_file_with_its_place() {
    let whole = write(&config(PLAIN), &[people(10)]);
    let fault = |bytes: &[u8]| read(PLAIN, bytes).fault.unwrap().message;
    assert!(fault(&whole[..whole.len() - 1]).contains("the file ends within it"));
    let mut marked = whole.clone();
    *marked.last_mut().unwrap() ^= 1;
    assert!(fault(&marked).contains("the mark behind it is another than the file's"));
    // The first name's length: behind it nothing can be found.
    let at = whole.windows(6).position(|it| it == b"name 1").unwrap() - 1;
    let mut torn = whole.clone();
    torn[at] = 0x01;
    let outcome = read(PLAIN, &torn);
    assert_eq!(outcome.rows.len(), 1);
    let message = outcome.fault.unwrap().message;
    assert!(message.contains("after record 1, is damaged: where record 2 ends"), "{message}");
    for bytes in [&b""[..], b"Obj", b"Obj\x01", b"PAR1", b"a,b\n1,2\n"] {
        assert!(fault(bytes).starts_with("the file can't be read as Avro: "));
    }
    for keep in 0..whole.len() {
        let outcome = read(PLAIN, &whole[..keep]);
        // Without any block it is a file without records.
        assert!(outcome.fault.is_some() || outcome.rows.is_empty(), "{keep}");
    }
}

#[test]
fn what_is_torn_never_panics_through() {
    for (codec, whole) in GOLDEN {
        let mut random = Random::new(17);
        for _ in 0..500 {
            let mut torn = whole.to_vec();
            for _ in 0..1 + random.below(4) {
                let at = random.below(torn.len());
                torn[at] = random.below(256) as u8;
            }
            let outcome = read(AVRO, &torn);
            let fault = outcome.fault;
            assert!(
                fault.as_ref().is_none_or(|it| it.kind != FaultKind::Transient),
                "{codec}: {fault:?}"
            );
        }
    }
}

#[test]
fn blocks_are_bounded_and_the_same_records_make_the_same_bytes() {
    let write = |batches: &[RecordBatch]| write(&config(PLAIN), batches);
    let bytes = write(&[people(20_000)]);
    assert_eq!(bytes, write(&[people(20_000)]));
    assert_ne!(bytes[..200], write(&[people(5)])[..200]);
    let mark = &bytes[bytes.len() - 16..];
    let blocks = bytes.windows(16).filter(|it| *it == mark).count() - 1;
    assert!((3..10).contains(&blocks), "{blocks} blocks");
    let outcome = read(PLAIN, &bytes);
    assert_eq!(outcome.rows.len(), 20_000);
}

#[test]
fn what_avro_can_not_hold_is_refused() {
    let numbers = batch(vec![("u", Arc::new(UInt64Array::from(vec![1, u64::MAX])))]);
    let out = Box::new(Vec::new());
    let mut writer = create(&config(AVRO), numbers.schema(), out, Compression::None).unwrap();
    writer.write(&numbers.slice(0, 1)).unwrap();
    let fault = writer.write(&numbers).unwrap_err();
    assert!(fault.message.contains("record 3: column 'u'"), "{}", fault.message);
    let named = batch(vec![("a b", Arc::new(Int64Array::from(vec![1])))]);
    let out = Box::new(Vec::new());
    let fault = create(&config(AVRO), named.schema(), out, Compression::None).err().unwrap();
    assert_eq!(fault.kind, FaultKind::Config);
    assert!(fault.message.contains("Avro can't hold the name \"a b\""), "{}", fault.message);
    let schema = json!({"type": "record", "name": "r", "fields": [{"name": "x", "type": "int"}]});
    let out = Box::new(Vec::new());
    let fault = create(&with_schema(&schema), named.schema(), out, Compression::None).err();
    assert_eq!(fault.unwrap().kind, FaultKind::Config);
}

#[test]
fn a_schema_that_can_not_be_is_refused() {
    let record = |kind: serde_json::Value| json!({"type": "record", "name": "r", "fields": [{"name": "x", "type": kind}]});
    for (schema, expected) in [
        (json!("int"), "the schema is not that of a record"),
        (record(json!("r")), "the type r is not known, or contains itself"),
        (record(json!(["int", "string"])), "may be of several types"),
    ] {
        let errors = with_schema(&schema).declared_schema().unwrap_err();
        assert_eq!(errors[0].path, "schema");
        assert!(errors[0].cause.contains(expected), "{}", errors[0].cause);
    }
    for (registry, path) in [
        (json!({"url": "ftp://x"}), "registry.url"),
        (json!({"url": "http://u:p@x"}), "registry.url"),
        (json!({"url": "http://x", "username": "u"}), "registry.username"),
        (
            json!({"url": "http://x", "username": "u", "password": "p", "token": "t"}),
            "registry.token",
        ),
    ] {
        let config: FormatConfig =
            serde_json::from_value(json!({"type": "avro", "registry": registry})).unwrap();
        let errors = config.declared_schema().unwrap_err();
        assert_eq!(errors[0].path, path);
        assert!(!format!("{config:?}").contains("\"p\""));
        assert!(
            create(&config, people(1).schema(), Box::new(Vec::new()), Compression::None).is_err()
        );
    }
}

fn registered(registry: &Registry, more: &serde_json::Value) -> FormatConfig {
    let mut settings = json!({"url": registry.url(), "subject": "people/value"});
    settings.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    serde_json::from_value(json!({"type": "avro", "registry": settings})).unwrap()
}

#[test]
fn messages_are_written_and_read_by_way_of_a_registry() {
    let registry = Registry::start(Some("Basic dXNlcjpzZXNhbWU="));
    let config = registered(&registry, &json!({"username": "user", "password": "sesame"}));
    let people = people(3);
    let mut encoder = message_encoder(&config, &people.schema()).unwrap();
    let messages = encoder.encode(&people).unwrap();
    assert_eq!(messages.len(), 3);
    assert_eq!(&messages[0][..5], [0, 0, 0, 0, 1]);
    let messages: Vec<&[u8]> = messages.iter().map(|it| it.as_ref()).collect();

    let mut decoder = message_decoder(&config, &ReadOptions::default()).unwrap();
    let bad: [&[u8]; 5] =
        [b"\0\0\0\0\x09x", b"\x01", b"", &messages[1][..7], &[messages[1], b"!"].concat()];
    let all = [&messages[..1], &bad, &messages[1..]].concat();
    let chunk = decoder.decode(&all, 11).unwrap();
    assert_eq!(chunk.records.num_rows(), 3);
    assert_eq!((0..3).map(|it| chunk.positions.at(it)).collect::<Vec<_>>(), [11, 17, 18]);
    let reasons: Vec<_> = chunk.bad.iter().map(|it| (it.position, it.reason.as_str())).collect();
    let no_number = "it does not begin with a zero and the number of a schema";
    let expected = [
        (12, "the registry has no schema 9"),
        (13, no_number),
        (14, no_number),
        (15, "it ends within the record"),
        (16, "1 bytes are left behind the record"),
    ];
    assert_eq!(reasons, expected);
    // What is known is not asked for again.
    let asked = registry.asked();
    decoder.decode(&all, 1).unwrap();
    assert_eq!(registry.asked(), asked);
}

#[test]
fn messages_of_older_schemas_are_brought_to_the_latest() {
    let registry = Registry::start(None);
    let config = registered(&registry, &json!({}));
    let old = batch(vec![("n", Arc::new(Int64Array::from(vec![1])))]);
    let first = message_encoder(&config, &old.schema()).unwrap().encode(&old).unwrap();
    let schema = json!({"type": "record", "name": "topLevelRecord", "fields": [
        {"name": "n", "type": "long"}, {"name": "s", "type": "string", "default": "none"}]});
    let mut newer = serde_json::to_value(&config).unwrap();
    newer["schema"] = schema;
    let newer: FormatConfig = serde_json::from_value(newer).unwrap();
    let people = people(2);
    let second = message_encoder(&newer, &people.schema()).unwrap().encode(&people).unwrap();
    assert_eq!((first[0][4], second[0][4]), (1, 2));
    let mut decoder = message_decoder(&config, &ReadOptions::default()).unwrap();
    let chunk = decoder.decode(&[&second[0], &first[0], &second[1]], 1).unwrap();
    assert!(chunk.bad.is_empty(), "{:?}", chunk.bad);
    let rows: Vec<_> = crate::support::values(&chunk.records);
    let expected = [
        json!({"n": 0, "s": "name 0"}),
        json!({"n": 1, "s": "none"}),
        json!({"n": 1, "s": "name 1"}),
    ];
    assert_eq!(rows, expected);
}

#[test]
fn a_registry_that_does_not_serve_is_told_apart_from_one_that_refuses() {
    let registry = Registry::start(Some("Bearer right"));
    let wrong = registered(&registry, &json!({"token": "wrong"}));
    let fault = message_decoder(&wrong, &ReadOptions::default()).err().unwrap();
    assert_eq!(fault.kind, FaultKind::Config);
    assert!(fault.message.contains("401 Unauthorized: who are you?"), "{}", fault.message);
    assert!(!fault.message.contains("wrong"));
    let right = registered(&registry, &json!({"token": "right"}));
    let fault = message_decoder(&right, &ReadOptions::default()).err().unwrap();
    assert!(fault.message.contains("no subject people/value"), "{}", fault.message);
    registry.fail();
    let fault = message_decoder(&right, &ReadOptions::default()).err().unwrap();
    assert_eq!(fault.kind, FaultKind::Transient);
    drop(registry);
    let fault = message_decoder(&right, &ReadOptions::default()).err().unwrap();
    assert_eq!(fault.kind, FaultKind::Transient);
}

#[test]
fn without_a_registry_messages_are_records_alone() {
    let people = people(2);
    let schema = json!({"type": "record", "name": "r", "fields": [
        {"name": "s", "type": "string"}, {"name": "n", "type": "int"}]});
    let config = with_schema(&schema);
    let messages = message_encoder(&config, &people.schema()).unwrap().encode(&people).unwrap();
    assert_eq!(&messages[1][..], b"\x0cname 1\x02");
    let mut decoder = message_decoder(&config, &ReadOptions::default()).unwrap();
    let chunk = decoder.decode(&[&messages[0], b"\xff", &messages[1]], 1).unwrap();
    assert_eq!((chunk.records.num_rows(), chunk.bad.len()), (2, 1));
    let fault = message_decoder(&crate::support::config(AVRO), &ReadOptions::default()).err();
    assert_eq!(fault.unwrap().kind, FaultKind::Config);
    let empty = json!({"type": "record", "name": "r", "fields": [{"name": "x", "type": "null"}]});
    let mut decoder = message_decoder(&with_schema(&empty), &ReadOptions::default()).unwrap();
    assert_eq!(decoder.decode(&[b"", b"", b"!"], 1).unwrap().records.num_rows(), 2);
}

#[test]
fn an_output_without_records_is_a_file() {
    let out = Shared::default();
    let boxed = Box::new(out.clone());
    create(&config(AVRO), people(0).schema(), boxed, Compression::None).unwrap().finish().unwrap();
    let outcome = read(AVRO, &out.bytes());
    assert_eq!((outcome.fault, outcome.rows.len()), (None, 0));
    assert_eq!(outcome.schema.unwrap().fields().len(), 2);
}
