//! JSON: lines, arrays, inference, and bad records.

use weir_domain::FaultKind;
use weir_formats::ReadOptions;
use weir_records::type_name;

use crate::support::{config, read, read_with};

const LINES: &str = r#"{"type": "json", "schema": [
    {"name": "n", "type": "int64"}, {"name": "s", "type": "string"}]}"#;
const ARRAY: &str = r#"{"type": "json", "layout": "array", "schema": [
    {"name": "n", "type": "int64"}, {"name": "s", "type": "string"}]}"#;

#[test]
fn nested_types_are_inferred() {
    let text = "{\"z\":1,\"o\":{\"p\":[1,2.5]}}\n{\"z\":2,\"l\":[{\"q\":\"x\"}],\"n\":null}\n";
    let outcome = read(r#"{"type": "json"}"#, text.as_bytes());
    let schema = outcome.schema.clone().unwrap();
    let types: Vec<_> = schema.fields().iter().map(|it| type_name(it.data_type())).collect();
    let expected = ["int64", "struct<p: list<float64>>", "list<struct<q: string>>", "string"];
    assert_eq!(types, expected);
    assert_eq!(
        outcome.text(),
        [r#"1 {"z":1,"o":{"p":[1.0,2.5]}}"#, r#"2 {"z":2,"l":[{"q":"x"}]}"#]
    );
}

#[test]
fn scalars_of_several_kinds_become_strings() {
    let outcome = read(r#"{"type": "json"}"#, b"{\"a\":1}\n{\"a\":\"x\"}\n{\"a\":true}\n");
    assert_eq!(outcome.text(), [r#"1 {"a":"1"}"#, r#"2 {"a":"x"}"#, r#"3 {"a":"true"}"#]);
}

#[test]
fn a_later_record_that_does_not_fit_what_was_inferred_is_bad() {
    let outcome =
        read(r#"{"type": "json", "inferRows": 1}"#, b"{\"a\":1}\n{\"a\":1.5}\n{\"a\":[1]}\n");
    assert_eq!(outcome.text(), [r#"1 {"a":1}"#]);
    let bad = [
        "2 2 8 {\"a\":1.5}: field 'a': 1.5 is not a whole number",
        "3 3 18 {\"a\":[1]}: whilst decoding field 'a': expected primitive got [1]",
    ];
    assert_eq!(outcome.bad_text(), bad);
}

#[test]
fn each_bad_line_is_set_apart_with_its_place_and_reason() {
    let text: &[u8] =
        b"\xef\xbb\xbf{\"n\":1}\r\n\r\n{\"n\":2\n{\"n\":\"x\"}\n7\n{\"n\":3}{\"n\":4}\n\
                        null\n{\"s\":\"\xff\"}\n{\"s\":5}\n{\"n\":1.0,\"s\":\"1.5\"}\n{\"n\":6}";
    let outcome = read(LINES, text);
    let good = [r#"1 {"n":1}"#, r#"9 {"n":1,"s":"1.5"}"#, r#"10 {"n":6}"#];
    assert_eq!(outcome.text(), good);
    let bad = [
        "2 3 14 {\"n\":2: it ends within a JSON value",
        "3 4 21 {\"n\":\"x\"}: whilst decoding field 'n': failed to parse \"x\" as Int64",
        "4 5 31 7: it is not a JSON object",
        "5 6 33 {\"n\":3}{\"n\":4}: more than one JSON value stands where one should",
        "6 7 48 null: it is not a JSON object",
        "7 8 53 {\"s\":\"\u{fffd}\"}: Encountered non-UTF-8 data",
        "8 9 63 {\"s\":5}: whilst decoding field 's': expected string got 5",
    ];
    assert_eq!(outcome.bad_text(), bad);
}

#[test]
fn neighbours_of_a_torn_line_are_not_joined_to_it() {
    // Read as one text, lines 1 and 2 are one object and line 3 holds two: the sum is right.
    let outcome = read(LINES, b"{\"n\":1,\n\"s\":\"x\"}\n{\"n\":2}{\"n\":3}\n{\"n\":4}\n");
    assert_eq!(outcome.text(), [r#"4 {"n":4}"#]);
    assert_eq!(outcome.bad.len(), 3);
}

#[test]
fn elements_of_an_array_are_records() {
    let text = b" [ {\"n\":1},\n {\"s\":\"a]},[\\\"\"} ,\n3, {\"n\":\n[4}, {\"n\":5} {\"n\":6},, \
                 {\"n\":7},\n]\n";
    let outcome = read(ARRAY, text);
    let good = [r#"1 {"n":1}"#, r#"2 {"s":"a]},[\""}"#, r#"7 {"n":7}"#];
    assert_eq!(outcome.text(), good);
    let bad = [
        "3 3 31 3: it is not a JSON object",
        "4 3 34 {\"n\":\n[4}: Encountered unexpected '}' whilst parsing value",
        "5 4 45 {\"n\":5} {\"n\":6}: more than one JSON value stands where one should",
        "6 4 61 : it is not a JSON object",
    ];
    assert_eq!(outcome.bad_text(), bad);
}

#[test]
fn an_array_that_is_cut_off_is_a_fault() {
    for (text, message) in [
        (
            "[{\"n\":1},\n{\"n\":2}",
            "the input ends within an element of the array (line 2, byte 10)",
        ),
        ("[{\"n\":1},", "the input ends before the array is closed (line 1, byte 9)"),
        ("{\"n\":1}", "the input begins with '{', not with '[' (line 1, byte 0)"),
        ("[{\"n\":1}]]", "']' follows after the end of the array (line 1, byte 9)"),
    ] {
        let fault = read(ARRAY, text.as_bytes()).fault.unwrap();
        assert_eq!((fault.kind, fault.message.as_str()), (FaultKind::Data, message));
    }
}

#[test]
fn a_record_that_is_too_long_is_set_apart_and_cut() {
    let long = format!("{{\"s\":\"{}\"}}", "x,]\\\"".repeat(200));
    let lines = format!("{{\"n\":1}}\n{long}\n{{\"n\":2}}\n{long}");
    let array = format!("[{{\"n\":1}},\n{long},\n{{\"n\":2}},\n{long}]");
    for (format, text) in [(LINES, lines), (ARRAY, array)] {
        for block_bytes in [5, 100, 4096] {
            let options = ReadOptions {
                max_record_bytes: 64,
                raw_limit: 9,
                block_bytes,
                ..ReadOptions::default()
            };
            let outcome = read_with(&config(format), text.as_bytes(), &options);
            assert_eq!(outcome.text(), [r#"1 {"n":1}"#, r#"3 {"n":2}"#]);
            let (first, second) = (text.find(&long).unwrap(), text.rfind(&long).unwrap());
            let reason = "the record is longer than 64 bytes";
            let bad = [
                format!("2 2 {first} {{\"s\":\"x,]: {reason}"),
                format!("4 4 {second} {{\"s\":\"x,]: {reason}"),
            ];
            assert_eq!(outcome.bad_text(), bad, "{format} in blocks of {block_bytes}");
        }
    }
}

#[test]
fn a_line_of_many_megabytes_is_skipped() {
    let mut text = b"{\"n\":1}\n{\"s\":\"".to_vec();
    text.resize(40 << 20, b'x');
    text.extend_from_slice(b"\"}\n{\"n\":2}\n");
    let options = ReadOptions { max_record_bytes: 1 << 20, ..ReadOptions::default() };
    let outcome = read_with(&config(LINES), &text, &options);
    assert_eq!(outcome.text(), [r#"1 {"n":1}"#, r#"3 {"n":2}"#]);
    assert_eq!(outcome.bad[0].raw.len(), options.raw_limit);
}

#[test]
fn deep_nesting_does_not_exhaust_the_stack() {
    for deep in [
        format!("{{\"n\":{}1{}}}", "[".repeat(1_000_000), "]".repeat(1_000_000)),
        format!("{{\"n\":{}", "[{".repeat(1_000_000)),
        "[".repeat(1_000_000),
    ] {
        let text = format!("{{\"n\":1}}\n{deep}\n{{\"n\":2}}\n");
        for format in [LINES, r#"{"type": "json"}"#] {
            let outcome = read(format, text.as_bytes());
            assert_eq!(outcome.text(), [r#"1 {"n":1}"#, r#"3 {"n":2}"#]);
            assert_eq!(outcome.bad.len(), 1);
            assert!(outcome.bad[0].reason.len() < 500);
        }
    }
}

#[test]
fn a_file_without_records_has_a_schema_all_the_same() {
    for (format, text, columns) in
        [(LINES, "", 2), (LINES, " \n\r\n", 2), (ARRAY, "", 2), (ARRAY, "[ ]\n", 2)]
    {
        let outcome = read(format, text.as_bytes());
        assert!(outcome.text().is_empty() && outcome.bad.is_empty(), "{text:?}");
        assert_eq!(outcome.schema.unwrap().fields().len(), columns);
    }
    let inferred = read(r#"{"type": "json"}"#, b"nonsense\n{}\n");
    assert_eq!(inferred.text(), ["2 {}"]);
    assert_eq!(inferred.bad.len(), 1);
}
