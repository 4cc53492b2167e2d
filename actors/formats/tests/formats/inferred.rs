//! Formats of samples: what is found, what is said of it, and that it reads the sample.

use bytes::Bytes;
use serde_json::json;
use weir_formats::{FormatConfig, Inferred, infer};

fn found(sample: &str) -> Inferred {
    infer(Bytes::copy_from_slice(sample.as_bytes()), None, 1_000, false).unwrap()
}

fn refused(sample: &[u8]) -> String {
    let fault = infer(Bytes::copy_from_slice(sample), None, 1_000, false).unwrap_err();
    format!("{}: {}", fault.message, fault.hint.unwrap_or_default())
}

fn types(found: &Inferred) -> Vec<&str> {
    found.fields.iter().map(|it| it.type_name.as_str()).collect()
}

fn notes(found: &Inferred, path: &str) -> String {
    found.fields.iter().find(|it| it.path == path).unwrap().notes.join("; ")
}

#[test]
fn a_csv_sample_gives_its_delimiter_its_columns_and_their_types() {
    let found = found("id;amount;at;note\n1;2.5;2026-01-01;\n2;3;2026-01-02;x\n");
    let schema = json!([
        { "name": "id", "type": "int64", "nullable": true },
        { "name": "amount", "type": "float64", "nullable": true },
        { "name": "at", "type": "date", "nullable": true },
        { "name": "note", "type": "string", "nullable": true },
    ]);
    let format = serde_json::to_value(&found.format).unwrap();
    assert_eq!((&format["type"], &format["delimiter"]), (&json!("csv"), &json!(";")));
    assert_eq!(format["schema"], schema);
    assert_eq!((found.records, found.bad), (2, 0));
    assert_eq!(notes(&found, "note"), "it has no value in 1 of 2 records");
    assert_eq!(notes(&found, "amount"), "");
}

#[test]
fn a_sample_without_names_has_no_header() {
    let FormatConfig::Csv(csv) = found("1,a\n2,b\n").format else { panic!("CSV") };
    assert!(!csv.header);
    let FormatConfig::Csv(csv) = found("n,text\n2,b\n").format else { panic!("CSV") };
    assert!(csv.header);
}

#[test]
fn mixed_values_are_texts_and_the_rare_ones_are_shown() {
    let csv = found("n\n1\n2\n3\nnone\n");
    assert_eq!(notes(&csv, "n"), "it has 3 whole numbers and 1 text (none): it is read as text");
    let json = found("{\"n\":1}\n{\"n\":2}\n{\"n\":\"x\"}\n{}\n");
    assert_eq!((json.records, json.bad), (4, 0), "{json:?}");
    assert_eq!(
        notes(&json, "n"),
        "it has no value in 1 of 4 records; it has 2 whole numbers and 1 text (x): it is read as text"
    );
    let FormatConfig::Json(config) = &json.format else { panic!("JSON") };
    assert!(config.scalars_as_text);
}

#[test]
fn structures_and_lists_are_written_out_and_read_again() {
    let lines = "{\"a\":{\"first name\":\"x\",\"n\":1},\"l\":[{\"k\":1},{\"k\":2.5}],\"e\":null}\n\
                 {\"a\":{\"n\":2},\"l\":[]}\n";
    let found = found(lines);
    assert_eq!((found.records, found.bad), (2, 0), "{found:?}");
    let paths: Vec<_> = found.fields.iter().map(|it| (it.path.as_str(), it.is_optional)).collect();
    let expected = [
        ("a", false),
        ("a.first name", true),
        ("a.n", false),
        ("l", false),
        ("l[].k", false),
        ("e", true),
    ];
    assert_eq!(paths, expected);
    assert_eq!(notes(&found, "e"), "it never has a value: the type is a guess");
    let required = infer(Bytes::from(lines), None, 10, true).unwrap();
    let format = serde_json::to_value(&required.format).unwrap();
    assert_eq!(format["schema"][0]["nullable"], json!(false));
    assert_eq!(format["schema"][0]["fields"][0]["nullable"], json!(true));
    assert_eq!(required.bad, 0);
}

#[test]
fn an_array_of_objects_and_what_is_no_record_are_told_apart() {
    let array = found("[{\"n\":1},\n{\"n\":2}]");
    let format = serde_json::to_value(&array.format).unwrap();
    assert_eq!((&format["layout"], array.records), (&json!("array"), 2));
    let nested = found("{\"n\":{\"x\":1}}\n{\"n\":2}\n");
    assert_eq!((nested.bad, nested.reasons.len()), (1, 1));
    assert!(notes(&nested, "n").ends_with("the others are bad records"), "{nested:?}");
}

#[test]
fn numbers_that_do_not_come_back_are_texts_with_a_note() {
    let csv = found("phone,zip,n\n0049123,02134,1\n0049124,90210,2\n");
    assert_eq!(types(&csv), ["string", "string", "int64"]);
    let note = "it has 2 numbers with leading zeros (0049123, 0049124): it is read as text";
    assert_eq!(notes(&csv, "phone"), note);
    assert_eq!(csv.bad, 0);
    for (cell, kind) in [
        ("1e400", "1 number out of float64's range (1e400)"),
        ("9223372036854775808", "1 whole number beyond int64 (9223372036854775808)"),
        ("12345678901234567890123", "1 whole number beyond int64 (12345678901234567890123)"),
    ] {
        let csv = found(&format!("n\n{cell}\n"));
        assert_eq!((types(&csv)[0], csv.bad), ("string", 0), "{cell}");
        assert_eq!(notes(&csv, "n"), format!("it has {kind}: it is read as text"));
    }
    let json = found("{\"n\":12345678901234567890123}\n{\"n\":1}\n");
    assert_eq!((types(&json)[0], json.bad), ("string", 0), "{json:?}");
    assert!(notes(&json, "n").contains("1 whole number beyond int64 (1"), "{json:?}");
    assert!(notes(&json, "n").ends_with("it is read as text"), "{json:?}");
    // Fractions stay numbers, and what they lose is said.
    for text in ["n\n0.3333333333333333333\n0.5\n", "{\"n\":0.3333333333333333333}\n{\"n\":1}"] {
        let found = found(text);
        assert_eq!(types(&found), ["float64"]);
        assert!(notes(&found, "n").starts_with("it has 1 fraction that float64 rounds (0.33333"));
    }
    let usual = found("n\n1.50\n-2e3\n.5\n7\n");
    assert_eq!((types(&usual)[0], notes(&usual, "n").as_str()), ("float64", ""));
}

#[test]
fn the_dialect_of_a_csv_sample_is_found() {
    for sample in
        ["id,name\n1,'a,b'\n2,'c'\n", "id,name\n1,\"a \\\" b\"\n", "# made today\nid,name\n1,x\n"]
    {
        let found = found(sample);
        assert_eq!((types(&found), found.bad), (vec!["int64", "string"], 0), "{sample}");
    }
    let commas = found("id;price\n1;1,5\n2;1.234,50\n");
    assert_eq!(types(&commas), ["int64", "string"]);
    let note = "it has 2 numbers with a decimal comma (1,5, 1.234,50): it is read as text";
    assert!(notes(&commas, "price").starts_with(note), "{commas:?}");
}

#[test]
fn a_sample_of_which_nothing_is_read_is_refused() {
    let title = refused(b"Orders of May\nid,name\n1,x\n2,y\n");
    assert!(
        title.starts_with("all of its 3 records are bad: record 1: it has 2 columns"),
        "{title}"
    );
    assert!(title.contains("remove titles above it"), "{title}");
    let latin = refused(b"id,name\n1,caf\xe9\n");
    assert!(latin.contains("convert it, as with `iconv -f ISO-8859-1 -t UTF-8`"), "{latin}");
    let xml = refused(b"<?xml version=\"1.0\"?>\n<a><b>1</b></a>\n");
    assert!(xml.starts_with("it looks like XML or HTML"), "{xml}");
    for cut in [&b"{\"a\":1,\"b\""[..], b"[{\"a\":1"] {
        let cut = refused(cut);
        assert!(cut.contains("whole"), "{cut}");
    }
    assert!(refused(b"").starts_with("there is no record"));
}
