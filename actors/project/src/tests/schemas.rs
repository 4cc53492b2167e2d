//! The JSON Schemas are complete and say what people write.

use serde_json::{Value, json};

use super::kinds::registry;
use crate::json_schemas;

#[test]
fn every_kind_of_asset_has_a_schema_without_loose_ends() {
    let schemas = json_schemas(&registry());
    let names: Vec<_> = schemas.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "environment.schema.json",
            "format.schema.json",
            "project.schema.json",
            "secret.schema.json",
            "sink.schema.json",
            "snippet.schema.json",
            "source.schema.json",
            "test.schema.json",
            "workflow.schema.json",
        ]
    );
    for (name, schema) in &schemas {
        assert_eq!(schema["required"], json!(["apiVersion", "kind", "metadata", "spec"]), "{name}");
        resolve(name, schema, schema);
    }
    assert_eq!(schemas, json_schemas(&registry()), "generated alike every time");
}

/// Every reference leads somewhere.
fn resolve(name: &str, root: &Value, value: &Value) {
    match value {
        Value::Object(entries) => {
            if let Some(Value::String(target)) = entries.get("$ref") {
                let pointer = target.strip_prefix('#').unwrap_or_default();
                assert!(root.pointer(pointer).is_some(), "{name}: {target}");
            }
            entries.values().for_each(|it| resolve(name, root, it));
        }
        Value::Array(items) => items.iter().for_each(|it| resolve(name, root, it)),
        _ => {}
    }
}

#[test]
fn a_stage_offers_the_kinds_of_the_registry_and_names_of_assets() {
    let schemas = json_schemas(&registry());
    let definitions = &schemas["workflow.schema.json"]["$defs"];
    let stage = &definitions["StageSpec"];
    assert_eq!(stage["required"], json!(["name"]));
    assert_eq!(stage["oneOf"][1], json!({ "required": ["processor"] }));
    assert_eq!(stage["properties"]["source"]["$ref"], json!("#/$defs/SourceSlot"));
    let processors = &definitions["ProcessorSlot"]["properties"];
    let names: Vec<_> = processors.as_object().unwrap().keys().collect();
    assert_eq!(names, ["filterRoute", "mapping"]);
    let file = &definitions["SourceSpec"]["properties"]["file"]["properties"];
    assert_eq!(file["directory"]["description"], json!("Where the files arrive."));
    let format = &file["format"];
    assert_eq!(format["description"], json!("The format of the files."));
    assert_eq!(format["anyOf"][0]["description"], json!("The name of a Format asset."));
}

#[test]
fn environment_values_may_stand_for_numbers_and_booleans() {
    let schemas = json_schemas(&registry());
    let definitions = &schemas["workflow.schema.json"]["$defs"];
    let instances = &definitions["WorkflowSpec"]["properties"]["instances"];
    assert_eq!(instances["type"], json!(["integer", "string"]));
    assert_eq!(instances["pattern"], json!("\\$\\{env:"));
    let interval = &definitions["Duration"]["pattern"];
    assert!(interval.as_str().unwrap().ends_with(")|\\$\\{env:"), "{interval}");
    let values = &schemas["environment.schema.json"]["$defs"]["EnvironmentValue"];
    assert!(!values.to_string().contains("env:"), "{values}");
}

#[test]
fn the_format_schema_is_the_one_that_sources_use() {
    let schemas = json_schemas(&registry());
    let format = &schemas["format.schema.json"];
    let definitions = &format["$defs"];
    assert_eq!(definitions["FormatSpec"], json!({ "$ref": "#/$defs/FormatConfig" }));
    let csv = &definitions["FormatConfig"]["oneOf"][0]["properties"];
    assert_eq!(csv["type"]["const"], json!("csv"));
    assert_eq!(csv["header"]["description"], json!("Whether the first row has the names."));
    assert_eq!(definitions["AssetName"]["pattern"], json!("^[A-Za-z0-9][A-Za-z0-9_.-]*$"));
}
