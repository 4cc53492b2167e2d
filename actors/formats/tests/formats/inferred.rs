//! Formats of samples: what is found, what is said of it, and that it reads the sample.

use bytes::Bytes;
use serde_json::json;
use weir_formats::{FormatConfig, Inferred, infer};

fn found(sample: &str) -> Inferred {
    infer(Bytes::copy_from_slice(sample.as_bytes()), None, 1_000, false).unwrap()
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
