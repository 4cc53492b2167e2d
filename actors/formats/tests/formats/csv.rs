//! CSV: headers, dialects, inference, and bad records.

use weir_domain::{Fault, FaultKind};
use weir_formats::ReadOptions;
use weir_records::type_name;

use crate::support::{Outcome, config, read, read_with};

fn types(outcome: &Outcome) -> Vec<String> {
    let schema = outcome.schema.clone().unwrap();
    schema
        .fields()
        .iter()
        .map(|it| format!("{}: {}", it.name(), type_name(it.data_type())))
        .collect()
}

const INFERRED: &str = r#"{"type": "csv"}"#;
const DECLARED: &str = r#"{"type": "csv", "schema": [
    {"name": "b", "type": "int32", "nullable": false}, {"name": "a", "type": "string"}]}"#;

#[test]
fn types_are_inferred_from_the_first_records() {
    let text = "i,f,s,d,t,b,n\n1,1.5,x,2024-02-29,2024-02-29T12:00:00,true,\n2,2,,,,false,\n";
    let outcome = read(INFERRED, text.as_bytes());
    let expected = [
        "i: int64",
        "f: float64",
        "s: string",
        "d: date",
        "t: timestamp(s)",
        "b: boolean",
        "n: string",
    ];
    assert_eq!(types(&outcome), expected);
    let rows = [
        r#"1 {"i":1,"f":1.5,"s":"x","d":"2024-02-29","t":"2024-02-29T12:00:00","b":true}"#,
        r#"2 {"i":2,"f":2.0,"b":false}"#,
    ];
    assert_eq!(outcome.text(), rows);
}

#[test]
fn a_later_record_that_does_not_fit_what_was_inferred_is_bad() {
    let format = r#"{"type": "csv", "inferRows": 2}"#;
    let outcome = read(format, b"a\n1\n2\nx\n4\n");
    assert_eq!(outcome.text(), [r#"1 {"a":1}"#, r#"2 {"a":2}"#, r#"4 {"a":4}"#]);
    let bad = ["3 4 6 x: column 'a': 'x' is not of type int64"];
    assert_eq!(outcome.bad_text(), bad);
}

#[test]
fn bad_records_do_not_spoil_the_inference() {
    let outcome = read(INFERRED, b"a,b\n1\n1,2,3\n\xff,x\n1,2\n");
    assert_eq!(types(&outcome), ["a: int64", "b: int64"]);
    assert_eq!(outcome.text(), [r#"4 {"a":1,"b":2}"#]);
    assert_eq!(outcome.bad.len(), 3);
}

#[test]
fn declared_columns_are_found_by_name_in_any_order() {
    let outcome = read(DECLARED, b"a,x,b\nu,?,1\nv,?,2\n");
    assert_eq!(types(&outcome), ["b: int32", "a: string"]);
    assert_eq!(outcome.text(), [r#"1 {"b":1,"a":"u"}"#, r#"2 {"b":2,"a":"v"}"#]);
}

#[test]
fn without_a_header_columns_are_found_by_position() {
    let headless = DECLARED.replace(r#""csv","#, r#""csv", "header": false,"#);
    let outcome = read(&headless, b"1,u\n2,v");
    assert_eq!(outcome.text(), [r#"1 {"b":1,"a":"u"}"#, r#"2 {"b":2,"a":"v"}"#]);
    let inferred = read(r#"{"type": "csv", "header": false}"#, b"1,u\n2,v");
    assert_eq!(types(&inferred), ["column_1: int64", "column_2: string"]);
    assert_eq!(inferred.rows.len(), 2);
}

#[test]
fn each_bad_record_is_set_apart_with_its_place_and_reason() {
    let text: &[u8] = b"b,a\r\n1,x\r\n2\r\n\r\n3,\"y\r\nz\",4\r\n,q\r\n5.5,r\r\n6,\xe2\x82\r\n\
                        7,\"s\r\nt\"\r\n8,\xe2,\x82\xac\r\n99999999999,u\r\n9,v";
    let outcome = read(DECLARED, text);
    let good = [r#"1 {"b":1,"a":"x"}"#, r#"7 {"b":7,"a":"s\r\nt"}"#, r#"10 {"b":9,"a":"v"}"#];
    assert_eq!(outcome.text(), good);
    let bad = outcome.bad_text();
    let expected = [
        "2 3 10 2: it has 1 column where 2 are expected",
        "3 5 15 3,\"y\r\nz\",4: it has 3 columns where 2 are expected",
        "4 7 27 ,q: Column 'b' is declared as non-nullable but contains null values",
        "5 8 31 5.5,r: column 'b': '5.5' is not of type int32",
        "6 9 38 6,\u{fffd}: it is not UTF-8 after 2 bytes",
        "8 12 54 8,\u{fffd},\u{fffd}\u{fffd}: it has 3 columns where 2 are expected",
        "9 13 62 99999999999,u: column 'b': '99999999999' is not of type int32",
    ];
    assert_eq!(bad, expected);
}

#[test]
fn halves_of_a_character_in_neighbouring_cells_are_no_character() {
    let format = r#"{"type": "csv", "schema": [
        {"name": "a", "type": "string"}, {"name": "b", "type": "string"}]}"#;
    let outcome = read(format, b"a,b\nx\xe2,\x82\xacy\n1,2\n");
    assert_eq!(outcome.text(), [r#"2 {"a":"1","b":"2"}"#]);
    assert_eq!(outcome.bad.len(), 1);
}

#[test]
fn a_quote_that_is_never_closed_costs_its_own_line_only() {
    let text = b"b,a\n1,x\n2,\"y\n3,z\n4,\"quoted, closed\"\n5,w\n";
    let outcome = read(DECLARED, text);
    // The next quote closes it: by the rules of CSV the three lines are one record.
    assert_eq!(outcome.text(), [r#"1 {"b":1,"a":"x"}"#, r#"3 {"b":5,"a":"w"}"#]);
    assert_eq!(outcome.bad.len(), 1);

    let text = b"b,a\n1,x\n2,\"y\n3,z\n4,w";
    let outcome = read(DECLARED, text);
    let good = [r#"1 {"b":1,"a":"x"}"#, r#"3 {"b":3,"a":"z"}"#, r#"4 {"b":4,"a":"w"}"#];
    assert_eq!(outcome.text(), good);
    assert_eq!(outcome.bad_text(), ["2 3 8 2,\"y: a quote is never closed"]);
}

#[test]
fn a_quote_that_is_closed_too_late_costs_its_own_line_only() {
    let lines: String = (2..=200).map(|it| format!("{it},line {it}\n")).collect();
    let text = format!("b,a\n1,\"open\n{lines}");
    for block_bytes in [7, 64, 1 << 20] {
        let options = ReadOptions { max_record_bytes: 100, block_bytes, ..ReadOptions::default() };
        let outcome = read_with(&config(DECLARED), text.as_bytes(), &options);
        assert_eq!(outcome.rows.len(), 199);
        let bad = ["1 2 4 1,\"open: a quote is not closed within 100 bytes"];
        assert_eq!(outcome.bad_text(), bad, "blocks of {block_bytes}");
    }
}

#[test]
fn a_record_that_is_too_long_is_set_apart_and_cut() {
    let long = "x".repeat(1000);
    let text = format!("b,a\n1,{long}\n2,y\n3,{long}");
    for block_bytes in [3, 100, 4096] {
        let options = ReadOptions {
            max_record_bytes: 50,
            raw_limit: 8,
            block_bytes,
            ..ReadOptions::default()
        };
        let outcome = read_with(&config(DECLARED), text.as_bytes(), &options);
        assert_eq!(outcome.text(), [r#"2 {"b":2,"a":"y"}"#]);
        let bad = [
            "1 2 4 1,xxxxxx: the record is longer than 50 bytes",
            "3 4 1011 3,xxxxxx: the record is longer than 50 bytes",
        ];
        assert_eq!(outcome.bad_text(), bad, "blocks of {block_bytes}");
    }
}

#[test]
fn a_dialect_changes_every_character_of_meaning() {
    let format = r##"{"type": "csv", "delimiter": "\t", "quote": "'", "escape": "\\",
        "comment": "#", "nullText": ["NA", "-", "."], "allowMissingColumns": true}"##;
    let text = "a\tb\tc\n# a comment\n1\t'it\\'s'\tNA\n-\t.\tx.y\n3\n";
    let outcome = read(format, text.as_bytes());
    let rows = [r#"1 {"a":1,"b":"it's"}"#, r#"2 {"c":"x.y"}"#, r#"3 {"a":3,"b":"","c":""}"#];
    assert_eq!(outcome.text(), rows);
}

#[test]
fn a_file_without_records_has_a_schema_all_the_same() {
    for (format, text, schema) in [
        (INFERRED, "", &[][..]),
        (INFERRED, "\n\n", &[]),
        (INFERRED, "a,b\n", &["a: string", "b: string"]),
        (INFERRED, "a,b", &["a: string", "b: string"]),
        (DECLARED, "", &["b: int32", "a: string"]),
        (DECLARED, "a,b\r\n\r\n", &["b: int32", "a: string"]),
        (INFERRED, "\u{feff}a,b\n", &["a: string", "b: string"]),
    ] {
        let outcome = read(format, text.as_bytes());
        assert_eq!(types(&outcome), schema, "{text:?}");
        assert!(outcome.text().is_empty() && outcome.bad.is_empty(), "{text:?}");
    }
}

#[test]
fn a_header_that_can_not_be_used_is_refused() {
    let fault = |format: &str, bytes: &[u8]| -> Fault { read(format, bytes).fault.unwrap() };
    let missing = fault(DECLARED, b"a,weather\n1,2\n");
    assert_eq!(missing.kind, FaultKind::Config);
    assert_eq!(missing.message, "the header has no column \"b\"");
    assert_eq!(missing.hint.as_deref(), Some("it has a, weather"));
    let binary = fault(DECLARED, &[b"x".repeat(100_000), b"\n1\n".to_vec()].concat());
    assert!(binary.to_string().len() + binary.hint.unwrap().len() < 200);
    let slip = fault(&DECLARED.replace("\"a\"", "\"airport\""), b"b,aiport\n1,2\n");
    assert_eq!(slip.hint.as_deref(), Some("did you mean \"aiport\"?"));
    for (bytes, message) in [
        (&b"a,b,a\n"[..], "the header has the name \"a\" twice, for columns 1 and 3"),
        (b"a,\xff\n", "the name of column 2 is not UTF-8"),
        (b"a,\"b\n1,2\n", "a quote in the first record is never closed"),
    ] {
        let fault = fault(INFERRED, bytes);
        assert_eq!((fault.kind, fault.message.as_str()), (FaultKind::Data, message));
    }
}

#[test]
fn long_records_make_short_chunks() {
    let record = format!("1,{}\n", "x".repeat(1000));
    let text = format!("b,a\n{}", record.repeat(500));
    let options = ReadOptions { batch_bytes: 20_000, block_bytes: 5000, ..ReadOptions::default() };
    let format = config(DECLARED);
    let file = crate::support::file_of(text.as_bytes());
    let mut reader =
        weir_formats::open(&format, file, weir_formats::Compression::Auto, &options).unwrap();
    let mut rows = Vec::new();
    while let Some(chunk) = reader.read().unwrap() {
        rows.push(chunk.records.num_rows());
    }
    assert_eq!(rows.iter().sum::<usize>(), 500);
    assert!(rows.iter().all(|it| *it <= 20), "{rows:?}");
    assert_eq!(reader.bytes_read(), text.len() as u64);
}

#[test]
fn a_number_beyond_its_type_is_a_bad_record_and_no_infinity() {
    let format =
        r#"{"type":"csv","schema":[{"name":"n","type":"float64"},{"name":"m","type":"float32"}]}"#;
    let outcome = read(format, b"n,m\n1.5,1\n1e400,1\n2,1e39\ninf,1\n");
    let reasons: Vec<_> = outcome.bad.iter().map(|it| (it.position, it.reason.as_str())).collect();
    let expected =
        [(2, "column 'n': '1e400' is beyond float64"), (3, "column 'm': '1e39' is beyond float32")];
    assert_eq!(reasons, expected);
    assert_eq!(outcome.rows.iter().map(|it| it.0).collect::<Vec<_>>(), [1, 4]);
}
