//! Raw: lines, frames and whole files in one column.

use weir_domain::FaultKind;
use weir_formats::{Compression, ReadOptions, create, message_decoder, message_encoder};

use crate::support::{config, file_of, read, read_with, write};

const TEXT: &str = r#"{"type": "raw"}"#;
const FRAMED: &str = r#"{"type": "raw", "framing": "uint16", "field": "text"}"#;

#[test]
fn every_line_is_a_record_even_an_empty_one() {
    let outcome = read(TEXT, "\u{feff}a\r\n\n ä \nlast".as_bytes());
    let rows = [r#"1 {"value":"a"}"#, r#"2 {"value":""}"#, r#"3 {"value":" ä "}"#];
    assert_eq!(outcome.text()[..3], rows);
    assert_eq!(outcome.text()[3], r#"4 {"value":"last"}"#);
}

#[test]
fn a_line_that_is_no_text_is_set_apart_with_its_bytes_and_place() {
    let outcome = read(TEXT, b"a\n\xffb\nc\n");
    assert_eq!(outcome.text(), [r#"1 {"value":"a"}"#, r#"3 {"value":"c"}"#]);
    assert_eq!(outcome.bad_text(), ["2 2 2 \u{fffd}b: it is not UTF-8 after 0 bytes"]);
    assert_eq!(outcome.bad[0].raw, b"\xffb");
    let latin = read(r#"{"type": "raw", "encoding": "latin1"}"#, b"a\n\xe4b\n");
    assert_eq!(latin.text(), [r#"1 {"value":"a"}"#, r#"2 {"value":"äb"}"#]);
}

#[test]
fn a_whole_file_is_a_record_where_nothing_stands_between_them() {
    let format = r#"{"type": "raw", "framing": "none", "content": "bytes"}"#;
    for block_bytes in [1, 3, 4096] {
        let options = ReadOptions { block_bytes, ..ReadOptions::default() };
        let outcome = read_with(&config(format), b"\xff\xfea\nb\n", &options);
        assert_eq!(outcome.text(), [r#"1 {"value":"fffe610a620a"}"#]);
        let options = ReadOptions { max_record_bytes: 4, raw_limit: 2, ..options };
        let outcome = read_with(&config(format), b"abcdefgh", &options);
        assert_eq!(outcome.bad_text(), ["1 0 0 ab: the record is longer than 4 bytes"]);
    }
    assert!(read(format, b"").text().is_empty());
}

#[test]
fn a_frame_that_is_too_long_is_passed_over() {
    let bytes = [&b"\x00\x01a\x00\x09too long \x00\x01"[..], b"b\x00\x00"].concat();
    for block_bytes in [1, 3, 4096] {
        let options = ReadOptions { max_record_bytes: 8, block_bytes, ..ReadOptions::default() };
        let outcome = read_with(&config(FRAMED), &bytes, &options);
        let rows = [r#"1 {"text":"a"}"#, r#"3 {"text":"b"}"#, r#"4 {"text":""}"#];
        assert_eq!(outcome.text(), rows);
        let bad = &outcome.bad[0];
        assert_eq!((bad.position, bad.offset), (2, 5), "blocks of {block_bytes}");
        assert!(b"too long ".starts_with(&bad.raw), "{:?}", bad.raw);
    }
}

#[test]
fn frames_that_are_lost_fail_the_file_with_their_place() {
    let outcome = read(FRAMED, b"\x00\x01a\x00\x09too");
    assert_eq!(outcome.rows.len(), 1);
    let fault = outcome.fault.unwrap();
    assert_eq!(fault.kind, FaultKind::Data);
    let message = "the input ends after 3 of a record's 9 bytes (record 2, byte 3)";
    assert_eq!(fault.message, message);
    let options = ReadOptions { max_record_bytes: 4, ..ReadOptions::default() };
    let fault = read_with(&config(FRAMED), b"\x00\x01a\x00\x09too", &options).fault.unwrap();
    assert_eq!(fault.message, "the input ends within a record of 9 bytes (record 3, byte 3)");
}

#[test]
fn what_raw_records_can_not_hold_is_refused() {
    let format = r#"{"type": "json", "schema": [{"name": "value", "type": "string"}]}"#;
    let batch = |text: &[u8]| {
        let options = ReadOptions::default();
        let file = file_of(text);
        let reader = weir_formats::open(&config(format), file, Compression::Auto, &options);
        reader.unwrap().read().unwrap().unwrap().records
    };
    let good = batch(b"{\"value\":\"a\"}\n{\"value\":\"\"}\n");
    assert_eq!(write(&config(TEXT), std::slice::from_ref(&good)), b"a\n\n");
    for (text, message) in [
        (
            &b"{\"value\":\"a\"}\n{\"value\":\"b\\nc\"}\n"[..],
            "record 4: it has a line break after 1",
        ),
        (b"{}\n", "record 3: it is null, and a raw record can't say so"),
    ] {
        let schema = good.schema();
        let mut writer =
            create(&config(TEXT), schema, Box::new(Vec::new()), Compression::None).unwrap();
        writer.write(&good).unwrap();
        let fault = writer.write(&batch(text)).unwrap_err();
        assert!(fault.message.contains(message), "{}", fault.message);
    }
    let other = config(r#"{"type": "raw", "field": "other"}"#);
    let fault = create(&other, good.schema(), Box::new(Vec::new()), Compression::None).err();
    assert_eq!(fault.unwrap().kind, FaultKind::Config);
}

#[test]
fn messages_need_no_frames() {
    let mut decoder = message_decoder(&config(TEXT), &ReadOptions::default()).unwrap();
    let chunk = decoder.decode(&[b"a\nb", b"\xff", b"c"], 7).unwrap();
    assert_eq!(chunk.records.num_rows(), 2);
    assert_eq!((chunk.positions.at(0), chunk.positions.at(1)), (7, 9));
    assert_eq!((chunk.bad[0].position, &chunk.bad[0].raw[..]), (8, &b"\xff"[..]));
    let mut encoder = message_encoder(&config(TEXT), &chunk.records.schema()).unwrap();
    assert_eq!(encoder.encode(&chunk.records).unwrap(), [&b"a\nb"[..], b"c"]);
}
