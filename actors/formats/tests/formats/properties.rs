//! Random records, written and read back by the formats that keep types: what comes back is the same.

use arrow::array::RecordBatch;
use serde_json::{Map, Value, json};
use weir_formats::{FormatConfig, ReadOptions, message_decoder, message_encoder};

use crate::random::Random;
use crate::support::{config, file_of, read_with, values, write};

const SEEDS: u64 = 60;

/// A field's type as people write it, and a random value of it.
fn value(random: &mut Random, kind: &str) -> Value {
    let number = random.below(1 << 31) as i64 - (1 << 30);
    match kind {
        "int8" => json!(number % 128),
        "uint32" => json!(number.unsigned_abs()),
        "int64" => json!(number * 1_000_003),
        "float64" => json!(number as f64 / 8.0),
        "boolean" => json!(number % 2 == 0),
        "date" => json!(format!(
            "{:04}-02-{:02}",
            1900 + number.rem_euclid(200),
            1 + number.rem_euclid(28)
        )),
        "timestamp(us, +00:00)" => {
            json!(format!(
                "19{:02}-01-01T00:00:00.{:06}Z",
                10 + number.rem_euclid(90),
                number.rem_euclid(1_000_000)
            ))
        }
        "decimal(12, 3)" => {
            json!(format!("{}.{:03}", number % 100_000_000, number.rem_euclid(1000)))
        }
        "list<int32>" => {
            json!((0..random.below(4)).map(|_| random.below(1000)).collect::<Vec<_>>())
        }
        "struct<k: string, l: list<string>>" => {
            json!({"k": text(random), "l": (0..random.below(3)).map(|_| text(random)).collect::<Vec<_>>()})
        }
        _ => json!(text(random)),
    }
}

fn text(random: &mut Random) -> String {
    const PIECES: [&str; 7] = ["", "a", "ü", " ", "€", "\u{1f600}", "0"];
    (0..random.below(6)).map(|_| PIECES[random.below(PIECES.len())]).collect()
}

const KINDS: [&str; 11] = [
    "int8",
    "uint32",
    "int64",
    "float64",
    "boolean",
    "date",
    "timestamp(us, +00:00)",
    "decimal(12, 3)",
    "list<int32>",
    "struct<k: string, l: list<string>>",
    "string",
];

/// Some batches of records of some columns.
fn batches(random: &mut Random) -> Vec<RecordBatch> {
    let columns: Vec<_> = (0..1 + random.below(8))
        .map(|at| (format!("c{at}"), KINDS[random.below(KINDS.len())]))
        .collect();
    let fields: Vec<_> =
        columns.iter().map(|(name, kind)| json!({"name": name, "type": kind})).collect();
    let mut lines = String::new();
    for _ in 0..1 + random.below(80) {
        let mut record = Map::new();
        for (name, kind) in &columns {
            if random.below(4) > 0 {
                record.insert(name.clone(), value(random, kind));
            }
        }
        lines.push_str(&format!("{}\n", Value::Object(record)));
    }
    let format = config(&json!({"type": "json", "schema": fields}).to_string());
    let options = ReadOptions { batch_rows: 1 + random.below(40), ..ReadOptions::default() };
    let file = file_of(lines.as_bytes());
    let mut reader = weir_formats::open(&format, file, Default::default(), &options).unwrap();
    let mut batches = Vec::new();
    while let Some(chunk) = reader.read().unwrap() {
        assert!(chunk.bad.is_empty(), "{:?}", chunk.bad);
        batches.push(chunk.records);
    }
    batches
}

fn options(random: &mut Random) -> ReadOptions {
    ReadOptions {
        batch_rows: 1 + random.below(50),
        batch_bytes: 1 + random.below(5000),
        block_bytes: 1 + random.below(500),
        ..ReadOptions::default()
    }
}

fn check(format: &FormatConfig, batches: &[RecordBatch], options: &ReadOptions, seed: u64) {
    let bytes = write(format, batches);
    let outcome = read_with(format, &bytes, options);
    assert_eq!(outcome.fault, None, "seed {seed}");
    assert!(outcome.bad.is_empty(), "seed {seed}: {:?}", outcome.bad_text());
    let expected: Vec<_> = batches.iter().flat_map(values).collect();
    let found: Vec<_> = outcome.rows.iter().map(|it| it.1.clone()).collect();
    assert_eq!(found, expected, "seed {seed}");
    let positions: Vec<_> = outcome.rows.iter().map(|it| it.0).collect();
    assert_eq!(positions, (1..=expected.len() as u64).collect::<Vec<_>>(), "seed {seed}");
}

#[test]
fn columns_survive_avro_arrow_and_parquet() {
    for seed in 0..SEEDS {
        let mut random = Random::new(seed);
        let batches = batches(&mut random);
        for format in [
            json!({"type": "avro", "codec": (["none", "deflate", "snappy", "zstd"][random.below(4)])}),
            json!({"type": "arrow", "layout": (["file", "stream"][random.below(2)]),
                "compression": (["none", "lz4", "zstd"][random.below(3)])}),
            json!({"type": "parquet"}),
        ] {
            check(&config(&format.to_string()), &batches, &options(&mut random), seed);
        }
    }
}

#[test]
fn texts_survive_raw_and_fixed_width() {
    const FRAMINGS: [&str; 5] = ["varint", "uint16", "uint32", "uint16Le", "uint32Le"];
    for seed in 0..SEEDS {
        let mut random = Random::new(seed);
        let lines: String = (0..1 + random.below(50))
            .map(|_| format!("{}\n", json!({"value": text(&mut random), "n": random.below(999)})))
            .collect();
        let fields = json!([{"name": "value", "type": "string"}, {"name": "n", "type": "int32"}]);
        let format = config(&json!({"type": "json", "schema": fields}).to_string());
        let options = options(&mut random);
        let file = file_of(lines.as_bytes());
        let mut reader = weir_formats::open(&format, file, Default::default(), &options).unwrap();
        let mut batches = Vec::new();
        while let Some(chunk) = reader.read().unwrap() {
            batches.push(chunk.records);
        }
        let framing = FRAMINGS[random.below(FRAMINGS.len())];
        let raw = json!({"type": "raw", "framing": framing}).to_string();
        let texts: Vec<_> = batches.iter().map(|it| it.project(&[0]).unwrap()).collect();
        check(&config(&raw), &texts, &options, seed);
        // Blanks at the ends of a cell are filling, and a cell of blanks is null.
        let fixed = json!({"type": "fixedWidth", "framing": framing, "nullText": "NULL", "columns": [
            {"name": "value", "type": "string", "width": 8, "pad": "_", "trim": "none"},
            {"name": "n", "type": "int32", "width": 4}]});
        let bytes = write(&config(&fixed.to_string()), &batches);
        let outcome = read_with(&config(&fixed.to_string()), &bytes, &options);
        assert_eq!((outcome.fault, outcome.bad.len()), (None, 0), "seed {seed}");
        let expected: Vec<_> = batches.iter().flat_map(values).collect();
        for ((_, found), expected) in outcome.rows.iter().zip(&expected) {
            let padded = format!("{:_<8}", expected["value"].as_str().unwrap());
            assert_eq!(found, &json!({"value": padded, "n": expected["n"]}), "seed {seed}");
        }
        assert_eq!(outcome.rows.len(), expected.len());
    }
}

/// A field of an order on the wire, in one of the ways in which it may stand there.
fn field(random: &mut Random) -> Vec<u8> {
    let sized = |number: u8, bytes: &[u8]| {
        let tag = u32::from(number) << 3 | 2;
        let tag =
            if tag < 128 { vec![tag as u8] } else { vec![tag as u8 | 0x80, (tag >> 7) as u8] };
        [&tag[..], &[bytes.len() as u8], bytes].concat()
    };
    let who = |random: &mut Random| {
        let name = text(random);
        [sized(1, name.as_bytes()), vec![0x10, random.below(2) as u8]].concat()
    };
    let byte = random.below(100) as u8;
    match random.below(14) {
        0 => [&[0x08][..], &[0xff; 9], &[1]].concat(),
        1 => sized(2, text(random).as_bytes()),
        2 => vec![0x18, random.below(4) as u8],
        3 => sized(4, text(random).as_bytes()),
        4 => sized(5, &[&sized(1, &[b'a' + byte % 3])[..], &[0x10, byte]].concat()),
        5 => sized(6, &[0x08, byte, 0x10, 0xe8, 0x07]),
        6 => sized(7, &who(random)),
        7 => sized(8, &who(random)),
        8 => sized(9, &[byte, 0, byte]),
        9 => vec![0x48, byte],
        10 => [&[11 << 3 | 1][..], &f64::from(byte).to_le_bytes()].concat(),
        11 => sized(12, &who(random)),
        12 => {
            [&[0x80, 0x01][..], &[0x80, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1]].concat()
        }
        _ => sized(17, &[0x08, byte]),
    }
}

#[test]
fn messages_survive_protobuf() {
    let format = crate::protobuf::orders();
    for seed in 0..SEEDS {
        let mut random = Random::new(seed);
        let messages: Vec<Vec<u8>> = (0..1 + random.below(40))
            .map(|_| (0..random.below(12)).flat_map(|_| field(&mut random)).collect())
            .collect();
        let messages: Vec<&[u8]> = messages.iter().map(Vec::as_slice).collect();
        let mut decoder = message_decoder(&format, &ReadOptions::default()).unwrap();
        let first = decoder.decode(&messages, 1).unwrap();
        assert!(first.bad.is_empty(), "seed {seed}: {:?}", first.bad);
        let mut encoder = message_encoder(&format, &first.records.schema()).unwrap();
        let written = encoder.encode(&first.records).unwrap();
        let written: Vec<&[u8]> = written.iter().map(|it| it.as_ref()).collect();
        let second = decoder.decode(&written, 1).unwrap();
        assert_eq!(second.records, first.records, "seed {seed}");
        check(&format, &[first.records], &options(&mut random), seed);
    }
}
