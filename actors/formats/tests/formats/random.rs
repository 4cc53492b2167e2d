//! Random records, good and bad, in random blocks: the good ones come out in order, the bad ones
//! are set apart, and nothing is lost or doubled.

use serde_json::{Value, json};
use weir_formats::ReadOptions;

use crate::support::{Bad, config, read_with};

const RECORD_BYTES_MAX: usize = 400;

/// A small generator (xorshift): the same seed gives the same file everywhere.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound as u64) as usize
    }

    fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len())]
    }

    fn text(&mut self) -> String {
        const PIECES: &[&str] =
            &["a", "€", "\"", "\"\"", ",", "\n", "\r\n", "1.5", "\\", "}", "]", "{[", " ", "e-"];
        let pieces = 1 + self.below(6);
        (0..pieces).map(|_| self.pick(PIECES)).collect()
    }

    fn options(&mut self) -> ReadOptions {
        ReadOptions {
            batch_rows: 1 + self.below(12),
            batch_bytes: 1 + self.below(500),
            max_record_bytes: RECORD_BYTES_MAX,
            raw_limit: if self.one_in(2) { 20 } else { 10_000 },
            block_bytes: if self.one_in(4) { 1 << 16 } else { 1 + self.below(80) },
        }
    }
}

/// A file in the making, and what should come of it.
#[derive(Default)]
struct Written {
    bytes: Vec<u8>,
    position: u64,
    good: Vec<(u64, Value)>,
    bad: Vec<Bad>,
}

impl Written {
    fn plain(&mut self, text: &str) {
        self.bytes.extend_from_slice(text.as_bytes());
    }

    fn good(&mut self, record: &[u8], value: Value) {
        self.position += 1;
        self.good.push((self.position, value));
        self.bytes.extend_from_slice(record);
    }

    fn bad(&mut self, record: &[u8]) {
        self.position += 1;
        self.bad.push(Bad {
            position: self.position,
            line: 1 + self.bytes.iter().filter(|it| **it == b'\n').count() as u64,
            offset: self.bytes.len() as u64,
            raw: record.to_vec(),
            reason: String::new(),
        });
        self.bytes.extend_from_slice(record);
    }

    fn check(mut self, format: &str, options: &ReadOptions, seed: u64) {
        let outcome = read_with(&config(format), &self.bytes, options);
        let shown = || format!("seed {seed}: {}", String::from_utf8_lossy(&self.bytes));
        assert_eq!(outcome.fault, None, "{}", shown());
        assert_eq!(outcome.rows, self.good, "{}", shown());
        let mut found = outcome.bad;
        for bad in self.bad.iter_mut().chain(&mut found) {
            bad.reason.clear();
            // Of a record that is too long no more is kept than was held.
            let held = bad.raw.len() > RECORD_BYTES_MAX;
            bad.raw.truncate(if held { RECORD_BYTES_MAX } else { usize::MAX });
            bad.raw.truncate(options.raw_limit);
        }
        assert_eq!(found, self.bad, "{}", shown());
    }
}

const JSON_SCHEMA: &str = r#""schema": [
    {"name": "id", "type": "int64", "nullable": false}, {"name": "s", "type": "string"},
    {"name": "f", "type": "float64"}, {"name": "l", "type": "list<int32>"},
    {"name": "o", "type": "struct<k: int64, t: string>"}]"#;

fn json_good(random: &mut Random, id: usize) -> Value {
    let mut record = json!({"id": id});
    if random.one_in(2) {
        record["s"] = json!(random.text());
    }
    if random.one_in(2) {
        record["f"] = json!(random.below(100) as f64 + 0.25);
    }
    if random.one_in(3) {
        record["l"] = json!([random.below(9), 3]);
    }
    if random.one_in(3) {
        record["o"] = json!({"k": random.below(9), "t": random.text()});
    }
    record
}

/// Bad records that begin and end where they should.
fn json_bad(random: &mut Random) -> Vec<u8> {
    const BAD: &[&str] = &[
        "17",
        "null",
        "\"x\"",
        "nonsense",
        "[1, 2]",
        "{}",
        "{\"id\":null}",
        "{\"id\":\"x\"}",
        "{\"id\":1.5}",
        "{\"id\":1e-7}",
        "{\"id\":1,\"s\":2}",
        "{\"id\":1,\"l\":[1,2.5]}",
        "{\"id\":1,\"l\":3}",
        "{\"id\":1,\"o\":{\"k\":0.5}}",
        "{\"id\":1,\"o\":[]}",
        "{\"id\":1}{\"id\":2}",
        "{\"id\":1} {\"id\":2} {\"id\":3}",
        "{\"id\":[1}",
        "{\"id\":nul}",
        "{\"id\":1 \"s\" \"x\"}",
        "{\"id\":1,\"s\":\"\\x\"}",
        "{\"id\":99999999999999999999}",
    ];
    match random.below(8) {
        0 => b"{\"id\":1,\"s\":\"\xff\"}".to_vec(),
        1 => format!("{{\"id\":1,\"s\":\"{}\"}}", "y ".repeat(RECORD_BYTES_MAX)).into_bytes(),
        _ => random.pick(BAD).as_bytes().to_vec(),
    }
}

#[test]
fn json_lines() {
    const TORN: &[&str] =
        &["{\"id\":1", "{\"id\":1,", "\"s\":\"x\"}", "{\"id\":1,\"s\":\"x", "{", "}"];
    let format = format!(r#"{{"type": "json", {JSON_SCHEMA}}}"#);
    for seed in 0..150 {
        let mut random = Random::new(seed);
        let (mut written, records) = (Written::default(), random.below(60));
        let rate = 2 + random.below(12);
        for id in 0..records {
            if random.one_in(9) {
                written.plain(random.pick(&["\n", " \t\r\n", "\r\n"]));
            }
            if !random.one_in(rate) {
                let record = json_good(&mut random, id);
                written.good(record.to_string().as_bytes(), record);
            } else if random.one_in(3) {
                written.bad(random.pick(TORN).as_bytes());
            } else {
                written.bad(&json_bad(&mut random));
            }
            if id + 1 < records || random.one_in(2) {
                written.plain(random.pick(&["\n", "\n", "\r\n"]));
            }
        }
        written.check(&format, &random.options(), seed);
    }
}

#[test]
fn json_arrays() {
    let format = format!(r#"{{"type": "json", "layout": "array", {JSON_SCHEMA}}}"#);
    for seed in 0..150 {
        let mut random = Random::new(seed);
        let (mut written, records) = (Written::default(), random.below(60));
        let rate = 2 + random.below(12);
        written.plain(random.pick(&["[", " [\n", "\r\n[ "]));
        for id in 0..records {
            if random.one_in(rate) {
                written.bad(&json_bad(&mut random));
            } else {
                let record = json_good(&mut random, id);
                let pretty = random.one_in(4);
                let text = if pretty { format!("{record:#}") } else { record.to_string() };
                if text.len() > RECORD_BYTES_MAX {
                    written.bad(text.as_bytes());
                } else {
                    written.good(text.as_bytes(), record);
                }
            }
            if id + 1 < records {
                written.plain(random.pick(&[",", ",\n", " ,\r\n  "]));
            }
        }
        written.plain(random.pick(&["]", "\n]\n", ",]"]));
        if written.bytes.ends_with(b",]") && records == 0 {
            continue;
        }
        written.check(&format, &random.options(), seed);
    }
}

const CSV: &str = r#"{"type": "csv", "schema": [
    {"name": "f", "type": "float64"}, {"name": "id", "type": "int64", "nullable": false},
    {"name": "s", "type": "string"}, {"name": "t", "type": "string"}]}"#;

fn quoted(random: &mut Random, text: &str) -> String {
    if text.contains(['"', ',', '\n', '\r']) || random.one_in(4) {
        return format!("\"{}\"", text.replace('"', "\"\""));
    }
    text.to_owned()
}

/// Columns of the file are id, s, skipped, f, t.
fn csv_good(random: &mut Random, id: usize) -> (String, Value) {
    let mut value = json!({"id": id});
    let mut cell = |random: &mut Random, name: &str| {
        if random.one_in(3) {
            return String::new();
        }
        let text = random.text();
        value[name] = json!(text);
        quoted(random, &text)
    };
    let (s, t) = (cell(random, "s"), cell(random, "t"));
    let skipped = random.text();
    let skipped = quoted(random, &skipped);
    let f = random.below(50) as f64 + 0.5;
    value["f"] = json!(f);
    (format!("{id},{s},{skipped},{f},{t}"), value)
}

fn csv_bad(random: &mut Random) -> Vec<u8> {
    let bytes = match random.below(9) {
        0 => b"1,\xe2,\x82\xac,2,x".as_slice(),
        1 => b"1,\xff,,2,x",
        2 => b"1,2,3,4",
        3 => b"1,2,3,4,5,6",
        4 => b"just one",
        5 => b"x,\"a\nb\",,2,",
        6 => b",s,,2,t",
        7 => b"1,s,,2.x,\"t\r\n\"",
        _ => return format!("1,{},,,", "z".repeat(RECORD_BYTES_MAX)).into_bytes(),
    };
    bytes.to_vec()
}

#[test]
fn csv_with_quotes_and_newlines() {
    for seed in 0..250 {
        let mut random = Random::new(seed);
        let (mut written, records) = (Written::default(), random.below(60));
        let rate = 2 + random.below(12);
        written.plain("id,s,skipped,f,t\n");
        for id in 0..records {
            if random.one_in(9) {
                written.plain(random.pick(&["\n", "\r\n"]));
            }
            if random.one_in(rate) {
                written.bad(&csv_bad(&mut random));
            } else {
                let (record, value) = csv_good(&mut random, id);
                written.good(record.as_bytes(), value);
            }
            if id + 1 < records || random.one_in(2) {
                written.plain(random.pick(&["\n", "\n", "\r\n"]));
            }
        }
        written.check(CSV, &random.options(), seed);
    }
}
