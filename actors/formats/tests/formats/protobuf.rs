//! Protobuf: files of another implementation, every kind there and back, bad records, and refusals.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use weir_domain::FaultKind;
use weir_formats::{
    Compression, FormatConfig, ReadOptions, create, message_decoder, message_encoder,
};
use weir_records::type_name;

use crate::random::Random;
use crate::support::{config, file_of, read_with, write};

const DESCRIPTORS: &[u8] = include_bytes!("../golden/orders.desc");
const ORDERS: &[u8] = include_bytes!("../golden/orders.pb");

fn format(message: &str, framing: &str) -> FormatConfig {
    let descriptors = STANDARD.encode(DESCRIPTORS);
    let config = json!({"type": "protobuf", "descriptors": descriptors, "message": message,
        "framing": framing});
    serde_json::from_value(config).unwrap()
}

pub(crate) fn orders() -> FormatConfig {
    format("org.example.Order", "varint")
}

/// The fields of one order, as JSON without those that are not there.
fn decoded(record: &[u8]) -> Result<Value, String> {
    let mut decoder = message_decoder(&orders(), &ReadOptions::default()).unwrap();
    let chunk = decoder.decode(&[record], 1).unwrap();
    match chunk.bad.into_iter().next() {
        Some(bad) => Err(bad.reason),
        None => Ok(crate::support::values(&chunk.records).remove(0)),
    }
}

#[test]
fn files_of_another_implementation_are_read_and_written_the_same() {
    for block_bytes in [5, 1 << 16] {
        let options = ReadOptions { block_bytes, batch_rows: 2, ..ReadOptions::default() };
        let outcome = read_with(&orders(), ORDERS, &options);
        assert_eq!(outcome.fault, None);
        assert!(outcome.bad.is_empty(), "{:?}", outcome.bad_text());
        let schema = outcome.schema.unwrap();
        let types: Vec<_> = schema.fields().iter().map(|it| type_name(it.data_type())).collect();
        let who = "struct<name: string, old: boolean>";
        let expected = [
            "uint64",
            "string",
            "string",
            "list<string>",
            "map<string, int32>",
            "timestamp(us, +00:00)",
            who,
            &format!("list<{who}>"),
            "list<int32>",
            "binary",
            "float64",
            who,
            "uint32",
            "int64",
            "float32",
            "int64",
            "int32",
            "list<string>",
        ];
        assert_eq!(types, expected);
        let expected = json!({"id": 18_446_744_073_709_551_612_u64, "note": "", "kind": "OLD",
            "tags": [], "counts": {"k": -3}, "at": "1969-12-31T23:59:59.000003Z",
            "who": {"name": "n3", "old": false}, "others": [{"name": "", "old": true}],
            "numbers": [0, 1, 2], "key": "ff33", "by": {"name": "by", "old": false}, "f32": 3,
            "s64": -3, "f": 0.5, "i64": i64::MIN, "wrapped": 3, "kinds": ["NEW", "OLD"]});
        assert_eq!(outcome.rows[3], (4, expected));
        assert_eq!(outcome.rows.len(), 5);
        assert!(outcome.rows[0].1.get("note").is_none());
        assert_eq!(outcome.rows[2].1["weight"], json!(1.5));
    }
    let options = ReadOptions::default();
    let opened = weir_formats::open(&orders(), file_of(ORDERS), Compression::Auto, &options);
    let chunk = opened.unwrap().read().unwrap().unwrap();
    assert_eq!(write(&orders(), &[chunk.records]), ORDERS);
}

#[test]
fn fields_may_stand_in_any_order_and_number() {
    let varint = |number: u8, value: u8| vec![number << 3, value];
    let name = |text: &[u8]| [&[0x0a, text.len() as u8][..], text].concat();
    let sized = |number: u8, bytes: &[u8]| [&[number << 3 | 2, bytes.len() as u8], bytes].concat();
    let tags = |record: &[u8]| decoded(record).map(|it| it["tags"].clone());
    // The last value counts.
    assert_eq!(decoded(&[varint(1, 7), varint(1, 8)].concat()).unwrap()["id"], 8);
    // A message is put together of its parts.
    let parts = [sized(7, &name(b"a")), varint(1, 9), sized(7, &varint(2, 1))].concat();
    assert_eq!(decoded(&parts).unwrap()["who"], json!({"name": "a", "old": true}));
    // Lists go on, packed or not.
    assert_eq!(
        tags(&[sized(4, b"x"), varint(1, 1), sized(4, b"y")].concat()),
        Ok(json!(["x", "y"]))
    );
    let numbers = [sized(9, b"\x01\x02"), varint(9, 3), sized(9, b"\x04")].concat();
    assert_eq!(decoded(&numbers).unwrap()["numbers"], json!([1, 2, 3, 4]));
    // Of a key the last entry counts; what an entry lacks has its default.
    let entry = |value: u8| sized(5, &[&name(b"k")[..], &varint(2, value)].concat());
    let map = decoded(&[entry(2), sized(5, b""), entry(4)].concat()).unwrap();
    assert_eq!(map["counts"], json!({"k": 2, "": 0}));
    // The last member of a oneof counts.
    let weight = [&[11 << 3 | 1][..], &1.5_f64.to_le_bytes()].concat();
    let both = decoded(&[weight.clone(), sized(12, b"")].concat()).unwrap();
    assert_eq!((both.get("weight"), &both["by"]), (None, &json!({"name": "", "old": false})));
    let both = decoded(&[sized(12, b""), weight].concat()).unwrap();
    assert_eq!((both["weight"].clone(), both.get("by")), (json!(1.5), None));
    // What is not known is left out.
    let strange = [&[0xfa, 0x7f, 2][..], b"??", &[0xfb, 0x7f, 0xfc, 0x7f], &varint(3, 9)].concat();
    assert_eq!(decoded(&strange).unwrap()["kind"], "9");
    // An empty message has its defaults, and no optional fields.
    let empty = decoded(b"").unwrap();
    assert_eq!((&empty["id"], &empty["kind"], empty.get("note")), (&json!(0), &json!("NEW"), None));
}

#[test]
fn each_bad_record_is_set_apart_with_its_place_and_reason() {
    let records: [(&[u8], &str); 7] = [
        (b"\x08", "field 'id': it ends within a number"),
        (b"\x0a\x01a", "field 'id': it has the wire type 2, and 0 is expected"),
        (b"\x12\x01\xff", "field 'note': it is not UTF-8 after 0 bytes"),
        (b"\x12\x05ab", "field 'note': a field has 5 bytes, and 2 are left"),
        (b"\x3a\x03\x0a\x01\xff", "field 'who': field 'name': it is not UTF-8 after 0 bytes"),
        (b"\x32\x02\x10\x80", "field 'at': it ends within a number"),
        (b"\x00", "a field has the number 0"),
    ];
    let mut bytes = vec![2, 8, 1];
    for (record, _) in records {
        bytes.push(record.len() as u8);
        bytes.extend_from_slice(record);
        bytes.extend([2, 8, 2]);
    }
    let outcome = read_with(&orders(), &bytes, &ReadOptions::default());
    assert_eq!(outcome.fault, None);
    let positions: Vec<_> = outcome.rows.iter().map(|it| it.0).collect();
    assert_eq!(positions, [1, 3, 5, 7, 9, 11, 13, 15]);
    for (bad, (record, reason)) in outcome.bad.iter().zip(records) {
        assert_eq!((&bad.raw[..], bad.reason.as_str()), (record, reason));
        let at = bad.offset as usize;
        assert_eq!(&bytes[at..at + record.len()], record);
    }
    assert_eq!(outcome.bad.len(), records.len());
    let fault = read_with(&orders(), &bytes[..bytes.len() - 1], &ReadOptions::default()).fault;
    let message = fault.unwrap().message;
    assert!(
        message.starts_with("the input ends after 1 of a record's 2 bytes (record 15"),
        "{message}"
    );
}

#[test]
fn a_small_record_can_not_stand_for_a_large_one() {
    let options = ReadOptions { max_record_bytes: 1 << 25, ..ReadOptions::default() };
    let mut decoder = message_decoder(&orders(), &options).unwrap();
    // Each two bytes are a message of two fields.
    let large = b"\x42\x00".repeat(8_500_000);
    let small = b"\x08\x01";
    let chunk = decoder.decode(&[small, &large[..1 << 20], small], 1).unwrap();
    assert_eq!(chunk.records.num_rows(), 3);
    let chunk = decoder.decode(&[small, &large, small], 1).unwrap();
    assert_eq!((chunk.records.num_rows(), chunk.bad.len()), (2, 1));
    assert!(chunk.bad[0].reason.contains("it stands for more than"), "{}", chunk.bad[0].reason);
}

#[test]
fn random_bytes_are_records_or_bad_ones() {
    let mut random = Random::new(23);
    let mut decoder = message_decoder(&orders(), &ReadOptions::default()).unwrap();
    for _ in 0..300 {
        let mut records: Vec<Vec<u8>> = Vec::new();
        for _ in 0..random.below(30) {
            let start = random.below(ORDERS.len());
            let mut record = ORDERS[start..start + random.below(ORDERS.len() - start)].to_vec();
            for _ in 0..random.below(4) {
                if !record.is_empty() {
                    let at = random.below(record.len());
                    record[at] = random.below(256) as u8;
                }
            }
            records.push(record);
        }
        let records: Vec<&[u8]> = records.iter().map(Vec::as_slice).collect();
        let chunk = decoder.decode(&records, 1).unwrap();
        assert_eq!(chunk.records.num_rows() + chunk.bad.len(), records.len());
    }
    for seed in 0..100 {
        let mut random = Random::new(seed);
        let mut torn = ORDERS.to_vec();
        let at = random.below(torn.len());
        torn[at] = random.below(256) as u8;
        let outcome = read_with(&orders(), &torn, &ReadOptions::default());
        assert!(outcome.fault.is_none_or(|it| it.kind == FaultKind::Data));
    }
}

/// A batch of what a JSON reader makes of the records.
fn batch(schema: &Value, records: &str) -> arrow::array::RecordBatch {
    let format = json!({"type": "json", "schema": schema}).to_string();
    let options = ReadOptions::default();
    let file = file_of(records.as_bytes());
    let mut reader =
        weir_formats::open(&config(&format), file, Compression::Auto, &options).unwrap();
    let chunk = reader.read().unwrap().unwrap();
    assert!(chunk.bad.is_empty(), "{:?}", chunk.bad);
    chunk.records
}

#[test]
fn columns_are_brought_to_the_kinds_of_their_fields() {
    let schema = json!([
        {"name": "key", "type": "string"}, {"name": "id", "type": "int64"},
        {"name": "at", "type": "timestamp(ms, +00:00)"}, {"name": "kind", "type": "string"},
        {"name": "numbers", "type": "list<int64>"}, {"name": "who", "type": "struct<old: boolean>"}]);
    let records = batch(
        &schema,
        r#"{"id":1,"kind":"1","at":"2024-01-01T00:00:00.5Z","numbers":[],"who":{"old":true},"key":"x"}"#,
    );
    let mut encoder = message_encoder(&orders(), &records.schema()).unwrap();
    let messages = encoder.encode(&records).unwrap();
    let order = decoded(&messages[0]).unwrap();
    assert_eq!(
        (&order["id"], &order["kind"], &order["key"]),
        (&json!(1), &json!("OLD"), &json!("78"))
    );
    assert_eq!(order["at"], "2024-01-01T00:00:00.500Z");
    assert_eq!((&order["who"]["old"], &order["who"]["name"]), (&json!(true), &json!("")));
    for (record, message) in [
        (r#"{"id":-1,"kind":"NEW","key":""}"#, "Can't cast value -1 to type UInt64"),
        (r#"{"id":1,"kind":"X","key":""}"#, "field 'kind': 'X' is no value of its enum"),
        (r#"{"kind":"NEW","key":""}"#, "field 'id': it is null, and the message can't say so"),
    ] {
        let fault = encoder.encode(&batch(&schema, record)).unwrap_err();
        assert!(fault.message.contains(message), "{}", fault.message);
    }
    let both = json!([{"name": "weight", "type": "double"}, {"name": "by", "type": "struct<name: string>"}]);
    let both = batch(&both, "{\"weight\":1}\n{\"weight\":1,\"by\":{\"name\":\"x\"}}");
    let mut encoder = message_encoder(&orders(), &both.schema()).unwrap();
    let fault = encoder.encode(&both).unwrap_err();
    assert!(fault.message.contains("record 2: several members of a oneof"), "{}", fault.message);
}

#[test]
fn what_does_not_fit_the_message_is_refused() {
    for (schema, expected) in [
        (json!([{"name": "nope", "type": "int"}]), "no field for the column \"nope\""),
        (
            json!([{"name": "who", "type": "struct<age: int>"}]),
            "no field for the column \"who.age\"",
        ),
        (
            json!([{"name": "who", "type": "int"}]),
            "the column \"who\" is int64, and its field is struct<name: string, old: boolean>",
        ),
    ] {
        let schema = batch(&schema, "{}").schema();
        let out = Box::new(Vec::new());
        let fault = create(&orders(), schema, out, Compression::None).err().unwrap();
        assert_eq!(fault.kind, FaultKind::Config);
        assert!(fault.message.contains(expected), "{}", fault.message);
    }
    let base64 = |text: &str| {
        let config = json!({"type": "protobuf", "descriptors": text, "message": "x"});
        serde_json::from_value::<FormatConfig>(config).unwrap()
    };
    for (config, path, cause) in [
        (format("org.example.Nope", "varint"), "message", "have no message \"org.example.Nope\""),
        (format("org.example.Order", "lines"), "framing", "protobuf is no text"),
        (base64("!"), "descriptors", "it is no base64"),
        (base64("AAAA"), "descriptors", "they can't be read"),
    ] {
        let errors = config.declared_schema().unwrap_err();
        assert_eq!(errors[0].path, path);
        assert!(errors[0].cause.contains(cause), "{}", errors[0].cause);
    }
}
