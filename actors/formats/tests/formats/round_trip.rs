//! What is written is read back: every format, every compression, every type.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{Field, Schema};
use weir_domain::FaultKind;
use weir_formats::{Compression, FieldConfig, ReadOptions, create, parse_type};

use crate::support::{config, read, read_with, values, write, write_compressed};

const FLAT: &[(&str, &str)] = &[
    ("i8", "int8"),
    ("u64", "uint64"),
    ("f32", "float32"),
    ("f64", "float64"),
    ("b", "boolean"),
    ("s", "string"),
    ("d", "date"),
    ("t", "time(ms)"),
    ("at", "timestamp(us)"),
    ("zoned", "timestamp(ms, +00:00)"),
    ("price", "decimal(12, 3)"),
];

const NESTED: &[(&str, &str)] = &[
    ("id", "int64"),
    ("tags", "list<string>"),
    ("who", "struct<name: string, ages: list<int32>>"),
    ("raw", "binary"),
];

const FLAT_RECORDS: &str = concat!(
    r#"{"i8":-5,"u64":18446744073709551615,"f32":1.5,"f64":1e300,"b":true,"s":"a \"b\", c\nd","#,
    r#""d":"2024-02-29","t":"23:59:59.999","at":"1969-12-31T23:59:59.000001","#,
    r#""zoned":"2024-02-29T12:00:00.5Z","price":-12.345}"#,
    "\n{\"s\":\"ümläut ✓\"}\n{\"i8\":0,\"b\":false}\n",
);

const NESTED_RECORDS: &str = concat!(
    r#"{"id":1,"tags":["a","b,c"],"who":{"name":"x","ages":[1,2]},"raw":"00ff"}"#,
    "\n{\"id\":2,\"tags\":[]}\n{\"id\":3,\"who\":{\"name\":\"y\"}}\n",
);

fn fields(types: &[(&str, &str)]) -> Vec<FieldConfig> {
    let field = |(name, kind): &(&str, &str)| {
        serde_json::from_value(serde_json::json!({"name": name, "type": kind})).unwrap()
    };
    types.iter().map(field).collect()
}

fn with_schema(format: &str, types: &[(&str, &str)]) -> weir_formats::FormatConfig {
    let mut config: serde_json::Value = serde_json::from_str(format).unwrap();
    config["schema"] = serde_json::to_value(fields(types)).unwrap();
    serde_json::from_value(config).unwrap()
}

/// The records as batches of one row each.
fn batches(types: &[(&str, &str)], records: &str) -> Vec<RecordBatch> {
    let format = with_schema(r#"{"type": "json"}"#, types);
    let options = ReadOptions { batch_rows: 1, ..ReadOptions::default() };
    let file = crate::support::file_of(records.as_bytes());
    let mut reader = weir_formats::open(&format, file, Compression::Auto, &options).unwrap();
    let mut batches = Vec::new();
    while let Some(chunk) = reader.read().unwrap() {
        assert!(chunk.bad.is_empty(), "{:?}", chunk.bad);
        batches.push(chunk.records);
    }
    batches
}

fn check(format: &str, types: &[(&str, &str)], records: &str, compressions: &[Compression]) {
    let batches = batches(types, records);
    let expected: Vec<_> = batches.iter().flat_map(values).collect();
    let has_schema = !format.contains("csv") && !format.contains("json");
    let config = if has_schema { config(format) } else { with_schema(format, types) };
    for compression in compressions {
        let bytes = write_compressed(&config, &batches, *compression);
        let outcome = read_with(&config, &bytes, &ReadOptions::default());
        assert_eq!(outcome.fault, None);
        assert!(outcome.bad.is_empty(), "{format}: {:?}", outcome.bad_text());
        let rows: Vec<_> = outcome.rows.iter().map(|it| it.1.clone()).collect();
        assert_eq!(rows, expected, "{format} {compression:?}");
        let types = |schema: &Schema| -> Vec<_> {
            schema.fields().iter().map(|it| it.data_type().clone()).collect()
        };
        assert_eq!(types(&outcome.schema.unwrap()), types(&batches[0].schema()));
    }
}

#[test]
fn every_type_survives_every_format_and_compression() {
    let all = [
        Compression::None,
        Compression::Gzip,
        Compression::Zstd,
        Compression::Lz4,
        Compression::Snappy,
    ];
    for format in [
        r#"{"type": "csv"}"#,
        r#"{"type": "csv", "header": false, "delimiter": ";", "lineEnding": "crlf"}"#,
        r#"{"type": "csv", "quote": "'", "nullText": "\\N"}"#,
        r#"{"type": "json"}"#,
        r#"{"type": "json", "layout": "array"}"#,
    ] {
        check(format, FLAT, FLAT_RECORDS, &all);
    }
    for format in [r#"{"type": "json"}"#, r#"{"type": "json", "layout": "array"}"#] {
        check(format, NESTED, NESTED_RECORDS, &all);
    }
    for compression in ["none", "snappy", "zstd"] {
        let format = format!(r#"{{"type": "parquet", "compression": "{compression}"}}"#);
        check(&format, FLAT, FLAT_RECORDS, &[Compression::None]);
        check(&format, NESTED, NESTED_RECORDS, &[Compression::Auto]);
    }
}

#[test]
fn every_type_survives_arrow_ipc() {
    let all = [Compression::Auto, Compression::Gzip, Compression::Zstd];
    for layout in ["file", "stream"] {
        for compression in ["none", "lz4", "zstd"] {
            let format = format!(
                r#"{{"type": "arrow", "layout": "{layout}", "compression": "{compression}"}}"#
            );
            check(&format, FLAT, FLAT_RECORDS, &all);
            check(&format, NESTED, NESTED_RECORDS, &all);
        }
    }
}

#[test]
fn text_is_written_as_people_expect_it() {
    let types = &[("n", "int64"), ("s", "string")][..];
    let batches = batches(types, "{\"n\":1,\"s\":\"a,b\"}\n{\"s\":\"say \\\"x\\\"\"}\n{\"n\":2}\n");
    for (format, expected) in [
        (r#"{"type": "csv"}"#, "n,s\n1,\"a,b\"\n,\"say \"\"x\"\"\"\n2,\n"),
        (
            r#"{"type": "csv", "lineEnding": "crlf", "nullText": ["NA", ""]}"#,
            "n,s\r\n1,\"a,b\"\r\nNA,\"say \"\"x\"\"\"\r\n2,NA\r\n",
        ),
        (r#"{"type": "json"}"#, "{\"n\":1,\"s\":\"a,b\"}\n{\"s\":\"say \\\"x\\\"\"}\n{\"n\":2}\n"),
        (
            r#"{"type": "json", "layout": "array"}"#,
            "[\n{\"n\":1,\"s\":\"a,b\"},\n{\"s\":\"say \\\"x\\\"\"},\n{\"n\":2}\n]\n",
        ),
    ] {
        let text = String::from_utf8(write(&config(format), &batches)).unwrap();
        assert_eq!(text, expected, "{format}");
    }
}

#[test]
fn an_output_without_records_is_still_a_file_of_its_format() {
    let schema = Arc::new(Schema::new(vec![
        Field::new("a", parse_type("int").unwrap(), true),
        Field::new("b", parse_type("string").unwrap(), true),
    ]));
    let none = RecordBatch::new_empty(schema);
    for (format, expected) in [
        (r#"{"type": "csv"}"#, Some("a,b\n")),
        (r#"{"type": "csv", "header": false}"#, Some("")),
        (r#"{"type": "json"}"#, Some("")),
        (r#"{"type": "json", "layout": "array"}"#, Some("[]\n")),
        (r#"{"type": "parquet"}"#, None),
        (r#"{"type": "arrow"}"#, None),
        (r#"{"type": "arrow", "layout": "stream"}"#, None),
    ] {
        let bytes = write(&config(format), std::slice::from_ref(&none));
        let outcome = read(format, &bytes);
        assert!(outcome.text().is_empty() && outcome.bad.is_empty(), "{format}");
        if let Some(expected) = expected {
            assert_eq!(String::from_utf8(bytes).unwrap(), expected);
        }
    }
}

#[test]
fn a_nested_column_is_no_column_of_csv() {
    let batch = &batches(NESTED, NESTED_RECORDS)[0];
    let out = Box::new(Vec::new());
    let fault = create(&config(r#"{"type": "csv"}"#), batch.schema(), out, Compression::None);
    let fault = fault.err().unwrap();
    assert_eq!(fault.kind, FaultKind::Config);
    assert_eq!(fault.message, "CSV can't hold the column \"tags\" of type list<string>");
}

#[test]
fn an_escape_is_for_reading_only() {
    let schema = batches(FLAT, FLAT_RECORDS)[0].schema();
    let format = config(r#"{"type": "csv", "escape": "\\"}"#);
    let fault = create(&format, schema, Box::new(Vec::new()), Compression::None).err().unwrap();
    assert_eq!(fault.kind, FaultKind::Config);
}

#[test]
fn what_was_written_is_counted() {
    let batches = batches(FLAT, FLAT_RECORDS);
    for format in [r#"{"type": "csv"}"#, r#"{"type": "json"}"#, r#"{"type": "parquet"}"#] {
        let out = crate::support::Shared::default();
        let boxed = Box::new(out.clone());
        let schema = batches[0].schema();
        let mut writer = create(&config(format), schema, boxed, Compression::None).unwrap();
        let mut before = writer.bytes_written();
        for batch in &batches {
            writer.write(batch).unwrap();
            assert!(writer.bytes_written() > before, "{format}");
            before = writer.bytes_written();
        }
        writer.finish().unwrap();
        let written = out.bytes().len() as u64;
        assert!(written >= before || format.contains("parquet"), "{format}: {written}, {before}");
    }
}
