//! Fixed width: places, padding, types and bad records.

use weir_domain::FaultKind;
use weir_formats::{Compression, ReadOptions, create};

use crate::support::{config, read, read_with, write};

const FORMAT: &str = r#"{"type": "fixedWidth", "columns": [
    {"name": "id", "type": "int32", "width": 4, "nullable": false},
    {"name": "name", "type": "string", "width": 6},
    {"name": "price", "type": "decimal(6, 2)", "width": 8, "pad": "0"},
    {"name": "day", "type": "date", "start": 21, "width": 10}]}"#;

fn with(more: &str) -> String {
    FORMAT.replacen(r#""fixedWidth","#, &format!(r#""fixedWidth", {more},"#), 1)
}

#[test]
fn cells_are_cut_out_by_their_places_and_trimmed() {
    let text = "   1ann   00012.50??2024-02-29\r\n\n  -2jürgen-0000.0100          \n";
    let outcome = read(FORMAT, text.as_bytes());
    let rows = [
        r#"1 {"id":1,"name":"ann","price":12.50,"day":"2024-02-29"}"#,
        r#"2 {"id":-2,"name":"jürgen","price":-0.01}"#,
    ];
    assert_eq!(outcome.text(), rows);
}

#[test]
fn each_bad_record_is_set_apart_with_its_place_and_reason() {
    let text = [
        "   1ann   00012.50  2024-02-29",
        "   xann   00012.50  2024-02-29",
        "    ann   00012.50  2024-02-29",
        "   4ann   00012.50",
        "   5ann   00012.50  2024-02-29 more",
        "   6ann   0001a.50  2024-02-29",
        "   7ann   00012.50  2024-02-30",
        "   8bob\u{e9}  00012.50  2024-02-28",
    ]
    .join("\n");
    let outcome = read(FORMAT, text.as_bytes());
    assert_eq!(outcome.rows.iter().map(|it| it.0).collect::<Vec<_>>(), [1, 8]);
    let bad = outcome.bad_text();
    let reasons: Vec<_> = bad.iter().map(|it| it.split(": ").skip(1).collect::<Vec<_>>()).collect();
    let expected = [
        vec!["column 'id'", "'x' is not of type int32"],
        vec!["column 'id' is empty, and must have a value"],
        vec!["it has 18 characters where 30 are expected"],
        vec!["it has 35 characters where 30 are expected"],
        vec!["column 'price'", "'0001a.50' is not of type decimal(6, 2)"],
        vec!["column 'day'", "'2024-02-30' is not of type date"],
    ];
    assert_eq!(reasons, expected);
    assert!(bad[2].starts_with("4 4 93    4ann   00012.50: "), "{}", bad[2]);
    let lenient = read(&with(r#""allowShort": true, "allowLong": true"#), text.as_bytes());
    assert_eq!(lenient.bad.len(), 4);
}

#[test]
fn records_of_one_length_need_nothing_between_them() {
    let format = with(r#""framing": "none", "encoding": "latin1""#);
    let record = b"   1j\xfcrgen00012.50  2024-02-29";
    let bytes = [&record[..], b"   xj\xfcrgen00012.50  2024-02-29", record].concat();
    for block_bytes in [1, 7, 4096] {
        let options = ReadOptions { block_bytes, ..ReadOptions::default() };
        let outcome = read_with(&config(&format), &bytes, &options);
        assert_eq!(outcome.rows.iter().map(|it| it.0).collect::<Vec<_>>(), [1, 3]);
        assert_eq!(outcome.rows[0].1["name"], "jürgen");
        assert_eq!((outcome.bad[0].position, outcome.bad[0].offset), (2, 30));
        assert_eq!(outcome.bad[0].raw, &bytes[30..60]);
        assert_eq!(write_back(&format, &record.repeat(2)), record.repeat(2));
    }
    let cut = read(&format, &bytes[..75]).fault.unwrap();
    let message = "the input ends after 15 of a record's 30 bytes (record 3, byte 60)";
    assert_eq!((cut.kind, cut.message.as_str()), (FaultKind::Data, message));
}

/// Reads and writes in one format.
fn write_back(format: &str, bytes: &[u8]) -> Vec<u8> {
    let options = ReadOptions::default();
    let file = crate::support::file_of(bytes);
    let mut reader =
        weir_formats::open(&config(format), file, Compression::Auto, &options).unwrap();
    let chunk = reader.read().unwrap().unwrap();
    assert!(chunk.bad.is_empty(), "{:?}", chunk.bad);
    write(&config(format), &[chunk.records])
}

#[test]
fn what_was_written_looks_as_what_was_read() {
    let text = "   1ann   00012.50  2024-02-29\n  -2jürgen-0000.01            \n";
    assert_eq!(String::from_utf8(write_back(FORMAT, text.as_bytes())).unwrap(), text);
    let crlf = text.replace('\n', "\r\n");
    let written = write_back(&with(r#""lineEnding": "crlf""#), text.as_bytes());
    assert_eq!(String::from_utf8(written).unwrap(), crlf);
    let right = FORMAT.replace(r#""width": 6"#, r#""width": 6, "align": "right", "pad": "_""#);
    let written = write_back(&right, text.as_bytes());
    assert!(String::from_utf8(written).unwrap().starts_with("   1___ann00012.50  "));
}

#[test]
fn a_value_that_is_too_wide_is_never_cut() {
    let json = r#"{"type": "json"}"#;
    let options = ReadOptions::default();
    let text = b"{\"id\":1,\"name\":\"johanna\",\"price\":1,\"day\":\"\"}";
    let file = crate::support::file_of(text);
    let mut reader = weir_formats::open(&config(json), file, Compression::Auto, &options).unwrap();
    let batch = reader.read().unwrap().unwrap().records;
    let out = Box::new(Vec::new());
    let mut writer = create(&config(FORMAT), batch.schema(), out, Compression::None).unwrap();
    let fault = writer.write(&batch).unwrap_err();
    let cause = "record 1: column 'name' holds 6 characters, and 'johanna' has 7";
    assert!(fault.message.contains(cause), "{}", fault.message);
    let none = batch.project(&[0, 1]).unwrap();
    let out = Box::new(Vec::new());
    let fault = create(&config(FORMAT), none.schema(), out, Compression::None).err().unwrap();
    assert_eq!(fault.kind, FaultKind::Config);
    assert!(fault.message.contains("no column \"price\""), "{}", fault.message);
}

#[test]
fn a_layout_that_can_not_be_is_refused_where_it_is_wrong() {
    for (change, expected) in [
        (FORMAT.replace("\"start\": 21", "\"start\": 10"), "columns[3].start: it stands where"),
        (FORMAT.replace("\"start\": 21", "\"start\": 0"), "columns[3].start: places are counted"),
        (FORMAT.replace("\"width\": 6", "\"width\": 0"), "columns[1].width: a column has a width"),
        (FORMAT.replace("\"date\"", "\"binary\""), "columns[3].type: a column of text can't hold"),
        (
            FORMAT.replace("\"name\": \"day\"", "\"name\": \"id\""),
            "columns[3].name: the column \"id\"",
        ),
        (with(r#""framing": "none""#), "encoding: records right behind each other need"),
        (with(r#""nullText": []"#), "nullText: the list is empty"),
    ] {
        let errors = config(&change).declared_schema().unwrap_err();
        let text: Vec<_> = errors.iter().map(ToString::to_string).collect();
        assert!(text.iter().any(|it| it.starts_with(expected)), "{expected}: {text:?}");
    }
}
