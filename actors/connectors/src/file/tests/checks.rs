//! What is said of a configuration before anything runs.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema};
use weir_domain::Finding;
use weir_stream::Checked;

use super::*;

fn check_source(keys: Value) -> Checked {
    let config = with(json!({"directory": "in", "format": {"type": "json"}}), keys);
    let kind = &registry().sources[NAME];
    kind.decode(&config).unwrap();
    kind.check(&config)
}

fn check_sink(keys: Value) -> Vec<Finding> {
    let base = json!({"directory": "out", "name": "x", "format": {"type": "json"}});
    let config = with(base, keys);
    let kind = &registry().sinks[NAME];
    kind.decode(&config).unwrap();
    let nested = DataType::Struct(vec![Field::new("x", DataType::Int64, true)].into());
    let fields =
        vec![Field::new("Carrier", DataType::Utf8, true), Field::new("nested", nested, true)];
    kind.check(&config, Some(&Arc::new(Schema::new(fields)))).findings
}

fn check_finding(findings: &[Finding], path: &str, cause: &str, fix: &str) {
    let [finding] = findings else { panic!("one finding at {path}, not {findings:?}") };
    assert_eq!(finding.path, path);
    assert!(finding.cause.contains(cause), "{finding}");
    assert!(finding.fix.contains(fix), "{finding}");
}

#[test]
fn a_source_has_one_port_with_the_declared_schema() {
    let inferred = check_source(json!({}));
    assert!(inferred.findings.is_empty());
    assert_eq!(inferred.outputs.len(), 1);
    assert!(inferred.outputs[0].1.is_none());
    let format = json!({"type": "json", "schema": [{"name": "a", "type": "int64"}]});
    let declared = check_source(json!({"format": format}));
    let schema = declared.outputs[0].1.clone().unwrap();
    assert_eq!(*schema.field(0).data_type(), DataType::Int64);
}

#[test]
fn a_source_is_refused_with_path_cause_and_fix() {
    let bad_schema = json!({"type": "json", "schema": [
        {"name": "a", "type": "int64"}, {"name": "b", "type": "strng"}]});
    let cases = [
        (json!({"glob": "[a"}), "glob", "is no glob", ""),
        (json!({"glob": ""}), "glob", "no file", ""),
        (json!({"regex": "(a"}), "regex", "unclosed group", ""),
        (json!({"regex": "a)(b"}), "regex", "unopened group", ""),
        (json!({"glob": "a", "regex": "b"}), "regex", "can't both", ""),
        (json!({"interval": "0s"}), "interval", "without a pause", "5s"),
        (json!({"directory": ""}), "directory", "empty", "."),
        (json!({"directory": "a/${item}"}), "directory", "no macros", "name"),
        (json!({"done": {"directory": "./in/"}}), "done.directory", "stay", "another directory"),
        (json!({"reprocess": "always"}), "reprocess", "again", "done.directory"),
        (
            json!({"format": {"type": "avro", "registry": {"url": "http://x"}}}),
            "format.registry",
            "no registry",
            "remove",
        ),
        (json!({"format": bad_schema}), "format.schema[1].type", "strng", "string"),
    ];
    for (keys, path, cause, fix) in cases {
        check_finding(&check_source(keys).findings, path, cause, fix);
    }
}

#[test]
fn a_sink_is_refused_with_path_cause_and_fix() {
    let cases = [
        (json!({"name": "${feld:Carrier}"}), "name", "no macro ${feld}", "${field}"),
        (json!({"name": "${field:Carier}"}), "name", "no field Carier", "${field:Carrier}"),
        (json!({"name": "${field:nested}"}), "name", "no single value", "map"),
        (json!({"name": "../x"}), "name", "leads out", "below"),
        (json!({"rollRecords": 0}), "rollRecords", "full before", "above 0"),
        (json!({"rollBytes": "0MiB"}), "rollBytes", "full before", "above 0"),
        (json!({"format": {"type": "csv"}}), "format", "nested is one", "JSON or Parquet"),
        (
            json!({"format": {"type": "parquet"}, "compression": "gzip"}),
            "compression",
            "inside",
            "format.compression",
        ),
        (json!({"format": {"type": "raw"}}), "format", "no column \"value\"", "`field`"),
        (
            json!({"format": {"type": "avro", "registry": {"url": "http://x"}}}),
            "format",
            "no registry",
            "remove the format's `registry`",
        ),
    ];
    for (keys, path, cause, fix) in cases {
        check_finding(&check_sink(keys), path, cause, fix);
    }
    assert!(check_sink(json!({"rollBytes": "64MiB", "name": "${field:Carrier}.json"})).is_empty());
}

#[test]
fn an_unknown_key_or_value_is_refused_with_its_path() {
    let source = |keys| {
        let config = with(json!({"directory": "in", "format": {"type": "json"}}), keys);
        registry().sources[NAME].decode(&config).unwrap_err().to_string()
    };
    let cases = [
        (json!({"stabelTime": "2s"}), "stabelTime"),
        (json!({"done": {"directroy": "x"}}), "done"),
        (json!({"interval": 5}), "interval"),
        (json!({"sort": "size"}), "sort"),
    ];
    for (keys, path) in cases {
        let error = source(keys);
        assert!(error.contains(path), "{error}");
    }
}

#[test]
fn the_schemas_for_editors_describe_every_key() {
    let source = registry().sources[NAME].config_schema();
    let sink = registry().sinks[NAME].config_schema();
    for (schema, count) in [(source, 13), (sink, 8)] {
        let properties = schema.as_value()["properties"].as_object().unwrap().clone();
        assert_eq!(properties.len(), count);
        for (key, property) in properties {
            assert!(property.get("description").is_some(), "{key} has no description");
        }
    }
}
