//! What goes the straight way is what the other way makes of it, and nothing that it refuses.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, TimeUnit};

use super::super::read::Decoding;
use super::*;

/// A small generator (xorshift).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound as u64) as usize
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len())]
    }
}

fn schema() -> SchemaRef {
    let time = DataType::Timestamp(TimeUnit::Microsecond, Some("+00:00".into()));
    let fields = [
        ("w", DataType::Int64),
        ("small", DataType::UInt8),
        ("f", DataType::Float64),
        ("single", DataType::Float32),
        ("t", DataType::Utf8),
        ("b", DataType::Boolean),
        ("day", DataType::Date32),
        ("at", time),
        ("local", DataType::Timestamp(TimeUnit::Nanosecond, None)),
        ("money", DataType::Decimal128(9, 2)),
    ];
    Arc::new(Schema::new(fields.map(|(name, kind)| Field::new(name, kind, true)).to_vec()))
}

const KEYS: &[&str] = &[
    "\"w\"",
    "\"small\"",
    "\"f\"",
    "\"single\"",
    "\"t\"",
    "\"b\"",
    "\"day\"",
    "\"at\"",
    "\"local\"",
    "\"money\"",
    "\"other\"",
    "\"\\u0077\"",
    "\"\"",
    "w",
];

const VALUES: &[&str] = &[
    "0",
    "-0",
    "7",
    "-12",
    "255",
    "256",
    "1.5",
    "1.0",
    "01",
    "1e3",
    "1e-3",
    "1e999",
    "-",
    "1-2",
    "1.",
    "9223372036854775807",
    "9223372036854775808",
    "123456789012345678",
    "0.1",
    "0.125",
    "16777217",
    "\"\"",
    "\"a\"",
    "\"longer than a word\"",
    "\"€\"",
    "\"a\\nb\"",
    "\"\\u20ac\"",
    "\"\\ud83d\\ude00\"",
    "\"\\ud83d\"",
    "\"\\x\"",
    "\"open",
    "true",
    "false",
    "tru",
    "null",
    "nul",
    "{}",
    "[]",
    "{\"a\":[1,{}]}",
    "[1,]",
    "{\"a\"}",
    "\"12\"",
    "\"1.5\"",
    "\"2024-02-29\"",
    "\"2024-02-30\"",
    "\"2024-02-29T12:30:00Z\"",
    "\"2024-02-29T12:30:00.123456789+02:00\"",
    "\"2024-02-29 12:30:00\"",
    "\"1677-09-21T00:12:43Z\"",
    "\"true\"",
    "12345678.9",
    "\"12345678.9\"",
    "1234.567",
    "\u{1}",
    "\"\u{1}\"",
];

/// What is plainly right.
const FIELDS: &[&str] = &[
    "\"w\":-12",
    "\"w\": 123456789012345678",
    "\"small\":255",
    "\"f\":0.1",
    "\"f\":1e-3",
    "\"f\":-0",
    "\"single\":16777217",
    "\"t\":\"€\"",
    "\"t\":\"a\\nb\"",
    "\"t\":\"\"",
    "\"b\":false",
    "\"day\":\"2024-02-29\"",
    "\"at\":\"2024-02-29T12:30:00.123456789+02:00\"",
    "\"local\":\"2024-02-29T12:30:00.123456789\"",
    "\"money\":1234.567",
    "\"money\":\"12345678.9\"",
    "\"other\":{\"a\":[1,{}]}",
    "\"w\":null",
    "\"t\" :null",
];

fn record(random: &mut Random) -> String {
    let space = |random: &mut Random| random.pick(&["", "", "", " ", "\t", " \r"]);
    let mut text = "{".to_owned();
    let fields = random.below(8);
    for at in 0..fields {
        if at > 0 {
            text += random.pick(&[",", ",", ",", ",", ",", ",", ",", ",", ", ", ",\t", ",,", " "]);
        }
        if random.below(8) > 0 {
            text += random.pick(FIELDS);
            continue;
        }
        text += random.pick(KEYS);
        text += space(random);
        text += random.pick(&[":", ":", ":", ":", ":", ":", ": ", ""]);
        text += random.pick(VALUES);
        text += space(random);
    }
    text += random.pick(&["}", "}", "}", "}", "}", "}", "}", "} ", "}}", "", ",}", "}x"]);
    text
}

#[test]
fn what_goes_the_straight_way_is_what_the_other_way_makes_of_it() {
    let decoding = Decoding::new(schema(), false, 10_000);
    let (mut taken, mut refused, mut random) = (0, 0, Random(20_261_121));
    for _ in 0..200_000 {
        let text = record(&mut random);
        let mut straight = Straight::of(&schema(), 10_000).unwrap();
        if !straight.take(text.as_bytes()) {
            refused += 1;
            continue;
        }
        let ours = straight.finish([text.as_bytes()]).unwrap();
        let theirs = decoding.decode([(0, text.trim_ascii().as_bytes())].into_iter());
        let theirs = theirs.unwrap_or_else(|it| panic!("{text}: {it:?}"));
        assert_eq!(ours, theirs, "{text}");
        taken += 1;
    }
    assert!(taken > 40_000 && refused > 40_000, "{taken} taken, {refused} refused");
}

#[test]
fn many_records_make_one_batch_whatever_their_order() {
    let decoding = Decoding::new(schema(), false, 10_000);
    let mut random = Random(7);
    let plain = |random: &mut Random, n: usize| {
        let mut fields = [
            format!("\"w\":{n}"),
            format!("\"t\":\"text {n}\""),
            format!("\"f\": {}.25", random.below(1_000)),
            "\"b\":true".to_owned(),
            "\"other\":[1,\"}\"]".to_owned(),
            "\"at\":\"2024-02-29T12:30:00Z\"".to_owned(),
            "\"money\":null".to_owned(),
        ];
        let (left, first) = (random.below(4), random.below(7));
        if random.below(3) == 0 {
            fields.swap(0, first);
        }
        format!("{{{}}}", fields[left..].join(","))
    };
    let records: Vec<_> = (0..5_000).map(|it| plain(&mut random, it)).collect();
    let mut straight = Straight::of(&schema(), 10_000).unwrap();
    for part in records.chunks(1_000) {
        assert!(part.iter().all(|it| straight.take(it.as_bytes())));
        let ours = straight.finish(part.iter().map(|it| it.as_bytes())).unwrap();
        let theirs = decoding.decode(part.iter().map(|it| it.as_bytes()).enumerate()).unwrap();
        assert_eq!(ours, theirs);
    }
}

#[test]
fn what_is_no_text_is_refused_also_where_it_is_skipped() {
    for record in [&b"{\"t\":\"\xff\"}"[..], b"{\"other\":\"\xff\"}", b"{\"\xff\":1}"] {
        let mut straight = Straight::of(&schema(), 10_000).unwrap();
        assert!(straight.take(record));
        assert_eq!(straight.finish([record]), None);
    }
}

#[test]
fn where_a_value_has_to_be_none_may_be_missing() {
    let schema = Arc::new(Schema::new(vec![Field::new("w", DataType::Int64, false)]));
    let mut straight = Straight::of(&schema, 10_000).unwrap();
    assert!(straight.take(b"{\"w\":1}") && !straight.take(b"{}"));
    assert!(straight.take(b"{\"w\":1}") && !straight.take(b"{\"w\":null}"));
}

#[test]
fn after_a_failure_it_waits_and_longer_after_each() {
    let mut straight = Straight::of(&schema(), 10_000).unwrap();
    let waits = |straight: &mut Straight| (0..1_000).take_while(|_| !straight.begins()).count();
    let found: Vec<_> = (0..9)
        .map(|_| {
            assert!(!straight.take(b"{"));
            waits(&mut straight)
        })
        .collect();
    assert_eq!(found, [1, 2, 4, 8, 16, 32, 64, 64, 64]);
    assert!(straight.take(b"{\"w\":1}"));
    straight.finish([]).unwrap();
    assert!(!straight.take(b"{"));
    assert_eq!(waits(&mut straight), 1);
}

#[test]
fn nothing_of_a_batch_that_was_given_up_is_in_the_next() {
    let expected = |texts: &[&[u8]]| {
        let decoding = Decoding::new(schema(), false, 10_000);
        decoding.decode(texts.iter().copied().enumerate()).unwrap()
    };
    let next = [&b"{\"t\":\"x\"}"[..], b"{\"w\":7}"];
    let long = format!("{{\"t\":\"{}\",\"w\":9}}", "x".repeat(10_000));
    let bad: [&[&[u8]]; 4] = [
        &[b"{\"t\":\"\xff\",\"w\":5,\"f\":0.5}"],
        &[b"{\"other\":\"\xff\",\"w\":5}"],
        &[b"{\"w\":5}", b"{\"w\":6,\"w\":6}"],
        &[b"{\"w\":5}", long.as_bytes()],
    ];
    let mut straight = Straight::of(&schema(), 10_000).unwrap();
    for given_up in bad {
        let are_taken = given_up.iter().all(|it| straight.take(it));
        assert!(!are_taken || straight.finish(given_up.iter().copied()).is_none());
        assert!(next.iter().all(|it| straight.take(it)));
        assert_eq!(straight.finish(next), Some(expected(&next)));
    }
}
